import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { createReplicas, type Replicas } from '../../src/replicas/replicas.ts';
import type { ReplicaState } from '../../src/replicas/states.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { type Cable, startCable } from './cable.ts';
import { eventually } from './eventually.ts';
import { Eye, Heart, seconds } from './truth.ts';

/**
 * The one promise everything else stands on: the truth is never above the bound, under any fault, and the state says
 * which fault it is. One standby behind a cable of ours, watched by two gateways: one has nothing but the standby, the
 * other asks the primary too.
 */
let database: TestCluster;
let cable: Cable;
let standby: PostgresNode;
let alone: Replicas;
let informed: Replicas;
let heart: Heart;
let eye: Eye;

beforeAll(async () => {
  database = await startTestCluster({
    replicas: 0,
    // A dead line is noticed after 3 s, and an idle one is broken by a ping after 1.5 s.
    settings: { wal_receiver_timeout: '3s', wal_sender_timeout: '4s' },
  });
  const { primary } = database.cluster;
  cable = await startCable({ host: '127.0.0.1', port: primary.port });
  standby = await database.cluster.addReplica({ upstream: cable });
  heart = new Heart(database.primaryUrl);
  await heart.beat();
  await database.replayed();
  const options = { replicaUrls: database.replicaUrls, poolSize: 2, pollIntervalSeconds: 0.25 };
  alone = createReplicas(options);
  informed = createReplicas({ ...options, primaryUrl: database.primaryUrl });
  eye = await Eye.open(database.standbyUrls[0]!);
  await Promise.all([alone.firstLook, informed.firstLook]);
});

afterAll(async () => {
  await alone?.close();
  await informed?.close();
  await eye?.close();
  await heart?.close();
  await cable?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

interface Seen {
  readonly truth: number;
  readonly bound: number | null;
  readonly state: ReplicaState;
}

/** Compares for so long, and throws at the first bound below the truth. */
async function watch(forSeconds: number, replicas: () => Replicas = () => alone): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const until = seconds() + forSeconds; seconds() < until; await delay(25)) {
    const moment = seconds();
    const pairs = [alone, informed].map((each) => each.snapshot().replicas[0]!);
    // Read after the bound: what is missing now was missing then.
    const truth = heart.ageOfMissing(await eye.visible(), moment);
    for (const { staleness } of pairs) {
      if (staleness?.maxSeconds != null) expect(staleness.maxSeconds).toBeGreaterThanOrEqual(truth);
    }
    const status = replicas().snapshot().replicas[0]!;
    seen.push({ truth, bound: status.lagSeconds, state: status.status });
  }
  return seen;
}

/** Watches until `alone` says so, so that no test depends on how long a server takes. */
async function watchUntil(state: ReplicaState, withinSeconds = 15): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const until = seconds() + withinSeconds; seconds() < until; ) {
    seen.push(...(await watch(0.2)));
    if (seen.at(-1)!.state === state) return seen;
  }
  throw new Error(`${state} was expected; it was ${[...new Set(seen.map((each) => each.state))].join(', ')}`);
}

/** Watches until both gateways say that all is well and the standby shows everything. */
async function watchUntilWell(): Promise<void> {
  await watchUntil('STREAMING', 30);
  for (const until = seconds() + 10; (await eye.visible()) < heart.count; await watch(0.1)) {
    if (seconds() > until) throw new Error('The standby never showed everything.');
  }
}

const most = (seen: readonly Seen[], what: 'truth' | 'bound') =>
  Math.max(...seen.map((each) => each[what] ?? 0));

/** How tight the bound was, for whoever runs the tests with `--reporter=verbose`. */
function tightness(seen: readonly Seen[]): string {
  const excess = seen
    .flatMap(({ truth, bound }) => (bound === null ? [] : [bound - truth]))
    .toSorted((a, b) => a - b);
  const [least, median, greatest] = [0, excess.length >> 1, excess.length - 1].map((at) =>
    excess[at]?.toFixed(2),
  );
  return (
    `${seen.length} samples, truth up to ${most(seen, 'truth').toFixed(2)} s, ` +
    `bound above it by ${least} to ${greatest} s, median ${median} s`
  );
}

