import type { PageQuery } from '../filter/page-query.ts';
import { lastPartOf, type TimeRange, type TimeUnit } from '../filter/time-range.ts';
import {
  clockMillisOf,
  firstOf,
  localDateOf,
  mondayOf,
  moveDate,
  startOfDate,
} from '../filter/zoned-time.ts';

/** A part of a range, clipped to it. */
export interface Bucket extends TimeRange {
  /** Where it begins and ends as a whole. */
  readonly start: number;
  readonly end: number;
}

export type Step = PageQuery['step'];

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clockMillis: Readonly<Partial<Record<TimeUnit, number>>> = {
  MINUTE,
  QUARTER_HOUR: 15 * MINUTE,
  HOUR,
};

/** The buckets that the gateway cuts a range into, those without calls too, oldest first. */
export function bucketsOf(range: TimeRange, unit: TimeUnit, zone: string): Bucket[] {
  const buckets: Bucket[] = [];
  for (const [start, end] of boundsOf(range, unit, zone)) {
    // A date that a zone skipped at the date line has no time.
    if (end <= Math.max(start, range.from)) continue;
    buckets.push({ start, end, from: Math.max(start, range.from), to: Math.min(end, range.to) });
  }
  return buckets;
}

function* boundsOf({ from, to }: TimeRange, unit: TimeUnit, zone: string): Generator<[number, number]> {
  const step = clockMillis[unit];
  if (step) {
    let start = clockFloor(from, step, zone);
    while (start < to) {
      // Where clocks are changed by half an hour, the hour of the change is shorter.
      const end = clockFloor(start, step, zone) + step;
      yield [start, end];
      start = end;
    }
    return;
  }
  const by = unit === 'MONTH' ? { months: 1 } : { days: unit === 'WEEK' ? 7 : 1 };
  let date = dateOf(from, unit, zone);
  for (let start = startOfDate(date, zone); start < to; ) {
    date = moveDate(date, by);
    const end = startOfDate(date, zone);
    yield [start, end];
    start = end;
  }
}

/** The last whole step of the clock: the hours of a zone that is off by half an hour begin at the half. */
function clockFloor(at: number, step: number, zone: string): number {
  const clock = clockMillisOf(at, zone);
  return at - (clock - Math.floor(clock / step) * step);
}

function dateOf(at: number, unit: TimeUnit, zone: string): string {
  const date = localDateOf(at, zone);
  if (unit === 'WEEK') return mondayOf(date);
  return unit === 'MONTH' ? firstOf(date) : date;
}

/** The bucket that the instant is in; -1 for none. */
export function bucketAt(buckets: readonly TimeRange[], at: number): number {
  let [low, high] = [0, buckets.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (buckets[middle]!.to <= at) low = middle + 1;
    else high = middle;
  }
  return low < buckets.length && buckets[low]!.from <= at ? low : -1;
}

/** Rows by the place of their bucket. */
export function rowsByBucket<Row extends { readonly bucket: string | null }>(
  buckets: readonly Bucket[],
  rows: readonly Row[],
): ReadonlyMap<number, Row> {
  const whole = buckets.map(({ start, end }) => ({ from: start, to: end }));
  return new Map(rows.map((row) => [bucketAt(whole, Date.parse(row.bucket ?? '')), row]));
}

const stepUnits = { minute: 'MINUTE', quarterHour: 'QUARTER_HOUR', hour: 'HOUR', day: 'DAY' } as const;
const stepMillis = { minute: MINUTE, quarterHour: 15 * MINUTE, hour: HOUR, day: DAY } as const;
/** More points than a line can show. */
const MAX_POINTS = 1500;

/** The steps that can be chosen for a range: those that make a line of it, and no smear. */
export function stepsOf({ from, to }: TimeRange): Step[] {
  const fitting = (Object.keys(stepMillis) as (keyof typeof stepMillis)[]).filter((step) => {
    const points = (to - from) / stepMillis[step];
    return points >= 2 && points <= MAX_POINTS;
  });
  return ['auto', ...fitting];
}

/** By the step that is chosen, where it fits the range; else by the length of the range. */
export function lineUnitOf(range: TimeRange, step: Step): TimeUnit {
  if (step !== 'auto' && stepsOf(range).includes(step)) return stepUnits[step];
  const length = range.to - range.from;
  if (length <= 6 * HOUR) return 'MINUTE';
  if (length <= 4 * DAY) return 'QUARTER_HOUR';
  if (length <= 14 * DAY) return 'HOUR';
  if (length <= 800 * DAY) return 'DAY';
  return length <= 15 * 366 * DAY ? 'WEEK' : 'MONTH';
}

/** Groups that the gateway answers at once. */
export const MAX_GROUPS = 50_000;
/** By the hour; by the hour and currency; by month, of as many destinations as there are. */
const mapYears = { week: 5, weekOfAmounts: 1, destinations: 15 } as const;

/** The part of a range that a heat map is of: the last years of a longer one. */
export function mapRangeOf(range: TimeRange, map: keyof typeof mapYears, now = Date.now()): TimeRange {
  return lastPartOf(range, mapYears[map] * 366 * DAY, now);
}

/** So that a heat map has some forty columns at most, or is of many years. */
export function mapUnitOf({ from, to }: TimeRange): TimeUnit {
  const length = to - from;
  if (length <= 40 * MINUTE) return 'MINUTE';
  if (length <= 9 * HOUR) return 'QUARTER_HOUR';
  if (length <= 40 * HOUR) return 'HOUR';
  if (length <= 40 * DAY) return 'DAY';
  return length <= 280 * DAY ? 'WEEK' : 'MONTH';
}
