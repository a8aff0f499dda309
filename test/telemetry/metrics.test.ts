import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { errorCodes, InvalidArgumentError, NoReplicaAvailableError } from '../../src/errors.ts';
import { RequestFacts } from '../../src/http/request-facts.ts';
import { createRouter, type Handler } from '../../src/http/routes.ts';
import { Connections } from '../../src/replicas/connections.ts';
import type { ReplicaStatus, ReplicationStatus } from '../../src/replicas/status.ts';
import { schema } from '../../src/schema/index.ts';
import { createMetrics, type Metrics, type MetricsDeps } from '../../src/telemetry/metrics.ts';
import { observeRequests } from '../../src/telemetry/request-log.ts';
import { createBareGateway, post } from '../graphql/bare-gateway.ts';
import { hasPromtool, promtool, promtoolNote } from '../support/promtool.ts';
import { anUnreachableReplica, aReplicaStatus } from '../support/replica-statuses.ts';

const someReplicas = (replicas: readonly ReplicaStatus[] = [aReplicaStatus()]): ReplicationStatus => ({
  status: 'OK',
  asOf: null,
  replicas,
  primary: null,
  sources: [],
});

function makeMetrics(status: ReplicationStatus = someReplicas(), deps: Partial<MetricsDeps> = {}): Metrics {
  const replicas = { snapshot: () => status };
  return createMetrics({ replicas, schema, build: { version: '1.2.3', revision: 'abc123' }, ...deps });
}

/** Every sample of a scrape, by its line up to the value. */
type Samples = ReadonlyMap<string, number>;

