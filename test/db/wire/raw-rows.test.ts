import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Statement } from '../../../src/db/statement.ts';
import { formats } from '../../../src/db/wire/bind-message.ts';
import { type Flow, readRawRows } from '../../../src/db/wire/raw-rows.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  // One connection, so that a statement inherits whatever the one before it left behind.
  pool = new pg.Pool({
    connectionString: database.replicaUrls[0],
    options: '-c plan_cache_mode=force_custom_plan',
    max: 1,
  });
});
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

/** Nobody takes rows until `open` is called. */
function closedFlow() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { isFull: () => true, drained: () => promise, open: resolve } satisfies Flow & { open(): void };
}

/** No call is read here. */
const nobody = () =>
  ({
    pool,
    source: { hasScopePolicies: false },
    scope: { kind: 'accounts', accountIds: [] },
    signal: undefined,
  }) as const;
const given = Symbol('given');

/** `$1` is what is given. */
function statementOf(text: string) {
  const [before, after] = text.split('$1');
  return Statement.ofServer(
    'test',
    after === undefined ? sql.raw(text) : sql`${sql.raw(before!)}${given}${sql.raw(after)}`,
  );
}

const read = (text: string, flow?: Flow) =>
  readRawRows(nobody(), { statement: statementOf(text), formats: [formats.text], sink() {}, flow });

const readWithOnePlan = (text: string, value: number) =>
  readRawRows(nobody(), {
    statement: statementOf(text),
    values: new Map([[given, value]]),
    formats: [formats.text],
    hasOnePlan: true,
    sink() {},
  });

const planCacheMode = async () => (await pool.query('show plan_cache_mode')).rows[0].plan_cache_mode;

test('a statement that ends while its rows wait leaves the next one alone', async () => {
  const flow = closedFlow();
  await expect(read('select generate_series(1, 3)', flow)).resolves.toEqual({ rows: 3, isStopped: false });
  // Longer than a statement may wait for its reader.
  await expect(read('select pg_sleep(0.6)')).resolves.toEqual({ rows: 1, isStopped: false });
  flow.open();
});

test('a statement with one plan is planned once, and nothing else is', async () => {
  const text = 'select generate_series(1, $1::int)';
  for (const value of [3, 5, 70]) {
    await expect(readWithOnePlan(text, value)).resolves.toEqual({ rows: value, isStopped: false });
  }
  const { rows } = await pool.query(
    'select generic_plans::int, custom_plans::int from pg_prepared_statements where statement = $1',
    [text.replace('select', 'select /* test */')],
  );
  expect(rows).toEqual([{ generic_plans: 3, custom_plans: 0 }]);
  expect(await planCacheMode()).toBe('force_custom_plan');
});

test('a statement with one plan that fails leaves the next ones planned for their values', async () => {
  await expect(readWithOnePlan('select 1 / ($1::int - 4)', 4)).rejects.toThrow('division by zero');
  expect(await planCacheMode()).toBe('force_custom_plan');
  await expect(readWithOnePlan('select 1 / ($1::int - 4)', 5)).resolves.toMatchObject({ rows: 1 });
});

test.each([
  ['for its values', 'select changing()', (text: string) => read(text)],
  ['once', 'select changing() where $1::int = 1', (text: string) => readWithOnePlan(text, 1)],
])(
  'a statement whose result has another type since is prepared again; planned %s',
  async (_, text, execute) => {
    for (const type of ['int4', 'int8', 'text']) {
      await database.pool.query(`drop function if exists changing();
      create function changing() returns ${type} language sql as 'select ''1''::${type}'`);
      await database.replayed();
      await expect(execute(text)).resolves.toEqual({ rows: 1, isStopped: false });
    }
  },
);
