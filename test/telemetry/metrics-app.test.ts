import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPrincipals } from '../../src/access/authentication.ts';
import { createApp } from '../../src/app.ts';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { createDatabase } from '../../src/db/reader.ts';
import type { Handler } from '../../src/http/routes.ts';
import { createReplicas, type Replicas } from '../../src/replicas/replicas.ts';
import { createSampleHistory } from '../../src/replicas/sample-history.ts';
import { schema } from '../../src/schema/index.ts';
import { parseGatewaySettings } from '../../src/settings.ts';
import { createLogger } from '../../src/telemetry/logging.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { anXdr } from '../support/builders.ts';
import { ADMIN_TOKEN } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { hasPromtool, promtool, promtoolNote } from '../support/promtool.ts';

const CALLS = 30_000;

let database: TestDatabase;
let replicas: Replicas;
let fetch: Handler;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs(Array.from({ length: CALLS }, () => anXdr()));
  const settings = parseGatewaySettings({ REPLICA_URLS: database.replicaUrls.join(','), ADMIN_TOKEN });
  replicas = createReplicas({ replicaUrls: database.replicaUrls, poolSize: 4, pollIntervalSeconds: 0.1 });
  await replicas.firstLook;
  const replica = await replicas.choose();
  const { source } = await checkSource(createDatabase(replica.pool), settings.source.name);
  replica.release();
  const app = createApp({
    replicas,
    history: createSampleHistory(),
    metrics: createMetrics({ replicas, schema, build: { version: '1.2.3' } }),
    source: () => source,
    principals: createPrincipals(settings.access),
    logger: createLogger({ level: 'silent' }),
    allowedOrigins: [],
    maxStalenessSeconds: undefined,
    routes: [],
  });
  fetch = app.fetch;
});

afterAll(async () => {
  await replicas.close();
  await database[Symbol.asyncDispose]();
});

const scrape = async () => (await fetch(new Request('http://gateway/metrics'))).text();

/** The value of one sample, by its line up to the value; undefined when there is no such series. */
async function sample(line: string): Promise<number | undefined> {
  const found = (await scrape()).split('\n').find((each) => each.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length));
}

const ask = (query: string, path = '/graphql', body: object = { query }) =>
  fetch(
    new Request(`http://gateway${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: `Bearer ${ADMIN_TOKEN}`,
      },
      body: JSON.stringify(body),
    }),
  );

describe('the metrics of the whole gateway', () => {
  test('count a stream while it is read, and its calls and bytes when it has ended', async () => {
    const response = await ask(`{ cdrs(first: ${CALLS}) { nodes { id cld connectTime } } }`);
    expect(await sample('gateway_active_streams')).toBe(1);
    expect(await sample('gateway_oldest_stream_seconds')).toBeGreaterThan(0);
    expect(await sample('gateway_graphql_requests_total{operation="cdrs",outcome="ok"}')).toBe(0);
    const { length } = new TextEncoder().encode(await response.text());
    await expect.poll(() => sample('gateway_active_streams')).toBe(0);
    expect(await sample('gateway_oldest_stream_seconds')).toBeUndefined();
    expect(await sample('gateway_streamed_rows_total')).toBe(CALLS);
    expect(await sample('gateway_streamed_bytes_total')).toBe(length);
    expect(await sample('gateway_graphql_requests_total{operation="cdrs",outcome="ok"}')).toBe(1);
  });

  test('count a reader who leaves as one who left', async () => {
    const response = await ask(`{ cdrs(first: ${CALLS}) { nodes { id } } }`);
    await response.body!.cancel();
    await expect.poll(() => sample('gateway_active_streams')).toBe(0);
    expect(await sample('gateway_graphql_requests_total{operation="cdrs",outcome="error"}')).toBe(0);
  });

  test('count queries of Grafana apart, and what they take of the pools', async () => {
    const acquired = async () => {
      const counts = replicas
        .snapshot()
        .replicas.map(({ name }) => sample(`gateway_pg_pool_acquire_duration_seconds_count{pool="${name}"}`));
      return (await Promise.all(counts)).reduce<number>((sum, count) => sum + (count ?? 0), 0);
    };
    const before = await acquired();
    const range = { from: '2026-01-05T09:00:00.000Z', to: '2026-01-05T10:00:00.000Z' };
    const { status } = await ask('', '/grafana/query', {
      range,
      targets: [{ refId: 'A', target: 'calls_attempts' }],
    });
    expect(status).toBe(200);
    expect(await sample('gateway_http_requests_total{route="grafana",status="2xx"}')).toBe(1);
    expect(await acquired()).toBeGreaterThan(before);
  });

  test('tell of each standby what replicationStatus tells', async () => {
    for (const { name } of replicas.snapshot().replicas) {
      expect(await sample(`gateway_replica_streaming{replica="${name}"}`)).toBe(1);
      expect(await sample(`gateway_replica_lag_seconds{replica="${name}"}`)).toBeGreaterThanOrEqual(0);
      const max = await sample(`gateway_pg_pool_max_connections{pool="${name}"}`);
      expect([undefined, 4]).toContain(max);
    }
  });

  test.skipIf(!hasPromtool)(`pass promtool after all of that${promtoolNote}`, async () => {
    expect(promtool(['check', 'metrics'], await scrape())).toEqual({ status: 0, output: '' });
  });
});
