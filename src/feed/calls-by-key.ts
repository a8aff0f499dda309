import {
  type ReplayedMoment,
  selectCallsBetween,
  selectCallsOf,
  selectKeys,
  selectLargestKey,
  selectSmallestKey,
} from '../db/calls/arrived-calls.ts';
import type { FilteredRow } from '../db/calls/cdr-row-filter.ts';
import type { Reader } from '../db/reader.ts';
import type { ArrivedCall } from './feed-progress.ts';
import { OpenHoles, splitHoles } from './open-holes.ts';
import { type KeyRange, lackingIn, rangesOf, ToldKeys } from './told-keys.ts';

/** Calls of one statement. */
export const MAX_ROWS = 500;
/** Between two looks at how far the standby has replayed. */
export const POLL_MILLIS = 25;
/** Keys that are looked up each time, and how many of them a statement of its own is worth. */
const MAX_LOOKS = 2000;
const KEYS_PER_SPAN = 20;
/** Keys below the largest that are looked through for holes when the feed begins. */
const START_KEYS = 20_000n;
/** Calls within a hole of a cursor. */
const MAX_EXPECTED_KEYS = 20_000;
const MAX_KEY = 2n ** 63n - 1n;

/** Calls behind all keys so far. */
export interface CallsBehind {
  readonly calls: readonly ArrivedCall[];
  readonly isLast: boolean;
}

/**
 * Calls that arrive, found by their keys, which are drawn in order and committed in any: those that others have overtaken are
 * looked for until nothing can fill their holes. What is looked at counts as told when it is `taken`.
 */
export class CallsByKey {
  readonly #holes = new OpenHoles();
  #told: ToldKeys;
  /** Holes are looked at again from then on, in milliseconds of the process; now, where that is worth it. */
  #holesDueAt = 0;
  /** Of all calls, when somebody came with a cursor last. */
  smallest: bigint | undefined;
  /** More of what is visible by now lies in holes. */
  hasMore = false;

  private constructor(told: ToldKeys) {
    this.#told = told;
    this.#holes.open(told.holes, performance.now());
  }

  /** Goes on behind what was told. */
  static at(told: ToldKeys): CallsByKey {
    return new CallsByKey(told);
  }

  /** Everything that is visible by now counts as told. */
  static async begin(reader: Reader): Promise<CallsByKey> {
    const upTo = await selectLargestKey(reader);
    const smallest = await selectSmallestKey(reader);
    const below = upTo - START_KEYS;
    const low = smallest === undefined ? upTo : below > smallest ? below : smallest - 1n;
    const keys = await selectKeys(reader, low, upTo, Number(START_KEYS));
    return new CallsByKey(new ToldKeys(low).extendedBy(keys));
  }

  get told(): ToldKeys {
    return this.#told;
  }

  get openHoles(): number {
    return this.#holes.ranges.length;
  }

  /** Calls that have come into holes, in the order of their keys. */
  async lookIntoHoles(reader: Reader): Promise<readonly ArrivedCall[]> {
    const late = await this.#readHoles(reader);
    this.hasMore = late === undefined || late.length > MAX_ROWS;
    return late?.slice(0, MAX_ROWS) ?? [];
  }

  async lookBehind(reader: Reader): Promise<CallsBehind> {
    const span = { above: this.#told.upTo, upTo: MAX_KEY };
    const rows = await selectCallsBetween(reader, span, MAX_ROWS);
    return { calls: rows.map(arrivedCall), isLast: rows.length < MAX_ROWS };
  }

  /** Keys, in order, that have come: below the largest, or behind it. */
  take(keys: readonly bigint[]): void {
    const { upTo } = this.#told;
    const late = keys.filter((key) => key <= upTo);
    this.#holes.fill(late);
    const extended = this.#told.extendedBy(keys.slice(late.length));
    const opened = extended.holes.filter(({ from }) => from > upTo);
    this.#holes.open(opened, performance.now());
    this.#told = extended.with(rangesOf(late));
  }

  /** Everything that is visible at this moment, which was read before the looks, was taken. */
  close(moment: ReplayedMoment): void {
    if (!this.#holes.isEmpty) this.#told = this.#told.with(this.#holes.close(moment, performance.now()));
  }

  /** Looks which of these keys have no call: those are expected from now on. */
  async expect(reader: Reader, ranges: readonly KeyRange[]): Promise<void> {
    this.smallest = await selectSmallestKey(reader);
    for (const range of ranges) {
      const keys = await selectKeys(reader, range.from - 1n, range.to, MAX_EXPECTED_KEYS + 1);
      // So many calls lie in no hole: the cursor is not one of ours.
      if (keys.length > MAX_EXPECTED_KEYS) continue;
      const without = this.#told.without(lackingIn(range, keys));
      this.#holes.open(this.#told.missingIn(without), performance.now());
      this.#told = without;
    }
  }

  /** Undefined: so many holes are open that they are looked at less often. */
  async #readHoles(reader: Reader): Promise<readonly ArrivedCall[] | undefined> {
    if (this.#holes.isEmpty) return [];
    const now = performance.now();
    if (now < this.#holesDueAt) return undefined;
    const { keys, spans } = splitHoles(this.#holes.ranges);
    const looks = keys.length + spans.length * KEYS_PER_SPAN;
    this.#holesDueAt = looks > MAX_LOOKS ? now + (POLL_MILLIS * looks) / MAX_LOOKS : 0;
    const rows = keys.length > 0 ? await selectCallsOf(reader, keys) : [];
    for (const { from, to } of spans) {
      if (rows.length > MAX_ROWS) break;
      const span = { above: from - 1n, upTo: to };
      rows.push(...(await selectCallsBetween(reader, span, MAX_ROWS + 1)));
    }
    return rows.map(arrivedCall).sort((one, other) => (one.key < other.key ? -1 : 1));
  }
}

/** Calls as they are now, by their keys; those that are gone are left out. */
export async function selectByKeys(
  reader: Reader,
  keys: readonly bigint[],
): Promise<ReadonlyMap<bigint, FilteredRow>> {
  const found = new Map<bigint, FilteredRow>();
  for (let start = 0; start < keys.length; start += MAX_ROWS) {
    const part = keys.slice(start, start + MAX_ROWS);
    for (const row of await selectCallsOf(reader, part)) found.set(BigInt(row.i_xdr!), row);
  }
  return found;
}

function arrivedCall(row: FilteredRow): ArrivedCall {
  return { key: BigInt(row.i_xdr!), row };
}
