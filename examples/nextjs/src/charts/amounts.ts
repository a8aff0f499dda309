import type { TilesQuery } from '../generated/graphql.ts';

/** What was charged in one currency; of null nobody knows in which. */
export type Amount = NonNullable<TilesQuery['cdrStats']>['totals']['amountsByCurrency'][number];

/** The currency of most calls first: amounts of different currencies cannot be compared, their calls can. */
export function byCalls(amounts: readonly Amount[]): Amount[] {
  return [...amounts].sort((one, other) => Number(other.calls) - Number(one.calls));
}

/** What a billed minute cost; null where there is none, and where minutes of several currencies were billed. */
export function perMinute(amounts: readonly Amount[], billedMinutes: string): Amount | null {
  const [only, ...others] = amounts;
  if (!only || others.length > 0 || Number(billedMinutes) <= 0) return null;
  return { ...only, chargedAmount: String(Number(only.chargedAmount) / Number(billedMinutes)) };
}
