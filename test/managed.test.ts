import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examine } from '../src/db/doctor/doctor.ts';
import { migrateToLatest } from '../src/db/migrate/migrate.ts';
import { type Cluster, startCluster } from '../src/demo/cluster.ts';
import { createReplicas } from '../src/replicas/replicas.ts';
import { queryAt } from './db/migrate/migrate-databases.ts';
import { subscribe } from './feed/event-client.ts';
import { corrected } from './feed/known-calls.ts';
import { anXdr } from './support/builders.ts';
import { asGateway } from './support/database-urls.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { startTestCluster, type TestCluster } from './support/postgres.ts';

const PATIENCE = { timeout: 30_000, interval: 50 };
const FEED = 'subscription { cdrs { inserted { id } corrected { id cld } } }';

/** What docs/managed.md says is taken away, and that it is shown by a test. */
const rows = [...readFileSync('docs/managed.md', 'utf8').matchAll(/^\| (.+?) \| .+ \| tested \|$/gm)].map(
  (found) => found[1]!,
);
const taken: string[] = [];

/** A row of that table. */
function without(title: string, run: () => Promise<void>): void {
  taken.push(title);
  test(`without ${title}`, run);
}

const page = async (gateway: TestGateway) =>
  (await gateway.query('{ cdrs(first: 5, orderBy: OLDEST_FIRST) { nodes { id } } }')).data?.cdrs.nodes;

const stateOf = ({ replicas }: TestGateway) => replicas.snapshot().replicas[0]!;

/** The level once somebody subscribes. */
async function expectFeed(gateway: TestGateway, level: string, reason: RegExp): Promise<void> {
  await using _client = await subscribe(gateway.fetch, FEED);
  await expect
    .poll(() => gateway.feed.status(), PATIENCE)
    .toMatchObject({ level, reason: expect.stringMatching(reason) });
}

// 16 is the first where CREATEROLE alone grants no role that PostgreSQL brings.
describe.each([15, 18])('an administrator of PostgreSQL %i who is no superuser', (major) => {
  let cluster: Cluster;
  let adminUrl: string;
  let replicaUrl: string;

  beforeAll(async () => {
    cluster = await startCluster({ major, replicas: 1, settings: { shared_buffers: '32MB' } });
    await queryAt(
      cluster.primary.url(),
      `create role administrator login createrole createdb password 'secret'`,
    );
    await queryAt(cluster.primary.url(), 'grant pg_monitor to administrator with admin option');
    await queryAt(cluster.primary.url(), 'create database calls owner administrator');
    adminUrl = cluster.primary.url({ user: 'administrator', password: 'secret', database: 'calls' });
    replicaUrl = asGateway(cluster.replicas[0]!.url({ database: 'calls' }), 'of-the-gateway');
  });
  afterAll(() => cluster?.stop());

  without('a superuser', async () => {
    await migrateToLatest(adminUrl, { gatewayPassword: 'of-the-gateway', optional: ['ledger'] });
    await using gateway = await createTestGateway({ replicaUrls: [replicaUrl] });
    await queryAt(adminUrl, 'insert into xdrs (i_xdr, i_account, connect_time) values (1, 14, now())');
    await expect.poll(() => page(gateway), PATIENCE).toEqual([{ id: '1' }]);
    await expect.poll(() => stateOf(gateway), PATIENCE).toMatchObject({ status: 'STREAMING', lagBytes: 0n });

    await using client = await subscribe(gateway.fetch, FEED);
    await expect.poll(() => gateway.feed.status().level, PATIENCE).toBe('LEDGER');
    await queryAt(adminUrl, `update xdrs set cld = '4400' where i_xdr = 1`);
    await client.until((each) => corrected(each).length > 0, 60);
    expect(corrected(client)).toEqual([{ id: '1', cld: '4400' }]);

    const { findings } = await examine({ replicaUrls: [replicaUrl], source: 'xdrs' });
    const codes = findings.map(({ code }) => code);
    expect(codes).toContain('TIMELINE_HISTORY_MISSING');
    expect(codes).not.toContain('ROLE_SEES_NO_STATISTICS');
  });
});

