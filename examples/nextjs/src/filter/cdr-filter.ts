import type { CdrFilter } from '../generated/graphql.ts';
import { matchOf, parsePattern } from './number-pattern.ts';
import type { Question } from './question.ts';

/** The filter that the gateway is asked with. `to` may stay open, for a list that grows. */
export function cdrFilterOf(
  question: Question,
  range: { readonly from: number; readonly to: number | null },
): CdrFilter {
  return given({
    from: new Date(range.from).toISOString(),
    to: range.to === null ? null : new Date(range.to).toISOString(),
    type: question.type === 'ALL' ? null : question.type,
    outcomes: some(question.outcome),
    disconnectCauses: some(question.cause),
    countries: some(question.country),
    prefixes: some(question.prefix),
    accountIds: some(question.account),
    customerIds: some(question.customer),
    cli: matchOf(parsePattern(question.cli)),
    cld: matchOf(parsePattern(question.cld)),
    callIds: some([question.callId.trim()].filter(Boolean)),
    remoteIp: question.ip.trim() || null,
    minDurationSeconds: question.min === null ? null : String(question.min),
    maxDurationSeconds: question.max === null ? null : String(question.max),
    not: exclusionOf(question),
  });
}

/** Whether its calls are found by an index, at whatever time they were. */
export function hasIndexedNumber({ cli, cld }: CdrFilter): boolean {
  return [cli, cld].some((match) => match?.is != null || match?.startsWith != null);
}

/** Any of what is left out leaves a call out; a call of which it is unknown stays. */
function exclusionOf(question: Question): CdrFilter | null {
  const excluded: Readonly<Partial<Record<keyof CdrFilter, readonly unknown[]>>> = {
    outcomes: question.notOutcome,
    disconnectCauses: question.notCause,
    countries: question.notCountry,
    prefixes: question.notPrefix,
    accountIds: question.notAccount,
  };
  const filters = Object.entries(excluded)
    .filter(([, values]) => values.length > 0)
    .map(([name, values]): CdrFilter => ({ [name]: values }));
  return filters.length > 1 ? { anyOf: filters } : (filters[0] ?? null);
}

function some<T>(values: T[]): T[] | null {
  return values.length > 0 ? values : null;
}

/** Without the parts that restrict nothing. */
function given(filter: CdrFilter): CdrFilter {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null));
}

/** The same question without one dimension: what its values are counted among. */
export function withoutDimension(
  question: Question,
  part: 'outcome' | 'cause' | 'country' | 'account',
): Question {
  const excluded = {
    outcome: 'notOutcome',
    cause: 'notCause',
    country: 'notCountry',
    account: 'notAccount',
  } as const;
  return { ...question, [part]: [], [excluded[part]]: [] };
}
