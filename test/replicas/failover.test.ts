import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { type Borrower, ConnectionUse } from '../../src/replicas/connections.ts';
import { createReplicas, type Replica, type Replicas } from '../../src/replicas/replicas.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { eventually } from './eventually.ts';
import { Eye, Heart, seconds } from './truth.ts';

/** A primary, a standby, one more that streams from that one, and one whose slot is going to be lost. */
let database: TestCluster;
let middle: PostgresNode;
let forgotten: PostgresNode;
let alone: Replicas;
let informed: Replicas;

const MIDDLE = 0;
const LEAF = 1;
const FORGOTTEN = 2;

beforeAll(async () => {
  database = await startTestCluster({
    replicas: 1,
    settings: { wal_receiver_timeout: '2s', max_slot_wal_keep_size: '16MB', max_wal_size: '64MB' },
  });
  middle = database.cluster.replicas[0]!;
  await database.cluster.addReplica({ upstream: middle, name: 'leaf' });
  forgotten = await database.cluster.addReplica({ name: 'forgotten' });
  await database.replayed();
  const options = {
    replicaUrls: database.replicaUrls,
    poolSize: 2,
    pollIntervalSeconds: 0.2,
    readAfterWaitSeconds: 1,
  };
  alone = createReplicas(options);
  informed = createReplicas({ ...options, primaryUrl: database.primaryUrl });
  await Promise.all([alone.firstLook, informed.firstLook]);
});

afterAll(async () => {
  await alone?.close();
  await informed?.close();
  await database?.[Symbol.asyncDispose]();
});

const state = (replicas: Replicas, index: number) => replicas.snapshot().replicas[index]!;

