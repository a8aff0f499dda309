import { QUARTER_SECONDS } from '../db/calls/kept-partials.ts';
import { microsOfPostgres, postgresOfMicros } from '../db/timestamps.ts';
import { INFINITE_SECONDS } from './tables.ts';

const MICROS_PER_SECOND = 1_000_000n;
const MICROS_PER_QUARTER = BigInt(QUARTER_SECONDS) * MICROS_PER_SECOND;

/** The first second of the quarter that a time is in: PostgreSQL's text in UTC, whether it says so or not. */
export function quarterOf(time: string): number {
  const micros = microsOfPostgres(time) ?? microsOfPostgres(time.replace(/( BC)?$/, '+00$1'));
  if (micros === undefined) return time.startsWith('-') ? -INFINITE_SECONDS : INFINITE_SECONDS;
  const within = ((micros % MICROS_PER_QUARTER) + MICROS_PER_QUARTER) % MICROS_PER_QUARTER;
  return Number((micros - within) / MICROS_PER_SECOND);
}

/** What PostgreSQL reads as this second. */
export const textOfSecond = (second: number): string => postgresOfMicros(BigInt(second) * MICROS_PER_SECOND);

/** The last microsecond of a quarter. */
export function lastOfQuarter(second: number): string {
  if (Math.abs(second) === INFINITE_SECONDS) return textOfSecond(second);
  return postgresOfMicros(BigInt(second + QUARTER_SECONDS) * MICROS_PER_SECOND - 1n);
}
