import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MigrationError, migrateDown, migrateSql, migrateToLatest } from '../../../src/db/migrate/migrate.ts';
import { type Cluster, startCluster } from '../../../src/demo/cluster.ts';
import { sippyTablesSql } from '../../support/sippy.ts';
import { createEmptyDatabase, describeDatabase, type EmptyDatabase, queryAt } from './migrate-databases.ts';

const optional = ['row_security'];
const silent = () => {};

/** What a switch may have instead of our tables. */
const tables: Readonly<Record<string, string>> = {
  'our own tables': '',
  'calls without a customer': `
    create table xdrs (i_xdr bigint primary key, i_account bigint, connect_time timestamptz);
    create table accounts (i_account bigint primary key, i_customer bigint);
    create table customers (i_customer bigint primary key, name text);`,
  'calls without a table of accounts': `
    create table xdrs (i_xdr bigint primary key, i_account bigint, i_customer bigint, connect_time timestamptz);`,
  'partitioned calls': `
    create table xdrs (i_xdr bigint, i_account bigint, i_customer bigint, connect_time timestamptz) partition by list (i_account);
    create table xdrs_1 partition of xdrs for values in (1); create table xdrs_2 partition of xdrs default;`,
  'a Sippy': sippyTablesSql,
};

/** As a member of `gateway_reader` sees it, behind what the gateway would send first. */
async function asReader(
  { url }: EmptyDatabase,
  statement: string,
  prelude: string,
): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('set session authorization gateway');
    await client.query('begin');
    await client.query(prelude);
    return (await client.query({ text: statement, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

const seeing = (accounts: string) => `select set_config('cdr_gateway.accounts', '${accounts}', true)`;
const seeingCustomers = (customers: string) =>
  `set local role gateway_customers; select set_config('cdr_gateway.customers', '${customers}', true)`;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ major: 16, replicas: 1 });
});
afterAll(() => cluster?.stop());

async function createSecured(statements = ''): Promise<EmptyDatabase> {
  const database = await createEmptyDatabase(cluster);
  await database.query(statements);
  await migrateToLatest(database.url, { optional });
  return database;
}

test.each(Object.entries(tables))(
  'row security on %s is made only where it is asked for, once, and taken back leaves nothing',
  async (_, statements) => {
    const database = await createEmptyDatabase(cluster);
    await database.query(statements);
    await migrateToLatest(database.url);
    const without = await describeDatabase(database);
    await migrateToLatest(database.url, { optional });
    const secured = await describeDatabase(database);
    await migrateToLatest(database.url, { optional });
    await migrateToLatest(database.url);

    expect(without).not.toContain('row security of');
    expect(secured).toMatch(/row security of (xdrs|cdrs) /);
    expect(await describeDatabase(database)).toBe(secured);
    await migrateDown(database.url, silent, { optional });
    expect(await describeDatabase(database)).toBe(without);

    await runByHand(database);
    expect(await describeDatabase(database)).toBe(secured);
    await migrateToLatest(database.url, { optional });
    expect(await describeDatabase(database)).toBe(secured);
  },
);

async function runByHand({ url }: EmptyDatabase): Promise<void> {
  const lines: string[] = [];
  await migrateSql(url, (line) => void lines.push(line), optional);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of lines.join('\n').split(/;$/m)) await client.query(statement);
  await client.end();
}

const someCalls = `
  create table xdrs (i_xdr bigint primary key, i_account bigint, connect_time timestamptz);
  create table accounts (i_account bigint primary key, i_customer bigint, password text);
  create table customers (i_customer bigint primary key, name text);
  insert into xdrs values (1, 14, now()), (2, 15, now()), (3, 16, now()), (4, null, now());
  insert into accounts values (14, 3), (15, 3), (16, 4), (17, null);
  insert into customers values (3, 'Three'), (4, 'Four'), (5, 'Five');`;

