import { afterAll, beforeAll, expect, test } from 'vitest';
import { anXdr } from '../support/builders.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { subscribe } from './event-client.ts';
import { corrected, deleted, gaps, knownCalls } from './known-calls.ts';
import { writeAtRandom } from './random-corrections.ts';
import { RandomSource } from './soak-random.ts';

let database: TestCluster;
let gateway: TestGateway;

const CALLS = `subscription ($filter: CdrFilter, $after: String) {
  cdrs(filter: $filter, after: $after) {
    cursor asOf stalenessSeconds mayRepeat inserted { id accountId cld } corrected { id accountId cld } deletedIds gap { reason }
  }
}`;

/** The slots that are being made wait for what a busy primary writes by itself. */
async function logSnapshots() {
  await database.pool.query('select pg_log_standby_snapshot()');
}

async function untilLogical(of: TestGateway) {
  await expect
    .poll(
      async () => {
        await logSnapshots();
        return of.feed.status();
      },
      { timeout: 15_000 },
    )
    .toMatchObject({ level: 'LOGICAL', reason: null });
}

async function follow(of = gateway, options: Parameters<typeof subscribe>[2] = {}) {
  const client = await subscribe(of.fetch, CALLS, options);
  await client.until(({ events }) => events.length > 0);
  await untilLogical(of);
  return client;
}

function settings() {
  const { username, password } = new URL(database.primaryUrl);
  return { FEED_PUBLICATION: 'calls', FEED_USER: username, FEED_PASSWORD: password };
}

