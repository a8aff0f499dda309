import { type RawBuilder, sql } from 'kysely';
import type { SecondsSql } from './columns.ts';
import type { Outcome } from './model.ts';

/** Which codes mean which outcome; what a code of no list means is said by `otherwise`. */
export interface OutcomeCodes {
  /** The switch calls these a success. With time on the clock they are ANSWERED, without CANCELLED. */
  readonly success: readonly number[];
  readonly CANCELLED?: readonly number[];
  readonly BUSY: readonly number[];
  readonly NO_ANSWER: readonly number[];
  readonly REJECTED: readonly number[];
  readonly UNREACHABLE: readonly number[];
  readonly REFUSED?: readonly number[];
  /** True: codes below zero are the switch's own and mean REFUSED, unless a list says otherwise. */
  readonly negativeIsRefused?: boolean;
}

/** ITU-T Q.850. Codes of no list (congestion, time-outs, protocol errors, unknown ones) are NETWORK. */
export const q850Outcomes: OutcomeCodes = {
  success: [16],
  BUSY: [17],
  // No user responding, no answer though alerted, subscriber absent.
  NO_ANSWER: [18, 19, 20],
  REJECTED: [21],
  // Unallocated; no route to destination; special information tone; misdialled trunk prefix; number changed;
  // destination out of order; invalid number format.
  UNREACHABLE: [1, 3, 4, 5, 22, 27, 28],
  // Not subscribed; outgoing and incoming calls barred; bearer not authorised; not a member of the closed group.
  REFUSED: [50, 52, 53, 54, 55, 57, 87],
};

/** Sippy's `result`: 0, a SIP status, or below zero the switch's own. Other SIP statuses are NETWORK. */
export const sippyOutcomes: OutcomeCodes = {
  success: [0, 200, 202],
  CANCELLED: [487, -30],
  BUSY: [486, 600],
  NO_ANSWER: [480, 408],
  REJECTED: [603, 607],
  // Not found; gone; address incomplete; ambiguous; does not exist anywhere; and the switch's own "incomplete".
  UNREACHABLE: [404, 410, 484, 485, 604, -24],
  negativeIsRefused: true,
};

/** Each code's outcome, for documents and tests. Seconds that are no finite number are unknown, and what follows from them. */
export function outcomeOf(codes: OutcomeCodes, code: number | null, seconds: number): Outcome | null {
  const spoken = Number.isFinite(seconds) && seconds > 0 ? 'ANSWERED' : null;
  if (code === null) return spoken;
  if (codes.success.includes(code)) return spoken ?? (Number.isFinite(seconds) ? 'CANCELLED' : null);
  const listed = lists.find((outcome) => codes[outcome]?.includes(code));
  return listed ?? (codes.negativeIsRefused && code < 0 ? 'REFUSED' : 'NETWORK');
}

const lists = ['CANCELLED', 'BUSY', 'NO_ANSWER', 'REJECTED', 'UNREACHABLE', 'REFUSED'] as const;

/** The same as one SQL CASE. */
export function outcomeSql(
  codes: OutcomeCodes,
  code: RawBuilder<unknown>,
  { isPositive, isUnreadable }: SecondsSql,
): RawBuilder<Outcome | null> {
  const listed = lists.flatMap((outcome) => {
    const values = codes[outcome];
    return values ? [sql`when ${isOneOf(code, values)} then ${sql.lit(outcome)}`] : [];
  });
  const refused = codes.negativeIsRefused ? sql`when ${code} < 0 then 'REFUSED'` : sql``;
  const unknown = isUnreadable ? sql`when ${isUnreadable} then null` : sql``;
  return sql`case
    when ${code} is null then case when ${isPositive} then 'ANSWERED' end
    when ${isOneOf(code, codes.success)} then case when ${isPositive} then 'ANSWERED' ${unknown} else 'CANCELLED' end
    ${sql.join(listed, sql` `)} ${refused}
    else 'NETWORK' end`;
}

/** Never null: without a code, an attempt with time on the clock was a success. */
export function successfulSql(
  codes: OutcomeCodes,
  code: RawBuilder<unknown>,
  { isPositive }: SecondsSql,
): RawBuilder<boolean> {
  return sql`coalesce(${isOneOf(code, codes.success)}, ${isPositive}, false)`;
}

function isOneOf(code: RawBuilder<unknown>, values: readonly number[]): RawBuilder<unknown> {
  const [first, ...more] = values.map((value) => sql.lit(value));
  return more.length === 0 ? sql`${code} = ${first}` : sql`${code} in (${sql.join([first, ...more])})`;
}
