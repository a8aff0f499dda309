import type { MovingRange, TimeRange } from './time-range.ts';
import {
  clockMillisOf,
  firstOf,
  localDateOf,
  localTextOf,
  mondayOf,
  moveDate,
  startOfDate,
  timeOfLocalText,
} from './zoned-time.ts';

/** How far the period before lies back: by the calendar where people would say so, else by the length of the range. */
export type Shift = { readonly days: number } | { readonly months: number } | { readonly millis: number };

const DAY = 86_400_000;

/**
 * The last 24 hours are compared with the same hours of the day before, this week with the week before, and this month with
 * the month before: by the clock, so that ten o'clock is compared with ten o'clock also where clocks have been changed in
 * between. A range that is no number of days is compared with what was right before it. `name` tells today, this week and
 * this month from other ranges that begin like them.
 */
export function shiftOf({ from, to }: TimeRange, name: MovingRange, zone: string): Shift {
  const length = clockMillisOf(to, zone) - clockMillisOf(from, zone);
  const [first, last] = [localDateOf(from, zone), localDateOf(to, zone)];
  const isMidnight = (at: number, date: string) => at === startOfDate(date, zone);
  if (isMidnight(from, first)) {
    if (name === 'today' && length <= DAY) return { days: 1 };
    if (name === 'thisWeek' && first === mondayOf(first) && length <= 7 * DAY) return { days: 7 };
    if (first === firstOf(first)) {
      const months = monthsBetween(first, last);
      if (months > 0 && last === firstOf(last) && isMidnight(to, last)) return { months };
      if (name === 'thisMonth' && months === 0) return { months: 1 };
    }
    if (length > DAY) return { days: Math.ceil(length / DAY) };
  }
  // Around a change of clocks an hour may be none by the clock.
  if (length > 0 && length % DAY === 0) return { days: length / DAY };
  return (to - from) % DAY === 0 ? { days: (to - from) / DAY } : { millis: to - from };
}

function monthsBetween(first: string, last: string): number {
  const monthOf = (date: string) => Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7));
  return monthOf(last) - monthOf(first);
}

/** The same time of the clock so many shifts on, or back. Where clocks skip it, the instant after the gap. */
export function shiftTime(at: number, shift: Shift, times: number, zone: string): number {
  if ('millis' in shift) return at + times * shift.millis;
  return (timeOfLocalText(shiftedText(at, shift, times, zone), zone) as number) + millisOf(at);
}

/** Likewise; undefined where clocks skip it. */
export function sameTimeBefore(at: number, shift: Shift, zone: string): number | undefined {
  const before = shiftTime(at, shift, -1, zone);
  if ('millis' in shift) return before;
  return localTextOf(before, zone) === shiftedText(at, shift, -1, zone) ? before : undefined;
}

function shiftedText(
  at: number,
  shift: Exclude<Shift, { millis: number }>,
  times: number,
  zone: string,
): string {
  const text = localTextOf(at, zone);
  const by = 'days' in shift ? { days: times * shift.days } : { months: times * shift.months };
  return moveDate(text.slice(0, 10), by) + text.slice(10);
}

function millisOf(at: number): number {
  return at - Math.floor(at / 1000) * 1000;
}

/** The period before, as long by the clock. It ends where the range begins, at the latest: a month may be shorter. */
export function previousRange(range: TimeRange, shift: Shift, zone: string): TimeRange {
  const from = shiftTime(range.from, shift, -1, zone);
  return { from, to: Math.min(Math.max(shiftTime(range.to, shift, -1, zone), from + 1), range.from) };
}

/** The window before (-1) or after (1): whole days and months where the range is of days or months. */
export function shiftRange(range: TimeRange, windows: -1 | 1, name: MovingRange, zone: string): TimeRange {
  const shift = shiftOf(range, name, zone);
  return {
    from: shiftTime(range.from, shift, windows, zone),
    to: shiftTime(range.from, shift, windows + 1, zone),
  };
}
