import fc from 'fast-check';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { groupKey, groupShown } from '../../src/db/calls/cdr-dimensions.ts';
import { bucketFor, bucketNames, bucketStarts } from '../../src/grafana/buckets.ts';

const utc = (text: string) => Date.parse(`${text}Z`);
const texts = (starts: readonly number[] | undefined) =>
  starts?.map((start) => new Date(start).toISOString().slice(0, 16));

describe('where buckets begin', () => {
  test.each([
    [
      'the day that has 23 hours in Paris',
      'DAY',
      'Europe/Paris',
      '2026-03-28T12:00',
      '2026-03-30T12:00',
      ['2026-03-27T23:00', '2026-03-28T23:00', '2026-03-29T22:00'],
    ],
    [
      'the day that has 25 hours in Paris',
      'DAY',
      'Europe/Paris',
      '2026-10-24T12:00',
      '2026-10-26T12:00',
      ['2026-10-23T22:00', '2026-10-24T22:00', '2026-10-25T23:00'],
    ],
    [
      'weeks from Monday',
      'WEEK',
      'UTC',
      '2026-01-04T12:00',
      '2026-01-12T12:00',
      ['2025-12-29T00:00', '2026-01-05T00:00', '2026-01-12T00:00'],
    ],
    [
      'months across a year',
      'MONTH',
      'America/New_York',
      '2025-12-15T00:00',
      '2026-02-01T06:00',
      ['2025-12-01T05:00', '2026-01-01T05:00', '2026-02-01T05:00'],
    ],
    [
      'hours of a zone at the half',
      'HOUR',
      'Asia/Kolkata',
      '2026-01-05T00:10',
      '2026-01-05T02:00',
      ['2026-01-04T23:30', '2026-01-05T00:30', '2026-01-05T01:30'],
    ],
    [
      'the hour that comes twice',
      'HOUR',
      'Europe/Paris',
      '2026-10-25T00:10',
      '2026-10-25T02:10',
      ['2026-10-25T00:00', '2026-10-25T01:00', '2026-10-25T02:00'],
    ],
    [
      'nothing at the end itself',
      'HOUR',
      'UTC',
      '2026-01-05T00:00',
      '2026-01-05T01:00',
      ['2026-01-05T00:00'],
    ],
  ] as const)('%s', (_, bucket, zone, from, to, starts) => {
    expect(texts(bucketStarts({ from: utc(from), to: utc(to) }, bucket, zone))).toEqual(starts);
  });

  test('are not known of a zone that JavaScript does not know', () => {
    expect(bucketStarts({ from: 0, to: 1 }, 'DAY', 'Mars/Olympus')).toBeUndefined();
  });

  test('the bucket is the shortest of which enough fit', () => {
    const days = (count: number) => ({ from: 0, to: count * 86_400_000 });
    expect([1, 10, 11, 300, 3000, 30_000].map((count) => bucketFor(days(count), 240))).toEqual([
      'HOUR',
      'HOUR',
      'DAY',
      'WEEK',
      'MONTH',
      'MONTH',
    ]);
  });
});

describe('buckets as PostgreSQL cuts them', () => {
  let db: Kysely<unknown>;
  beforeAll(() => {
    const pool = new pg.Pool({ connectionString: inject('postgres').primaryUrl });
    db = new Kysely({ dialect: new PostgresDialect({ pool }) });
  });
  afterAll(() => db.destroy());

  /** Zones that change their clocks around midnight, by half an hour, or at a minute past; and one such change. */
  const hard = [
    ['Europe/Paris', '2023-03-26T01:00'],
    ['Atlantic/Azores', '2023-10-29T01:00'],
    ['Atlantic/Azores', '2025-03-30T01:00'],
    ['America/Havana', '2023-03-12T05:00'],
    ['America/Havana', '2023-11-05T05:00'],
    ['America/Santiago', '2022-09-11T04:00'],
    ['Asia/Beirut', '2022-10-29T21:00'],
    ['Australia/Lord_Howe', '2023-04-01T15:00'],
    ['Australia/Lord_Howe', '2023-09-30T15:30'],
    ['America/St_Johns', '2010-11-07T02:31'],
    ['America/St_Johns', '2010-03-14T03:31'],
    ['Pacific/Apia', '2011-12-30T10:00'],
    ['Africa/Casablanca', '2023-04-23T02:00'],
  ] as const;

  test.each(hard)(
    'in %s all that begin around %s are those that its calls are put into',
    async (zone, change) => {
      const hours = (count: number) => utc(change) + count * 3_600_000;
      for (const bucket of bucketNames) {
        const span = { from: hours(bucket === 'MINUTE' ? -3 : -50), to: hours(bucket === 'MINUTE' ? 3 : 50) };
        const timeZone = { name: zone, splitsHours: true };
        const key = groupKey(bucket, { timeZone, isWithinRange: true });
        const { rows } = await sql<{ start: number }>`select distinct
          date_part('epoch', ${groupShown(bucket, sql.ref('groups.bucket'), timeZone)}) * 1000 as start
        from (select ${key} as bucket from generate_series(to_timestamp(${span.from / 1000}::float8),
          to_timestamp(${span.to / 1000 - 1}::float8), interval '1 minute') as xdrs (connect_time)) as groups
        order by start`.execute(db);
        expect({ bucket, starts: bucketStarts(span, bucket, zone) }).toEqual({
          bucket,
          starts: rows.map(({ start }) => start),
        });
      }
    },
  );

  test('begin at the same instants, in every zone that both know alike', async () => {
    const zones = [
      'UTC',
      'Europe/Paris',
      'America/New_York',
      'Asia/Kolkata',
      'Pacific/Chatham',
      'Asia/Tokyo',
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...zones),
        fc.constantFrom(...bucketNames),
        fc.integer({ min: utc('2001-01-01T00:00'), max: utc('2026-12-01T00:00') }),
        async (zone, bucket, instant) => {
          const timeZone = { name: zone, splitsHours: false };
          const start = groupShown(bucket, groupKey(bucket, { timeZone, isWithinRange: true }), timeZone);
          const { rows } = await sql<{ start: string }>`select extract(epoch from ${start}) * 1000 as start
            from (select ${new Date(instant).toISOString()}::timestamptz as connect_time) as xdrs`.execute(
            db,
          );
          const [first] = bucketStarts({ from: instant, to: instant + 1 }, bucket, zone)!;
          expect(first).toBe(Number(rows[0]!.start));
        },
      ),
      { numRuns: 300 },
    );
  });
});
