import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, realpathSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Principals } from '../../src/access/principals.ts';
import { tableOfAccounts } from '../../src/rollups/tables.ts';
import { createSourceDatabase } from '../db/source-databases.ts';
import { anAccount, anXdr } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { insertAccountsAsSippy, insertAsSippy } from '../support/sippy.ts';
import { createRollupsPath, startRollups, type TestRollups, untilBuilt } from './kept-calls.ts';

const TOTALS = '{ cdrStats { totals { attempts chargedAmount } } }';

let database: TestCluster;
let place: ReturnType<typeof createRollupsPath>;
let gateway: TestGateway;
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  database = await startTestCluster({ replicas: 1, settings: { wal_level: 'logical' } });
  const { pool } = database;
  await pool.query('create unique index xdrs_identity on xdrs (i_xdr, i_account, connect_time)');
  await pool.query('alter table xdrs replica identity using index xdrs_identity');
  await pool.query('create publication calls for table xdrs (i_xdr, i_account, connect_time)');
  await pool.query(
    `create publication short for table xdrs (i_xdr, i_account, connect_time) with (publish = 'insert, update, delete')`,
  );
  await database.insertAccounts([anAccount()]);
});

beforeEach(async () => {
  place = createRollupsPath();
  lines.length = 0;
  await database.pool.query('truncate xdrs');
  await database.insertXdrs([anXdr(), anXdr({ connect_time: '2026-01-06 09:00:00+00' })]);
  gateway = await createTestGateway(database, {
    settings: { ROLLUPS_FILE: place.path, ROLLUPS_MAX_AGE: '600' },
    onLog: (line) => lines.push(line),
  });
});

afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});

afterAll(() => database?.[Symbol.asyncDispose]());

/** Where the answer comes from, which is right wherever that is. */
async function sourceOf(): Promise<string> {
  const { rows } = await database.pool.query(
    'select count(*) as attempts, sum(charged_amount) as amount from xdrs',
  );
  const { data, extensions } = await gateway.query(TOTALS);
  expect(data.cdrStats.totals).toEqual({
    attempts: Number(rows[0].attempts),
    chargedAmount: rows[0].amount,
  });
  return extensions.stats.source;
}

async function built(): Promise<TestRollups> {
  const kept = await startRollups(database, place.path);
  await untilBuilt(kept, database.pool);
  return kept;
}

const filesBeside = () =>
  readdirSync(dirname(place.path)).filter(
    (name) => name !== basename(place.path) && name !== `${basename(place.path)}.lock`,
  );

test('a file that is not there yet, and one that is: a gateway needs not be started again', async () => {
  expect(await sourceOf()).toBe('TABLE');
  await using _ = await built();
  expect(await sourceOf()).toBe('ROLLUPS');
  const told = lines.map(({ msg }) => msg);
  expect(told).toContain('the rollups cannot be read: statistics are answered from the table');
  expect(told).toContain('statistics are answered from the rollups');
});

test('whoever keeps it begins anew, says so, and leaves one file', async () => {
  {
    await using _ = await built();
  }
  expect(await sourceOf()).toBe('ROLLUPS');
  await database.insertXdrs([anXdr()]);
  await using kept = await built();
  expect(await sourceOf()).toBe('ROLLUPS');
  expect(kept.lines.map(({ message }) => message)).toContain(
    'everything is counted anew: what has changed meanwhile is not known',
  );
  expect(new Set(filesBeside().map((name) => name.replace(/-(wal|shm)$/, ''))).size).toBe(1);
});

test.each<[string, (file: string) => void]>([
  ['is none of SQLite', (file) => writeFileSync(file, randomBytes(100_000))],
  ['breaks off', (file) => truncateSync(file, 8192)],
  ['is empty', (file) => truncateSync(file, 0)],
  [
    'is of another version',
    (file) => edit(file, "update state set state = json_set(state, '$.format', '0')"),
  ],
  [
    'is of another cluster',
    (file) => edit(file, "update state set state = json_set(state, '$.systemIdentifier', '1')"),
  ],
  [
    'is of other tables',
    (file) => edit(file, "update state set state = json_set(state, '$.fingerprint', 'x')"),
  ],
])('the table answers while the file %s, until it is built anew', async (_, spoil) => {
  {
    await using _ = await built();
  }
  // Nobody has it open.
  await gateway[Symbol.asyncDispose]();
  spoil(realpathSync(place.path));
  gateway = await createTestGateway(database, {
    settings: { ROLLUPS_FILE: place.path, ROLLUPS_MAX_AGE: '600' },
  });
  expect(await sourceOf()).toBe('TABLE');
  await using _kept = await built();
  expect(await sourceOf()).toBe('ROLLUPS');
});

