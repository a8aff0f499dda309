import {
  createSerializer,
  type inferParserType,
  parseAsArrayOf,
  parseAsInteger,
  parseAsIsoDateTime,
  parseAsString,
  parseAsStringLiteral,
} from 'nuqs/server';
import type { CallOutcome, CdrType } from '../generated/graphql.ts';
import { quickRangeNames, resolveRange, type TimeRange } from './time-range.ts';

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

const list = parseAsArrayOf(parseAsString).withDefault([]);
const integers = parseAsArrayOf(parseAsInteger).withDefault([]);
const someOutcomes = parseAsArrayOf(parseAsStringLiteral(outcomes)).withDefault([]);

/**
 * What the page shows, as it stands in the address: a link opens the same view. Only what differs from the default is
 * written; what makes no sense is read as the default. `not…` leaves out.
 */
export const questionParsers = {
  range: parseAsStringLiteral(quickRangeNames).withDefault('24h'),
  from: parseAsIsoDateTime,
  to: parseAsIsoDateTime,
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
  cli: parseAsString.withDefault(''),
  cld: parseAsString.withDefault(''),
  ip: parseAsString.withDefault(''),
  callId: parseAsString.withDefault(''),
  min: parseAsInteger,
  max: parseAsInteger,
  order: parseAsStringLiteral(['newest', 'oldest'] as const).withDefault('newest'),
  size: parseAsInteger.withDefault(100),
  zone: parseAsString.withDefault('UTC'),
  view: parseAsStringLiteral(['calls', 'pictures'] as const).withDefault('calls'),
  call: parseAsString,
};

export type Question = inferParserType<typeof questionParsers>;

/** The parts that narrow which calls are meant: what "Clear filters" clears. */
export const filterParts = [
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
  'cli',
  'cld',
  'ip',
  'callId',
  'min',
  'max',
] as const satisfies readonly (keyof Question)[];

/**
 * What of a link applies to the user who opens it: an administrator's link may name accounts and customers, which a
 * customer's session decides, and numbers, which are hidden from who sees them masked.
 */
export function questionOfUser(
  question: Question,
  { role, masked }: { readonly role: 'customer' | 'admin'; readonly masked: boolean },
): Question {
  return {
    ...question,
    ...(role === 'customer' && { account: [], notAccount: [], customer: [] }),
    ...(masked && { cli: '', cld: '' }),
  };
}

/** `?range=1h&type=ERRORS` */
export const printQuestion = createSerializer(questionParsers);

export function hasFilters(question: Question): boolean {
  return filterParts.some((part) => {
    const value = question[part];
    return Array.isArray(value) ? value.length > 0 : value !== null && value !== '' && value !== 'ALL';
  });
}

export function rangeOf({ range, from, to }: Question, now: number): TimeRange {
  return resolveRange({ range, from: from?.getTime() ?? null, to: to?.getTime() ?? null }, now);
}