async function scrape(metrics: Metrics): Promise<Samples> {
  const response = await createRouter([metrics.route])(new Request('http://gateway/metrics'));
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

const namesOf = (samples: Samples) => [...samples.keys()].map((line) => line.replace(/\{.*/, ''));

/** A context good enough for the schema's fields that need no calls, and one that fails for those that do. */
const contextOf = (status: ReplicationStatus, failure: Error = new NoReplicaAvailableError([])) => ({
  principal: { name: 'admin', role: 'ADMIN', scope: { kind: 'all' }, maxPage: 100 },
  replicas: { snapshot: () => status },
  reader: () => Promise.reject(failure),
});

/** The real schema, and what the app has around it. */
function startApp({ failure }: { failure?: Error } = {}): { metrics: Metrics; fetch: Handler } {
  const status = someReplicas();
  const metrics = makeMetrics(status);
  const { route } = createBareGateway(schema, { context: contextOf(status, failure) });
  const onEnd = metrics.noteRequest;
  return { metrics, fetch: observeRequests(createRouter([metrics.route, route]), { onStream() {}, onEnd }) };
}

const asApp = (handler: Handler) => ({
  fetch: (url: string, init: RequestInit) => handler(new Request(url, init)),
});

describe('GET /metrics', () => {
  test('answers in the text format that Prometheus reads', async () => {
    const response = await createRouter([makeMetrics().route])(new Request('http://gateway/metrics'));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toContain('gateway_build_info{version="1.2.3",revision="abc123"} 1\n');
  });

  test('is at its exact path, and read only: the JSON datasource posts to a path of the same name', async () => {
    const fetch = createRouter([makeMetrics().route]);
    expect((await fetch(new Request('http://gateway/metrics/'))).status).toBe(404);
    expect((await fetch(new Request('http://gateway/grafana/metrics'))).status).toBe(404);
    const posted = await fetch(new Request('http://gateway/metrics', { method: 'POST', body: '{}' }));
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('asks for the token when one is set, and for none otherwise', async () => {
    const fetch = createRouter([makeMetrics(someReplicas(), { token: 'a-token-of-the-tests' }).route]);
    const ask = (headers: Record<string, string>) =>
      fetch(new Request('http://gateway/metrics', { headers }));
    const refused = await ask({});
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect((await ask({ authorization: 'Bearer something-else-here' })).status).toBe(401);
    expect((await ask({ authorization: 'Bearer a-token-of-the-tests' })).status).toBe(200);
  });

  test('two gateways in one process count apart', async () => {
    const [one, other] = [startApp(), startApp()];
    await post(asApp(one.fetch), { query: '{ viewer { name } }' });
    const key = 'gateway_graphql_requests_total{operation="viewer",outcome="ok"}';
    expect((await scrape(one.metrics)).get(key)).toBe(1);
    expect((await scrape(other.metrics)).get(key)).toBe(0);
  });

  test.skipIf(!hasPromtool)(`passes promtool check metrics${promtoolNote}`, async () => {
    const { metrics, fetch } = startApp();
    await post(asApp(fetch), { query: '{ viewer { name } }' });
    const pool = new pg.Pool({ max: 3 });
    metrics.watchPool('replica-a', new Connections({ pool, size: 3, statementTimeoutSeconds: 60 }));
    const text = await (await fetch(new Request('http://gateway/metrics'))).text();
    expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, output: '' });
    // The checker itself: the gauges that prom-client misnames are what it is there for.
    const bad =
      '# HELP nodejs_active_handles_total x\n# TYPE nodejs_active_handles_total gauge\nnodejs_active_handles_total 1\n';
    expect(promtool(['check', 'metrics'], bad).status).toBe(3);
    await pool.end();
  });
});

describe('the metrics of standbys', () => {
  test('say how far each is behind, and whether that can be trusted', async () => {
    const samples = await scrape(
      makeMetrics(
        someReplicas([
          aReplicaStatus({
            name: 'amsterdam',
            status: 'CATCHING_UP',
            lagSeconds: 2.5,
            staleness: { minSeconds: 1.5, maxSeconds: 2.5, asOf: null },
            lagBytes: 4096n,
            networkLagBytes: 1024n,
            replayLagBytes: 3072n,
          }),
        ]),
      ),
    );
    const of = (name: string, more = '') =>
      samples.get(`gateway_replica_${name}{replica="amsterdam"${more}}`);
    expect({
      lag: of('lag_seconds'),
      least: of('staleness_min_seconds'),
      most: of('staleness_max_seconds'),
      bytes: of('lag_bytes'),
      network: of('network_lag_bytes'),
      replay: of('replay_lag_bytes'),
      up: of('up'),
      streaming: of('streaming'),
      readable: of('readable'),
      sampled: of('sampled_timestamp_seconds'),
      catchingUp: of('state', ',state="CATCHING_UP"'),
      streamingState: of('state', ',state="STREAMING"'),
      conflicts: of('conflicts_total', ',cause="snapshot"'),
    }).toEqual({
      lag: 2.5,
      least: 1.5,
      most: 2.5,
      bytes: 4096,
      network: 1024,
      replay: 3072,
      up: 1,
      streaming: 1,
      readable: 1,
      sampled: Date.parse('2026-01-05T09:00:00.400Z') / 1000,
      catchingUp: 1,
      streamingState: 0,
      conflicts: 2,
    });
  });

  test('leave out what is unknown instead of saying 0', async () => {
    const samples = await scrape(makeMetrics(someReplicas([anUnreachableReplica()])));
    const told = [...samples].filter(([line]) => line.includes('replica="replica-a"'));
    const withoutStates = told.filter(([line]) => !line.startsWith('gateway_replica_state'));
    expect(withoutStates).toEqual([
      ['gateway_replica_up{replica="replica-a"}', 0],
      ['gateway_replica_streaming{replica="replica-a"}', 0],
      ['gateway_replica_readable{replica="replica-a"}', 0],
      ['gateway_replica_requests_in_flight{replica="replica-a"}', 0],
      ['gateway_replica_failures_total{replica="replica-a",kind="unreachable"}', 3],
    ]);
  });

  test('forget a figure that is not known any more', async () => {
    const status = { current: someReplicas() };
    const metrics = createMetrics({
      replicas: { snapshot: () => status.current },
      schema,
      build: { version: '1' },
    });
    expect(namesOf(await scrape(metrics))).toContain('gateway_replica_lag_seconds');
    status.current = someReplicas([anUnreachableReplica()]);
    expect(namesOf(await scrape(metrics))).not.toContain('gateway_replica_lag_seconds');
  });

  test('tell of a standby that has not been asked yet only that it is not read from', async () => {
    const unknown = anUnreachableReplica({ status: 'UNKNOWN' });
    const samples = await scrape(makeMetrics(someReplicas([unknown])));
    expect(samples.has('gateway_replica_up{replica="replica-a"}')).toBe(false);
    expect(samples.get('gateway_replica_readable{replica="replica-a"}')).toBe(0);
  });

  test('tell of the primary when something is known of it', async () => {
    const primary = {
      status: 'SILENT',
      reason: null,
      isPolled: false,
      lsn: null,
      timeline: 1,
      heardAt: null,
      silenceSeconds: 12.5,
      slots: [],
    } as const;
    const samples = await scrape(makeMetrics({ ...someReplicas(), primary }));
    expect(samples.get('gateway_primary_up{polled="false"}')).toBe(0);
    expect(samples.get('gateway_primary_silence_seconds{polled="false"}')).toBe(12.5);
    const unheard = await scrape(
      makeMetrics({ ...someReplicas(), primary: { ...primary, status: 'UNKNOWN' } }),
    );
    expect(namesOf(unheard)).not.toContain('gateway_primary_up');
  });
});

describe('the metrics of requests', () => {
  const count = (operation: string, outcome: string) =>
    `gateway_graphql_requests_total{operation="${operation}",outcome="${outcome}"}`;

  test.each([
    ['one query field', '{ viewer { name } }', 'viewer'],
    ['the same field under other names', 'query cdrs { a: viewer { name } b: viewer { role } }', 'viewer'],
    ['a field inside fragments', '{ ...F } fragment F on Query { ... { viewer { name } } }', 'viewer'],
    ['several fields', '{ viewer { name } replicationStatus { status } }', 'several'],
    ['the schema', '{ __schema { queryType { name } } }', 'introspection'],
    ['a field beside its type name', '{ __typename viewer { name } }', 'viewer'],
  ])('are counted by what is asked for: %s', async (_, query, operation) => {
    const { metrics, fetch } = startApp();
    await post(asApp(fetch), { query });
    const samples = await scrape(metrics);
    expect(samples.get(count(operation, 'ok'))).toBe(1);
    expect(samples.get(`gateway_graphql_request_duration_seconds_count{operation="${operation}"}`)).toBe(1);
  });

  test.each([
    ['is not GraphQL', '{ viewer {', 'other', 'invalid', 'GRAPHQL_PARSE_FAILED'],
    ['does not fit the schema', '{ viewer { nothing } }', 'viewer', 'invalid', 'GRAPHQL_VALIDATION_FAILED'],
    ['asks for nothing we know', '{ nothing }', 'other', 'invalid', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'uses a fragment within itself',
      '{ ...F } fragment F on Query { ...F }',
      'other',
      'invalid',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['finds no standby', '{ account(id: "14") { id } }', 'account', 'error', 'NO_REPLICA_AVAILABLE'],
  ])('count a request that %s, whatever its HTTP status', async (_, query, operation, outcome, code) => {
    const { metrics, fetch } = startApp();
    await post(asApp(fetch), { query });
    const samples = await scrape(metrics);
    expect(samples.get(count(operation, outcome))).toBe(1);
    expect(samples.get(`gateway_graphql_errors_total{code="${code}"}`)).toBe(1);
  });

  test('tell our failures from those of callers', async () => {
    const { metrics, fetch } = startApp({ failure: new InvalidArgumentError('No.') });
    await post(asApp(fetch), { query: '{ account(id: "14") { id } }' });
    const samples = await scrape(metrics);
    expect(samples.get(count('account', 'error'))).toBe(0);
    expect(samples.get(count('account', 'invalid'))).toBe(1);
  });

  test('are all there from the start, at 0: a rate sees the first error', async () => {
    const samples = await scrape(makeMetrics());
    for (const code of Object.keys(errorCodes)) {
      expect(samples.get(`gateway_graphql_errors_total{code="${code}"}`), code).toBe(0);
    }
    for (const field of Object.keys(schema.getQueryType()!.getFields())) {
      expect(samples.get(count(field, 'error')), field).toBe(0);
      expect(samples.get(`gateway_graphql_request_duration_seconds_count{operation="${field}"}`)).toBe(0);
    }
  });

  test('have as many series after 1000 invented names as before, and no word of theirs', async () => {
    const { metrics, fetch } = startApp();
    const before = await scrape(metrics);
    const secret = randomBytes(6).toString('hex');
    for (let index = 0; index < 1000; index++) {
      const name = `invented_${secret}_${index}`;
      const query = `query ${name} { ${name}: viewer { name } }`;
      const url = `http://gateway/graphql?${new URLSearchParams({ query, operationName: name })}`;
      const { status } = await fetch(
        new Request(index % 2 ? url : `http://gateway/${name}`, { headers: { 'x-request-id': name } }),
      );
      expect(status).toBe(index % 2 ? 200 : 404);
    }
    const after = await scrape(metrics);
    // Garbage collections are told from when the first of their kind has been.
    const ours = (samples: Samples) => [...samples.keys()].filter((line) => line.startsWith('gateway_'));
    expect(ours(after)).toEqual(ours(before));
    expect([...after.keys()].some((line) => line.includes(secret))).toBe(false);
    expect(after.get(count('viewer', 'ok'))).toBe(500);
    expect(after.get('gateway_http_requests_total{route="other",status="4xx"}')).toBe(500);
  });

  test('count other parts of the gateway by part and class of status', async () => {
    const { metrics, fetch } = startApp();
    await fetch(new Request('http://gateway/metrics?x=/graphql'));
    await fetch(new Request('http://gateway/grafana/query?x=1'));
    await fetch(new Request('http://gateway'));
    const samples = await scrape(metrics);
    const of = (route: string, status: string) =>
      samples.get(`gateway_http_requests_total{route="${route}",status="${status}"}`);
    expect([of('metrics', '2xx'), of('grafana', '4xx'), of('other', '4xx'), of('graphql', '2xx')]).toEqual([
      1, 1, 1, 0,
    ]);
  });
});

describe('the metrics of streams', () => {
  test('count a stream while it runs, its age, and what it sent', async () => {
    const metrics = makeMetrics();
    const { promise, resolve } = Promise.withResolvers<void>();
    metrics.noteStream(promise);
    const during = await scrape(metrics);
    expect(during.get('gateway_active_streams')).toBe(1);
    expect(during.get('gateway_oldest_stream_seconds')).toBeGreaterThanOrEqual(0);
    resolve();
    await promise;
    const facts = new RequestFacts(new Request('http://gateway/graphql'));
    Object.assign(facts, { progress: { rows: 100_000, bytes: 12_000_000 }, finished: promise });
    metrics.noteRequest(facts.end(200));
    const after = await scrape(metrics);
    expect(after.get('gateway_active_streams')).toBe(0);
    expect(after.has('gateway_oldest_stream_seconds')).toBe(false);
    expect(after.get('gateway_streamed_rows_total')).toBe(100_000);
    expect(after.get('gateway_streamed_bytes_total')).toBe(12_000_000);
  });

  test('forget a stream that was cut', async () => {
    const metrics = makeMetrics();
    const cut = Promise.reject(new Error('The client left.'));
    metrics.noteStream(cut);
    await cut.catch(() => {});
    expect((await scrape(metrics)).get('gateway_active_streams')).toBe(0);
  });
});
