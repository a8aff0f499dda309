import { setTimeout as delay } from 'node:timers/promises';
import type { CallSums, CallsReader, DaySums } from '../db/backup/calls-reader.ts';

/** A day on which both have not the same calls. */
export interface DayDifference {
  /** Of UTC. */
  readonly day: string;
  readonly restored: CallSums;
  readonly living: CallSums;
}

export interface Comparison {
  /** Calls that were restored, of all days. */
  readonly calls: bigint;
  /** Days that are over for long enough that nothing is added to them. */
  readonly settledDays: number;
  readonly differences: readonly DayDifference[];
  /** Days of which the living one no longer has a call: it may have been cleared since. */
  readonly clearedDays: number;
  /** Calls of the days that are not settled, which the living one has beyond those that were restored. */
  readonly newerCalls: bigint;
}

export interface ComparisonOptions {
  /** The time that was restored: days that ended long enough before it are settled. */
  readonly until: Date;
  readonly settleSeconds: number;
}

/** A statement on a standby is cancelled where it holds up replay for too long. */
const MAX_ATTEMPTS = 5;
const RETRY_MS = 500;
const CANCELLED = new Set(['40001', '57014']);

/**
 * Compares the calls of a restored cluster with those of one that lives, day by day: how many, their seconds and amounts, and a
 * digest of every column. Calls that were added after the restored time have higher keys, and are left out.
 */
export async function compareCalls(
  restored: CallsReader,
  living: CallsReader,
  { until, settleSeconds }: ComparisonOptions,
): Promise<Comparison> {
  const newestKey = (await restored.selectNewestKey()) ?? '0';
  const days = (await restored.selectDays(newestKey)).filter(hasDay);
  const settled = days.filter(({ day }) => endOf(day) + settleSeconds * 1000 <= until.getTime());
  const differences: DayDifference[] = [];
  let clearedDays = 0;
  for (const [index, day] of settled.entries()) {
    // To the next day that has calls, so that days which were restored without any are compared as well.
    const from = index === 0 ? undefined : startOf(day.day);
    const to = days[index + 1] === undefined ? nextDay(day.day) : startOf(days[index + 1]!.day);
    const sums = await retried(() => living.selectRange(newestKey, from, to));
    if (sums.calls === '0') clearedDays++;
    else if (!isSame(day, sums)) differences.push({ day: day.day, restored: day, living: sums });
  }
  const open = days.slice(settled.length);
  const openFrom = open[0] === undefined ? undefined : startOf(open[0].day);
  const newer =
    openFrom === undefined
      ? 0n
      : BigInt((await retried(() => living.selectRange(newestKey, openFrom, undefined))).calls);
  return {
    calls: sumOf(days),
    settledDays: settled.length,
    differences,
    clearedDays,
    newerCalls: newer - sumOf(open),
  };
}

type KnownDay = DaySums & { readonly day: string };

const hasDay = (sums: DaySums): sums is KnownDay => sums.day !== null && /^\d{4}-/.test(sums.day);
const startOf = (day: string): string => `${day} 00:00:00+00`;
const endOf = (day: string): number => Date.parse(`${day}T00:00:00Z`) + 86_400_000;
const nextDay = (day: string): string => startOf(new Date(endOf(day)).toISOString().slice(0, 10));
const sumOf = (days: readonly CallSums[]): bigint => days.reduce((sum, { calls }) => sum + BigInt(calls), 0n);

function isSame(one: CallSums, other: CallSums): boolean {
  return (
    one.calls === other.calls &&
    one.durationSeconds === other.durationSeconds &&
    one.chargedAmount === other.chargedAmount &&
    one.digest === other.digest
  );
}

async function retried<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (attempt === MAX_ATTEMPTS || !CANCELLED.has(code)) throw error;
      await delay(RETRY_MS);
    }
  }
}
