import { sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { Statement } from '../statement.ts';

/** A zone that PostgreSQL knows. */
export interface TimeZone {
  /** IANA. */
  readonly name: string;
  /** Whether its clocks were ever changed by other than whole hours, so that an hour was cut short or began anew. */
  readonly splitsHours: boolean;
  /** Whether its clocks were never off from those of UTC by other than whole hours. */
  readonly hasWholeHours: boolean;
}

export const UTC: TimeZone = { name: 'UTC', splitsHours: false, hasWholeHours: true };

/** Files beside the zones of some systems: whatever zone the server happens to be in. */
const nobodysZones = ['localtime', 'posixrules'];

/** To look a zone up takes PostgreSQL ten milliseconds and more: it reads the files of all of them. */
const knownZones = new WeakMap<object, Map<string, TimeZone>>();

/** The zone of this name, as an IANA name: no abbreviation, no POSIX rule. Undefined: PostgreSQL knows none. */
export async function findTimeZone(reader: Reader, name: string): Promise<TimeZone | undefined> {
  if (name === UTC.name) return UTC;
  if (nobodysZones.includes(name)) return undefined;
  const known = knownZones.get(reader.source) ?? new Map<string, TimeZone>();
  knownZones.set(reader.source, known);
  const zone = known.get(name) ?? (await selectTimeZone(reader, name));
  if (zone) known.set(name, zone);
  return zone;
}

async function selectTimeZone(reader: Reader, name: string): Promise<TimeZone | undefined> {
  const offset = sql`date_part('epoch', (day at time zone name) - (day at time zone 'UTC'))::int`;
  const statement = Statement.ofServer(
    'timeZone',
    sql<{ splitsHours: boolean | null; hasWholeHours: boolean }>`
      select min(${offset} % 3600) <> max(${offset} % 3600) as "splitsHours",
        bool_and(${offset} % 3600 = 0) as "hasWholeHours"
      from pg_timezone_names, generate_series('1970-01-01Z'::timestamptz, '2070-01-01Z', '5 days') as day
      where name = ${name}`,
  );
  const [row] = await run(reader, statement);
  const { splitsHours, hasWholeHours } = row!;
  return splitsHours === null ? undefined : { name, splitsHours, hasWholeHours };
}
