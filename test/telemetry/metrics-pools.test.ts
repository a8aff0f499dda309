import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDatabase } from '../../src/db/reader.ts';
import { createReplicas, type Replica, type Replicas } from '../../src/replicas/replicas.ts';
import { createPoolMetrics } from '../../src/telemetry/metrics-pools.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let replicas: Replicas;
let replica: Replica;

beforeAll(async () => {
  database = await createTestDatabase();
  replicas = createReplicas({
    replicaUrls: database.replicaUrls.slice(0, 1),
    poolSize: 2,
    pollIntervalSeconds: 0.1,
  });
  await replicas.firstLook;
  replica = await replicas.choose();
});

afterAll(async () => {
  replica.release();
  await replicas.close();
  await database[Symbol.asyncDispose]();
});

function watchPool() {
  const registry = new Registry();
  const metrics = createPoolMetrics(registry);
  metrics.watch('replica-1', replica.pool);
  return {
    metrics,
    async read(name: string): Promise<Record<string, number>> {
      metrics.show();
      const metric = await registry.getSingleMetric(name)!.get();
      return Object.fromEntries(
        metric.values.map(({ labels, value, metricName = name }: Reading) => {
          const { pool: _, ...others } = labels;
          return [[metricName.replace(name, ''), ...Object.values(others)].filter(Boolean).join(' '), value];
        }),
      );
    },
  };
}

interface Reading {
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly value: number;
  readonly metricName?: string;
}

describe('the metrics of a pool', () => {
  test('tell used, idle and waiting, through an exhausted pool and after it', async () => {
    const { read } = watchPool();
    const [one, other] = await Promise.all([replica.pool.connect(), replica.pool.connect()]);
    const waiting = replica.pool.connect();
    expect(await read('gateway_pg_pool_connections')).toEqual({ idle: 0, used: 2 });
    expect(await read('gateway_pg_pool_max_connections')).toEqual({ '': 2 });
    expect(await read('gateway_pg_pool_pending_requests')).toEqual({ '': 1 });
    one.release();
    (await waiting).release();
    other.release();
    expect(await read('gateway_pg_pool_connections')).toEqual({ idle: 2, used: 0 });
    expect(await read('gateway_pg_pool_pending_requests')).toEqual({ '': 0 });
  });

  test('time how long each statement waited for its connection, however it asked for one', async () => {
    const { read } = watchPool();
    expect((await read('gateway_pg_pool_acquire_duration_seconds'))._count).toBe(0);
    await replica.pool.query('select 1');
    const db = createDatabase(replica.pool);
    await db.selectFrom('xdrs').select('i_xdr').execute();
    await new Promise<void>((resolve, reject) => {
      replica.pool.connect((error, client, release) => {
        release();
        if (error || !client) reject(error);
        else resolve();
      });
    });
    expect((await read('gateway_pg_pool_acquire_duration_seconds'))._count).toBe(3);
  });

  test('count a pool that is watched twice once', async () => {
    const { metrics, read } = watchPool();
    metrics.watch('replica-1', replica.pool);
    await replica.pool.query('select 1');
    expect((await read('gateway_pg_pool_acquire_duration_seconds'))._count).toBe(1);
  });
});
