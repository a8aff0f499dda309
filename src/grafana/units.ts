/**
 * Grafana's units. Its `m` turns minutes into weeks and years, and it has none that only counts them: this one, of
 * amounts of money, writes "19,850.5 min".
 */
export const MINUTES = 'currency:financial: min:suffix';

/** By what measures are counted in. */
export const units = { percent: 'percent', s: 's', min: MINUTES } as const;

/** Writes an amount with its currency behind it, and as many decimals as it needs. */
export const currencyUnit = (currency: string) => `suffix:${currency}`;
