import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { selectBucketStarts } from '../../../src/db/calls/bucket-starts.ts';
import {
  groupKey,
  groupShown,
  type TimeDimensionName,
  timeDimensionNames,
} from '../../../src/db/calls/cdr-dimensions.ts';
import type { TimeZone } from '../../../src/db/calls/time-zones.ts';
import { microsOfPostgres, postgresOfMicros } from '../../../src/db/timestamps.ts';

/** All years in which switches may have written calls, and some in which they will. */
const FIRST_YEAR = 1970;
const LAST_YEAR = 2037;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let db: Kysely<unknown>;
/** As the gateway reads: every value as PostgreSQL's text. */
let texts: pg.Pool;

beforeAll(() => {
  const connectionString = inject('postgres').primaryUrl;
  db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString, max: 1 }) }) });
  const types = { getTypeParser: () => String };
  texts = new pg.Pool({ connectionString, types, options: '-c timezone=UTC', max: 1 });
});
afterAll(() => Promise.all([db.destroy(), texts.end()]));

/** How far the clocks of a zone are ahead of UTC, from an instant on. Milliseconds. */
interface Period {
  readonly from: number;
  readonly offset: number;
}

/** A change of clocks, in one of the zones that make it so. */
interface Change {
  readonly zone: string;
  readonly at: number;
  readonly periods: readonly Period[];
}

/** When PostgreSQL changes the clocks of each of its zones, to the second. */
async function findPeriods(): Promise<ReadonlyMap<string, readonly Period[]>> {
  const { rows } = await sql<{ zone: string; from: number; offset: number }>`
    with recursive zones as (
      select name as zone from pg_timezone_names
      where name !~ '^(posix|right)/' and name not in ('posixrules', 'localtime', 'Factory')
    ), days as (
      select zone, day, (day at time zone zone) - (day at time zone 'UTC') as after
      from zones, generate_series(make_timestamptz(${FIRST_YEAR}, 1, 1, 0, 0, 0, 'UTC'),
        make_timestamptz(${LAST_YEAR}, 12, 31, 0, 0, 0, 'UTC'), interval '5 days') as day
    ), spans as (
      select zone, lag(day) over byZone as low, day as high, lag(after) over byZone as before, after
      from days window byZone as (partition by zone order by day)
    ), halves as (
      select zone, low, high, after from spans where before <> after
      union all
      select zone, case when is_after then low else middle end, case when is_after then middle else high end, after
      from halves,
        lateral (select date_trunc('second', low + (high - low) / 2) as middle) as cut,
        lateral (select (middle at time zone zone) - (middle at time zone 'UTC') = after as is_after) as side
      where high - low > interval '1 second'
    )
    select zone, extract(epoch from high)::float8 * 1000 as from, extract(epoch from after)::float8 * 1000 as offset
    from halves where high - low <= interval '1 second'
    union all
    select zone, -1e15, extract(epoch from after)::float8 * 1000 from spans where low is null
    order by 1, 2`.execute(db);
  return Map.groupBy(rows, ({ zone }) => zone);
}

/** One of each kind: most zones make the changes of another. */
function distinctChanges(zones: ReadonlyMap<string, readonly Period[]>): readonly Change[] {
  const changes = new Map<string, Change>();
  for (const [zone, periods] of zones) {
    for (const [index, { from, offset }] of periods.entries()) {
      if (index === 0) continue;
      const near = periods.filter((period) => Math.abs(period.from - from) < 40 * DAY);
      const key = [from, offset, periods[index - 1]!.offset, near.length].join();
      if (!changes.has(key)) changes.set(key, { zone, at: from, periods });
    }
  }
  return [...changes.values()];
}

/** Of those that change the clocks by as much, at the same time of the day, one. */
function changesOfEachKind(changes: readonly Change[]): readonly Change[] {
  const kinds = changes.map((change): [string, Change] => {
    const [before, after] = [change.at - 1000, change.at].map((at) => periodAt(change.periods, at).offset);
    const near = change.periods.filter(({ from }) => Math.abs(from - change.at) < 40 * DAY);
    return [[before, after! - before!, (change.at + before!) % DAY, near.length].join(), change];
  });
  return [...new Map(kinds).values()];
}

/** In the years that are looked at. */
const splitsHours = (periods: readonly Period[]) =>
  new Set(periods.map(({ offset }) => ((offset % HOUR) + HOUR) % HOUR)).size > 1;

const floor = (value: number, step: number) => Math.floor(value / step) * step;
const periodAt = (periods: readonly Period[], instant: number) =>
  periods.findLast(({ from }) => from <= instant)!;

