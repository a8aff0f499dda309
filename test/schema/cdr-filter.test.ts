import fc from 'fast-check';
import { type GraphQLInputObjectType, getNullableType, isListType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import type { CdrFilter, CdrType } from '../generated/operations.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  aCall,
  filterNames,
  filters,
  filtersBy,
  inOrder,
  microsOf,
  passes,
  rowOf,
  someCalls,
} from './calls-oracle.ts';

let database: TestDatabase;
let gateway: TestGateway;
/** Some of the calls of property tests, and by name those that a test below is about. */
const calls = someCalls(300, 2);

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs(calls.map(rowOf));
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const fields = (schema.getType('CdrFilter') as GraphQLInputObjectType).getFields();

async function idsOf(filter: CdrFilter | null): Promise<string[]> {
  const { data, errors } = await gateway.query(
    'query ($filter: CdrFilter) { cdrs(filter: $filter, first: 1000) { nodes { id } totalCount } }',
    { filter },
  );
  expect(errors).toBeUndefined();
  expect(data.cdrs.totalCount).toBe(data.cdrs.nodes.length);
  return data.cdrs.nodes.map(({ id }: { id: string }) => id);
}

test('every filter lets through what plain JavaScript does, in every combination', async () => {
  const seen = { none: 0, some: 0 };
  await fc.assert(
    fc.asyncProperty(filters, async (filter) => {
      const expected = inOrder(
        calls.filter((call) => passes(call, filter)),
        'NEWEST_FIRST',
      ).map(({ i_xdr }) => i_xdr);
      seen[expected.length > 0 ? 'some' : 'none']++;
      expect(await idsOf(filter)).toEqual(expected);
    }),
    { numRuns: 600, seed: 21 },
  );
  // Filters that let nothing through would show nothing.
  expect(seen.some).toBeGreaterThan(200);
  expect(seen.none).toBeGreaterThan(50);
});

test('the filters below are those of the schema', () => {
  expect(Object.keys(fields).toSorted()).toEqual(filterNames.toSorted());
});

/** One part alone, so that a fault in it is not hidden by another part that lets nothing through. */
test.each(filterNames)(
  '%s alone lets through what plain JavaScript does, and not everything',
  async (part) => {
    let left = 0;
    await fc.assert(
      fc.asyncProperty(filtersBy(part), async (filter) => {
        const expected = calls.filter((call) => passes(call, filter)).map(({ i_xdr }) => i_xdr);
        expect((await idsOf(filter)).toSorted()).toEqual(expected.toSorted());
        left += calls.length - expected.length;
      }),
      { numRuns: 25, seed: 22 },
    );
    expect(left).toBeGreaterThan(0);
  },
);

test.each<[string, CdrFilter, CdrFilter]>([
  ['decimals', { minDurationSeconds: '1' }, { minDurationSeconds: '1.0' }],
  [
    'decimals with a sign and an exponent',
    { maxDurationSeconds: '60.25' },
    { maxDurationSeconds: '+6025E-2' },
  ],
  ['small decimals', { minDurationSeconds: '0.0005' }, { minDurationSeconds: '.5e-3' }],
  ['zeros', { minDurationSeconds: '0' }, { minDurationSeconds: '-0.00' }],
  ['numbers and texts', { minDurationSeconds: '1000' }, { minDurationSeconds: 1000 }],
  ['all types and no type', {}, { type: 'ALL' }],
  ['no number and no condition on one', {}, { cli: {}, cld: { is: null } }],
  ['values given twice', { accountIds: ['14', '15'] }, { accountIds: ['15', '14', '15'] }],
  ['causes given twice', { disconnectCauses: [16] }, { disconnectCauses: [16, 16] }],
  ['instants in two zones', { from: '2026-01-05T09:00:00Z' }, { from: '2026-01-05T10:00:00.000+01:00' }],
])('%s that mean the same are one list, and continue its pages', async (_, one, other) => {
  const page =
    'query ($filter: CdrFilter, $after: String) { cdrs(filter: $filter, first: 5, after: $after) { nodes { id } pageInfo { endCursor } } }';
  const first = await gateway.query(page, { filter: one });
  const after = first.data.cdrs.pageInfo.endCursor;
  const [next, same] = [
    await gateway.query(page, { filter: one, after }),
    await gateway.query(page, { filter: other, after }),
  ];
  expect(same.errors).toBeUndefined();
  expect(same.data.cdrs.nodes).toHaveLength(5);
  expect(same.data.cdrs.nodes).toEqual(next.data.cdrs.nodes);
});

