import { sql } from 'kysely';
import { type Executor, run } from '../reader.ts';
import { Statement } from '../statement.ts';
import { cdrDimensions, groupKey, groupShown, type TimeDimensionName } from './cdr-dimensions.ts';
import type { TimeZone } from './time-zones.ts';

/** PostgreSQL's texts of two instants: from the first up to the second. */
export interface InstantSpan {
  readonly from: string;
  readonly to: string;
}

const HOUR_SECONDS = 3600;

/**
 * When the buckets of a span begin, those without calls too, from the one that `from` is in: PostgreSQL's texts, oldest
 * first. They are cut by the SQL that groups calls, so a bucket with calls is always one of them.
 */
export async function selectBucketStarts(
  reader: Executor,
  name: TimeDimensionName,
  { from, to }: InstantSpan,
  timeZone: TimeZone,
): Promise<string[]> {
  const last = sql`(${to}::timestamptz - interval '1 microsecond')`;
  const step = sql`${sql.lit(`${samplingSeconds(name, timeZone)} seconds`)}::interval`;
  const statement = Statement.ofServer(
    'bucketStarts',
    sql<{ start: string }>`
      select distinct ${groupShown(name, sql.ref('groups.bucket'), timeZone)} as start
      from pg_catalog.unnest(array(
        select distinct ${groupKey(name, { timeZone, isWithinRange: true })}
        from pg_catalog.unnest(array(select generate_series(${from}::timestamptz, ${last}, ${step})) || ${last})
          as xdrs (connect_time))) as groups (bucket)
      order by start`,
  );
  const rows = await run(reader, statement);
  return rows.map(({ start }) => start);
}

/** No bucket of the zone is shorter, but for the first and the last of a span, and those that a change of clocks cuts. */
function samplingSeconds(name: TimeDimensionName, { splitsHours }: TimeZone): number {
  const { unit, seconds } = cdrDimensions[name];
  // Clocks were changed by at least a quarter of an hour, and a day that they cut short kept most of its hours.
  if (unit === 'clock') return splitsHours ? Math.min(seconds / 2, HOUR_SECONDS / 12) : seconds;
  return unit === 'day' ? 6 * HOUR_SECONDS : 24 * HOUR_SECONDS;
}
