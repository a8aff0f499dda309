import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrateDown, migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { anXdr } from '../support/builders.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { subscribe } from './event-client.ts';
import { corrected, deleted, gaps, knownCalls } from './known-calls.ts';
import { writeAtRandom } from './random-corrections.ts';
import { RandomSource } from './soak-random.ts';

let database: TestDatabase;
let gateway: TestGateway;

const CALLS = `subscription ($filter: CdrFilter, $after: String) {
  cdrs(filter: $filter, after: $after) {
    cursor mayRepeat inserted { id accountId cld } corrected { id accountId cld } deletedIds gap { reason }
  }
}`;

beforeAll(async () => {
  database = await createTestDatabase();
  await migrateToLatest(database.primaryUrl, { optional: ['ledger'] });
  await database.replayed();
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

async function follow(options: Parameters<typeof subscribe>[2] = {}, of = gateway) {
  const client = await subscribe(of.fetch, CALLS, options);
  return client.until(({ events }) => events.length > 0);
}

test('what the primary notes is told: to each account what concerns its calls, also when they move', async () => {
  await using client = await follow();
  await using tenant = await follow({ token: ACCOUNT_TOKEN });
  expect(gateway.feed.status()).toMatchObject({ level: 'LEDGER', reason: null });
  const [own, foreign, last] = [anXdr(), anXdr({ i_account: '15' }), anXdr()];
  await database.insertXdrs([own, foreign]);
  await client.until(({ ids }) => ids.length >= 2);
  const { pool } = database;
  await pool.query("update xdrs set cld = '1' where i_xdr = $1", [foreign.i_xdr]);
  await pool.query('update xdrs set i_account = 15 where i_xdr = $1', [own.i_xdr]);
  await database.replayed();
  await tenant.until((each) => deleted(each).length > 0);
  await pool.query('delete from xdrs where i_xdr = $1', [own.i_xdr]);
  await database.insertXdrs([last]);
  await client.until((each) => deleted(each).length > 0 && each.ids.includes(last.i_xdr));
  await tenant.until(({ ids }) => ids.includes(last.i_xdr));
  expect(deleted(tenant)).toEqual([own.i_xdr]);
  expect(corrected(tenant)).toEqual([]);
  expect(corrected(client).find(({ id }) => id === foreign.i_xdr)).toMatchObject({ cld: '1' });
  expect([...gaps(client), ...gaps(tenant)]).toEqual([]);
});

test('whoever comes back is told what was noted meanwhile, once, on any gateway, also one that begins then', async () => {
  const [one, gone] = [anXdr(), anXdr()];
  let cursor: string;
  {
    await using client = await follow();
    await database.insertXdrs([one, gone]);
    await client.until(({ ids }) => ids.length >= 2);
    cursor = client.lastId!;
  }
  await database.pool.query("update xdrs set cld = '5' where i_xdr = $1", [one.i_xdr]);
  await database.pool.query('delete from xdrs where i_xdr = $1', [gone.i_xdr]);
  await database.replayed();
  await using other = await createTestGateway(database);
  for (const at of [gateway, other]) {
    await using again = await follow({ variables: { after: cursor } }, at);
    await again.until((each) => deleted(each).length > 0 && corrected(each).length > 0);
    cursor = again.lastId!;
    const last = anXdr();
    await database.insertXdrs([last]);
    await again.until(({ ids }) => ids.includes(last.i_xdr));
    expect(corrected(again)).toEqual([{ id: one.i_xdr, accountId: one.i_account, cld: '5' }]);
    expect(deleted(again)).toEqual([gone.i_xdr]);
    expect(gaps(again)).toEqual([]);
    await database.pool.query("update xdrs set cld = '5' where i_xdr = $1", [one.i_xdr]);
    await database.pool.query('insert into xdrs (i_xdr, i_account, connect_time) values ($1, 14, now())', [
      gone.i_xdr,
    ]);
    await database.pool.query('delete from xdrs where i_xdr = $1', [gone.i_xdr]);
    await database.replayed();
  }
});

test('corrections of many calls are found in the order of their numbers, and the cursor behind them is taken', async () => {
  await using client = await follow();
  const rows = Array.from({ length: 1200 }, () => anXdr());
  await database.insertXdrs(rows);
  await client.until(({ ids }) => ids.length >= rows.length);
  const ids = rows.map(({ i_xdr }) => i_xdr!);
  await database.pool.query("update xdrs set cld = 'many' where i_xdr = any($1)", [ids]);
  await client.until((each) => corrected(each).filter(({ id }) => ids.includes(id)).length >= rows.length);
  // What was corrected just before may be told too.
  const told = corrected(client).map(({ id }) => id);
  expect(told.filter((id) => ids.includes(id)).toSorted()).toEqual(ids.toSorted());
  await using again = await follow({ variables: { after: client.lastId } });
  const last = anXdr();
  await database.insertXdrs([last]);
  await again.until(({ ids: inserted }) => inserted.includes(last.i_xdr));
  expect(corrected(again)).toEqual([]);
});

test('a correction that is noted early and commits late is told', async () => {
  await using client = await follow();
  const [slow, quick] = [anXdr(), anXdr()];
  await database.insertXdrs([slow, quick]);
  const session = await database.pool.connect();
  await session.query('begin');
  await session.query("update xdrs set cld = 'late' where i_xdr = $1", [slow.i_xdr]);
  await database.pool.query("update xdrs set cld = 'early' where i_xdr = $1", [quick.i_xdr]);
  const isTold = (id: string | undefined) => corrected(client).some((call) => call.id === id);
  await client.until(() => isTold(quick.i_xdr));
  expect(isTold(slow.i_xdr)).toBe(false);
  await session.query('commit');
  session.release();
  await client.until(() => isTold(slow.i_xdr));
  expect(knownCalls(client).get(slow.i_xdr!)).toMatchObject({ cld: 'late' });
});

test('what a subscriber knows is what the table has, whatever was written and in which order', async () => {
  await using client = await follow();
  await using tenant = await follow({ token: ACCOUNT_TOKEN });
  const ids = Array.from({ length: 60 }, () => anXdr()).map(({ i_xdr }) => i_xdr!);
  await database.insertXdrs(ids.map((i_xdr) => anXdr({ i_xdr })));
  await client.until(({ ids: told }) => told.length >= 60);
  await writeAtRandom(database.pool, new RandomSource(12), { ids, reuses: false });
  const { rows } = await database.pool.query(
    'select i_xdr::text as id, i_account::text as "accountId", cld from xdrs where i_xdr = any($1)',
    [ids],
  );
  for (const [each, account] of [
    [client, undefined],
    [tenant, '14'],
  ] as const) {
    const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1);
    const expected = rows.filter(({ accountId }) => account === undefined || accountId === account);
    await expect
      .poll(() => [...knownCalls(each).values()].filter(({ id }) => ids.includes(id)).toSorted(byId), {
        timeout: 10_000,
      })
      .toEqual(expected.toSorted(byId));
    expect(gaps(each)).toEqual([]);
  }
});

test('the switch needs no right to the ledger, is not kept by one that was dropped, and inserts have no trigger', async () => {
  const { pool } = database;
  const { rows } = await pool.query(
    "select bool_or((tgtype & 4) <> 0) as inserts, count(*)::int as count from pg_trigger where tgname like 'gateway\\_ledger\\_%'",
  );
  expect(rows).toEqual([{ inserts: false, count: 3 }]);
  const row = anXdr();
  await database.insertXdrs([row]);
  const name = `switch_${Math.random().toString(36).slice(2)}`;
  await pool.query(`create role ${name}; grant select, update on xdrs to ${name}`);
  await pool.query(
    `begin; set local role ${name}; update xdrs set cld = '8' where i_xdr = ${row.i_xdr}; commit`,
  );
  const noted = await pool.query('select old_account from cdr_gateway.ledger where call_key = $1', [
    row.i_xdr,
  ]);
  expect(noted.rowCount).toBe(1);
  await pool.query(`drop owned by ${name}; drop role ${name}`);
  await pool.query('begin; drop table cdr_gateway.ledger');
  await pool.query(`update xdrs set cld = '9' where i_xdr = ${row.i_xdr}`);
  await pool.query('rollback');
});

test('the table that was emptied is told, and a ledger that goes', async () => {
  await using client = await follow();
  await database.pool.query('truncate xdrs');
  await client.until((each) => gaps(each).length > 0);
  expect(gaps(client)).toEqual(['REMOVED']);
  await migrateDown(database.primaryUrl, () => {}, { optional: ['ledger'] });
  await client.until((each) => gaps(each).length > 1, 20);
  expect(gaps(client)).toEqual(['REMOVED', 'CORRECTIONS']);
  expect(gateway.feed.status()).toMatchObject({ level: 'INSERTS' });
});