test('statistics and the exact count are of the same calls as the list', async () => {
  await fc.assert(
    fc.asyncProperty(filters, async (filter) => {
      const { data } = await gateway.query(
        'query ($filter: CdrFilter) { cdrStats(filter: $filter) { totals { attempts } } cdrs(filter: $filter) { totalCount } }',
        { filter },
      );
      const expected = calls.filter((call) => passes(call, filter)).length;
      expect([data.cdrStats.totals.attempts, data.cdrs.totalCount]).toEqual([expected, expected]);
    }),
    { numRuns: 80, seed: 23 },
  );
});

test('no filter, a null one, an empty one and one of nulls are all the same', async () => {
  const all = await idsOf(null);
  expect(all).toHaveLength(300);
  expect(await idsOf({})).toEqual(all);
  expect(await idsOf({ cli: null, cld: {}, accountIds: null, type: null, from: null })).toEqual(all);
  expect(await idsOf({ cli: { is: null, contains: null } })).toEqual(all);
});

test('an empty list matches nothing, whatever else is asked', async () => {
  const lists = filterNames.filter((name) => isListType(getNullableType(fields[name]!.type)));
  expect(lists.length).toBeGreaterThan(4);
  for (const part of lists) {
    expect(await idsOf({ [part]: [] })).toEqual([]);
    expect(await idsOf({ [part]: [], type: 'ALL' })).toEqual([]);
  }
});

describe('times', () => {
  const nine = microsOf('2031-03-01T09:00:00Z');
  const around = [nine - 1n, nine, nine + 1n].map((micros, index) => aCall(micros, String(20_001 + index)));
  beforeAll(() => database.insertXdrs(around.map(rowOf)));
  afterAll(() => database.primary.deleteFrom('xdrs').where('i_xdr', '>', '20000').execute());

  const year = { from: '2031-01-01T00:00:00Z', to: '2032-01-01T00:00:00Z' };
  const onlyAfter = ['20003', '20002'];

  test('the range includes its start and excludes its end, to the microsecond', async () => {
    expect(await idsOf({ ...year, from: '2031-03-01T09:00:00Z' })).toEqual(onlyAfter);
    expect(await idsOf({ ...year, to: '2031-03-01T09:00:00Z' })).toEqual(['20001']);
    expect(await idsOf({ ...year, from: '2031-03-01T09:00:00.000001Z' })).toEqual(['20003']);
    expect(await idsOf({ from: '2031-03-01T09:00:00Z', to: '2031-03-01T09:00:00.000001Z' })).toEqual([
      '20002',
    ]);
  });

  test('two ranges that meet hold each call once', async () => {
    const [until, since] = [{ to: '2031-03-01T09:00:00Z' }, { from: '2031-03-01T09:00:00Z' }];
    const both = [await idsOf(since), await idsOf(until)].flat();
    expect(both).toEqual(await idsOf({}));
  });

  test.each([
    ['another zone', '2031-03-01T14:45:00+05:45'],
    ['a zone without colon', '2031-03-01T04:00:00-0500'],
    ['milliseconds since 1970', 1_930_122_000_000],
    ['milliseconds as text, as Grafana writes them', '1930122000000'],
    ['digits beyond microseconds', '2031-03-01T09:00:00.0000009Z'],
  ])('an instant may be %s', async (_, from) => {
    expect(await idsOf({ ...year, from })).toEqual(onlyAfter);
  });

  test('an inline integer may be larger than 32 bits', async () => {
    const { data } = await gateway.query(
      '{ cdrs(filter: { from: 1930122000000, to: 1940000000000 }) { nodes { id } } }',
    );
    expect(data.cdrs.nodes.map(({ id }: { id: string }) => id)).toEqual(onlyAfter);
  });
});

