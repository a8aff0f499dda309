import type { CallOutcome, CdrFilter } from '../generated/graphql.ts';
import { matchOf, parsePattern } from './number-pattern.ts';
import { outcomes, type Question } from './question.ts';
import type { TimeRange } from './time-range.ts';

/** Values of a dimension that occur in the range: what "all but these" is made of, since the gateway has no "not". */
export interface KnownValues {
  readonly cause: readonly number[];
  readonly country: readonly string[];
  readonly account: readonly string[];
}

export const nothingKnown: KnownValues = { cause: [], country: [], account: [] };

/** The filter that the gateway is asked with. `to` may stay open, for a list that grows. */
export function cdrFilterOf(
  question: Question,
  range: { readonly from: number; readonly to: number | null },
  known: KnownValues = nothingKnown,
): CdrFilter {
  const given: CdrFilter = {
    from: new Date(range.from).toISOString(),
    to: range.to === null ? null : new Date(range.to).toISOString(),
    type: question.type === 'ALL' ? null : question.type,
    outcomes: chosen<CallOutcome>(question.outcome, question.notOutcome, outcomes),
    disconnectCauses: chosen(question.cause, question.notCause, known.cause),
    countries: chosen(question.country, question.notCountry, known.country),
    accountIds: chosen(question.account, question.notAccount, known.account),
    prefixes: question.prefix.length > 0 ? question.prefix : null,
    customerIds: question.customer.length > 0 ? question.customer : null,
    cli: matchOf(parsePattern(question.cli)),
    cld: matchOf(parsePattern(question.cld)),
    remoteIp: question.ip.trim() || null,
    minDurationSeconds: question.min === null ? null : String(question.min),
    maxDurationSeconds: question.max === null ? null : String(question.max),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

/** Null restricts nothing. Without what to leave out from, leaving out needs to wait: see `needsKnown`. */
function chosen<T>(wanted: readonly T[], unwanted: readonly T[], all: readonly T[]): T[] | null {
  if (wanted.length > 0) return wanted.filter((value) => !unwanted.includes(value));
  return unwanted.length > 0 ? all.filter((value) => !unwanted.includes(value)) : null;
}

/** The dimensions whose values must be known before the filter can be made. */
export function needsKnown(question: Question): (keyof KnownValues)[] {
  const parts = [
    ['cause', question.cause, question.notCause],
    ['country', question.country, question.notCountry],
    ['account', question.account, question.notAccount],
  ] as const;
  return parts
    .filter(([, wanted, unwanted]) => unwanted.length > 0 && wanted.length === 0)
    .map(([part]) => part);
}

/** The same question without one dimension: what its values are counted among. */
export function withoutDimension(question: Question, part: keyof KnownValues | 'outcome'): Question {
  const excluded = {
    outcome: 'notOutcome',
    cause: 'notCause',
    country: 'notCountry',
    account: 'notAccount',
  } as const;
  return { ...question, [part]: [], [excluded[part]]: [] };
}

export function rangeKey({ from, to }: TimeRange): string {
  return `${from}/${to}`;
}
