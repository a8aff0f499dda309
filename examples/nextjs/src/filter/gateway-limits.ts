import { spelledZone } from '../formats.ts';
import { parsePattern } from './number-pattern.ts';
import type { PageQuery } from './page-query.ts';
import { searchFilters } from './search-filters.ts';
import { lastPartOf, MAX_TIME, MIN_TIME, type TimeRange } from './time-range.ts';

/** Filters in one filter, by `not` and `anyOf`, itself included. */
const MAX_FILTERS = 50;
/** The filter itself, what is left out by five columns, and what it takes to leave all hours of the week out but one. */
const OTHER_FILTERS = 10;
/** What is searched for leaves room for the weeks of the longest range that grows. */
const MAX_SEARCH_FILTERS = 28;

const MAX_VALUES = 10_000;
const MAX_TEXT_CHARACTERS = 128;
const MAX_CALL_ID_CHARACTERS = 256;
const MAX_INT32 = 2 ** 31 - 1;
const WEEK = 7 * 86_400_000;

/**
 * The query without what the gateway refuses, whether it is of a link, of an older version or a hostile one, or was typed:
 * an id that is none, a text longer than any value, a time that no call has. An hour of the week is looked at in the
 * last weeks of the range, as many as there can be of one filter.
 */
export function withinLimits(query: PageQuery, now = Date.now()): PageQuery {
  const search = searchWithin(query.search);
  const taken: PageQuery = {
    ...query,
    zone: spelledZone(query.zone),
    from: isTime(query.from) ? query.from : null,
    to: isTime(query.to) ? query.to : null,
    account: some(query.account, isId),
    notAccount: some(query.notAccount, isId),
    customer: some(query.customer, isId),
    cause: some(query.cause, isInt32),
    notCause: some(query.notCause, isInt32),
    country: some(query.country, isText),
    notCountry: some(query.notCountry, isText),
    prefix: some(query.prefix, isText),
    notPrefix: some(query.notPrefix, isText),
    search,
    cli: isText(parsePattern(query.cli)?.digits ?? '') ? query.cli : '',
    cld: isText(parsePattern(query.cld)?.digits ?? '') ? query.cld : '',
    ip: isText(query.ip) ? query.ip : '',
    callId: isText(query.callId, MAX_CALL_ID_CHARACTERS) ? query.callId : '',
    min: isCount(query.min) ? query.min : null,
    max: isCount(query.max) ? query.max : null,
    call: query.call !== null && isId(query.call) ? query.call : null,
  };
  return { ...taken, ...weeksWithin(taken, now) };
}

/** The part of a range that may have calls; undefined where there is none. */
export function rangeWithin({ from, to }: TimeRange): TimeRange | undefined {
  const part = { from: Math.max(from, MIN_TIME), to: Math.min(to, MAX_TIME) };
  return part.from < part.to ? part : undefined;
}

function weeksWithin({ weekHour, from, to, search }: PageQuery, now: number): Partial<PageQuery> {
  if (weekHour === null || from === null || to === null || from >= to) return {};
  const maxFilters = MAX_FILTERS - OTHER_FILTERS - searchFilters(search).length;
  // A range that begins and ends with that hour has it once more.
  const part = lastPartOf({ from: from.getTime(), to: to.getTime() }, (maxFilters - 1) * WEEK, now);
  return { from: new Date(part.from), to: new Date(part.to) };
}

function searchWithin(search: readonly string[]): string[] {
  const texts = search.filter((text) => !text.includes('\0') && text.isWellFormed());
  return texts.filter((_, index) => searchFilters(texts.slice(0, index + 1)).length <= MAX_SEARCH_FILTERS);
}

function some<Value>(values: Value[], isTaken: (value: Value) => boolean): Value[] {
  return values.every(isTaken) && values.length <= MAX_VALUES
    ? values
    : values.filter((value) => isTaken(value)).slice(0, MAX_VALUES);
}

function isTime(time: Date | null): boolean {
  return time !== null && time.getTime() >= MIN_TIME && time.getTime() <= MAX_TIME;
}

function isId(text: string): boolean {
  return /^(0|-?[1-9]\d{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

function isInt32(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= MAX_INT32;
}

function isCount(value: number | null): boolean {
  return Number.isSafeInteger(value);
}

export function isText(text: string, maxCharacters = MAX_TEXT_CHARACTERS): boolean {
  return text.length <= maxCharacters && !text.includes('\0') && text.isWellFormed();
}
