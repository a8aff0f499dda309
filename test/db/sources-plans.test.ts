import { type Compilable, type RawBuilder, sql } from 'kysely';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { run } from '../../src/db/reader.ts';
import type { Scope } from '../../src/db/scope.ts';
import type { Source } from '../../src/db/sources/sources.ts';
import { type Relations, Statement } from '../../src/db/statement.ts';
import { anXdr } from '../support/builders.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { createSourceDatabase, insertCalls, sourceNames } from './source-databases.ts';

type Calls = ReturnType<Relations['cdrs']>;

/** A node of EXPLAIN (FORMAT JSON). */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** The plan's nodes, outermost first. */
async function planOf(
  pool: Pool,
  source: Source,
  build: (calls: Calls) => Compilable,
  scope: Scope = { kind: 'all' },
): Promise<readonly PlanNode[]> {
  const statement = Statement.build({ source, scope }, 'test', (relations) => build(relations.cdrs()));
  const [row] = await run(
    { pool, source, scope, signal: undefined },
    statement.explained<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(),
  );
  return flatten(row!['QUERY PLAN'][0].Plan);
}

const flatten = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)];

const nodeTypes = (plan: readonly PlanNode[]) => plan.map((node) => node['Node Type']);

/** Tables with a row per call that are read from end to end. */
const readWhole = (plan: readonly PlanNode[]) =>
  plan
    .filter((node) => node['Node Type'] === 'Seq Scan')
    .map((node) => node['Relation Name'])
    .filter((name) => ['xdrs', 'cdrs', 'calls'].includes(name!));

interface Page {
  readonly accountId?: string;
  readonly after?: true;
  readonly oldestFirst?: true;
}

function pageOf(calls: Calls, { after, oldestFirst }: Page = {}) {
  const beyond = sql.raw(oldestFirst ? '>' : '<');
  const direction = oldestFirst ? 'asc' : 'desc';
  return calls
    .select(['i_xdr', 'i_customer', 'connect_time', 'cld', 'country', 'outcome', 'charged_amount'])
    .$if(after === true, (query) =>
      query.where(
        sql<boolean>`(xdrs.connect_time, xdrs.i_xdr)
          ${beyond} (${'2026-01-02 12:00:00+00'}::timestamptz, ${'9000'}::bigint)`,
      ),
    )
    .orderBy('xdrs.connect_time', direction)
    .orderBy('xdrs.i_xdr', direction)
    .limit(50);
}

/** Three calls share a connect time; 40 accounts take turns. */
const calls = Array.from({ length: 20_000 }, (_, index) =>
  anXdr({
    i_xdr: String(index + 1),
    i_account: String(1 + (index % 40)),
    connect_time: new Date(Date.UTC(2026, 0, 1) + Math.floor(index / 3) * 40_000).toISOString(),
    cld: `44${20_000_000 + index}`,
  }),
);

describe.each(sourceNames)('over 20,000 calls of the source %s', (name) => {
  let database: TestDatabase;
  let source: Source;

  beforeAll(async () => {
    database = await createSourceDatabase(name);
    await insertCalls(database, name, calls);
    await database.pool.query('analyze');
    ({ source } = await checkSource(database.primary, name));
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  const [table, key] = name === 'xdrs' ? ['xdrs', 'i_xdr'] : ['cdrs', 'i_cdr'];

  test.each<[string, Page]>([
    ['the first page of all accounts', {}],
    ['a later page of all accounts', { after: true }],
    ['a later page of all accounts, oldest first,', { after: true, oldestFirst: true }],
    ['the first page of one account', { accountId: '7' }],
    ['a later page of one account', { accountId: '7', after: true }],
    ['a later page of one account, oldest first,', { accountId: '7', after: true, oldestFirst: true }],
  ])('%s is read from the keyset index, without a sort', async (_, page) => {
    const { accountId } = page;
    const scope: Scope = accountId ? { kind: 'accounts', accountIds: [accountId] } : { kind: 'all' };
    const plan = await planOf(database.pool, source, (given) => pageOf(given, page), scope);
    const scan = plan.find((node) => node['Relation Name'] === table)!;

    const account = accountId ? 'i_account_' : '';
    const covering = accountId && name === 'xdrs' ? '_covering' : '';
    expect(scan['Index Name']).toBe(`${table}_${account}connect_time_${key}${covering}_idx`);
    expect(nodeTypes(plan).filter((type) => type.endsWith('Sort'))).toEqual([]);
    expect(readWhole(plan)).toEqual([]);
    if (accountId) expect(scan['Index Cond']).toContain(`i_account = '7'`);
    if (page.after) expect(scan['Index Cond']).toMatch(/ROW\([\w.]*connect_time, [\w.]*i_\wdr\) [<>] ROW\(/);
  });

  test('a time range is read from the keyset index', async () => {
    const plan = await planOf(database.pool, source, (given) =>
      pageOf(given).where(
        sql<boolean>`xdrs.connect_time >= '2026-01-02' and xdrs.connect_time < '2026-01-03'`,
      ),
    );

    const scan = plan.find((node) => node['Relation Name'] === table)!;

    expect(scan['Index Cond']).toMatch(/connect_time >= .* AND .*connect_time < /);
  });

  test('one call is found by its key', async () => {
    const plan = await planOf(database.pool, source, (given) =>
      given.selectAll().where('xdrs.i_xdr', '=', '77'),
    );

    expect(readWhole(plan)).toEqual([]);
  });

  test('a thousandth of the calls are found by their keys', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => String(1 + index * 199));
    const plan = await planOf(database.pool, source, (given) =>
      given.selectAll().where(sql<boolean>`xdrs.i_xdr = any(${ids}::int8[])`),
    );

    expect(readWhole(plan)).toEqual([]);
  });

  test('a count makes no join whose columns it does not read', async () => {
    const plan = await planOf(database.pool, source, (given) => given.select(sql`count(*)`.as('count')));

    const scans = nodeTypes(plan).filter((type) => type.includes('Scan'));

    expect(scans).toHaveLength(1);
  });

  test.each(['cli', 'cld'] as const)('a rare %s prefix and a whole one seek in an index', async (column) => {
    const number = sql.ref(`xdrs.${column}`);
    const planWhere = (condition: RawBuilder<boolean>) =>
      planOf(database.pool, source, (given) => given.select('i_xdr').where(condition));
    const prefix = await planWhere(sql`${number} like '442001234%'`);
    const whole = await planWhere(sql`${number} = '4420012345'`);

    expect([...readWhole(prefix), ...readWhole(whole)]).toEqual([]);
    expect(prefix.some((node) => node['Index Cond']?.includes('~>=~'))).toBe(true);
  });

  test('statistics by country remember each prefix instead of asking for every call', async () => {
    const plan = await planOf(database.pool, source, (given) =>
      given.select(['country', sql`count(*)`.as('calls')]).groupBy('country'),
    );

    const types = nodeTypes(plan);

    expect(types.includes('Memoize')).toBe(name === 'sippy');
  });
});
