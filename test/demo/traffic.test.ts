import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { startTraffic } from '../../src/demo/traffic.ts';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';
import { createTestDatabase, startTestCluster, type TestDatabase } from '../support/postgres.ts';

async function countCalls(database: TestDatabase): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from xdrs`.execute(database.primary);
  return rows[0]!.n;
}

test('calls arrive at about the rate asked for, as ended this second, and stop when told', async () => {
  await using database = await createTestDatabase();
  const started = performance.now();
  const traffic = startTraffic({ primaryUrl: database.primaryUrl, model: createTrafficModel(1), rate: 100 });
  await vi.waitUntil(async () => (await countCalls(database)) >= 150, { timeout: 15_000 });
  await traffic.stop();
  const seconds = (performance.now() - started) / 1000;

  const written = await countCalls(database);
  expect(written).toBe(traffic.written);
  expect(written).toBeLessThanOrEqual(100 * seconds + 10);
  const { rows } = await database.pool.query(`
    select count(distinct disconnect_time)::int as seconds, max(now() - disconnect_time) < interval '30 seconds' as recent,
      bool_or(connect_time < disconnect_time - interval '30 seconds') as long
    from xdrs`);
  expect(rows[0]).toMatchObject({ recent: true });
  expect(rows[0].seconds).toBeLessThan(written / 10);
});

test('no rate writes nothing', async () => {
  await using database = await createTestDatabase();
  const traffic = startTraffic({ primaryUrl: database.primaryUrl, model: createTrafficModel(1), rate: 0 });
  await traffic.stop();
  expect(traffic.written).toBe(0);
});

test('a primary that is killed and comes back gets calls again', async () => {
  await using database = await startTestCluster({ replicas: 0 });
  const { primary } = database.cluster;
  const traffic = startTraffic({ primaryUrl: database.primaryUrl, model: createTrafficModel(1), rate: 200 });
  await vi.waitUntil(() => traffic.written > 0, { timeout: 10_000 });

  await primary.kill('SIGKILL');
  await primary.start();
  const before = traffic.written;
  await vi.waitUntil(() => traffic.written > before, { timeout: 10_000 });
  await traffic.stop();
  expect(await countCalls(database)).toBeGreaterThanOrEqual(traffic.written);
});

test('stopping does not wait for a primary that is frozen', async () => {
  await using database = await startTestCluster({ replicas: 0 });
  const traffic = startTraffic({ primaryUrl: database.primaryUrl, model: createTrafficModel(1), rate: 200 });
  await vi.waitUntil(() => traffic.written > 0, { timeout: 10_000 });
  const { rows } = await database.pool.query(
    `select pid from pg_stat_activity where application_name = 'demo switch'`,
  );
  process.kill(rows[0].pid, 'SIGSTOP');
  await traffic.stop();
  process.kill(rows[0].pid, 'SIGCONT');
});