describe('numbers', () => {
  const awkward = [
    '%',
    '_',
    '\\',
    "'",
    "' or true --",
    '100%',
    '1_0',
    'a\\%b',
    '"',
    '漢字',
    '😀',
    '',
    ' 33',
    '٣',
  ];
  const numbered = awkward.map((cld, index) =>
    aCall(microsOf('2033-01-01T00:00:00Z'), String(30_001 + index), { cld }),
  );
  beforeAll(() => database.insertXdrs(numbered.map(rowOf)));
  afterAll(() => database.primary.deleteFrom('xdrs').where('i_xdr', '>', '20000').execute());

  test.each(awkward)('"%s" means itself, whole and in part', async (text) => {
    const from = '2033-01-01T00:00:00Z';
    const matching = (matches: (cld: string) => boolean) =>
      numbered.filter((_, index) => matches(awkward[index]!)).map(({ i_xdr }) => i_xdr);
    const sorted = async (match: CdrFilter['cld']) => (await idsOf({ from, cld: match })).toSorted();

    expect(await sorted({ is: text })).toEqual(matching((cld) => cld === text));
    expect(await sorted({ startsWith: text })).toEqual(matching((cld) => cld.startsWith(text)));
    expect(await sorted({ endsWith: text })).toEqual(matching((cld) => cld.endsWith(text)));
    expect(await sorted({ contains: text })).toEqual(matching((cld) => cld.includes(text)));
  });
});

test('call types divide the calls, whatever their durations', async () => {
  await using own = await createTestDatabase();
  await own.pool.query('alter table xdrs alter duration drop not null');
  const durations = [null, '-1', '0', '0.001', '60'];
  const causes = [null, 16, 17, 41];
  const cases = durations.flatMap((duration) => causes.map((cause) => ({ duration, cause })));
  await own.pool.query(
    `insert into xdrs (i_xdr, i_account, connect_time, duration, disconnect_cause)
     select number, 14, now(), duration, cause
     from unnest($1::numeric[], $2::int[]) with ordinality as calls (duration, cause, number)`,
    [cases.map(({ duration }) => duration), cases.map(({ cause }) => cause)],
  );
  await own.replayed();
  await using asked = await createTestGateway(own);
  const idsOfType = async (type: CdrType) => {
    const { data, errors } = await asked.query(
      'query ($type: CdrType) { cdrs(filter: { type: $type }, first: 100) { nodes { id } } }',
      { type },
    );
    expect(errors).toBeUndefined();
    return data.cdrs.nodes
      .map(({ id }: { id: string }) => Number(id))
      .toSorted((a: number, b: number) => a - b);
  };
  const all = cases.map((_, index) => index + 1);
  const those = (matches: (call: (typeof cases)[number]) => boolean) =>
    all.filter((number) => matches(cases[number - 1]!));
  const hasTalk = ({ duration }: (typeof cases)[number]) => Number(duration) > 0;
  const isSuccess = (call: (typeof cases)[number]) =>
    call.cause === 16 || (call.cause === null && hasTalk(call));

  expect(await idsOfType('ALL')).toEqual(all);
  expect(await idsOfType('NON_ZERO')).toEqual(those(hasTalk));
  expect(await idsOfType('ERRORS')).toEqual(those((call) => !isSuccess(call) && !hasTalk(call)));
  expect(await idsOfType('NON_ZERO_AND_ERRORS')).toEqual(those((call) => hasTalk(call) || !isSuccess(call)));
  expect(await idsOfType('COMPLETE')).toEqual(those(isSuccess));
  expect(await idsOfType('INCOMPLETE')).toEqual(those((call) => !isSuccess(call)));
  const both = [...(await idsOfType('NON_ZERO')), ...(await idsOfType('ERRORS'))];
  expect(both.toSorted((a, b) => a - b)).toEqual(await idsOfType('NON_ZERO_AND_ERRORS'));
});