describe('a role from which something is taken', () => {
  let database: TestCluster;

  beforeAll(async () => {
    database = await startTestCluster({ replicas: 1, settings: { wal_level: 'logical' } });
    await database.pool.query('create publication calls for table xdrs');
    await database.insertXdrs([anXdr({ i_xdr: '1' })]);
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  without('`pg_read_all_stats` and `pg_monitor`', async () => {
    await database.pool.query('revoke pg_read_all_stats from gateway');
    await database.replayed();
    await using alone = await createTestGateway(database);
    expect(await page(alone)).toEqual([{ id: '1' }]);
    expect(stateOf(alone)).toMatchObject({
      status: 'STREAMING_UNVERIFIED',
      confidence: 'LOW',
      lagBytes: null,
    });

    const { primaryUrl, replicaUrls } = database;
    await using informed = await createTestGateway({ replicaUrls }, { tuning: { primaryUrl } });
    await expect.poll(() => stateOf(informed), PATIENCE).toMatchObject({ confidence: 'HIGH', lagBytes: 0n });
    await database.pool.query('grant pg_read_all_stats to gateway');
  });

  without('REPLICATION', async () => {
    await using gateway = await createTestGateway(database, { settings: { FEED_PUBLICATION: 'calls' } });
    await expectFeed(gateway, 'INSERTS', /has no REPLICATION/);
  });

  without('a publication', async () => {
    const { username, password } = new URL(database.primaryUrl);
    const settings = { FEED_PUBLICATION: 'of_nothing', FEED_USER: username, FEED_PASSWORD: password };
    await using gateway = await createTestGateway(database, { settings });
    await expectFeed(gateway, 'INSERTS', /of_nothing/);
  });

  without('`pg_control_system()` and its kin', async () => {
    const own = await database.createDatabase();
    await own.pool.query('revoke execute on function pg_control_system() from public');
    await own.replayed();
    const report = await examine({ replicaUrls: own.replicaUrls, source: 'xdrs' });
    expect(report.exitCode).toBe(2);
    expect(report.findings).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(/pg_control_system/) }),
    );
    await own[Symbol.asyncDispose]();
  });

  without('functions that tell a position in the WAL', async () => {
    const own = await database.createDatabase();
    // In this one database, as on Aurora everywhere.
    await own.pool.query(`alter function pg_catalog.pg_last_wal_replay_lsn() rename to of_postgresql;
      create function pg_catalog.pg_last_wal_replay_lsn() returns pg_lsn language plpgsql
      as $$ begin raise feature_not_supported using message = 'not supported here'; end $$`);
    await own.replayed();
    const replicas = createReplicas({ replicaUrls: own.replicaUrls, poolSize: 2, pollIntervalSeconds: 0.1 });
    await replicas.firstLook;
    expect(replicas.snapshot().replicas).toMatchObject([
      { status: 'UNREACHABLE', reason: expect.stringMatching(/0A000.*as readers of Aurora/) },
    ]);
    await replicas.close();
    const report = await examine({ replicaUrls: own.replicaUrls, source: 'xdrs' });
    expect(report.exitCode).toBe(2);
    expect(report.findings).toMatchObject([
      {
        code: 'UNREACHABLE',
        message: expect.stringMatching(/not supported here. It cannot say how far it is/),
      },
    ]);
    await own[Symbol.asyncDispose]();
  });

  without('TCP, by a socket', async () => {
    const [standby] = database.cluster.replicas;
    const { username, password, pathname, port } = new URL(database.replicaUrls[0]!);
    const url = `postgresql://${username}:${password}@${pathname}?host=${standby!.socketDir}&port=${port}`;
    await using gateway = await createTestGateway({ replicaUrls: [url] });
    expect(await page(gateway)).toEqual([{ id: '1' }]);
    await expect.poll(() => stateOf(gateway).status, PATIENCE).toBe('STREAMING');
  });
});

describe('a cluster whose WAL is not logical', () => {
  let database: TestCluster;
  beforeAll(async () => {
    database = await startTestCluster({ replicas: 1 });
    await database.pool.query('create publication calls for table xdrs');
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  without('`wal_level = logical`', async () => {
    const { username, password } = new URL(database.primaryUrl);
    const settings = { FEED_PUBLICATION: 'calls', FEED_USER: username, FEED_PASSWORD: password };
    await using gateway = await createTestGateway(database, { settings });
    await expectFeed(gateway, 'INSERTS', /cannot be decoded/);
  });
});

test('docs/managed.md has a row for each of them', () => {
  expect([...new Set(taken)].sort()).toEqual([...rows].sort());
});
