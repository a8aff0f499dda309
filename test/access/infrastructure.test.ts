import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { feedStatusFor } from '../../src/context.ts';
import { tenantViewOfChange, tenantViewOfPoint } from '../../src/replicas/tenant-view.ts';
import { subscribe } from '../feed/event-client.ts';
import { ACCOUNT_TOKEN, ADMIN_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  const [replicaUrl] = database.replicaUrls;
  // One that does not exist has a reason.
  const replicaUrls = [replicaUrl!, 'postgresql://nobody@127.0.0.1:1/nothing'];
  gateway = await createTestGateway({ replicaUrls });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const STATUS = `{ replicationStatus {
  status asOf
  replicas { name status lagSeconds reason receivedLsn replayedLsn upstreamLsn timeline serverVersion address }
  primary { status reason lsn timeline }
  feed { level reason }
} }`;

/** A position in the WAL, as PostgreSQL writes it. */
const LSN = /\b[\dA-F]{1,8}\/[\dA-F]{6,8}\b/;

async function grafana(token: string, metric: string): Promise<string> {
  const now = Date.now();
  const response = await gateway.fetch(
    new Request('http://gateway/grafana/query', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({
        range: { from: new Date(now - 3_600_000).toISOString(), to: new Date(now + 1000).toISOString() },
        intervalMs: 1000,
        maxDataPoints: 100,
        targets: [{ refId: 'A', target: metric, payload: {} }],
      }),
    }),
  );
  expect(response.status).toBe(200);
  return response.text();
}

describe('what the databases are and go through', () => {
  test('is shown to who sees every call', async () => {
    const { data } = await gateway.query(STATUS);
    const [up, down] = data.replicationStatus.replicas;
    expect(up).toMatchObject({
      replayedLsn: expect.stringMatching(LSN),
      timeline: expect.any(Number),
      serverVersion: expect.any(String),
    });
    expect(down.reason).toEqual(expect.any(String));
    expect(data.replicationStatus.feed.reason).toEqual(expect.any(String));
    expect(await grafana(ADMIN_TOKEN, 'replication_status')).toMatch(LSN);
  });

  test('is not shown to tenants, who are told how old answers are', async () => {
    const { data, errors } = await gateway.query(STATUS, {}, { token: ACCOUNT_TOKEN });
    expect(errors).toBeUndefined();
    for (const replica of data.replicationStatus.replicas) {
      const { name, status, lagSeconds, ...hidden } = replica;
      expect([name, status]).toEqual([expect.any(String), expect.any(String)]);
      expect(Object.values(hidden).every((value) => value === null)).toBe(true);
    }
    expect(data.replicationStatus.replicas[0].lagSeconds).toEqual(expect.any(Number));
    expect(data.replicationStatus.primary).toMatchObject({ reason: null, lsn: null, timeline: null });
    expect(data.replicationStatus.feed).toMatchObject({ level: expect.any(String), reason: null });
    const panel = await grafana(ACCOUNT_TOKEN, 'replication_status');
    expect(panel).toContain('replica-1');
    expect(panel).not.toMatch(LSN);
    const [, { reason }] = (await gateway.query(STATUS)).data.replicationStatus.replicas;
    expect(panel).not.toContain(reason);
  });
});

test.each([
  ['tenants', ACCOUNT_TOKEN, false],
  ['who sees every call', ADMIN_TOKEN, true],
])('a subscription tells %s as much', async (_, token, isShown) => {
  await using client = await subscribe(gateway.fetch, `subscription ${STATUS}`, { token });
  await client.until(({ events }) => events.length > 0, 60);
  const { data, text } = client.events[0]!;
  const { replicas, feed } = data.data.replicationStatus;
  expect(LSN.test(text)).toBe(isShown);
  expect([replicas[1].reason !== null, replicas[0].timeline !== null]).toEqual([isShown, isShown]);
  expect(feed.reason !== null).toBe(isShown);
});

test('neither are positions in bytes, and why the feed does not go on', () => {
  const known = { receivedBytes: 1, replayedBytes: 1, upstreamBytes: 1, timeline: 1 };
  const point = { time: 0, lagSeconds: 1, lagBytes: 1, stalenessMinSeconds: 1, up: 1, streaming: 1 };
  const shown = { ...point, state: 'STREAMING', confidence: 'HIGH' } as const;
  const none = { receivedBytes: null, replayedBytes: null, upstreamBytes: null, timeline: null };
  expect(tenantViewOfPoint({ ...shown, ...known })).toEqual({ ...shown, ...none });
  const status = {
    level: 'OFF',
    position: null,
    asOf: null,
    reason: 'connect ECONNREFUSED 10.0.0.5:5432',
  } as const;
  const feed = { status: () => status };
  const tenant = { scope: { kind: 'accounts', accountIds: ['14'] } } as const;
  expect(feedStatusFor(tenant, feed)).toEqual({ ...status, reason: null });
  expect(feedStatusFor({ scope: { kind: 'all' } }, feed)).toEqual(status);
});

test('neither is why a state has changed', () => {
  const change = {
    replica: 'replica-1',
    at: 0,
    state: 'STALLED',
    before: null,
    reason: 'It was cut off.',
  } as const;
  expect(tenantViewOfChange(change)).toEqual({ ...change, reason: null });
});
