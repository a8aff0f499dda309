import {
  createParser,
  createSerializer,
  type inferParserType,
  parseAsArrayOf,
  parseAsInteger,
  parseAsIsoDateTime,
  parseAsNumberLiteral,
  parseAsString,
  parseAsStringLiteral,
} from 'nuqs/server';
import { isZone, spelledZone } from '../formats.ts';
import type { CallOutcome, CdrType } from '../generated/graphql.ts';
import { MAX_TIME, MIN_TIME, movingRangeNames, resolveRange, type TimeRange } from './time-range.ts';
import { hoursOfWeek } from './week-hours.ts';

export const callTypes = [
  'ALL',
  'NON_ZERO',
  'NON_ZERO_AND_ERRORS',
  'COMPLETE',
  'INCOMPLETE',
  'ERRORS',
] as const satisfies readonly CdrType[];

/** In the order in which people read them: how far the call came. */
export const outcomes = [
  'ANSWERED',
  'CANCELLED',
  'NO_ANSWER',
  'BUSY',
  'REJECTED',
  'UNREACHABLE',
  'NETWORK',
  'REFUSED',
] as const satisfies readonly CallOutcome[];

/** Outcomes that belong together: who or what ended the attempt. */
export const resultGroups = {
  success: ['ANSWERED'],
  people: ['CANCELLED', 'NO_ANSWER', 'BUSY', 'REJECTED'],
  number: ['UNREACHABLE'],
  network: ['NETWORK'],
  switch: ['REFUSED'],
} as const satisfies Readonly<Record<string, readonly CallOutcome[]>>;

export type ResultGroup = keyof typeof resultGroups;

export const pageSizes = [20, 50, 100, 200, 500] as const;

export const views = ['calls', 'now', 'pictures', 'quality'] as const;
/** How finely quality is drawn over time. */
export const steps = ['auto', 'minute', 'quarterHour', 'hour', 'day'] as const;

/** What a reader may insist on: answers of at most so many seconds of age. */
export const demands = [1, 5, 30, 300] as const;
export type Demand = (typeof demands)[number];

const list = parseAsArrayOf(parseAsString).withDefault([]);
const integers = parseAsArrayOf(parseAsInteger).withDefault([]);
const someOutcomes = parseAsArrayOf(parseAsStringLiteral(outcomes)).withDefault([]);
const zone = createParser({ parse: (text) => (isZone(text) ? spelledZone(text) : null), serialize: String });
const instant = createParser({
  parse(text) {
    const at = parseAsIsoDateTime.parse(text);
    return at && at.getTime() >= MIN_TIME && at.getTime() <= MAX_TIME ? at : null;
  },
  serialize: parseAsIsoDateTime.serialize,
  eq: (one, other) => one.getTime() === other.getTime(),
});

/**
 * What the page shows, as it stands in the address: a link opens the same view. Only what differs from the default is
 * written; what makes no sense is read as the default. `not…` leaves out.
 */
export const queryParsers = {
  range: parseAsStringLiteral(movingRangeNames).withDefault('24h'),
  from: instant,
  to: instant,
  weekHour: parseAsStringLiteral(hoursOfWeek),
  type: parseAsStringLiteral(callTypes).withDefault('ALL'),
  outcome: someOutcomes,
  notOutcome: someOutcomes,
  cause: integers,
  notCause: integers,
  country: list,
  notCountry: list,
  prefix: list,
  notPrefix: list,
  account: list,
  notAccount: list,
  customer: list,
  search: list,
  cli: parseAsString.withDefault(''),
  cld: parseAsString.withDefault(''),
  ip: parseAsString.withDefault(''),
  callId: parseAsString.withDefault(''),
  min: parseAsInteger,
  max: parseAsInteger,
  order: parseAsStringLiteral(['newest', 'oldest'] as const).withDefault('newest'),
  size: parseAsInteger.withDefault(100),
  zone: zone.withDefault('UTC'),
  view: parseAsStringLiteral(views).withDefault('calls'),
  measure: parseAsStringLiteral(['attempts', 'minutes', 'chargedAmount'] as const).withDefault('attempts'),
  currency: parseAsString,
  by: parseAsStringLiteral(['country', 'prefix'] as const).withDefault('country'),
  step: parseAsStringLiteral(steps).withDefault('auto'),
  map: parseAsStringLiteral(['week', 'destinations'] as const).withDefault('week'),
  fresh: parseAsNumberLiteral(demands),
  columns: list,
  call: parseAsString,
};

export type PageQuery = inferParserType<typeof queryParsers>;

/** The parts that narrow which calls are meant: what "Clear filters" clears. */
export const filterParts = [
  'weekHour',
  'type',
  'outcome',
  'notOutcome',
  'cause',
  'notCause',
  'country',
  'notCountry',
  'prefix',
  'notPrefix',
  'account',
  'notAccount',
  'customer',
  'search',
  'cli',
  'cld',
  'ip',
  'callId',
  'min',
  'max',
] as const satisfies readonly (keyof PageQuery)[];

/** `?range=1h&type=ERRORS` */
export const printPageQuery = createSerializer(queryParsers);

export function hasFilters(query: PageQuery): boolean {
  return filterParts.some((part) => {
    const value = query[part];
    return Array.isArray(value) ? value.length > 0 : value !== null && value !== '' && value !== 'ALL';
  });
}

export function rangeOf({ range, from, to, zone }: PageQuery, now: number): TimeRange {
  return resolveRange({ range, from: from?.getTime() ?? null, to: to?.getTime() ?? null }, now, zone);
}