describe('the bound is never below the truth and the state tells the fault', () => {
  test('under load', async ({ annotate }) => {
    heart.start(0.01);
    const seen = await watch(2);
    await annotate(tightness(seen));
    expect(seen.every(({ state }) => state === 'STREAMING')).toBe(true);
    // The first of them carry what the idle link before had left.
    expect(most(seen.slice(-30), 'bound')).toBeLessThan(1.5);
    await heart.stop();
  });

  test('on an idle link, where the bound stays below the time between pings', async ({ annotate }) => {
    const seen = await watch(4);
    await annotate(tightness(seen));
    expect(seen.every(({ state }) => state === 'STREAMING')).toBe(true);
    expect(most(seen, 'bound')).toBeLessThan(1.5 + 1.2);
  });

  test('with replay paused', async ({ annotate }) => {
    await onStandby('select pg_wal_replay_pause()');
    heart.start(0.05);
    const seen = [...(await watchUntil('PAUSED')), ...(await watch(2))];
    await annotate(tightness(seen));
    expect(most(seen, 'truth')).toBeGreaterThan(1.5);
    expect(most(seen, 'bound') - most(seen, 'truth')).toBeLessThan(1.5);
    expect(alone.snapshot().replicas[0]!.lagBytes).toBeGreaterThan(0n);
    // It is heard, though nothing of what it sends is shown.
    expect(alone.snapshot().primary?.status).toBe('AVAILABLE');
    await onStandby('select pg_wal_replay_resume()');
    await watchUntilWell();
  });

  test('with a delay on purpose', async ({ annotate }) => {
    await standby.setting('recovery_min_apply_delay', '1500ms').reload();
    const seen = [...(await watchUntil('DELAYED')), ...(await watch(3))];
    await annotate(tightness(seen));
    expect(most(seen, 'truth')).toBeGreaterThan(1.2);
    expect(most(seen, 'bound')).toBeLessThan(1.5 + 1.5);
    await standby.setting('recovery_min_apply_delay', '0').reload();
    await watchUntilWell();
  });

  test('with a receiver that is frozen', async ({ annotate }) => {
    const { rows } = await onStandby('select pid from pg_stat_wal_receiver');
    process.kill(rows[0].pid, 'SIGSTOP');
    try {
      const seen = [...(await watchUntil('STALLED')), ...(await watch(1))];
      await annotate(tightness(seen));
      expect(most(seen, 'truth')).toBeGreaterThan(1.5);
    } finally {
      process.kill(rows[0].pid, 'SIGCONT');
    }
    await watchUntilWell();
  });

  test('over a slow link', async ({ annotate }) => {
    cable.bandwidth(400_000);
    await heart.stop();
    heart.start(0.02, 30_000);
    const seen = [...(await watchUntil('CATCHING_UP')), ...(await watch(4))];
    await annotate(tightness(seen));
    expect(most(seen, 'truth')).toBeGreaterThan(1);
    expect(alone.snapshot().replicas[0]!.reason).toContain('NETWORK');
    await heart.stop();
    heart.start(0.05);
    cable.bandwidth(3_000_000);
    await annotate(tightness(await watch(2)));
    cable.bandwidth(Number.POSITIVE_INFINITY);
    await watchUntilWell();
  });

  test('over a link that is cut without a word, and back', async ({ annotate }) => {
    cable.bandwidth(0);
    const seen = [...(await watchUntil('STALLED')), ...(await watch(2))];
    await annotate(tightness(seen));
    expect(most(seen, 'truth')).toBeGreaterThan(2);
    expect(informed.snapshot().replicas[0]!.lagBytes).toBeGreaterThan(0n);
    expect(alone.snapshot().primary?.status).toBe('SILENT');
    cable.bandwidth(Number.POSITIVE_INFINITY);
    await annotate(tightness(await watch(2)));
    await watchUntilWell();
  });

  test('when the standby is restarted', async ({ annotate }) => {
    await eye.close();
    await standby.stop('immediate');
    await eventually(() => alone.snapshot().replicas[0]!.status).toMatch(/UNREACHABLE|STARTING/);
    expect(alone.snapshot().replicas[0]!.confidence).toBe('NONE');
    await standby.start();
    eye = await Eye.open(database.standbyUrls[0]!);
    await annotate(tightness(await watch(1.5)));
    await watchUntilWell();
  });

  test('when the primary is killed: reads go on, and the bound grows with the truth', async ({
    annotate,
  }) => {
    await database.cluster.primary.kill('SIGKILL');
    const seen = [...(await watchUntil('DISCONNECTED')), ...(await watch(2.5))];
    await annotate(tightness(seen));
    expect(most(seen, 'bound')).toBeGreaterThan(2.5);
    const { status, primary } = informed.snapshot();
    expect([status, primary?.status]).toEqual(['DEGRADED', 'UNREACHABLE']);
    const replica = await alone.choose();
    expect((await replica.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    expect(replica.freshness().stalenessSeconds).toBeGreaterThan(2.5);
    replica.release();
  });

  test('when the standby is then restarted, and nobody is left to ask', async () => {
    await eye.close();
    await standby.stop('fast');
    await standby.start();
    eye = await Eye.open(database.standbyUrls[0]!);
    const late = createReplicas({
      replicaUrls: database.replicaUrls,
      poolSize: 1,
      pollIntervalSeconds: 0.25,
    });
    await late.firstLook;
    const [status] = late.snapshot().replicas;
    await late.close();
    expect(status).toMatchObject({ status: 'DISCONNECTED', lagBytes: null, confidence: 'LOW' });
    expect(status!.lagSeconds).toBeGreaterThan(2.5);
    await watch(0.5);
  });

  test('when it is promoted: a primary has no lag, and it is never read from', async () => {
    await onStandby('select pg_promote()');
    await eventually(() => alone.snapshot().replicas[0]!.status).toBe('PROMOTED');
    const [status] = alone.snapshot().replicas;
    expect([status!.lagBytes, status!.lagSeconds]).toEqual([null, null]);
    expect(alone.snapshot().status).toBe('DOWN');
    await expect(alone.choose()).rejects.toMatchObject({ code: 'NO_REPLICA_AVAILABLE' });
  });
});

async function onStandby(statement: string) {
  const replica = new (await import('pg')).default.Client({ connectionString: database.standbyUrls[0]! });
  await replica.connect();
  try {
    return await replica.query(statement);
  } finally {
    await replica.end();
  }
}
