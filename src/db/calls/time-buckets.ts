import { type RawBuilder, sql } from 'kysely';
import { type TimeZone, UTC } from './time-zones.ts';

/** An hour or an equal part of one, by the clock; or a part of the calendar. */
export interface BucketUnit {
  readonly unit: 'clock' | 'day' | 'week' | 'month';
  /** Of a usual one. */
  readonly seconds: number;
}

type Sql = RawBuilder<unknown>;

const HOUR_SECONDS = 3600;

/**
 * What calls of one bucket have in common: an instant near its start, the same for all of them. In UTC it is plain
 * arithmetic, counted from a Monday; elsewhere the calendar must be consulted for each call. `isWithinRange`: no call is
 * near the ends of PostgreSQL's calendar, where that fails.
 */
export function bucketKey(
  bucket: BucketUnit,
  instant: Sql,
  { timeZone, isWithinRange }: { readonly timeZone: TimeZone; readonly isWithinRange: boolean },
): Sql {
  const { unit, seconds } = bucket;
  if (timeZone === UTC && unit !== 'month') {
    return sql`date_bin(${interval(seconds)}, ${instant}, '2000-01-03 00:00:00+00')`;
  }
  if (isWithinRange) return cutInZone(bucket, instant, timeZone);
  return sql`case when ${isOnCalendar(instant)} then ${cutInZone(bucket, instant, timeZone)}
    when ${instant} > '2000-01-01' then 'infinity' else '-infinity' end`;
}

function cutInZone({ unit, seconds }: BucketUnit, instant: Sql, timeZone: TimeZone): Sql {
  if (unit !== 'clock') return sql`date_trunc(${sql.lit(unit)}, ${instant}, ${timeZone.name}::text)`;
  // The hours of a zone that is off by half an hour begin at the half; parts of an hour are counted from there.
  const hour = sql`date_trunc('hour', ${instant}, ${timeZone.name}::text)`;
  return seconds === HOUR_SECONDS ? hour : sql`date_bin(${interval(seconds)}, ${instant}, ${hour})`;
}

/** The first instant of the bucket that has this key. */
export function bucketStart(bucket: BucketUnit, key: Sql, timeZone: TimeZone): Sql {
  if (timeZone === UTC || (bucket.unit === 'clock' && !timeZone.splitsHours)) return key;
  const start = bucket.unit === 'clock' ? startByClock : startByCalendar;
  return sql`case when ${isOnCalendar(key)} then ${start(bucket, key, timeZone)} else ${key} end`;
}

/**
 * Clocks that are changed by half an hour cut an hour short, or begin one anew: it begins with the change. Changes are
 * at whole minutes, or at half ones in times long past.
 */
function startByClock(bucket: BucketUnit, key: Sql, timeZone: TimeZone): Sql {
  const first = sql`(select min(instant)
    from pg_catalog.generate_series(${key}, ${key} + ${interval(bucket.seconds)}, '30 seconds') as instant
    where ${cutInZone(bucket, sql.ref('instant'), timeZone)} = ${key})`;
  return sql`case when ${cutInZone(bucket, key, timeZone)} = ${key} then ${key} else ${first} end`;
}

/**
 * Clocks that are changed around midnight show it twice, or never, or skip the hour before it. The clock before the
 * change and the one after it each have a midnight, and the day begins with the first of them that the clocks of the
 * zone show; where they show neither, with the change itself.
 */
function startByCalendar(_: BucketUnit, key: Sql, timeZone: TimeZone): Sql {
  const at = (instant: Sql) => sql`(${instant}) at time zone ${timeZone.name}::text`;
  // Midnight as the zone writes it, and what its clocks show at the key, were they as a day before, or as a day after.
  const midnight = sql`date_trunc('day', ${at(key)})`;
  const asBefore = sql`(${at(sql`${key} - ${DAY}`)} + ${DAY})`;
  const asAfter = sql`(${at(sql`${key} + ${DAY}`)} - ${DAY})`;
  const before = sql`(${key} - (${asBefore} - ${midnight}))`;
  const after = sql`(${key} - (${asAfter} - ${midnight}))`;
  const change = sql`(select min(instant) from pg_catalog.generate_series(${after}, ${before}, '1 second') as instant
    where ${at(sql.ref('instant'))} >= ${midnight})`;
  return sql`case when ${asBefore} = ${asAfter} then ${key}
    when ${at(before)} = ${midnight} then ${before}
    when ${at(after)} = ${midnight} then ${after}
    when ${at(sql`${before} - interval '1 microsecond'`)} < ${midnight} then ${before}
    else ${change} end`;
}

/** More than any change of clocks, but for those of a date line. */
const DAY = sql`interval '26 hours'`;

function interval(seconds: number): Sql {
  return sql`${sql.lit(`${seconds} seconds`)}::interval`;
}

/** Far enough from PostgreSQL's first and last timestamp that no zone, month or week reaches beyond them. */
function isOnCalendar(instant: Sql): Sql {
  return sql`${instant} between '4712-01-01 00:00:00+00 BC' and '294275-12-31 00:00:00+00'`;
}
