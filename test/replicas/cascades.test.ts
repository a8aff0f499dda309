import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { createReplicas, type Replicas } from '../../src/replicas/replicas.ts';
import { on } from '../gateway/served-gateway.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { type Cable, startCable } from './cable.ts';
import { eventually } from './eventually.ts';
import { Eye, Heart, seconds } from './truth.ts';

/**
 * What a sender says of the end of the WAL is true only when it is the primary, and true of what is visible only when it
 * commits synchronously. A primary, a standby in the middle, and one that streams from that. Four gateways: one lists
 * the last alone, one both but the middle one at another address, and two the same with the primary polled.
 */
let database: TestCluster;
let middle: PostgresNode;
let detour: Cable;
let heart: Heart;
let eye: Eye;
let gateways: Readonly<Record<'alone' | 'astray' | 'informed' | 'informedAstray', Replicas>>;

beforeAll(async () => {
  database = await startTestCluster({ replicas: 1, settings: { wal_receiver_timeout: '3s' } });
  middle = database.cluster.replicas[0]!;
  await database.cluster.addReplica({ upstream: middle, name: 'leaf' });
  detour = await startCable({ host: '127.0.0.1', port: middle.port });
  heart = new Heart(database.primaryUrl);
  await heart.beat();
  await database.replayed();
  const leafUrl = database.replicaUrls[1]!;
  const middleUrl = new URL(database.replicaUrls[0]!);
  middleUrl.port = String(detour.port);
  const watch = (replicaUrls: readonly string[], primaryUrl?: string) =>
    createReplicas({ replicaUrls, primaryUrl, poolSize: 1, pollIntervalSeconds: 0.25 });
  const both = [leafUrl, middleUrl.href];
  gateways = {
    alone: watch([leafUrl]),
    astray: watch(both),
    informed: watch([leafUrl], database.primaryUrl),
    informedAstray: watch(both, database.primaryUrl),
  };
  await Promise.all(Object.values(gateways).map(({ firstLook }) => firstLook));
  eye = await Eye.open(database.standbyUrls[1]!);
});

afterAll(async () => {
  await Promise.all(Object.values(gateways ?? {}).map((each) => each.close()));
  await eye?.close();
  await heart?.close();
  await detour?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const leafAt = (gateway: Replicas) => gateway.snapshot().replicas[0]!;

/** Compares every gateway's bound with the truth, and returns the greatest truth. */
async function watchLeaf(forSeconds: number): Promise<number> {
  let most = 0;
  for (const until = seconds() + forSeconds; seconds() < until; await delay(20)) {
    const moment = seconds();
    const told = Object.entries(gateways).map(([name, gateway]) => ({ gateway: name, ...leafAt(gateway) }));
    const truth = heart.ageOfMissing(await eye.visible(), moment);
    most = Math.max(most, truth);
    for (const { gateway, lagSeconds, confidence } of told) {
      if (lagSeconds === null || lagSeconds >= truth) continue;
      throw new Error(
        `${gateway} said ${lagSeconds} s with confidence ${confidence}; the truth was ${truth} s.`,
      );
    }
  }
  return most;
}

describe('a standby behind a standby that is not listed where it is', () => {
  test('is not said to be fresher than it is while the one in the middle stands still', async () => {
    heart.start(0.05);
    await watchLeaf(1.5);
    await on(database.standbyUrls[0]!, 'select pg_wal_replay_pause()');
    const [receiver] = await on(database.standbyUrls[0]!, 'select pid from pg_stat_wal_receiver');
    process.kill(Number(receiver!.pid), 'SIGSTOP');
    try {
      // The sender in the middle lives, answers pings, and knows of no more WAL.
      expect(await watchLeaf(5)).toBeGreaterThan(3);
      expect(leafAt(gateways.alone)).toMatchObject({
        confidence: 'LOW',
        reason: expect.stringContaining('Nothing proves that its upstream is the primary'),
        lagIsLowerBound: true,
      });
      expect(leafAt(gateways.informed).lagBytes).toBeGreaterThan(0n);
    } finally {
      process.kill(Number(receiver!.pid), 'SIGCONT');
      await on(database.standbyUrls[0]!, 'select pg_wal_replay_resume()');
    }
    await eventually(async () => heart.count - (await eye.visible()) < 5).toBe(true);
    await watchLeaf(1);
    await heart.stop();
  });
});

describe('commits that are visible before they are flushed', () => {
  test('are counted as missing where the primary is polled, and as not proven where it is not', async () => {
    const direct = createReplicas({
      replicaUrls: [database.replicaUrls[0]!],
      poolSize: 1,
      pollIntervalSeconds: 0.25,
    });
    const informed = createReplicas({
      replicaUrls: [database.replicaUrls[0]!],
      primaryUrl: database.primaryUrl,
      poolSize: 1,
      pollIntervalSeconds: 0.25,
    });
    const middleEye = await Eye.open(database.standbyUrls[0]!);
    const { primary } = database.cluster;
    await primary.setting('synchronous_commit', 'off').setting('wal_writer_delay', '2s').reload();
    const late = new Heart(database.primaryUrl, 'late_beats');
    try {
      late.start(0.3);
      await Promise.all([direct.firstLook, informed.firstLook]);
      let most = 0;
      for (const until = seconds() + 6; seconds() < until; await delay(20)) {
        const moment = seconds();
        const [unproven, proven] = [leafAt(direct), leafAt(informed)];
        const truth = late.ageOfMissing(
          await middleEye.visible('late_beats').catch(() => late.count),
          moment,
        );
        most = Math.max(most, truth);
        expect(proven.lagSeconds ?? truth).toBeGreaterThanOrEqual(truth);
        if ((unproven.lagSeconds ?? truth) < truth) expect(unproven.confidence).toBe('LOW');
      }
      expect(most).toBeGreaterThan(0.5);
    } finally {
      await late.close();
      await primary.setting('synchronous_commit', null).setting('wal_writer_delay', null).reload();
      await middleEye.close();
      await Promise.all([direct.close(), informed.close()]);
    }
  });
});
