import type { TimeDimension } from '../db/calls/cdr-stats.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';

const HOUR_MILLIS = 3_600_000;

/** Shortest first, each with the length of a usual one. */
export const bucketLengths: Readonly<Record<TimeDimension, number>> = {
  HOUR: HOUR_MILLIS,
  DAY: 24 * HOUR_MILLIS,
  WEEK: 7 * 24 * HOUR_MILLIS,
  MONTH: 30 * 24 * HOUR_MILLIS,
};
export const bucketNames = Object.keys(bucketLengths) as TimeDimension[];

/** The shortest bucket of which no more than `max` fit into the span. */
export function bucketFor({ from, to }: TimeSpan, max: number): TimeDimension {
  return bucketNames.find((name) => (to - from) / bucketLengths[name] <= max) ?? 'MONTH';
}

/**
 * When the hours, days, weeks or months of a zone begin, from the one that holds `from` up to `to`: milliseconds since
 * 1970. Undefined when JavaScript does not know the zone; PostgreSQL decides elsewhere whether there is such a zone.
 */
export function bucketStarts(
  { from, to }: TimeSpan,
  bucket: TimeDimension,
  timeZone: string,
): number[] | undefined {
  const offsetAt = createOffsets(timeZone);
  if (!offsetAt) return undefined;
  const starts: number[] = [];
  if (bucket === 'HOUR') {
    // An hour lasts an hour whatever the clocks do; zones off by half an hour begin theirs at the half.
    const offset = offsetAt(from);
    const first = Math.floor((from + offset) / HOUR_MILLIS) * HOUR_MILLIS - offset;
    for (let start = first; start < to; start += HOUR_MILLIS) starts.push(start);
    return starts;
  }
  let local = calendars[bucket].startOf(new Date(from + offsetAt(from)));
  for (;;) {
    const start = local - offsetAt(local - offsetAt(local));
    if (start >= to) return starts;
    starts.push(start);
    local = calendars[bucket].after(new Date(local));
  }
}

interface Calendar {
  startOf(local: Date): number;
  after(start: Date): number;
}

/** On the wall clock, as if it were UTC. */
const calendars: Readonly<Record<Exclude<TimeDimension, 'HOUR'>, Calendar>> = {
  DAY: { startOf: (local) => addDays(local, 0), after: (start) => addDays(start, 1) },
  WEEK: {
    startOf: (local) => addDays(local, -((local.getUTCDay() + 6) % 7)),
    after: (start) => addDays(start, 7),
  },
  MONTH: {
    startOf: (local) => Date.UTC(local.getUTCFullYear(), local.getUTCMonth()),
    after: (start) => Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1),
  },
};

function addDays(local: Date, plus: number): number {
  return Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate() + plus);
}

/** How far the zone's clocks are ahead of UTC at an instant, both in milliseconds; undefined for an unknown zone. */
function createOffsets(timeZone: string): ((instant: number) => number) | undefined {
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
