/** What an account pays by. Money is in millionths of its currency, so every sum is a whole number. */
export interface Terms {
  /** Seconds: the first interval is charged whole. */
  readonly interval1: number;
  /** Seconds: every further one is charged whole. */
  readonly intervalN: number;
  /** Millionths, once per answered call. */
  readonly connectFee: number;
  /** Thousandths: 1000 leaves the price list as it is. */
  readonly priceFactor: number;
}

export interface Charge {
  /** Whole seconds. */
  readonly billedSeconds: number;
  /** Millionths of the account's currency, rounded half up once per call. */
  readonly amount: number;
}

/** Seconds after rounding up to the tariff's intervals. */
export function billedSeconds(durationMillis: number, { interval1, intervalN }: Terms): number {
  if (durationMillis <= 0) return 0;
  const beyond = Math.max(0, durationMillis - interval1 * 1000);
  return interval1 + Math.ceil(beyond / (intervalN * 1000)) * intervalN;
}

/** Every intermediate value is a whole number below 2^53: no call costs a fraction that binary cannot hold. */
export function charge(durationMillis: number, pricePerMinute: number, terms: Terms): Charge {
  const seconds = billedSeconds(durationMillis, terms);
  if (seconds === 0) return { billedSeconds: 0, amount: 0 };
  // Per minute and in thousandths of a price: 60 × 1000 parts make one millionth of money.
  const parts = pricePerMinute * terms.priceFactor * seconds;
  return { billedSeconds: seconds, amount: terms.connectFee + Math.floor((parts + 30_000) / 60_000) };
}
