import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CdrFilter, type Condition, declareFilter } from '../../../src/db/calls/cdr-filter.ts';
import type { CdrOrder } from '../../../src/db/calls/cdr-page.ts';
import { cdrPageStatement } from '../../../src/db/calls/cdr-page-statement.ts';
import { countCdrs } from '../../../src/db/calls/cdrs.ts';
import { checkSource } from '../../../src/db/catalogue/catalogue-check.ts';
import type { Reader } from '../../../src/db/reader.ts';
import type { Scope } from '../../../src/db/scope.ts';
import { createTestGateway, type TestGateway } from '../../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

/** A node of EXPLAIN (FORMAT JSON). */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

const flatten = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)];

const COUNT = 50_000;
let database: TestDatabase;
let gateway: TestGateway;
let reader: Reader;

beforeAll(async () => {
  database = await createTestDatabase();
  // Half of all calls are to France; 49,999 of the 50,000 numbers of each kind were called once.
  await database.pool.query(
    `insert into xdrs (i_xdr, i_account, i_customer, connect_time, cli, cld, remote_ip, duration, cli_in, cld_in)
     select number, number % 40, number % 7, '2026-01-01T00:00:00Z'::timestamptz + number * interval '10 seconds',
       '1415555' || lpad(number::text, 5, '0'),
       case when number % 2 = 0 then '33' else '44' end || lpad(number::text, 7, '0'),
       '192.0.2.' || number % 100, number % 600, '1415555' || lpad(number::text, 5, '0'),
       case when number % 2 = 0 then '33' else '44' end || lpad(number::text, 7, '0')
     from generate_series(1, $1::int) as number`,
    [COUNT],
  );
  await database.pool.query('vacuum analyze xdrs');
  await database.replayed();
  gateway = await createTestGateway(database);
  const { source } = await checkSource(database.primary, 'xdrs');
  reader = {
    pool: database.pool,
    source,
    scope: { kind: 'all' },
    signal: undefined,
  };
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

interface Question {
  readonly filter: CdrFilter;
  readonly order?: CdrOrder;
  readonly accountIds?: readonly string[];
}

function compile({ filter, order = 'NEWEST_FIRST', accountIds }: Question) {
  const scope: Scope = accountIds ? { kind: 'accounts', accountIds } : { kind: 'all' };
  const page = { filter, order, limit: 51 };
  const { statement, values } = cdrPageStatement({ ...reader, scope }, page, [
    'connect_time',
    'i_xdr',
    'cld',
  ]);
  return statement.bind(scope, values);
}

async function planOf(question: Question): Promise<PlanNode[]> {
  const { text, values } = compile(question);
  const { rows } = await database.pool.query(`explain (format json) ${text}`, [...values]);
  return flatten(rows[0]['QUERY PLAN'][0].Plan);
}

const indexesOf = (plan: readonly PlanNode[]) => [
  ...new Set(plan.flatMap((node) => node['Index Name'] ?? [])),
];
const isReadWhole = (plan: readonly PlanNode[]) => plan.some((node) => node['Node Type'] === 'Seq Scan');
const isSorted = (plan: readonly PlanNode[]) => plan.some((node) => node['Node Type'].endsWith('Sort'));

describe.each([
  ['cli', 'cli'],
  ['cld', 'cld'],
  ['cliIn', 'cli_in'],
  ['cldIn', 'cld_in'],
] as const)('%s', (filter, column) => {
  const [whole, rare] = filter.startsWith('cli') ? ['141555500042', '1415555000'] : ['330000042', '33000004'];
  const index = `xdrs_${column}_connect_time_i_xdr_idx`;

  test('is: one number is sought in its index, which also gives the order', async () => {
    for (const order of ['NEWEST_FIRST', 'OLDEST_FIRST'] as const) {
      const plan = await planOf({ filter: { [filter]: { is: whole } }, order });
      expect(indexesOf(plan)).toEqual([index]);
      expect(isReadWhole(plan) || isSorted(plan)).toBe(false);
    }
  });

  test('startsWith: a rare prefix is sought in the index, bytewise from its first to its last number', async () => {
    const plan = await planOf({ filter: { [filter]: { startsWith: rare } } });
    const conditions = plan.map((node) => node['Index Cond'] ?? '').join();
    expect(indexesOf(plan)).toContain(index);
    expect(conditions).toMatch(new RegExp(`${column} ~>=~ '${rare}'.*${column} ~<~ '`));
  });

  test('startsWith: LIKE’s own characters in the prefix do not cut the search short', async () => {
    const plan = await planOf({ filter: { [filter]: { startsWith: `${rare}%_\\9` } } });
    const conditions = plan.map((node) => node['Index Cond'] ?? '').join();
    expect(conditions).toContain(`${column} ~>=~ '${rare}%_\\9'`);
  });

  test('startsWith: the tenth time too, when PostgreSQL may keep one plan for every prefix', async () => {
    const { text, values } = compile({ filter: { [filter]: { startsWith: rare } } });
    const replica = await gateway.replicas.choose();
    // As a request finds it, with the settings that our pools give to their sessions.
    const client = await replica.pool.connect();
    try {
      for (let time = 0; time < 10; time++) {
        await client.query({ name: `page_${column}`, text, values: [...values] });
      }
      const given = values.map((value) => client.escapeLiteral(String(value))).join(', ');
      const { rows } = await client.query(`explain (format json) execute page_${column}(${given})`);
      expect(indexesOf(flatten(rows[0]['QUERY PLAN'][0].Plan))).toContain(index);
    } finally {
      client.release();
      replica.release();
    }
  });
});

test('a number in any of its columns is sought in the index of each, and no other call is read', async () => {
  const match = { startsWith: '33000004' };
  const filter = { anyOf: [{ cld: match }, { cli: match }, { cldIn: match }, { cliIn: match }] };
  const plan = await planOf({ filter });
  expect(indexesOf(plan).sort()).toEqual(
    ['cld', 'cld_in', 'cli', 'cli_in'].map((column) => `xdrs_${column}_connect_time_i_xdr_idx`),
  );
  expect(isReadWhole(plan)).toBe(false);
});

test('a common prefix is read in the order of the list and stops with the page', async () => {
  const plan = await planOf({ filter: { cld: { startsWith: '33' } } });
  // The second finds the fifty calls of the page by their keys.
  expect(indexesOf(plan).sort()).toEqual(['xdrs_connect_time_i_xdr_idx', 'xdrs_pkey']);
});

test('of the calls of a rare prefix only their keys are read, from the index', async () => {
  const plan = await planOf({ filter: { cld: { startsWith: '330000' } } });
  expect(plan.filter((node) => node['Index Name'] === 'xdrs_cld_connect_time_i_xdr_idx')).toEqual([
    expect.objectContaining({ 'Node Type': 'Index Only Scan' }),
  ]);
});

test.each<[string, Question]>([
  ['many accounts', { filter: { accountIds: Array.from({ length: 30 }, (_, id) => String(id)) } }],
  ['two accounts', { filter: { accountIds: ['7', '8'], from: '2026-01-02T00:00:00Z' } }],
  ['a tenant of many', { filter: {}, accountIds: ['1', '2', '3'] }],
])('of the calls of %s no more keys are read than a page has of each', async (_, question) => {
  const plan = await planOf(question);
  expect(plan.find((node) => node['Index Name']?.startsWith('xdrs_i_account'))).toMatchObject({
    'Node Type': 'Index Only Scan',
    'Index Cond': expect.stringContaining('i_account = '),
  });
  expect(isReadWhole(plan)).toBe(false);
});

test.each<[string, Question, string]>([
  ['one account', { filter: { accountIds: ['7'] } }, 'xdrs_i_account_connect_time_i_xdr_covering_idx'],
  ['a tenant', { filter: {}, accountIds: ['7'] }, 'xdrs_i_account_connect_time_i_xdr_covering_idx'],
  ['one customer', { filter: { customerIds: ['3'] } }, 'xdrs_i_customer_connect_time_i_xdr_idx'],
  [
    'a time range',
    { filter: { from: '2026-01-02T00:00:00Z', to: '2026-01-02T01:00:00Z' } },
    'xdrs_connect_time_i_xdr_idx',
  ],
])('%s is read from its keyset index, in order', async (_, question, index) => {
  for (const order of ['NEWEST_FIRST', 'OLDEST_FIRST'] as const) {
    const plan = await planOf({ ...question, order });
    expect(indexesOf(plan)).toEqual([index]);
    expect(isReadWhole(plan) || isSorted(plan)).toBe(false);
  }
});

test('an hour of an account is sought by both', async () => {
  const filter = { accountIds: ['7'], from: '2026-01-02T00:00:00Z', to: '2026-01-02T01:00:00Z' };
  const conditions = (await planOf({ filter })).map((node) => node['Index Cond'] ?? '').join();
  expect(conditions).toMatch(/i_account = '7'.* AND .*connect_time >= .* AND .*connect_time < /);
});

test('a count of one account and hour reads no table', async () => {
  const filter = { accountIds: ['7'], from: '2026-01-02T00:00:00Z', to: '2026-01-02T01:00:00Z' };
  // 360 calls an hour, one in 40 of the account.
  expect(await countCdrs(reader, filter)).toBe('9');
  const { rows } = await database.pool.query(
    `explain (format json) select count(*) from xdrs where i_account = 7
       and connect_time >= '2026-01-02T00:00:00Z' and connect_time < '2026-01-02T01:00:00Z'`,
  );
  expect(flatten(rows[0]['QUERY PLAN'][0].Plan).map((node) => node['Node Type'])).toContain(
    'Index Only Scan',
  );
});

describe('what is left out', () => {
  const day = { from: '2026-01-02T00:00:00Z', to: '2026-01-03T00:00:00Z' };

  test.each<[string, CdrFilter['not']]>([
    ['an account', { accountIds: ['7'] }],
    ['a country code', { cld: { startsWith: '33' } }],
    ['most of the calls', { minDurationSeconds: '1' }],
    ['all of the calls', {}],
    ['two things', { anyOf: [{ cld: { startsWith: '33' } }, { accountIds: ['7'] }] }],
    ['an hour', { from: '2026-01-02T00:00:00Z', to: '2026-01-02T01:00:00Z' }],
  ])('%s: no call is read but those within the times of the page', async (_, not) => {
    for (const order of ['NEWEST_FIRST', 'OLDEST_FIRST'] as const) {
      const plan = await planOf({ filter: { ...day, not }, order });
      expect(isReadWhole(plan)).toBe(false);
      const scans = plan.filter((node) => node['Index Name'] !== undefined);
      for (const { 'Index Cond': condition } of scans) {
        expect(condition).toMatch(/connect_time >= '2026-01-02 .*connect_time < '2026-01-03 /);
      }
    }
  });

  test('where that is little, the page is read in order and stops with its last call', async () => {
    const plan = await planOf({ filter: { ...day, not: { cld: { startsWith: '33' } } } });
    expect(indexesOf(plan)).toEqual(['xdrs_connect_time_i_xdr_idx']);
    expect(isSorted(plan)).toBe(false);
  });

  test('of an account too', async () => {
    const plan = await planOf({ filter: { not: { cld: { startsWith: '33' } } }, accountIds: ['7'] });
    expect(indexesOf(plan)).toEqual(['xdrs_i_account_connect_time_i_xdr_covering_idx']);
    expect(isReadWhole(plan) || isSorted(plan)).toBe(false);
  });

  test('times that are left out bound no page', async () => {
    const plan = await planOf({ filter: { not: day } });
    expect(indexesOf(plan)).toEqual(['xdrs_connect_time_i_xdr_idx']);
    expect(plan.flatMap((node) => node['Index Cond'] ?? [])).toEqual([]);
  });
});

const isEven = (value: number): Condition => ({ text: String(value % 2 === 0), values: [] });
const anything: Condition = { text: 'true', values: [] };

test('Call-IDs are sought in an index of the switch, where it has one', async () => {
  const filter = { callIds: ['no-such-call@192.0.2.10', 'nor-this@192.0.2.10'] };
  const read = await planOf({ filter });
  await database.pool.query('create index xdrs_call_id_idx on xdrs (call_id)');
  const sought = await planOf({ filter });
  await database.pool.query('drop index xdrs_call_id_idx');
  expect(indexesOf(read)).not.toContain('xdrs_call_id_idx');
  expect(indexesOf(sought)).toEqual(['xdrs_call_id_idx']);
});

describe('what does not compile: a filter', () => {
  test.each([
    // @ts-expect-error: without a condition it would let every call through
    () => declareFilter('text', { description: 'Of a user agent.' }),
    // @ts-expect-error: of a kind that nobody checks
    () => declareFilter('pattern', { description: 'Of a user agent.', condition: () => anything }),
    // @ts-expect-error: without a word on what it does
    () => declareFilter('text', { condition: () => anything }),
    // @ts-expect-error: whose condition is of other values than those that were checked
    () => declareFilter('text', { description: 'Of a user agent.', condition: isEven }),
  ])('%#', (declare) => {
    // The compiler refuses it, which `npm run check` shows; JavaScript does not mind.
    expect(declare()).toBeDefined();
  });
});