beforeAll(async () => {
  database = await startTestCluster({ replicas: 2, settings: { wal_level: 'logical' } });
  await database.pool.query('create unique index xdrs_identity on xdrs (i_xdr, i_account)');
  await database.pool.query('alter table xdrs replica identity using index xdrs_identity');
  await database.pool.query('create publication calls for table xdrs (i_xdr, i_account)');
  await database.replayed();
  gateway = await createTestGateway(database, { settings: settings() });
  // Read throughout, as by a gateway that serves: nobody who comes later is told that it has begun.
  gateway.feed.join(() => {});
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

test('calls that arrive, are corrected and go are told in the order of their commits', async () => {
  await using client = await follow();
  const [one, other] = [anXdr(), anXdr()];
  await database.insertXdrs([one, other]);
  await client.until(({ ids }) => ids.length >= 2);
  expect(client.ids).toEqual([one.i_xdr, other.i_xdr]);
  await database.pool.query("update xdrs set cld = '4400' where i_xdr = $1", [one.i_xdr]);
  await database.pool.query('delete from xdrs where i_xdr = $1', [other.i_xdr]);
  await client.until((each) => deleted(each).length > 0);
  expect(corrected(client)).toEqual([{ id: one.i_xdr, accountId: one.i_account, cld: '4400' }]);
  expect(deleted(client)).toEqual([other.i_xdr]);
});

test('an account is told what concerns its calls alone, also when a call moves to another', async () => {
  await using client = await follow(gateway, { token: ACCOUNT_TOKEN });
  await using admin = await follow(gateway, { variables: { filter: { accountIds: ['15'] } } });
  const [own, foreign, last] = [anXdr(), anXdr({ i_account: '15' }), anXdr()];
  await database.insertXdrs([own, foreign]);
  await client.until(({ ids }) => ids.length > 0);
  const { pool } = database;
  await pool.query("update xdrs set cld = '1' where i_xdr = $1", [foreign.i_xdr]);
  await pool.query('update xdrs set i_account = 15 where i_xdr = $1', [own.i_xdr]);
  await pool.query('update xdrs set i_account = 14 where i_xdr = $1', [foreign.i_xdr]);
  await pool.query('delete from xdrs where i_xdr = $1', [own.i_xdr]);
  await database.insertXdrs([last]);
  await client.until(({ ids }) => ids.includes(last.i_xdr));
  expect(client.ids).toEqual([own.i_xdr, last.i_xdr]);
  expect(deleted(client)).toEqual([own.i_xdr]);
  // Calls are read as they are: each of its two corrections may find the call where the second has moved it.
  const moved = { id: foreign.i_xdr, accountId: '14', cld: '1' };
  expect(corrected(client).length).toBeGreaterThan(0);
  for (const call of corrected(client)) expect(call).toEqual(moved);
  expect(gaps(client)).toEqual([]);
  await admin.until((each) => deleted(each).includes(own.i_xdr));
  expect(deleted(admin).toSorted()).toEqual([own.i_xdr, foreign.i_xdr].toSorted());
  expect(gaps(admin)).toEqual([]);
});

test('a call that leaves the filter is told as gone, and one that enters it as corrected', async () => {
  await using client = await follow(gateway, { variables: { filter: { cld: { startsWith: '33' } } } });
  const [leaving, entering] = [anXdr({ cld: '331' }), anXdr({ cld: '441' })];
  await database.insertXdrs([leaving, entering]);
  await client.until(({ ids }) => ids.length > 0);
  await database.pool.query("update xdrs set cld = '44' where i_xdr = $1", [leaving.i_xdr]);
  await database.pool.query("update xdrs set cld = '33' where i_xdr = $1", [entering.i_xdr]);
  await client.until((each) => corrected(each).length > 0);
  expect(client.ids).toEqual([leaving.i_xdr]);
  expect(deleted(client)).toEqual([leaving.i_xdr]);
  expect(corrected(client)).toEqual([{ id: entering.i_xdr, accountId: entering.i_account, cld: '33' }]);
});

test('calls whose keys nothing could expect are told', async () => {
  await using client = await follow();
  const below = anXdr({ i_xdr: '-77' });
  await database.insertXdrs([below]);
  await client.until(({ ids }) => ids.includes('-77'));
});

test('a client that comes back is told what changed meanwhile, on any gateway that reads the WAL', async () => {
  await using other = await createTestGateway(database, { settings: settings() });
  await using _keeping = await follow(other);
  const [one, gone] = [anXdr(), anXdr()];
  let cursor: string;
  {
    await using client = await follow();
    await database.insertXdrs([one, gone]);
    await client.until(({ ids }) => ids.length >= 2);
    cursor = client.lastId!;
  }
  const { pool } = database;
  const late = anXdr();
  await database.insertXdrs([late]);
  await pool.query("update xdrs set cld = '5' where i_xdr = any($1)", [[one.i_xdr, late.i_xdr]]);
  await pool.query('delete from xdrs where i_xdr = $1', [gone.i_xdr]);
  await database.replayed();
  for (const at of [gateway, other]) {
    await using again = await subscribe(at.fetch, CALLS, { variables: { after: cursor } });
    await again.until((each) => deleted(each).includes(gone.i_xdr) && each.ids.length > 0);
    expect(again.ids).toEqual([late.i_xdr]);
    expect(corrected(again).find(({ id }) => id === one.i_xdr)).toMatchObject({ cld: '5' });
    expect(gaps(again)).toEqual([]);
  }
  await using third = await createTestGateway(database, { settings: settings() });
  await using unknown = await subscribe(third.fetch, CALLS, { variables: { after: cursor } });
  await unknown.until((each) => each.ids.length > 0 && gaps(each).length > 0);
  expect(gaps(unknown)).toEqual(['CORRECTIONS']);
});

test('the loss of the standby that is decoded loses no correction: another goes on where it ended', async () => {
  await using own = await createTestGateway(database, { settings: settings() });
  await using client = await follow(own);
  const begun = client.messages.length;
  await expect
    .poll(
      async () => {
        await logSnapshots();
        return own.feed.spare;
      },
      { timeout: 15_000 },
    )
    .toBeDefined();
  const rows = Array.from({ length: 20 }, () => anXdr());
  await database.insertXdrs(rows);
  await client.until(({ ids }) => ids.length >= 20);
  const reading = database.cluster.replicas.find(({ name }) => name !== own.feed.spare)!;
  await reading.kill('SIGKILL');
  const ids = rows.map(({ i_xdr }) => i_xdr!);
  await database.pool.query("update xdrs set cld = '6' where i_xdr = any($1)", [ids.slice(0, 10)]);
  await database.pool.query('delete from xdrs where i_xdr = any($1)', [ids.slice(10)]);
  await client.until((each) => deleted(each).length >= 10, 20);
  await reading.start();
  expect(corrected(client).map(({ id }) => id)).toEqual(ids.slice(0, 10));
  expect(deleted(client)).toEqual(ids.slice(10));
  expect(client.messages.slice(begun).flatMap(({ gap }) => gap ?? [])).toEqual([]);
});

test.each([
  ['no such publication', '', /There is no publication/],
  [
    'one that lacks deletions',
    `create publication %I for table xdrs with (publish = 'insert, update')`,
    /must publish/,
  ],
  ['a row filter', 'create publication %I for table xdrs where (i_account > 0)', /row filter/],
  [
    'columns that lack the identity',
    'create publication %I for table xdrs (i_xdr)',
    /UPDATE and DELETE fail/,
  ],
  ['another table', 'create publication %I for table accounts', /There is no publication/],
])('a publication is refused, with the reason: %s', async (_name, statement, reason) => {
  const name = `unsound_${Math.random().toString(36).slice(2)}`;
  if (statement) await database.pool.query(statement.replace('%I', name));
  await database.replayed();
  await using refusing = await createTestGateway(database, {
    settings: { ...settings(), FEED_PUBLICATION: name },
  });
  await using client = await subscribe(refusing.fetch, CALLS);
  await client.until(({ events }) => events.length > 0);
  await expect
    .poll(() => refusing.feed.status(), { timeout: 10_000 })
    .toMatchObject({
      level: 'INSERTS',
      reason: expect.stringMatching(reason),
    });
  if (statement) await database.pool.query(`drop publication ${name}`);
  const row = anXdr();
  await database.insertXdrs([row]);
  await client.until(({ ids }) => ids.includes(row.i_xdr));
});

test('where the identity lacks the account, tenants are told that something may be missing, and nothing of others', async () => {
  const { pool } = database;
  await pool.query('alter table xdrs replica identity default');
  // Where its lock is replayed, whoever reads the table there may have to go elsewhere.
  await database.replayed();
  try {
    await using client = await follow(gateway, { token: ACCOUNT_TOKEN });
    await using admin = await follow();
    const [own, foreign] = [anXdr(), anXdr({ i_account: '15' })];
    await database.insertXdrs([own, foreign]);
    await client.until(({ ids }) => ids.length > 0);
    await pool.query('delete from xdrs where i_xdr = $1', [foreign.i_xdr]);
    await client.until((each) => gaps(each).length > 0);
    expect(gaps(client)).toEqual(['OWNER']);
    expect(deleted(client)).toEqual([]);
    await admin.until((each) => deleted(each).includes(foreign.i_xdr));
    expect(gaps(admin)).toEqual([]);
  } finally {
    await pool.query('alter table xdrs replica identity using index xdrs_identity');
  }
});

test('what a subscriber believes is what the table has, whatever was written and in which order', async () => {
  await using client = await follow();
  await using tenant = await follow(gateway, { token: ACCOUNT_TOKEN });
  const { pool } = database;
  const rows = Array.from({ length: 60 }, () => anXdr());
  const ids = rows.map(({ i_xdr }) => i_xdr!);
  await database.insertXdrs(rows);
  await writeAtRandom(pool, new RandomSource(11), { ids, reuses: true });
  const { rows: left } = await pool.query(
    'select i_xdr::text as id, i_account::text as "accountId", cld from xdrs where i_xdr = any($1)',
    [ids],
  );
  const last = anXdr();
  await database.insertXdrs([last]);
  for (const [each, account] of [
    [client, undefined],
    [tenant, '14'],
  ] as const) {
    await each.until(({ ids: told }) => told.includes(last.i_xdr));
    const expected = left.filter(({ accountId }) => account === undefined || accountId === account);
    const believed = [...knownCalls(each).values()].filter(({ id }) => ids.includes(id));
    const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1);
    expect(believed.toSorted(byId)).toEqual(expected.toSorted(byId));
  }
});