async function on(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** So that it does not lose its slot as well. */
async function middleReplayed(): Promise<void> {
  const { rows } = await database.pool.query('select pg_current_wal_flush_lsn()::text as lsn');
  const client = new pg.Client({ connectionString: database.standbyUrls[MIDDLE]! });
  await client.connect();
  const hasReplayed = () =>
    client.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as done', [rows[0].lsn]);
  await eventually(async () => (await hasReplayed()).rows[0].done).toBe(true);
  await client.end();
}

describe('a slot that is lost', () => {
  test('is the reason why its standby streams from nobody, where the primary is polled', async () => {
    await forgotten.stop('fast');
    for (let segment = 0; segment < 6; segment++) {
      await database.pool.query('create table filler as select 1');
      await database.pool.query('drop table filler');
      await database.pool.query('select pg_switch_wal()');
      await middleReplayed();
    }
    await database.pool.query('checkpoint');
    await forgotten.start();
    await eventually(() => state(informed, FORGOTTEN)).toMatchObject({
      status: 'DISCONNECTED',
      reason: expect.stringContaining('slot on the primary is lost'),
    });
    expect(informed.snapshot()).toMatchObject({ status: 'DEGRADED', primary: { status: 'AVAILABLE' } });
    expect(informed.snapshot().primary!.slots).toContainEqual({ name: 'forgotten', walStatus: 'lost' });
    // Others tell how far behind it is, although nobody tells it.
    await eventually(() => state(alone, FORGOTTEN)).toMatchObject({
      status: 'DISCONNECTED',
      confidence: 'HIGH',
    });
    expect(state(alone, FORGOTTEN).lagBytes).toBeGreaterThan(16_000_000n);
  });
});

describe('a standby behind a standby', () => {
  test('is seen to be cut off together with the one it streams from, and its bound holds', async () => {
    await eventually(() => state(alone, LEAF).status).toBe('STREAMING');
    const heart = new Heart(database.primaryUrl);
    await heart.beat();
    const eye = await Eye.open(database.standbyUrls[LEAF]!);
    await eventually(() => eye.visible().catch(() => 0)).toBe(1);

    await on(database.standbyUrls[MIDDLE]!, 'select pg_wal_replay_pause()');
    heart.start(0.05);
    await eventually(() => state(alone, LEAF).status).toBe('UPSTREAM_DEGRADED');
    await on(database.standbyUrls[MIDDLE]!, 'select pg_wal_replay_resume()');
    await eventually(() => state(alone, LEAF).status).toBe('STREAMING');

    await database.cluster.primary.kill('SIGKILL');
    await heart.stop();
    for (const until = seconds() + 2.5; seconds() < until; ) {
      const moment = seconds();
      const { lagSeconds } = state(alone, LEAF);
      expect(lagSeconds).toBeGreaterThanOrEqual(heart.ageOfMissing(await eye.visible(), moment));
    }
    expect(state(alone, LEAF)).toMatchObject({
      status: 'UPSTREAM_DEGRADED',
      reason: expect.stringContaining('DISCONNECTED'),
    });
    // The middle one still talks to it, and that must not make it look fresh.
    expect(state(alone, LEAF).lagSeconds).toBeGreaterThan(2);
    await eye.close();
    await database.cluster.primary.start();
    await eventually(() => state(alone, LEAF).status).toBe('STREAMING');
  });
});

/** For the next statement of a request that holds the standby. */
function connect({ connections }: Replica) {
  const borrower: Borrower = {
    principal: 'admin',
    role: 'ADMIN',
    signal: new AbortController().signal,
    statements: 0,
    use: new ConnectionUse(),
  };
  return connections.lenderFor(borrower).connect();
}

describe('a promotion', () => {
  test('is noticed on a connection in use, is never read past, and leaves tokens of before valid', async () => {
    await using sleepy = Object.assign(
      createReplicas({ replicaUrls: [database.replicaUrls[MIDDLE]!], poolSize: 1, pollIntervalSeconds: 60 }),
      { [Symbol.asyncDispose]: () => sleepy.close() },
    );
    const leased = await sleepy.choose();
    const working = await connect(leased);
    const before = await alone.choose({ exclude: new Set(['replica-2', 'replica-3']) });
    (await connect(before)).release();
    const token = alone.positions.decode(before.freshness().token);
    expect(token.timeline).toBe(1);

    await on(database.standbyUrls[MIDDLE]!, 'select pg_promote()');
    // What runs ends well, and nothing begins after it, whatever connection there is.
    expect((await working.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    working.release();
    await expect(connect(leased)).rejects.toMatchObject({ code: 'REPLICA_LOST' });
    await eventually(() => sleepy.snapshot().replicas[0]!.status).toBe('PROMOTED');
    await expect(sleepy.choose()).rejects.toMatchObject({ code: 'NO_REPLICA_AVAILABLE' });
    leased.release();

    await eventually(() => state(alone, MIDDLE)).toMatchObject({
      status: 'PROMOTED',
      lagSeconds: null,
      timeline: 2,
    });
    await expect(connect(before)).rejects.toMatchObject({ code: 'REPLICA_LOST' });
    before.release();
    await eventually(() => state(alone, LEAF)).toMatchObject({ status: 'STREAMING', timeline: 2 });
    const after = await alone.choose({ readAfter: token });
    expect(after.name).toBe('replica-2');
    expect(alone.positions.decode(after.freshness().token).timeline).toBe(2);
    after.release();
    const lost = { ...token, lsn: token.lsn + 100_000_000n };
    await expect(alone.choose({ readAfter: lost })).rejects.toMatchObject({
      code: 'POSITION_LOST',
      retryable: false,
    });
  });

  test('beside a primary that lives is a split brain, of which neither half is read', async () => {
    await eventually(() => state(informed, MIDDLE).status).toBe('SPLIT_BRAIN');
    expect(informed.snapshot().primary).toMatchObject({ status: 'SPLIT_BRAIN', timeline: 1 });
    const chosen = await Promise.all(Array.from({ length: 4 }, () => informed.choose()));
    for (const replica of chosen) replica.release();
    expect(chosen.map(({ name }) => name)).not.toContain('replica-1');
  });

  test('may be read from where that is allowed', async () => {
    const urls = [database.replicaUrls[MIDDLE]!];
    const replicas = createReplicas({ replicaUrls: urls, poolSize: 1, allowPrimaryReads: true });
    const replica = await replicas.choose({ maxStalenessSeconds: 1 });
    expect((await replica.pool.query('select pg_is_in_recovery() as standby')).rows).toEqual([
      { standby: false },
    ]);
    await expect(replica.pool.query('create table t (i int)')).rejects.toMatchObject({ code: '25006' });
    replica.release();
    await replicas.close();
  });
});
