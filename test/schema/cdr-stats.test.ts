import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CdrFilter } from '../generated/operations.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  aCall,
  type Call,
  decimalOf,
  filters,
  ONE,
  outcomeOf,
  passes,
  rowOf,
  someCalls,
} from './calls-oracle.ts';
import { bucketOf, type Unit } from './local-time.ts';

const DAYS = 90;
/** Calls of three months, two of which see clocks change in Paris and New York. */
const calls = someCalls(400, 3).map((call, index) => {
  const seconds = (index * 104_729) % (DAYS * 86_400);
  return aCall(call.micros + BigInt(seconds) * 1_000_000n, call.i_xdr, rowOf(call));
});

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs(calls.map(rowOf));
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const dimensionFields = {
  MINUTE: 'bucket',
  QUARTER_HOUR: 'bucket',
  HOUR: 'bucket',
  DAY: 'bucket',
  WEEK: 'bucket',
  MONTH: 'bucket',
  ACCOUNT: 'accountId',
  CUSTOMER: 'customerId',
  COUNTRY: 'country',
  REGION: 'region',
  PREFIX: 'prefix',
  CLD: 'cld',
  REMOTE_IP: 'remoteIp',
  DISCONNECT_CAUSE: 'disconnectCause',
  RELEASE_SOURCE: 'releaseSource',
  OUTCOME: 'outcome',
} as const;
type Dimension = keyof typeof dimensionFields;

const measures = [
  'attempts',
  'answered',
  'failed',
  'asr',
  'ner',
  'acdSeconds',
  'medianDurationSeconds',
  'pddSeconds',
  'p95PddSeconds',
  'durationSeconds',
  'billedSeconds',
  'minutes',
  'billedMinutes',
  'chargedAmount',
  'shortCalls',
  'unreadableCalls',
  'peakCallsPerSecond',
] as const;
type Measure = (typeof measures)[number];

/** As in the API: ATTEMPTS, PDD_SECONDS, … */
const enumOf = (measure: Measure) => measure.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

interface Having {
  readonly measure: Measure;
  readonly is?: string;
  readonly atLeast?: string;
  readonly atMost?: string;
  readonly moreThan?: string;
  readonly lessThan?: string;
}

interface StatsQuery {
  readonly filter?: CdrFilter;
  readonly groupBy?: readonly Dimension[];
  readonly timeZone?: string;
  readonly having?: readonly Having[];
  readonly orderBy?: { readonly measure: Measure; readonly direction: 'ASC' | 'DESC' } | null;
  readonly first?: number | null;
}

type Row = Record<Measure, string | number | null> & Record<string, string | number | null>;

async function ask({ having, orderBy, timeZone = 'UTC', ...given }: StatsQuery) {
  const { data, errors } = await gateway.query(
    `query ($filter: CdrFilter, $groupBy: [CdrDimension!], $timeZone: String!, $having: [StatsCondition!], $orderBy: StatsOrder, $first: Int) {
      cdrStats(filter: $filter, groupBy: $groupBy, timeZone: $timeZone, having: $having, orderBy: $orderBy, first: $first) {
        rows { ${[...new Set(Object.values(dimensionFields)), ...measures].join(' ')} }
        totals { ${[...new Set(Object.values(dimensionFields)), ...measures].join(' ')} }
      }
    }`,
    {
      ...given,
      timeZone,
      having: having?.map((condition) => ({ ...condition, measure: enumOf(condition.measure) })),
      orderBy: orderBy && { ...orderBy, measure: enumOf(orderBy.measure) },
    },
  );
  expect(errors).toBeUndefined();
  return data.cdrStats as { rows: Row[]; totals: Row };
}

/** A measure as an exact fraction; undefined where there is nothing to divide by. */
interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

