import { cdrDimensions, type TimeDimensionName, timeDimensionNames } from '../db/calls/cdr-dimensions.ts';
import { microsOfPostgres } from '../db/timestamps.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import { MAX_POINTS } from './body.ts';

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

/** Throws InvalidArgumentError when more buckets would begin in the span than any panel can show. */
export function checkPoints({ from, to }: TimeSpan, bucket: TimeDimensionName): void {
  if ((to - from) / usualMillis(bucket) <= MAX_POINTS) return;
  throw new InvalidArgumentError(
    `That is more than ${MAX_POINTS} points; choose a longer bucket than ${bucket}.`,
  );
}

/**
 * When a bucket is drawn: where it begins, and the one that began before the range where the range does, because only
 * its calls since then are counted. Milliseconds since 1970.
 */
export function timeOfBucket(start: string | null | undefined, { from }: TimeSpan): number {
  return Math.max(Number((microsOfPostgres(start ?? '') ?? 0n) / 1000n), from);
}