function edit(file: string, statement: string): void {
  const db = new DatabaseSync(file, { timeout: 10_000 });
  db.exec(statement);
  db.close();
}

test('a sum that is not what the calls add up to is found, and everything counted anew', async () => {
  await using kept = await built();
  edit(realpathSync(place.path), `update ${tableOfAccounts(900)} set kept_1 = kept_1 + 1`);
  await expect.poll(() => kept.rollups.figures.mismatched, { timeout: 20_000 }).toBe(1);
  await untilBuilt(kept, database.pool, 2);
  expect(await sourceOf()).toBe('ROLLUPS');
  expect(kept.lines.map(({ message }) => message)).toContain('a sum is not what the calls add up to');
});

test('a table that is emptied is counted anew', async () => {
  await using kept = await built();
  await database.pool.query('truncate xdrs');
  await database.insertXdrs([anXdr()]);
  await untilBuilt(kept, database.pool, 2);
  await expect.poll(sourceOf, { timeout: 20_000 }).toBe('ROLLUPS');
});

test('a second process on one path waits for the first to end, and spoils nothing', async () => {
  const first = await built();
  const files = filesBeside().filter((name) => !/-(wal|shm)$/.test(name));
  await using second = await startRollups(database, place.path);
  await expect
    .poll(() => second.rollups.reason, { timeout: 20_000 })
    .toBe(`Another process keeps ${place.path}.`);
  expect(second.rollups.figures.builds).toBe(0);
  expect(filesBeside().filter((name) => !/-(wal|shm)$/.test(name))).toEqual(files);
  expect(await sourceOf()).toBe('ROLLUPS');
  await first[Symbol.asyncDispose]();
  await untilBuilt(second, database.pool);
  expect(await sourceOf()).toBe('ROLLUPS');
});

test('partitions that come and go are counted, and what is kept of those that have gone is not', async () => {
  await using partitioned = await createSourceDatabase('xdrs', database.createDatabase);
  const { pool } = partitioned;
  await pool.query(`
    create unique index first_identity on xdrs (i_xdr, i_account, connect_time);
    alter table xdrs replica identity using index first_identity;
    alter table xdrs alter i_xdr drop identity if exists;
    alter table xdrs rename to first_days;
    create table xdrs (like first_days including defaults) partition by range (connect_time);
    alter table xdrs attach partition first_days for values from ('2026-01-01') to ('2026-02-01');
    create unique index xdrs_identity on xdrs (i_xdr, i_account, connect_time);
    alter table xdrs replica identity using index xdrs_identity;
    grant select on xdrs to gateway_reader;
    create publication calls for table xdrs (i_xdr, i_account, connect_time) with (publish_via_partition_root)`);
  const insert = (key: number, time: string) =>
    pool.query('insert into xdrs (i_xdr, i_account, connect_time) values ($1, 14, $2)', [key, time]);
  await insert(1, '2026-01-05 09:00Z');
  await partitioned.replayed();
  await using kept = await startRollups(partitioned, place.path);
  await untilBuilt(kept, database.pool);
  const settings = { ROLLUPS_FILE: place.path, ROLLUPS_MAX_AGE: '600' };
  await using of = await createTestGateway(partitioned, { settings });
  const attempts = async () => {
    const { data, extensions } = await of.query('{ cdrStats { totals { attempts } } }');
    return [extensions.stats.source, data.cdrStats.totals.attempts];
  };
  await expect.poll(attempts, { timeout: 20_000 }).toEqual(['ROLLUPS', 1]);
  await pool.query(
    "create table next_days partition of xdrs for values from ('2026-02-01') to ('2026-03-01')",
  );
  await pool.query(
    'alter table next_days replica identity using index next_days_i_xdr_i_account_connect_time_idx',
  );
  await insert(2, '2026-02-05 09:00Z');
  await untilBuilt(kept, database.pool, 2);
  await expect.poll(attempts, { timeout: 20_000 }).toEqual(['ROLLUPS', 2]);
  await pool.query('alter table xdrs detach partition first_days');
  await untilBuilt(kept, database.pool, 3);
  await expect.poll(attempts, { timeout: 20_000 }).toEqual(['ROLLUPS', 1]);
});

