import type { PageQuery } from '../filter/page-query.ts';

/** A value of a call that can be filtered by, and for some parts also left out. */
export interface CellFilter {
  readonly part:
    | 'cli'
    | 'cld'
    | 'outcome'
    | 'cause'
    | 'country'
    | 'prefix'
    | 'account'
    | 'customer'
    | 'ip'
    | 'callId';
  readonly value: string;
}

/** The parts of the query that can also leave a value out. */
export const excludable = {
  outcome: 'notOutcome',
  cause: 'notCause',
  country: 'notCountry',
  prefix: 'notPrefix',
  account: 'notAccount',
} as const satisfies Partial<Record<CellFilter['part'], keyof PageQuery>>;

/** A customer's accounts are given by the session; masked numbers cannot be asked for. */
export function canFilter(
  { part }: CellFilter,
  user: { readonly role: 'customer' | 'admin'; readonly masked: boolean },
): boolean {
  if (part === 'account' || part === 'customer') return user.role === 'admin';
  return !(user.masked && (part === 'cli' || part === 'cld'));
}
