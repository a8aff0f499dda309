import type { CdrFilter, CdrType, NumberMatch } from '../db/calls/cdr-filter.ts';
import { microsOfRfc3339, postgresOfMicros } from '../db/timestamps.ts';
import { InvalidArgumentError, InvalidTimeRangeError } from '../errors.ts';

/** The filter as GraphQL hands it over: instants as micros since 1970, ids as a client wrote them. */
export interface CdrFilterArgument {
  readonly accountIds?: readonly string[] | null;
  readonly customerIds?: readonly string[] | null;
  readonly from?: bigint | null;
  readonly to?: bigint | null;
  readonly cli?: NumberMatch | null;
  readonly cld?: NumberMatch | null;
  readonly type?: CdrType | null;
  readonly disconnectCauses?: readonly number[] | null;
  readonly outcomes?: readonly string[] | null;
  readonly countries?: readonly string[] | null;
  readonly minDurationSeconds?: string | null;
  readonly maxDurationSeconds?: string | null;
  readonly remoteIp?: string | null;
}

const MAX_LIST = 10_000;
const MAX_TEXT = 128;
/** No switch wrote calls before, and none of ours will be asked after. */
const EARLIEST = microsOfRfc3339('1970-01-01T00:00:00Z')!;
const LATEST = microsOfRfc3339('2200-01-01T00:00:00Z')!;

/** Checks what GraphQL's types cannot. Throws InvalidArgumentError or InvalidTimeRangeError. */
export function parseFilter(argument: CdrFilterArgument | null | undefined): CdrFilter {
  const { from, to, ...rest } = argument ?? {};
  checkRange(from, to);
  for (const name of ['accountIds', 'customerIds', 'disconnectCauses', 'outcomes', 'countries'] as const) {
    checkList(rest[name], name);
  }
  for (const name of ['accountIds', 'customerIds'] as const) {
    for (const id of rest[name] ?? []) parseId(id, `filter.${name}`);
  }
  for (const name of ['cli', 'cld'] as const) checkNumberMatch(rest[name], name);
  for (const country of rest.countries ?? []) checkText(country, 'filter.countries');
  if (rest.remoteIp != null) checkText(rest.remoteIp, 'filter.remoteIp');
  return {
    ...rest,
    from: from == null ? null : postgresOfMicros(from),
    to: to == null ? null : postgresOfMicros(to),
  };
}

/** An id in its one spelling: no sign, no leading zeros. Throws InvalidArgumentError unless it is a bigint. */
export function parseId(id: string, where: string): string {
  if (/^(0|-?[1-9]\d{0,18})$/.test(id) && BigInt.asIntN(64, BigInt(id)) === BigInt(id)) return id;
  throw new InvalidArgumentError(
    `${where}: "${id.slice(0, 40)}" is not an id. Ids are whole numbers, such as "14".`,
  );
}

function checkRange(from: bigint | null | undefined, to: bigint | null | undefined): void {
  for (const instant of [from, to]) {
    if (instant != null && (instant < EARLIEST || instant > LATEST)) {
      throw new InvalidTimeRangeError(
        'Times must lie between 1970 and 2200. Milliseconds were expected; were these seconds?',
      );
    }
  }
  if (from != null && to != null && from >= to) {
    throw new InvalidTimeRangeError(
      '"from" must be before "to"; the range includes "from" and excludes "to".',
    );
  }
}

function checkList(list: readonly unknown[] | null | undefined, name: string): void {
  if (list && list.length > MAX_LIST) {
    throw new InvalidArgumentError(`filter.${name}: at most ${MAX_LIST} values, got ${list.length}.`);
  }
}

function checkNumberMatch(match: NumberMatch | null | undefined, name: string): void {
  for (const [part, text] of Object.entries(match ?? {}))
    if (text != null) checkText(text, `filter.${name}.${part}`);
}

/** PostgreSQL's text holds no NUL and no half of a surrogate pair; one longer than any column can only be a mistake. */
function checkText(text: string, where: string): void {
  if (text.length > MAX_TEXT) throw new InvalidArgumentError(`${where}: at most ${MAX_TEXT} characters.`);
  if (text.includes('\0')) throw new InvalidArgumentError(`${where}: a NUL character cannot be part of it.`);
  if (!text.isWellFormed())
    throw new InvalidArgumentError(`${where}: half of a surrogate pair is not a character.`);
}