test('a publication that does not say what changes concern is refused with the reason', async () => {
  await using kept = await startRollups(database, place.path, { publication: 'short' });
  await expect
    .poll(() => kept.rollups.reason, { timeout: 20_000 })
    .toBe('Publication short does not say what rollups must know, for xdrs: it must publish truncate.');
  expect(await sourceOf()).toBe('TABLE');
});

test('a directory that is gone stops nothing but the rollups, until it is back', async () => {
  rmSync(dirname(place.path), { recursive: true });
  await using kept = await startRollups(database, place.path);
  await expect
    .poll(
      async () => {
        await database.pool.query('select pg_log_standby_snapshot()');
        return kept.lines.filter(({ level }) => level === 'warn').length;
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThan(0);
  expect(kept.rollups.reason).toBeDefined();
  expect(await sourceOf()).toBe('TABLE');
  mkdirSync(dirname(place.path));
  await untilBuilt(kept, database.pool);
  expect(await sourceOf()).toBe('ROLLUPS');
});

/** By the token. */
const principals: Principals = {
  async authenticate({ authorization }) {
    const isCustomer = authorization === 'Bearer customer';
    const scope = isCustomer
      ? ({ kind: 'customers', customerIds: ['3'] } as const)
      : ({ kind: 'all' } as const);
    return { name: String(isCustomer), role: 'ADMIN', scope, maxPage: 1000 };
  },
};

test('a Sippy, whose calls do not say their customer and whose amounts are binary fractions', async () => {
  await using sippy = await createSourceDatabase('sippy', database.createDatabase);
  const { pool } = sippy;
  await pool.query('create unique index cdrs_identity on cdrs (i_cdr, i_account, connect_time)');
  await pool.query('alter table cdrs replica identity using index cdrs_identity');
  await pool.query('create publication calls for table cdrs (i_cdr, i_account, connect_time)');
  await pool.query('grant select on all tables in schema public to gateway');
  await insertAccountsAsSippy(pool, [
    anAccount(),
    anAccount({ i_account: '15', i_customer: '4', currency: 'USD' }),
  ]);
  const calls = ['14', '14', '15', '99'].map((i_account, hour) =>
    anXdr({ i_account, connect_time: `2026-01-05 0${hour}:14:59.999999+00`, charged_amount: '0.1' }),
  );
  await insertAsSippy(pool, calls);
  await sippy.replayed();
  await using kept = await startRollups(sippy, place.path, { source: 'sippy' });
  await untilBuilt(kept, database.pool);
  const settings = { CDR_SOURCE: 'sippy', ROLLUPS_FILE: place.path, ROLLUPS_MAX_AGE: '600' };
  await using of = await createTestGateway(sippy, { principals, settings });
  await using plain = await createTestGateway(sippy, { principals, settings: { CDR_SOURCE: 'sippy' } });
  await pool.query('update cdrs set cost = 0.0271333333333333 where i_account = 14');
  await pool.query("update cdrs set connect_time = connect_time + '1 day' where i_account = 15");
  await sippy.replayed();
  const { extensions } = await plain.query('{ cdrs(first: 1) { nodes { id } } }');
  const headers = { 'x-read-after': extensions.replica.token };
  for (const groupBy of ['ACCOUNT', 'CURRENCY', 'HOUR', 'DAY']) {
    for (const token of ['administrator', 'customer']) {
      const query = `{ cdrStats(groupBy: [${groupBy}]) { rows { bucket accountId currency attempts asr minutes chargedAmount } } }`;
      const expected = (await plain.query(query, {}, { token })).data;
      await expect
        .poll(
          async () => {
            const { data, extensions } = await of.query(query, {}, { token, headers });
            return { source: extensions.stats?.source, data };
          },
          { timeout: 20_000 },
        )
        .toEqual({ source: 'ROLLUPS', data: expected });
    }
  }
});
