import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConnectionUse } from '../../src/replicas/connections.ts';
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
  metrics.watch('replica-1', replica.connections);
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

/** Of an operation of its own, by the only principal of this role. */
const lenderOf = (role: string) =>
  replica.connections.lenderFor({
    principal: role,
    role,
    signal: new AbortController().signal,
    statements: 0,
    use: new ConnectionUse(),
  });

interface Reading {
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly value: number;
  readonly metricName?: string;
}

describe('the metrics of a pool', () => {
  test('tell used, idle and waiting, through an exhausted pool and after it', async () => {
    const { read } = watchPool();
    const [one, other] = await Promise.all([lenderOf('ADMIN').connect(), lenderOf('ACCOUNT').connect()]);
    const waiting = [lenderOf('ADMIN').connect(), lenderOf('ACCOUNT').connect()];
    expect(await read('gateway_pg_pool_connections')).toEqual({ idle: 0, used: 2 });
    expect(await read('gateway_pg_pool_max_connections')).toEqual({ '': 2 });
    expect(await read('gateway_pg_pool_pending_requests')).toEqual({ '': 2 });
    expect(await read('gateway_pg_pool_waiting_statements')).toEqual({ ADMIN: 1, ACCOUNT: 1 });
    one.release();
    other.release();
    for (const each of waiting) (await each).release();
    expect(await read('gateway_pg_pool_connections')).toEqual({ idle: 2, used: 0 });
    expect(await read('gateway_pg_pool_pending_requests')).toEqual({ '': 0 });
    expect(await read('gateway_pg_pool_waiting_statements')).toEqual({});
  });

  test('time how long each statement waited for its connection', async () => {
    const { read } = watchPool();
    expect((await read('gateway_pg_pool_acquire_duration_seconds'))._count).toBe(0);
    (await lenderOf('ADMIN').connect()).release();
    (await lenderOf('ACCOUNT').connect()).release();
    expect((await read('gateway_pg_pool_acquire_duration_seconds'))._count).toBe(2);
  });

  test('count a pool that is watched twice once', async () => {
    const { metrics, read } = watchPool();
    metrics.watch('replica-1', replica.connections);
    (await lenderOf('ADMIN').connect()).release();
    expect((await read('gateway_pg_pool_acquire_duration_seconds'))._count).toBe(1);
  });
});
