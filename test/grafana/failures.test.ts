import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Frame } from '../../src/grafana/frames.ts';
import { anXdr } from '../support/builders.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { createGrafanaGateway, type GrafanaGateway } from './grafana-gateway.ts';

let servers: TestCluster;
let gateway: GrafanaGateway;

beforeAll(async () => {
  servers = await startTestCluster({ replicas: 2 });
  await servers.insertXdrs([anXdr({ connect_time: '2026-01-05 09:00:00+00' })]);
  gateway = await createGrafanaGateway(servers.replicaUrls);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await servers[Symbol.asyncDispose]();
});

const queryRequest = (target: string) => ({
  range: { from: new Date(Date.now() - 60_000).toISOString(), to: new Date(Date.now() + 1000).toISOString() },
  targets: [{ refId: 'A', target }],
});

const calls = {
  range: { from: '2026-01-05T09:00:00.000Z', to: '2026-01-05T10:00:00.000Z' },
  targets: [{ refId: 'A', target: 'calls_attempts' }],
};

/** The newest value of each standby's line. */
const newest = async (target: string) => {
  const { body } = await gateway.post('/query', queryRequest(target));
  return Object.fromEntries(body.map(({ schema, data }: Frame) => [schema.name, data.values[1]!.at(-1)]));
};

const changes = async () => {
  const { body } = await gateway.get('/changes');
  return body.map(({ title }: { title: string }) => title);
};

describe('when standbys fail', () => {
  test('a query for calls is answered by another, and the change is on the graph', async () => {
    await servers.cluster.replicas[0]!.stop('immediate');
    for (let attempt = 0; attempt < 6; attempt++) {
      const { status, body } = await gateway.post('/query', calls);
      expect([status, body[0].data.values[1]]).toEqual([200, [1]]);
    }
    await expect.poll(changes, { timeout: 10_000 }).toContain('replica-a: UNREACHABLE');
    await expect.poll(() => newest('replication_up')).toEqual({ 'replica-a': 0, 'replica-b': 1 });
    await expect.poll(() => newest('replication_state')).toMatchObject({ 'replica-a': 'UNREACHABLE' });
    const { body } = await gateway.get('/changes?replica=replica-a');
    const trouble = body.find(({ title }: { title: string }) => title === 'replica-a: UNREACHABLE');
    expect(trouble).toMatchObject({
      tags: ['replica-a', 'UNREACHABLE', 'trouble'],
      timeEnd: expect.any(Number),
    });
    expect(trouble.text).toMatch(/It was [A-Z_]+\.$/);
  });

  test('calls fail visibly when none is left, and replication is still told', async () => {
    await servers.cluster.replicas[1]!.stop('immediate');
    const ask = async () => (await gateway.post('/query', calls)).body.message;
    await expect.poll(ask, { timeout: 10_000 }).toContain('No standby can answer now');
    const { status, headers } = await gateway.post('/query', calls);
    expect([status, headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    await expect.poll(() => newest('replication_up')).toEqual({ 'replica-a': 0, 'replica-b': 0 });
    expect(await gateway.get('')).toMatchObject({ status: 200, body: { replication: 'DOWN' } });
    expect((await gateway.post('/query', queryRequest('replication_status'))).status).toBe(200);
    expect((await gateway.post('/variable', { payload: { target: 'replicas' } })).body).toHaveLength(2);
  });

  test('a lag that is known grows while nothing comes; it does not fall to 0', async () => {
    const lag = async () => Number((await newest('replication_lag_seconds'))['replica-b']);
    const before = await lag();
    expect(before).toBeGreaterThan(0);
    await expect.poll(lag, { timeout: 20_000 }).toBeGreaterThan(before + 1);
  });

  test('what ended well is well again, and the trouble has an end', async () => {
    await servers.cluster.replicas[0]!.start();
    await expect
      .poll(async () => (await gateway.post('/query', calls)).status, { timeout: 20_000 })
      .toBe(200);
    await expect.poll(async () => (await newest('replication_up'))['replica-a'], { timeout: 20_000 }).toBe(1);
    const { body } = await gateway.get('/changes?replica=replica-a');
    const trouble = body.find(({ title }: { title: string }) => title === 'replica-a: UNREACHABLE');
    expect(trouble.timeEnd).toBeGreaterThan(trouble.time);
    expect(trouble.timeEnd).toBeLessThan(Date.now());
  });
});
