import {
  type CalendarUnit,
  cdrDimensions,
  type TimeDimensionName,
  timeDimensionNames,
} from '../db/calls/cdr-dimensions.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';

const MINUTE_MILLIS = 60_000;
const HOUR_MILLIS = 60 * MINUTE_MILLIS;
const DAY_MILLIS = 24 * HOUR_MILLIS;

/** Shortest first. */
export const bucketNames = timeDimensionNames;

function usualMillis(name: TimeDimensionName): number {
  return cdrDimensions[name].seconds * 1000;
}

/** Minutes are never chosen automatically: for a wide panel they are thousands, and most of them empty. */
const automatic = bucketNames.filter((name) => usualMillis(name) >= HOUR_MILLIS);

/** The shortest bucket, from an hour up, of which no more than `max` fit into the span. */
export function bucketFor({ from, to }: TimeSpan, max: number): TimeDimensionName {
  return automatic.find((name) => (to - from) / usualMillis(name) <= max) ?? automatic.at(-1)!;
}

/**
 * When the buckets of a zone begin, from the one that holds `from` up to `to`: milliseconds since 1970. Undefined when
 * JavaScript does not know the zone; PostgreSQL decides elsewhere whether there is such a zone.
 */
export function bucketStarts(
  span: TimeSpan,
  bucket: TimeDimensionName,
  timeZone: string,
): number[] | undefined {
  const offsetAt = createOffsets(timeZone);
  if (!offsetAt) return undefined;
  const { unit } = cdrDimensions[bucket];
  return unit === 'clock'
    ? clockStarts(span, usualMillis(bucket), offsetAt)
    : calendarStarts(span, calendars[unit], offsetAt);
}

type OffsetAt = (instant: number) => number;

/** A time in which the clocks of a zone were not changed. */
interface Period {
  readonly from: number;
  readonly to: number;
  readonly offset: number;
}

/** Hours, or equal parts of one, as the clock shows them; where it is changed, what is cut short begins with that. */
function clockStarts(span: TimeSpan, length: number, offsetAt: OffsetAt): number[] {
  const starts: number[] = [];
  const now = offsetAt(span.from);
  let next = Math.floor((span.from + now) / length) * length - now;
  if ((next + offsetAt(next)) % length !== 0) {
    next = findChange(next, span.from, (instant) => offsetAt(instant) === now);
  }
  for (const { from, to, offset } of findPeriods({ from: next, to: span.to }, offsetAt)) {
    const isInStep = (next + offset) % length === 0;
    if (!isInStep) {
      starts.push(from);
      next = Math.floor((from + offset) / length + 1) * length - offset;
    }
    for (; next < to; next += length) starts.push(next);
  }
  return starts;
}

/** The periods of a span, in order. Clocks are changed at whole minutes, and not twice within a day. */
function* findPeriods(span: TimeSpan, offsetAt: OffsetAt): Generator<Period> {
  let [from, offset] = [span.from, offsetAt(span.from)];
  for (let low = from; low < span.to; low += DAY_MILLIS) {
    const high = Math.min(low + DAY_MILLIS, span.to);
    const after = offsetAt(high);
    if (after === offset) continue;
    const to = findChange(low, high, (instant) => offsetAt(instant) === after);
    yield { from, to, offset };
    [from, offset] = [to, after];
  }
  if (from < span.to) yield { from, to: span.to, offset };
}

/** The first whole minute that is after the change, between one that is before it and one that is after. */
function findChange(before: number, after: number, isAfter: (instant: number) => boolean): number {
  let [low, high] = [Math.floor(before / MINUTE_MILLIS), Math.ceil(after / MINUTE_MILLIS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isAfter(middle * MINUTE_MILLIS)) high = middle;
    else low = middle;
  }
  return high * MINUTE_MILLIS;
}

function calendarStarts({ from, to }: TimeSpan, calendar: Calendar, offsetAt: OffsetAt): number[] {
  const starts: number[] = [];
  let local = calendar.startOf(new Date(from + offsetAt(from)));
  for (;;) {
    const start = startOfDay(local, offsetAt);
    if (start >= to) return starts;
    // A day that was skipped begins with the next one.
    if (start !== starts.at(-1)) starts.push(start);
    local = calendar.after(new Date(local));
  }
}

/**
 * The first instant at which the zone shows that day, given its midnight as if it were in UTC: by the clock before a
 * change or by the one after it, whichever midnight is shown first; where neither is, with the change itself.
 */
function startOfDay(midnight: number, offsetAt: OffsetAt): number {
  const around = midnight - offsetAt(midnight);
  const before = midnight - offsetAt(around - 26 * HOUR_MILLIS);
  const after = midnight - offsetAt(around + 26 * HOUR_MILLIS);
  if (before === after || before + offsetAt(before) === midnight) return before;
  if (after + offsetAt(after) === midnight) return after;
  return findChange(after - MINUTE_MILLIS, before, (instant) => instant + offsetAt(instant) >= midnight);
}

interface Calendar {
  startOf(local: Date): number;
  after(start: Date): number;
}

/** On the wall clock, as if it were UTC. */
const calendars: Readonly<Record<CalendarUnit, Calendar>> = {
  day: { startOf: (local) => addDays(local, 0), after: (start) => addDays(start, 1) },
  week: {
    startOf: (local) => addDays(local, -((local.getUTCDay() + 6) % 7)),
    after: (start) => addDays(start, 7),
  },
  month: {
    startOf: (local) => Date.UTC(local.getUTCFullYear(), local.getUTCMonth()),
    after: (start) => Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1),
  },
};

function addDays(local: Date, plus: number): number {
  return Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + plus);
}

/** How far the zone's clocks are ahead of UTC at an instant, both in milliseconds; undefined for an unknown zone. */
function createOffsets(timeZone: string): OffsetAt | undefined {
  if (timeZone === 'UTC') return () => 0;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  return (instant) => {
    const parts = Object.fromEntries(
      format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
    );
    const { year, month, day, hour, minute, second } = parts as Record<string, number>;
    const local = Date.UTC(year!, month! - 1, day, hour, minute, second);
    return local - Math.floor(instant / 1000) * 1000;
  };
}
