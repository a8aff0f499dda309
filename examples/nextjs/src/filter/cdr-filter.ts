import type { CdrFilter } from '../generated/graphql.ts';
import { matchOf, parsePattern } from './number-pattern.ts';
import type { PageQuery } from './page-query.ts';
import { searchFilters } from './search-filters.ts';
import { MAX_TIME, MIN_TIME } from './time-range.ts';
import { rangesOfWeekHour } from './week-hours.ts';

export interface ListedRange {
  readonly from: number;
  readonly to: number | null;
}

/** The filter that the gateway is asked with. `to` may stay open, for a list that grows. */
export function cdrFilterOf(query: PageQuery, range: ListedRange): CdrFilter {
  return given({
    from: new Date(range.from).toISOString(),
    to: range.to === null ? null : new Date(range.to).toISOString(),
    type: query.type === 'ALL' ? null : query.type,
    outcomes: some(query.outcome),
    disconnectCauses: some(query.cause),
    countries: some(query.country),
    prefixes: some(query.prefix),
    accountIds: some(query.account),
    customerIds: some(query.customer),
    cli: matchOf(parsePattern(query.cli)),
    cld: matchOf(parsePattern(query.cld)),
    callIds: some([query.callId.trim()].filter(Boolean)),
    remoteIp: query.ip.trim() || null,
    minDurationSeconds: query.min === null ? null : String(query.min),
    maxDurationSeconds: query.max === null ? null : String(query.max),
    anyOf: some(searchFilters(query.search)),
    not: exclusionOf(query, range),
  });
}

/** The same calls at whatever time: an hour of the week is one as well, and those of the range are all in it. */
export function timelessFilterOf(query: PageQuery): CdrFilter {
  const {
    from: _from,
    to: _to,
    ...filter
  } = cdrFilterOf({ ...query, weekHour: null }, { from: MIN_TIME, to: null });
  return filter;
}

/** Whether its calls are few and found soon at whatever time they were: by a number from its beginning, or a Call-ID. */
export function isForSingleCalls({ cli, cld, cliIn, cldIn, callIds, anyOf }: CdrFilter): boolean {
  const choices = [anyOf ?? []].flat();
  return (
    [cli, cld, cliIn, cldIn].some((match) => match?.is != null || match?.startsWith != null) ||
    callIds != null ||
    (choices.length > 0 && choices.every(isForSingleCalls))
  );
}

/**
 * The same calls by one column each, at most five: each is sought in its own index, also where two columns are of two
 * tables, of which no index could find calls that match the one or the other.
 */
export function filtersByColumn({ anyOf, ...rest }: CdrFilter): CdrFilter[] {
  const columns = new Map<string, CdrFilter[]>();
  for (const filter of [anyOf ?? []].flat()) {
    const name = Object.keys(filter).join();
    columns.set(name, [...(columns.get(name) ?? []), filter]);
  }
  if (columns.size === 0) return [rest];
  return [...columns.values()].map((filters) => ({ ...rest, anyOf: filters }));
}

/** No range that grows is longer than a month. */
const MAX_GROWING = 62 * 86_400_000;

/** The hour of the week that is chosen, each time that it comes. */
function weekHoursOf({ weekHour, zone }: PageQuery, { from, to }: ListedRange): CdrFilter[] | null {
  if (weekHour === null) return null;
  const end = to ?? Math.min(MAX_TIME, from + MAX_GROWING);
  return rangesOfWeekHour(weekHour, { from, to: end }, zone).map((hour) => ({
    from: new Date(hour.from).toISOString(),
    to: new Date(hour.to).toISOString(),
  }));
}

/** Any of what is left out leaves a call out; a call of which it is unknown stays. */
function exclusionOf(query: PageQuery, range: ListedRange): CdrFilter | null {
  const excluded: Readonly<Partial<Record<keyof CdrFilter, readonly unknown[]>>> = {
    outcomes: query.notOutcome,
    disconnectCauses: query.notCause,
    countries: query.notCountry,
    prefixes: query.notPrefix,
    accountIds: query.notAccount,
  };
  const filters = Object.entries(excluded)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]): CdrFilter => ({ [name]: values }));
  const hours = weekHoursOf(query, range);
  // All hours but that one: `anyOf` is taken by what is searched for.
  if (hours) filters.push({ not: { anyOf: hours } });
  return filters.length > 1 ? { anyOf: filters } : (filters[0] ?? null);
}

function some<T>(values: T[]): T[] | null {
  return values.length > 0 ? values : null;
}

/** Without the parts that restrict nothing. */
function given(filter: CdrFilter): CdrFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null));
}

/** The same query without one dimension: what its values are counted among. */
export function withoutDimension(
  query: PageQuery,
  part: 'outcome' | 'cause' | 'country' | 'account',
): PageQuery {
  const excluded = {
    outcome: 'notOutcome',
    cause: 'notCause',
    country: 'notCountry',
    account: 'notAccount',
  } as const;
  return { ...query, [part]: [], [excluded[part]]: [] };
}
