import {
  type CalendarUnit,
  cdrDimensions,
  type TimeDimensionName,
  timeDimensionNames,
} from '../db/calls/cdr-dimensions.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';

const HOUR_MILLIS = 3_600_000;

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

/** An hour lasts an hour whatever the clocks do; zones off by half an hour begin theirs at the half. */
function clockStarts({ from, to }: TimeSpan, length: number, offsetAt: OffsetAt): number[] {
  const offset = offsetAt(from);
  const first = Math.floor((from + offset) / length) * length - offset;
  const starts: number[] = [];
  for (let start = first; start < to; start += length) starts.push(start);
  return starts;
}

function calendarStarts({ from, to }: TimeSpan, calendar: Calendar, offsetAt: OffsetAt): number[] {
  const starts: number[] = [];
  let local = calendar.startOf(new Date(from + offsetAt(from)));
  for (;;) {
    const start = local - offsetAt(local - offsetAt(local));
    if (start >= to) return starts;
    starts.push(start);
    local = calendar.after(new Date(local));
  }
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
