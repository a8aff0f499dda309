import { firstOf, localDateOf, mondayOf, moveDate, startOfDate } from './zoned-time.ts';

/** Half-open, in epoch milliseconds. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** Times that the gateway takes: no call is from before 1970, and calendars end somewhere. */
export const MIN_TIME = 0;
export const MAX_TIME = Date.UTC(2200, 0, 1);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Ranges that end now. Their names are in links, so they never change their meaning. */
export const quickRanges = {
  '15m': 15 * MINUTE,
  '1h': HOUR,
  '6h': 6 * HOUR,
  '24h': DAY,
  '7d': 7 * DAY,
  '30d': 30 * DAY,
} as const satisfies Readonly<Record<string, number>>;

export type QuickRange = keyof typeof quickRanges;
export const quickRangeNames = Object.keys(quickRanges) as QuickRange[];

/** Ranges of the calendar of the zone that is shown; weeks begin on Monday. Their names are in links as well. */
export const calendarRangeNames = ['today', 'yesterday', 'thisWeek', 'thisMonth', 'lastMonth'] as const;
export type CalendarRange = (typeof calendarRangeNames)[number];

/** A range that moves with the time. */
export type MovingRange = QuickRange | CalendarRange;
export const movingRangeNames: readonly MovingRange[] = [...quickRangeNames, ...calendarRangeNames];

export function isCalendarRange(name: MovingRange): name is CalendarRange {
  return !(name in quickRanges);
}

/** Whether the range goes on until now, so that calls that appear are in it. */
export function endsNow(name: MovingRange): boolean {
  return name !== 'yesterday' && name !== 'lastMonth';
}

export interface AskedRange {
  readonly range: MovingRange;
  readonly from: number | null;
  readonly to: number | null;
}

/** The range as instants. `now` is fixed for as long as a list is read, so that its pages belong together. */
export function resolveRange({ range, from, to }: AskedRange, now: number, zone: string): TimeRange {
  if (from !== null && to !== null && from < to) return { from, to };
  if (!isCalendarRange(range)) return { from: now - quickRanges[range], to: now };
  const today = localDateOf(now, zone);
  const dates = {
    today: [today],
    yesterday: [moveDate(today, { days: -1 }), today],
    thisWeek: [mondayOf(today)],
    thisMonth: [firstOf(today)],
    lastMonth: [moveDate(firstOf(today), { months: -1 }), firstOf(today)],
  } as const;
  const [first, last] = dates[range];
  const start = startOfDate(first, zone);
  // Right at midnight there is no today yet, and no range is empty.
  return { from: start, to: last ? startOfDate(last, zone) : Math.max(now, start + 1000) };
}

/** The last part of a range that is longer than it may be: of one that goes on far into the future, the part until now. */
export function lastPartOf({ from, to }: TimeRange, mostMillis: number, now: number): TimeRange {
  if (to - from <= mostMillis) return { from, to };
  // By whole days, so that it stays the same part for a while.
  const tomorrow = (Math.floor(now / DAY) + 1) * DAY;
  const end = from < tomorrow ? Math.min(to, Math.max(tomorrow, from + mostMillis)) : to;
  return { from: end - mostMillis, to: end };
}

/** What the gateway cuts time into. */
export type TimeUnit = 'MINUTE' | 'QUARTER_HOUR' | 'HOUR' | 'DAY' | 'WEEK' | 'MONTH';

/** How the range is cut into bars: between fifteen and some hundred. */
export function barUnitOf({ from, to }: TimeRange): TimeUnit {
  const length = to - from;
  if (length <= 1.5 * HOUR) return 'MINUTE';
  if (length <= 12 * HOUR) return 'QUARTER_HOUR';
  if (length <= 8 * DAY) return 'HOUR';
  if (length <= 120 * DAY) return 'DAY';
  return length <= 800 * DAY ? 'WEEK' : 'MONTH';
}

/** What a number of milliseconds is called in the fewest words: `{ value: 5, unit: 'minute' }`. */
export function lengthOf({ from, to }: TimeRange): {
  readonly value: number;
  readonly unit: 'second' | 'minute' | 'hour' | 'day';
} {
  const length = to - from;
  if (length >= 2 * DAY) return { value: Math.round(length / DAY), unit: 'day' };
  if (length >= 2 * HOUR) return { value: Math.round(length / HOUR), unit: 'hour' };
  if (length >= MINUTE) return { value: Math.round(length / MINUTE), unit: 'minute' };
  return { value: Math.max(1, Math.round(length / 1000)), unit: 'second' };
}