/** The definitions of the measures, once more. */
function measure(group: readonly Call[]): Record<Measure, Fraction | undefined> {
  const outcomes = group.map(outcomeOf);
  const answered = group.filter((_, index) => outcomes[index] === 'ANSWERED');
  const known = outcomes.filter((outcome) => outcome !== null);
  const effective = known.filter((outcome) =>
    ['ANSWERED', 'BUSY', 'NO_ANSWER', 'REJECTED', 'CANCELLED'].includes(outcome),
  );
  const rang = group.filter(({ pdd }) => pdd !== null);
  const sum = (of: readonly Call[], value: (call: Call) => unknown) =>
    of.reduce((total, call) => total + decimalOf(value(call) ?? '0'), 0n);
  const count = (of: readonly unknown[]) => BigInt(of.length) * ONE;
  const whole = (over: bigint) => ({ over, under: 1n });
  const ratio = (over: bigint, under: number) => (under > 0 ? { over, under: BigInt(under) } : undefined);
  const seconds = new Map<number, number>();
  for (const { setup_time } of group) {
    if (setup_time == null) continue;
    const second = Math.floor(Date.parse(String(setup_time)) / 1000);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  const isPeakKnown = group.length === 0 || seconds.size > 0;
  return {
    peakCallsPerSecond: isPeakKnown ? whole(BigInt(Math.max(0, ...seconds.values())) * ONE) : undefined,
    attempts: whole(count(group)),
    answered: whole(count(answered)),
    failed: whole(count(group) - count(answered)),
    asr: ratio(100n * count(answered), group.length),
    ner: ratio(100n * count(effective), known.length),
    acdSeconds: ratio(
      sum(answered, ({ duration }) => duration),
      answered.length,
    ),
    medianDurationSeconds: percentile(
      answered.map(({ duration }) => decimalOf(duration)),
      50,
    ),
    pddSeconds: ratio(
      sum(rang, ({ pdd }) => pdd),
      rang.length,
    ),
    p95PddSeconds: percentile(
      rang.map(({ pdd }) => decimalOf(pdd)),
      95,
    ),
    durationSeconds: whole(sum(group, ({ duration }) => duration)),
    billedSeconds: whole(sum(group, ({ charged_quantity }) => charged_quantity)),
    unreadableCalls: whole(0n),
    minutes: ratio(
      sum(group, ({ duration }) => duration),
      60,
    ),
    billedMinutes: ratio(
      sum(group, ({ charged_quantity }) => charged_quantity),
      60,
    ),
    chargedAmount: whole(sum(group, ({ charged_amount }) => charged_amount)),
    shortCalls: whole(count(answered.filter(({ duration }) => decimalOf(duration) <= 6n * ONE))),
  };
}

/** The least of the values that so many per cent of them are not above. */
function percentile(values: readonly bigint[], perCent: number): Fraction | undefined {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const found = sorted.find((_, index) => (index + 1) * 100 >= perCent * sorted.length);
  return found === undefined ? undefined : { over: found, under: 1n };
}

/** To the last digit for counts and for sums that end; sums over sixty, and ratios, to the fifteenth. */
function expectMeasures(row: Row, group: readonly Call[]): void {
  for (const [name, fraction] of Object.entries(measure(group)) as [Measure, Fraction | undefined][]) {
    if (!fraction) {
      expect({ [name]: row[name] }).toEqual({ [name]: null });
      continue;
    }
    const { over, under } = fraction;
    const difference = decimalOf(row[name]) * under - over;
    const isExact = over % under === 0n && typeof row[name] === 'string';
    const allowed = isExact || under === 1n ? 0n : abs(over) / 10n ** 14n;
    if (abs(difference) > allowed) expect({ [name]: row[name] }).toEqual({ [name]: `${over} / ${under}` });
  }
}

const abs = (value: bigint) => (value < 0n ? -value : value);

function compare(one: Fraction, other: Fraction): number {
  const difference = one.over * other.under - other.over * one.under;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

interface Group {
  readonly key: readonly (string | number | null)[];
  readonly calls: Call[];
}

const known = new Map<string, string>();

function keyOf(call: Call, dimension: Dimension, timeZone: string): string | number | null {
  switch (dimension) {
    case 'ACCOUNT':
      return call.i_account;
    case 'CUSTOMER':
      return (call.i_customer as string | null) ?? null;
    case 'COUNTRY':
      return call.country ?? null;
    case 'REGION':
      return call.region ?? null;
    case 'PREFIX':
      return call.prefix ?? null;
    case 'REMOTE_IP':
      return call.remote_ip ?? null;
    case 'CLD':
      return call.cld ?? null;
    case 'DISCONNECT_CAUSE':
      return call.disconnect_cause ?? null;
    case 'RELEASE_SOURCE':
      return call.release_source ?? null;
    case 'OUTCOME':
      return outcomeOf(call);
  }
  const key = `${call.i_xdr} ${dimension} ${timeZone}`;
  if (!known.has(key)) {
    const start = bucketOf(Number(call.micros / 1000n), dimension satisfies Unit, timeZone);
    known.set(key, new Date(start).toISOString().replace('Z', '000Z'));
  }
  return known.get(key)!;
}

/** What the answer must be: groups in order, and cut. */
function groupsOf({
  filter = {},
  groupBy = [],
  timeZone = 'UTC',
  having = [],
  orderBy,
  first,
}: StatsQuery): Group[] {
  const groups = new Map<string, Group>();
  // Without dimensions there is one group, even of nothing.
  if (groupBy.length === 0) groups.set('[]', { key: [], calls: [] });
  for (const call of calls.filter((candidate) => passes(candidate, filter))) {
    const key = groupBy.map((dimension) => keyOf(call, dimension, timeZone));
    const group = groups.get(JSON.stringify(key)) ?? { key, calls: [] };
    groups.set(JSON.stringify(key), group);
    group.calls.push(call);
  }
  const kept = [...groups.values()].filter((group) =>
    having.every((condition) => fulfils(group.calls, condition)),
  );
  const timeFirst = [...groupBy.entries()]
    .toSorted(([, one], [, other]) => Number(times.includes(other)) - Number(times.includes(one)))
    .map(([index]) => index);
  const sorted = kept.sort(
    (one, other) => byMeasure(one, other, orderBy) || byKey(one.key, other.key, timeFirst),
  );
  return sorted.slice(0, first ?? sorted.length);
}

function fulfils(group: readonly Call[], { measure: name, ...bounds }: Having): boolean {
  const value = measure(group)[name];
  const holds = { is: [0], atLeast: [0, 1], atMost: [0, -1], moreThan: [1], lessThan: [-1] } as const;
  return Object.entries(bounds).every(
    ([kind, bound]) =>
      value !== undefined &&
      (holds[kind as keyof typeof holds] as readonly number[]).includes(
        compare(value, { over: decimalOf(bound), under: 1n }),
      ),
  );
}

function byMeasure(one: Group, other: Group, orderBy: StatsQuery['orderBy']): number {
  if (!orderBy) return 0;
  const [a, b] = [measure(one.calls)[orderBy.measure], measure(other.calls)[orderBy.measure]];
  if (!a || !b) return a ? -1 : b ? 1 : 0;
  return orderBy.direction === 'DESC' ? -compare(a, b) : compare(a, b);
}

/** By time, and then by the other dimensions in the order in which they were given. */
function byKey(one: Group['key'], other: Group['key'], order: readonly number[]): number {
  for (const index of order) {
    const [a, b] = [one[index]!, other[index]!];
    if (a === b) continue;
    if (a === null || b === null) return a === null ? 1 : -1;
    return a < b ? -1 : 1;
  }
  return 0;
}

function expectAnswer({ rows, totals }: { rows: Row[]; totals: Row }, query: StatsQuery): void {
  const { groupBy = [], filter = {} } = query;
  const expected = groupsOf(query);
  const keysOf = (row: Row) => groupBy.map((dimension) => row[dimensionFields[dimension]]);
  expect(rows.map(keysOf)).toEqual(expected.map(({ key }) => key));
  for (const [index, row] of rows.entries()) expectMeasures(row, expected[index]!.calls);
  // Whatever `having` and `first` leave out.
  expectMeasures(
    totals,
    calls.filter((call) => passes(call, filter)),
  );
  const shown = new Set<string>(groupBy.map((dimension) => dimensionFields[dimension]));
  for (const field of new Set(Object.values(dimensionFields))) {
    if (!shown.has(field)) expect(rows.every((row) => row[field] === null)).toBe(true);
    expect(totals[field]).toBeNull();
  }
}

const times: readonly Dimension[] = ['MINUTE', 'QUARTER_HOUR', 'HOUR', 'DAY', 'WEEK', 'MONTH'];
/** Numbers are sorted as the database's language does, which JavaScript need not know: they have a test of their own. */
const others: readonly Dimension[] = [
  'ACCOUNT',
  'CUSTOMER',
  'COUNTRY',
  'REGION',
  'PREFIX',
  'REMOTE_IP',
  'DISCONNECT_CAUSE',
  'RELEASE_SOURCE',
  'OUTCOME',
];

const groupBy = fc
  .tuple(
    fc.option(fc.constantFrom(...times), { freq: 2 }),
    fc.subarray([...others], { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([time, rest, isLast]) => (time === null ? rest : isLast ? [...rest, time] : [time, ...rest]));

const bound = fc.constantFrom('0', '1', '2', '5', '50', '100', '0.5', '1e1', '-1', '33.5');
const having = fc
  .record({
    measure: fc.constantFrom(...measures),
    kind: fc.constantFrom('is', 'atLeast', 'atMost', 'moreThan', 'lessThan'),
    bound,
  })
  .map(({ measure, kind, bound }): Having => ({ measure, [kind]: bound }));

const anyQuery: fc.Arbitrary<StatsQuery> = fc.record({
  filter: fc.oneof(fc.constant({}), filters),
  groupBy,
  timeZone: fc.constantFrom(
    'UTC',
    'Europe/Paris',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
  ),
  having: fc.array(having, { maxLength: 2 }),
  orderBy: fc.option(
    fc.record({
      measure: fc.constantFrom(...measures),
      direction: fc.constantFrom<'ASC' | 'DESC'>('ASC', 'DESC'),
    }),
  ),
  first: fc.option(fc.nat({ max: 12 })),
});

test('any query is answered as plain JavaScript answers it', async () => {
  let rows = 0;
  await fc.assert(
    fc.asyncProperty(anyQuery, async (query) => {
      const answer = await ask(query);
      expectAnswer(answer, query);
      rows += answer.rows.length;
    }),
    { numRuns: 200, seed: 31 },
  );
  // Filters and conditions must not have left nothing.
  expect(rows).toBeGreaterThan(1000);
});

describe.each([...times, ...others])('by %s alone', (dimension) => {
  test('each group has its calls, and no call is in two', async () => {
    expectAnswer(await ask({ groupBy: [dimension], timeZone: 'Europe/Paris' }), {
      groupBy: [dimension],
      timeZone: 'Europe/Paris',
    });
  });
});

test('by CLD each number has its calls, whatever its letters', async () => {
  const { rows } = await ask({ groupBy: ['CLD'], orderBy: { measure: 'attempts', direction: 'DESC' } });
  const expected = new Map(groupsOf({ groupBy: ['CLD'] }).map((group) => [group.key[0]!, group.calls]));
  expect(new Set(rows.map(({ cld }) => cld))).toEqual(new Set(expected.keys()));
  for (const row of rows) expectMeasures(row, expected.get(row.cld!)!);
});

describe.each(measures)('%s', (name) => {
  test.each(['ASC', 'DESC'] as const)(
    'orders groups %s, those without it last, and cuts the top',
    async (direction) => {
      const query: StatsQuery = {
        groupBy: ['DISCONNECT_CAUSE', 'COUNTRY', 'PREFIX'],
        orderBy: { measure: name, direction },
      };
      const all = await ask(query);
      const top = await ask({ ...query, first: 7 });
      expectAnswer(all, query);
      expectAnswer(top, { ...query, first: 7 });
      expect(top.rows).toEqual(all.rows.slice(0, 7));
    },
  );

  test('keeps the groups on the right side of a bound', async () => {
    for (const kind of ['is', 'atLeast', 'atMost', 'moreThan', 'lessThan']) {
      const query: StatsQuery = {
        groupBy: ['DISCONNECT_CAUSE', 'PREFIX'],
        having: [{ measure: name, [kind]: name === 'asr' ? '100' : '2' }],
      };
      expectAnswer(await ask(query), query);
    }
  });
});

test('what is undefined is null, and what is nothing is 0', async () => {
  const nothing = await ask({ filter: { accountIds: [] } });
  const empty = {
    attempts: 0,
    answered: 0,
    failed: 0,
    asr: null,
    ner: null,
    acdSeconds: null,
    medianDurationSeconds: null,
    pddSeconds: null,
    p95PddSeconds: null,
    durationSeconds: '0',
    billedSeconds: 0,
    unreadableCalls: 0,
    minutes: '0',
    billedMinutes: '0',
    chargedAmount: '0',
    shortCalls: 0,
    peakCallsPerSecond: 0,
  };
  expect(nothing.totals).toMatchObject(empty);
  expect(nothing.rows).toHaveLength(1);
  expect(nothing.rows[0]).toMatchObject(empty);

  const grouped = await ask({ filter: { accountIds: [] }, groupBy: ['DAY'] });
  expect(grouped.rows).toEqual([]);
});

test('a group whose causes are all unknown has no NER, and one that nobody answered no ACD', async () => {
  const { rows } = await ask({ groupBy: ['OUTCOME'] });
  const of = (outcome: string | null) => rows.find((row) => row.outcome === outcome)!;
  expect(of(null)).toMatchObject({ ner: null, acdSeconds: null, asr: 0 });
  expect(of('BUSY')).toMatchObject({ ner: 100, acdSeconds: null, asr: 0 });
  expect(of('NETWORK')).toMatchObject({ ner: 0, acdSeconds: null, asr: 0 });
  expect(of('ANSWERED')).toMatchObject({ ner: 100, asr: 100 });
});

test('sums are those of an SQL statement written by hand on the table itself', async () => {
  const filter: CdrFilter = {
    from: '2026-01-10T00:00:00Z',
    to: '2026-03-20T12:00:00Z',
    type: 'NON_ZERO_AND_ERRORS',
  };
  const query: StatsQuery = { filter, groupBy: ['ACCOUNT', 'COUNTRY'], timeZone: 'Europe/Paris' };
  const { rows, totals } = await ask(query);
  const select = `
    count(*)::int as attempts,
    count(*) filter (where (disconnect_cause = 16 or disconnect_cause is null) and duration > 0)::int as answered,
    sum(duration) / 60 as minutes, sum(charged_quantity) / 60.0 as "billedMinutes", sum(charged_amount) as "chargedAmount",
    (avg(duration) filter (where (disconnect_cause = 16 or disconnect_cause is null) and duration > 0))::float8 as "acdSeconds",
    avg(pdd)::float8 as "pddSeconds",
    count(*) filter (where (disconnect_cause = 16 or disconnect_cause is null) and duration > 0 and duration <= 6)::int as "shortCalls"
    from xdrs
    where connect_time >= '2026-01-10Z' and connect_time < '2026-03-20 12:00Z'
      and (duration > 0 or disconnect_cause <> 16 or (disconnect_cause is null))`;
  const { rows: expected } = await database.pool.query(
    `select i_account as "accountId", country, ${select} group by i_account, country order by i_account, country`,
  );
  const { rows: whole } = await database.pool.query(`select ${select}`);

  expect(rows.length).toBeGreaterThan(10);
  for (const [index, row] of [...expected, whole[0]].entries()) {
    const { minutes, billedMinutes, chargedAmount, acdSeconds, pddSeconds, ...counts } = row;
    const found = rows[index] ?? totals;
    expect(found).toMatchObject(counts);
    for (const [name, value] of Object.entries({ minutes, billedMinutes, chargedAmount })) {
      expect({ [name]: decimalOf(found[name]) }).toEqual({ [name]: decimalOf(value ?? '0') });
    }
    for (const [name, value] of Object.entries({ acdSeconds, pddSeconds })) {
      if (value === null) expect(found[name]).toBeNull();
      else expect(found[name]).toBeCloseTo(value as number, 9);
    }
  }
});

test('money adds up to the last digit, where floating point would not', async () => {
  await using own = await createTestDatabase();
  const amounts = [
    '12345678901234567890.12',
    '0.0000000001',
    '-12345678901234567890.12',
    '0.1',
    '0.2',
    '1e30',
    '-1e30',
  ];
  await own.insertXdrs(
    amounts.map((charged_amount, index) =>
      rowOf(
        aCall(0n, String(index + 1), { charged_amount, duration: '0.1', charged_quantity: 2_147_483_647 }),
      ),
    ),
  );
  await using ownGateway = await createTestGateway(own);
  const { data } = await ownGateway.query('{ cdrStats { totals { chargedAmount minutes billedMinutes } } }');
  expect(decimalOf(data.cdrStats.totals.chargedAmount)).toBe(decimalOf('0.3000000001'));
  expect(Number(data.cdrStats.totals.minutes)).toBeCloseTo(0.7 / 60, 15);
  expect(Number(data.cdrStats.totals.billedMinutes)).toBeCloseTo((7 * 2_147_483_647) / 60, 4);
});

test('only one time, no negative first, no more than twenty conditions', async () => {
  const refused = async (call: string) => {
    const { data, errors } = await gateway.query(`{ cdrStats(${call}) { rows { attempts } } }`);
    expect(data).toEqual({ cdrStats: null });
    return [errors![0]!.extensions.code, errors![0]!.message];
  };
  expect(await refused('groupBy: [DAY, HOUR]')).toEqual([
    'INVALID_ARGUMENT',
    expect.stringContaining('bucket'),
  ]);
  expect(await refused('first: -1')).toEqual(['INVALID_ARGUMENT', expect.stringContaining('negative')]);
  expect(await refused('first: 50001')).toEqual(['INVALID_ARGUMENT', expect.stringContaining('50000')]);
  const many = Array.from({ length: 21 }, () => '{ measure: ASR, is: 1 }').join(' ');
  expect(await refused(`having: [${many}]`)).toEqual(['INVALID_ARGUMENT', expect.stringContaining('20')]);
});

test('more groups than can be shown are refused, and the way out is named', async () => {
  await using own = await createTestDatabase();
  await own.pool.query(
    `insert into xdrs (i_xdr, i_account, connect_time) select number, number, now() from generate_series(1, 50001) as number`,
  );
  await own.replayed();
  await using ownGateway = await createTestGateway(own);
  const { data, errors } = await ownGateway.query('{ cdrStats(groupBy: [ACCOUNT]) { rows { accountId } } }');
  expect(data).toEqual({ cdrStats: null });
  expect(errors![0]).toMatchObject({
    message: expect.stringContaining('"first"'),
    extensions: { code: 'INVALID_ARGUMENT' },
  });
  const top = await ownGateway.query(
    '{ cdrStats(groupBy: [ACCOUNT], first: 3) { rows { accountId } totals { attempts } } }',
  );
  expect(top.data.cdrStats).toEqual({
    rows: [{ accountId: '1' }, { accountId: '2' }, { accountId: '3' }],
    totals: { attempts: 50_001 },
  });
});
