import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { aCall, rowOf } from './calls-oracle.ts';
import { bucketOf, dayOf, type Unit } from './local-time.ts';

/** Days on which clocks change in 2026, and what they are there to show. */
const changes = [
  { timeZone: 'Europe/Paris', day: '2026-03-29', hours: 23 },
  { timeZone: 'Europe/Paris', day: '2026-10-25', hours: 25 },
  { timeZone: 'America/New_York', day: '2026-03-08', hours: 23 },
  { timeZone: 'America/New_York', day: '2026-11-01', hours: 25 },
  // Half an hour: the hour that is cut short, and the one that comes with half another.
  { timeZone: 'Australia/Lord_Howe', day: '2026-10-04', hours: 23.5 },
  { timeZone: 'Australia/Lord_Howe', day: '2026-04-05', hours: 24.5 },
  // Never changes, and is three quarters of an hour off.
  { timeZone: 'Asia/Kathmandu', day: '2026-03-29', hours: 24 },
  // At midnight: a day that begins at one o'clock, and days that begin at midnight twice.
  { timeZone: 'America/Havana', day: '2026-03-08', hours: 23 },
  { timeZone: 'America/Havana', day: '2026-11-01', hours: 25 },
  { timeZone: 'Atlantic/Azores', day: '2026-10-25', hours: 25 },
  { timeZone: 'Asia/Beirut', day: '2026-10-24', hours: 25 },
  // Skips the last hour of the day before; a day in two years that is of both kinds.
  { timeZone: 'America/Nuuk', day: '2026-03-29', hours: 24 },
  { timeZone: 'America/Scoresbysund', day: '2025-03-30', hours: 24 },
  { timeZone: 'America/Scoresbysund', day: '2025-03-29', hours: 23 },
  // Skipped a whole day.
  { timeZone: 'Pacific/Apia', day: '2011-12-31', hours: 24 },
  { timeZone: 'Pacific/Apia', day: '2011-12-29', hours: 24 },
  { timeZone: 'UTC', day: '2026-03-29', hours: 24 },
] as const;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let database: TestDatabase;
let gateway: TestGateway;
/** A call every ten minutes of three days around each change. */
const instants = [
  ...new Set(
    changes.flatMap(({ day }) => {
      const start = Date.parse(`${day}T00:00:00Z`) - 24 * HOUR;
      return Array.from({ length: 72 * 6 }, (_, index) => start + index * 10 * MINUTE);
    }),
  ),
].sort((a, b) => a - b);

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs(
    instants.map((millis, index) => rowOf(aCall(BigInt(millis) * 1000n, String(index + 1)))),
  );
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

interface Bucket {
  readonly bucket: string;
  readonly attempts: number;
}

async function bucketsOf(unit: Unit, timeZone: string, filter: object = {}): Promise<Bucket[]> {
  const { data, errors } = await gateway.query(
    `query ($unit: CdrDimension!, $timeZone: String!, $filter: CdrFilter) {
      cdrStats(groupBy: [$unit], timeZone: $timeZone, filter: $filter) { rows { bucket attempts } }
    }`,
    { unit, timeZone, filter },
  );
  expect(errors).toBeUndefined();
  return data.cdrStats.rows;
}

const zones = [...new Set(changes.map(({ timeZone }) => timeZone))];

describe.each(['MINUTE', 'QUARTER_HOUR', 'HOUR', 'DAY', 'WEEK', 'MONTH'] as const)('%s', (unit) => {
  test.each(zones)('in %s each call is in the bucket that its clock and calendar say', async (timeZone) => {
    const expected = new Map<number, number>();
    for (const millis of instants) {
      const start = bucketOf(millis, unit, timeZone);
      expected.set(start, (expected.get(start) ?? 0) + 1);
    }

    const found = (await bucketsOf(unit, timeZone)).map(({ bucket, attempts }) => [bucket, attempts]);

    const inOrder = [...expected].sort(([one], [other]) => one - other);
    expect(found).toEqual(
      inOrder.map(([start, attempts]) => [new Date(start).toISOString().replace('Z', '000Z'), attempts]),
    );
  });
});

test.each(changes)('$day in $timeZone has $hours hours of calls', async ({ timeZone, day, hours }) => {
  const days = await bucketsOf('DAY', timeZone);
  const its = days.filter(({ bucket }) => dayOf(Date.parse(bucket), timeZone) === day);

  expect(its.map(({ attempts }) => attempts)).toEqual([hours * 6]);
});

test.each(changes)(
  '$day in $timeZone is cut into hours that hold every call once',
  async ({ timeZone, day, hours }) => {
    const [first, next] = [day, ''].map((_, index) =>
      bucketOf(Date.parse(`${day}T12:00:00Z`) + index * 24 * HOUR, 'DAY', timeZone),
    );
    const within = { from: first, to: next };

    const buckets = await bucketsOf('HOUR', timeZone, within);

    expect(buckets).toHaveLength(Math.ceil(hours));
    expect(buckets.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(hours * 6);
  },
);

test('a zone that PostgreSQL and the world do not know is refused by name', async () => {
  for (const timeZone of [
    'Europe/Atlantis',
    'CEST',
    'UTC+2',
    "Europe/Paris'; --",
    '',
    'posixrules',
    'localtime',
  ]) {
    const { data, errors } = await gateway.query(
      'query ($timeZone: String!) { cdrStats(groupBy: [DAY], timeZone: $timeZone) { rows { attempts } } }',
      { timeZone },
    );
    expect(data).toEqual({ cdrStats: null });
    expect(errors![0]).toMatchObject({
      message: expect.stringContaining('is not an IANA time zone'),
      extensions: { code: 'UNKNOWN_TIME_ZONE', retryable: false },
    });
  }
});

test.each(['UTC', 'Europe/Paris', 'America/Los_Angeles', 'Pacific/Kiritimati'])(
  'in %s calls at the ends of the calendar cost no answer, but a bucket that cannot be told',
  async (timeZone) => {
    await using own = await createTestDatabase();
    const times = [
      '4714-11-24 00:00:00+00 BC',
      '4713-01-01 00:00:00+00 BC',
      '2026-01-05 09:00:00+00',
      '294276-12-31 23:59:59.999999+00',
      'infinity',
      '-infinity',
    ];
    await own.pool.query(
      'insert into xdrs (i_xdr, i_account, connect_time) select number, 14, time from unnest($1::timestamptz[]) with ordinality as given (time, number)',
      [times],
    );
    await own.replayed();
    await using asked = await createTestGateway(own);
    for (const unit of ['MINUTE', 'QUARTER_HOUR', 'HOUR', 'DAY', 'WEEK', 'MONTH']) {
      const { data, errors = [] } = await asked.query(
        `query ($unit: CdrDimension!, $timeZone: String!) {
          cdrStats(groupBy: [$unit], timeZone: $timeZone) { rows { bucket attempts } totals { attempts } }
        }`,
        { unit, timeZone },
      );
      const rows: Bucket[] = data.cdrStats.rows;
      expect(rows.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(times.length);
      expect(data.cdrStats.totals.attempts).toBe(times.length);
      const ordinary = bucketOf(Date.parse('2026-01-05T09:00:00Z'), unit as Unit, timeZone);
      expect(rows.map(({ bucket }) => bucket)).toContain(
        new Date(ordinary).toISOString().replace('Z', '000Z'),
      );
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(
        rows.filter(({ bucket }) => bucket === null).map(() => 'UNREADABLE_VALUE'),
      );
    }
  },
);