describe('row security', () => {
  let shared: EmptyDatabase;
  beforeAll(async () => {
    shared = await createSecured(someCalls);
  });

  test('shows calls, accounts and customers of the ids that were set', async () => {
    const seen = async (prelude: string) => [
      await asReader(shared, 'select i_xdr::int from xdrs order by 1', prelude),
      await asReader(shared, 'select i_account::int from accounts order by 1', prelude),
      await asReader(shared, 'select i_customer::int from customers order by 1', prelude),
    ];

    expect(await seen(seeing('{}'))).toEqual([[], [], []]);
    expect(await seen(seeing('{14}'))).toEqual([[1], [14], [3]]);
    expect(await seen(seeing('{14,16}'))).toEqual([
      [1, 3],
      [14, 16],
      [3, 4],
    ]);
    expect(await seen(seeingCustomers('{3}'))).toEqual([[1, 2], [14, 15], [3]]);
    expect(await seen(seeingCustomers('{}'))).toEqual([[], [], []]);
    expect(await seen('set local role gateway_all')).toEqual([
      [1, 2, 3, 4],
      [14, 15, 16, 17],
      [3, 4, 5],
    ]);
  });

  test.each(['xdrs', 'accounts', 'customers'])(
    'fails where nobody has said whose %s are wanted',
    async (table) => {
      const count = `select count(*) from ${table}`;
      await expect(asReader(shared, count, 'select 1')).rejects.toThrow(
        /unrecognized configuration parameter "cdr_gateway/,
      );
      await expect(asReader(shared, count, seeing(''))).rejects.toThrow(/malformed array literal/);
    },
  );

  test('leaves the statistics of an account to its index', async () => {
    const plan = await asReader(
      shared,
      'explain select count(*) from xdrs where i_account = 14',
      `${seeing('{14}')}; set local enable_seqscan = off; set local enable_bitmapscan = off`,
    );
    expect(plan.join('\n')).toContain('Index Only Scan');
  });

  test('gives who may see everything no more columns than before', async () => {
    await expect(
      asReader(shared, 'select password from accounts', 'set local role gateway_all'),
    ).rejects.toThrow('permission denied');
  });

  test('leaves temporary tables and large objects to everybody but the gateway', async () => {
    await queryAt(cluster.primary.url(), 'create role billing login');
    const database = await createSecured(someCalls);
    const may = (role: string) =>
      database.query(
        `select has_database_privilege($1, current_database(), 'temporary') as temporary,
          has_function_privilege($1, 'lo_from_bytea(oid, bytea)', 'execute') as objects`,
        [role],
      );

    expect(await may('gateway')).toEqual([{ temporary: false, objects: false }]);
    expect(await may('gateway_all')).toEqual([{ temporary: false, objects: false }]);
    expect(await may('billing')).toEqual([{ temporary: true, objects: true }]);
    await migrateDown(database.url, silent, { optional });
    expect(await may('gateway')).toEqual([{ temporary: true, objects: true }]);
    await database.query('drop role billing');
  });

  test('that others have made stays theirs', async () => {
    const database = await createSecured(`${someCalls}
      alter table xdrs enable row level security;
      create policy morning on xdrs using (extract(hour from connect_time) < 24);
      create role night login; grant select on xdrs to night;
      alter table accounts enable row level security;`);
    expect(await asReader(database, 'select i_xdr::int from xdrs', seeing('{14}'))).toEqual([1]);
    // No policy of theirs lets anybody see an account: ours does not open it.
    expect(await asReader(database, 'select i_account::int from accounts', seeing('{14}'))).toEqual([]);
    await migrateDown(database.url, silent, { optional });
    expect(
      await database.query(`select relname, relrowsecurity as is_on from pg_class
        where relname in ('accounts', 'customers', 'xdrs') and relkind = 'r' order by 1`),
    ).toEqual([
      { relname: 'accounts', is_on: true },
      { relname: 'customers', is_on: false },
      { relname: 'xdrs', is_on: true },
    ]);
    expect(await database.query(`select polname from pg_policy`)).toEqual([{ polname: 'morning' }]);
    await database.query('drop owned by night; drop role night');
  });

  test('is refused on a view, and nothing is changed', async () => {
    const database = await createEmptyDatabase(cluster);
    await database.query(
      `${someCalls} alter table accounts rename to stored; create view accounts as select * from stored`,
    );
    await migrateToLatest(database.url);
    const before = await describeDatabase(database);
    await expect(migrateToLatest(database.url, { optional })).rejects.toThrow('accounts is not a table');
    expect(await describeDatabase(database)).toBe(before);
  });

  test('waits for no writer longer than a switch can bear', async () => {
    const database = await createEmptyDatabase(cluster);
    await database.query(someCalls);
    await migrateToLatest(database.url);
    const before = await describeDatabase(database);
    const writer = new pg.Client({ connectionString: database.url });
    await writer.connect();
    await writer.query('begin; insert into xdrs values (5, 14, now())');

    const refused = await migrateToLatest(database.url, { optional }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(MigrationError);
    expect((refused as Error).message).toContain('run it again in a quieter moment');
    expect(await describeDatabase(database)).toBe(before);
    await writer.query('commit');
    await writer.end();
    await migrateToLatest(database.url, { optional });
    expect(await describeDatabase(database)).toContain('row security of xdrs');
  });

  test('is made again, by the next "up", for a table that was made anew', async () => {
    const database = await createSecured(someCalls);
    const before = await describeDatabase(database);
    await database.query(
      `drop table customers; create table customers (i_customer bigint primary key, name text)`,
    );
    expect(await describeDatabase(database)).not.toBe(before);
    await migrateToLatest(database.url);
    expect(await describeDatabase(database)).toBe(before);
  });

  test('of another name is not known', async () => {
    const database = await createEmptyDatabase(cluster);
    const refusal = new MigrationError(
      'There is no optional migration "roles"; there is row_security, ledger.',
    );
    for (const attempt of [
      () => migrateToLatest(database.url, { optional: ['roles'] }),
      () => migrateDown(database.url, silent, { optional: ['roles'] }),
      () => migrateSql(database.url, silent, ['roles']),
    ]) {
      await expect(attempt()).rejects.toEqual(refusal);
    }
    await expect(migrateSql(database.url, silent, optional)).rejects.toThrow(
      'run the other migrations first',
    );
  });
});
