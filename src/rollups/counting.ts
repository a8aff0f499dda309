import {
  type KeptAccount,
  type KeptRow,
  QUARTER_SECONDS,
  selectFirstTime,
  selectKeptAccounts,
  selectKeptAt,
  selectKeptBetween,
  selectKeptOfNoTime,
} from '../db/calls/kept-partials.ts';
import type { Reader } from '../db/reader.ts';
import type { TouchedPlace } from './file-writer.ts';
import { lastOfQuarter, quarterOf, textOfSecond } from './quarters.ts';

/** Calls of one statement: it should take about so long. */
const CHUNK_MILLIS = 1000;
const FIRST_CHUNK_SECONDS = 4 * 3600;
const MAX_CHUNK_SECONDS = 32 * 86_400;
/** Places of one statement. */
const MAX_PLACES = 2000;

/** All calls, some hours or days at a time, each as of its own moment. */
export async function* countAll(reader: Reader): AsyncGenerator<readonly KeptRow[]> {
  yield await selectKeptOfNoTime(reader);
  let seconds = FIRST_CHUNK_SECONDS;
  let first = await selectFirstTime(reader, '-infinity');
  while (first !== undefined) {
    const from = quarterOf(first);
    const to = textOfSecond(from + seconds);
    const startedAt = performance.now();
    yield await selectKeptBetween(reader, textOfSecond(from), to);
    const millis = performance.now() - startedAt;
    if (millis < CHUNK_MILLIS / 2) seconds = Math.min(2 * seconds, MAX_CHUNK_SECONDS);
    else if (millis > 2 * CHUNK_MILLIS) seconds = Math.max(seconds / 2, QUARTER_SECONDS);
    first = await selectFirstTime(reader, to);
  }
}

export interface CountedPlaces {
  readonly rows: readonly KeptRow[];
  readonly accounts: readonly KeptAccount[];
}

/** What is kept of these places, and of the accounts. */
export async function countPlaces(reader: Reader, places: readonly TouchedPlace[]): Promise<CountedPlaces> {
  const rows: KeptRow[] = [];
  for (let start = 0; start < places.length; start += MAX_PLACES) {
    const some = places.slice(start, start + MAX_PLACES).map(({ account, second }) => ({
      account: String(account),
      first: textOfSecond(second),
      last: lastOfQuarter(second),
    }));
    rows.push(...(await selectKeptAt(reader, some)));
  }
  return { rows, accounts: await selectKeptAccounts(reader) };
}