/** The first instant at which the clocks of the zone show a time that `isWanted`, given the earliest in each period. */
function firstOf(periods: readonly Period[], earliest: (period: Period) => number | undefined): number {
  const instants = periods.map((period, index) => {
    const instant = earliest(period);
    const until = periods[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    return instant === undefined || instant >= until ? Number.POSITIVE_INFINITY : instant;
  });
  return Math.min(...instants);
}

/** The first day of the bucket that a day is in, both as if they were in UTC. */
const firstDays: Readonly<Record<string, (day: Date) => number>> = {
  DAY: (day) => day.getTime(),
  WEEK: (day) => day.getTime() - ((day.getUTCDay() + 6) % 7) * DAY,
  MONTH: (day) => Date.UTC(day.getUTCFullYear(), day.getUTCMonth()),
};
const clockMillis: Readonly<Record<string, number>> = { MINUTE, QUARTER_HOUR: 15 * MINUTE, HOUR };

/** When the bucket of an instant begins, told from the periods alone. */
function expectedStart(name: TimeDimensionName, instant: number, periods: readonly Period[]): number {
  const { offset } = periodAt(periods, instant);
  const length = clockMillis[name];
  if (length !== undefined) {
    const key = floor(instant + offset, length) - offset;
    return firstOf(periods, ({ from, offset: other }) => {
      const start = Math.max(key, from);
      return start < key + length && floor(start + other, length) - other === key ? start : undefined;
    });
  }
  const first = firstDays[name]!(new Date(floor(instant + offset, DAY)));
  // Where the day itself was skipped, with the day after it.
  for (let day = first; ; day += DAY) {
    const found = firstOf(periods, ({ from, offset: other }) => {
      const start = Math.max(day - other, from);
      return floor(start + other, DAY) === day ? start : undefined;
    });
    if (Number.isFinite(found)) return found;
  }
}

async function startsOf(name: TimeDimensionName, zone: TimeZone, instants: readonly number[]) {
  const start = groupShown(name, sql.ref('groups.bucket'), zone);
  const { rows } = await sql<{ start: number }>`
    select extract(epoch from ${start})::float8 * 1000 as start
    from (select number, ${groupKey(name, { timeZone: zone, isWithinRange: false })} as bucket
      from (select number, to_timestamp(instant / 1000.0) as connect_time
        from unnest(${instants}::float8[]) with ordinality as given (instant, number)) as xdrs) as groups
    order by number`.execute(db);
  return rows.map(({ start }) => start);
}

/** How far around a change to look, and how closely. */
const spans: Readonly<Record<TimeDimensionName, { readonly reach: number; readonly step: number }>> = {
  MINUTE: { reach: 20 * MINUTE, step: MINUTE / 2 },
  QUARTER_HOUR: { reach: 2 * HOUR, step: MINUTE },
  HOUR: { reach: 4 * HOUR, step: MINUTE },
  DAY: { reach: 3 * DAY, step: HOUR / 4 },
  WEEK: { reach: 15 * DAY, step: 6 * HOUR },
  MONTH: { reach: 40 * DAY, step: 6 * HOUR },
};

const textOf = (millis: number) => postgresOfMicros(BigInt(millis) * 1000n);

describe('in every zone that PostgreSQL knows, around every change of clocks in 68 years,', () => {
  let changes: readonly Change[];
  beforeAll(async () => {
    changes = distinctChanges(await findPeriods());
  }, 120_000);

  test('there are many changes, and those that are known to be hard', () => {
    expect(changes.length).toBeGreaterThan(3000);
    const years = (zone: string) =>
      new Set(
        changes.filter((change) => change.zone === zone).map(({ at }) => new Date(at).getUTCFullYear()),
      );
    expect(years('America/Nuuk').size + years('America/Godthab').size).toBeGreaterThan(5);
    expect([...years('Pacific/Apia')]).toContain(2011);
  });

  test.each(timeDimensionNames)(
    '%s begins with the first instant of its calls',
    { timeout: 120_000 },
    async (name) => {
      const wrong: string[] = [];
      for (const [zone, ofZone] of Map.groupBy(changes, (change) => change.zone)) {
        const { periods } = ofZone[0]!;
        const instants = ofZone.flatMap(({ at }) =>
          [-25, -2, -1, -0.75, -0.25, -1 / 3600, 0, 1 / 60, 0.3, 0.6, 1, 1.6, 2.2, 13, 25, 24 * 8].map(
            (hours) => Math.round((at + hours * HOUR) / 1000) * 1000,
          ),
        );
        const found = await startsOf(
          name,
          { name: zone, splitsHours: splitsHours(periods), hasWholeHours: false },
          instants,
        );
        for (const [index, instant] of instants.entries()) {
          const expected = expectedStart(name, instant, periods);
          if (found[index] === expected) continue;
          const texts = [instant, found[index]!, expected].map((millis) => new Date(millis).toISOString());
          wrong.push(`${zone} ${texts[0]}: begins ${texts[1]}, should ${texts[2]}`);
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  test.each(timeDimensionNames)(
    '%s: all that begin in a span are those that its calls are put into, no more and no fewer',
    { timeout: 240_000 },
    async (name) => {
      const source = { hasScopePolicies: false };
      const reader = { pool: texts, source, scope: { kind: 'all' }, signal: undefined } as const;
      const { reach, step } = spans[name];
      const wrong: string[] = [];
      for (const { zone, at, periods } of changesOfEachKind(changes)) {
        const timeZone = { name: zone, splitsHours: splitsHours(periods), hasWholeHours: false };
        // Off the boundaries, so that the first and the last bucket are cut.
        const [from, to] = [at - reach + 7000, at + reach + 11_000];
        const starts = await selectBucketStarts(
          reader,
          name,
          { from: textOf(from), to: textOf(to) },
          timeZone,
        );
        const found = starts.map((start) => Number(microsOfPostgres(start)! / 1000n));
        const expected = new Set<number>();
        for (let instant = from; instant < to; instant += step)
          expected.add(expectedStart(name, instant, periods));
        expected.add(expectedStart(name, to - 1, periods));
        const inOrder = [...expected].sort((a, b) => a - b);
        if (found.join() === inOrder.join()) continue;
        const extra = found.filter((start) => !expected.has(start)).map(textOf);
        const missing = inOrder.filter((start) => !found.includes(start)).map(textOf);
        wrong.push(`${zone} around ${textOf(at)}: extra ${extra}, missing ${missing}`);
      }
      expect(wrong).toEqual([]);
    },
  );
});
