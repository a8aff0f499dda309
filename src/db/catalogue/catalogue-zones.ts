import { type QueryExecutorProvider, sql } from 'kysely';
import { selectJson } from './catalogue.ts';

/** How the clocks of each zone run on one server: a digest of its offsets, by its name. */
export type ZoneRules = ReadonlyMap<string, string>;

const MAX_NAMED_ZONES = 5;

/**
 * Reads the zones of a server, from the first of each month of forty years. It takes PostgreSQL some tenths of a second:
 * for once an hour, not for a request.
 */
export async function selectZoneRules(db: QueryExecutorProvider): Promise<ZoneRules> {
  const zones = await selectJson<{ name: string; rules: string }>(
    db,
    sql`
    select name, md5(string_agg((day at time zone name)::text, ',' order by day)) as rules
    from pg_timezone_names,
      generate_series('2000-01-01Z'::timestamptz, '2040-01-01Z', '1 month') as day
    where name !~ '^(posix/|right/|localtime$|posixrules$)'
    group by name`,
  );
  return new Map(zones.map(({ name, rules }) => [name, rules]));
}

/** The zones that one of two servers has otherwise, or not at all, in order. */
export function zonesThatDiffer(one: ZoneRules, other: ZoneRules): readonly string[] {
  const names = new Set([...one.keys(), ...other.keys()]);
  return [...names].filter((name) => one.get(name) !== other.get(name)).sort();
}

/** Undefined when there is nothing to say. */
export function warningAboutZones(
  places: readonly [string, string],
  zones: readonly string[],
): string | undefined {
  if (zones.length === 0) return undefined;
  const [first, second] = places;
  const named = zones.slice(0, MAX_NAMED_ZONES).join(', ');
  const more = zones.length > MAX_NAMED_ZONES ? ` and ${zones.length - MAX_NAMED_ZONES} more` : '';
  return (
    `${first} and ${second} have different time zone data: days and hours of ${named}${more} begin at different moments, ` +
    'so the same statistics differ by the standby that answers. Give all standbys the same tzdata (Debian: apt-get ' +
    'install --only-upgrade tzdata), or the same minor version of PostgreSQL where it brings its own.'
  );
}
