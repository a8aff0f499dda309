import { once } from 'node:events';
import { registerHooks } from 'node:module';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anXdr } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type ReceivedSpan, startTraceReceiver, type TraceReceiver } from '../support/trace-receiver.ts';
import { type ServedGateway, SlowReading, serveGateway, until, WIDE } from './served-gateway.ts';

const CALLS = 60_000;
const CALLER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
/** SPAN_KIND_SERVER, STATUS_CODE_UNSET and STATUS_CODE_ERROR of OTLP. */
const SERVER = 2;
const UNSET = 0;
const ERROR = 2;

let database: TestDatabase;
let replicaUrls: readonly string[];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs(Array.from({ length: CALLS }, () => anXdr()));
  replicaUrls = database.replicaUrls.slice(0, 1);
});

afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
});

// The first test: whatever one of them loads stays loaded.
test('without a collector nothing of it is loaded, whatever else is set; with one it is', async () => {
  const loaded: string[] = [];
  const hooks = registerHooks({
    load(url, context, next) {
      if (/@opentelemetry.(sdk|exporter)/.test(url)) loaded.push(url);
      return next(url, context);
    },
  });
  const others = { OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'y' };
  await using silent = await serveGateway({ replicaUrls }, others);
  expect((await silent.query('{ viewer { name } }')).data.viewer.name).toBe('admin');
  expect(loaded).toEqual([]);

  await using receiver = await startTraceReceiver();
  await using _traced = await serveGateway({ replicaUrls }, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
  expect(loaded).not.toEqual([]);
  hooks.deregister();
});

describe('with a collector', () => {
  let receiver: TraceReceiver;
  let gateway: ServedGateway;

  beforeAll(async () => {
    receiver = await startTraceReceiver();
    gateway = await serveGateway(
      { replicaUrls },
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/`,
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=for%20the%20collector',
        OTEL_SERVICE_NAME: 'calls',
      },
    );
  });

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await receiver?.[Symbol.asyncDispose]();
  });

  /** The span of the request that had this X-Request-Id. */
  const spanOf = (id: string) => until(`span of ${id}`, async () => find(id)) as Promise<ReceivedSpan>;
  const find = (id: string) => receiver.spans.find((span) => span.attributes['gateway.request_id'] === id);

  test('a request is one span with its facts', async () => {
    const query = 'query LastCalls { cdrs(first: 3) { nodes { id } } }';
    const { status } = await gateway.query(query, {}, { headers: { 'x-request-id': 'facts' } });
    expect(status).toBe(200);

    const span = await spanOf('facts');
    expect(span).toMatchObject({ name: 'query cdrs', kind: SERVER, status: { code: UNSET } });
    expect(span.parentSpanId ?? '').toBe('');
    expect(span.traceId).toMatch(/^[\da-f]{32}$/);
    expect(span.end - span.start).toBeGreaterThan(0);
    expect(Math.abs(Date.now() - span.end)).toBeLessThan(30_000);
    expect(span.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'http.route': '/graphql',
      'url.path': '/graphql',
      'url.scheme': 'http',
      'graphql.operation.type': 'query',
      'graphql.operation.name': 'LastCalls',
      'gateway.outcome': 'ok',
      'gateway.replica': expect.any(String),
      'gateway.rows': 3,
      'gateway.principal': 'admin',
      'gateway.request_id': 'facts',
    });
    expect(span.resource).toMatchObject({
      'service.name': 'calls',
      'service.version': expect.stringMatching(/^\d+\./),
      'service.instance.id': expect.any(String),
    });
  });

  test('is sent where OTLP has it, with the headers that the collector asks for', async () => {
    await gateway.query('{ viewer { name } }', {}, { headers: { 'x-request-id': 'headers' } });
    await spanOf('headers');
    expect(receiver.posts.at(-1)).toMatchObject({
      path: '/v1/traces',
      headers: { 'content-type': 'application/json', 'api-key': 'for the collector' },
    });
  });

  test('is a child of the span that the caller names, and of none when what it names is not valid', async () => {
    const { traceId, spanId } = CALLER;
    const ask = (id: string, traceparent: string) =>
      gateway.query('{ viewer { name } }', {}, { headers: { 'x-request-id': id, traceparent } });
    await ask('child', `00-${traceId}-${spanId}-01`);
    await ask('later-version', `01-${traceId}-${spanId}-03-more`);
    await ask('zeros', `00-${'0'.repeat(32)}-${spanId}-01`);
    await ask('version-ff', `ff-${traceId}-${spanId}-01`);
    await ask('too-long', `00-${traceId}-${spanId}-01-more`);
    await ask('nonsense', '00-a-b-01');

    expect(await spanOf('child')).toMatchObject({ traceId, parentSpanId: spanId });
    expect(await spanOf('later-version')).toMatchObject({ traceId, parentSpanId: spanId });
    for (const id of ['zeros', 'version-ff', 'too-long', 'nonsense']) {
      const span = await spanOf(id);
      expect([id, span.parentSpanId ?? '']).toEqual([id, '']);
      expect(span.traceId).not.toBe(traceId);
    }
  });

  test('is not sent when the caller is not traced', async () => {
    const headers = { traceparent: `00-${CALLER.traceId}-${CALLER.spanId}-00`, 'x-request-id': 'untraced' };
    await gateway.query('{ viewer { name } }', {}, { headers });
    await gateway.query('{ viewer { name } }', {}, { headers: { 'x-request-id': 'after-untraced' } });
    await spanOf('after-untraced');
    expect(find('untraced')).toBeUndefined();
  });

  test('is not sent of probes, scrapes, and paths where nothing is', async () => {
    for (const path of ['livez', 'readyz', 'health', 'metrics', 'nowhere']) {
      await fetch(new URL(path, gateway.url), { headers: { 'x-request-id': 'probe' } });
    }
    await gateway.query('{ viewer { name } }', {}, { headers: { 'x-request-id': 'after-probes' } });
    await spanOf('after-probes');
    expect(find('probe')).toBeUndefined();
  });

  test('is an error when we failed, and says which', async () => {
    const { status, errors } = await gateway.query(
      '{ cdrs { nodes { id } } }',
      {},
      { headers: { 'x-max-staleness': '0', 'x-request-id': 'stale' } },
    );
    expect([status, errors![0]!.extensions.code]).toEqual([503, 'REPLICA_TOO_STALE']);
    const span = await spanOf('stale');
    expect(span.status).toEqual({ code: ERROR, message: 'REPLICA_TOO_STALE' });
    expect(span.attributes).toMatchObject({
      'http.response.status_code': 503,
      'error.type': 'REPLICA_TOO_STALE',
      'gateway.outcome': 'error',
      'gateway.error_codes': ['REPLICA_TOO_STALE'],
    });
  });

  test.each([
    ['a field that does not exist', '{ cdrs { nonsense } }', {}, 'query cdrs', 'invalid'],
    ['a text that is no document', '{', {}, 'POST /graphql', 'invalid'],
    [
      'a stranger',
      '{ cdrs { nodes { id } } }',
      { authorization: 'Bearer nobody' },
      'POST /graphql',
      'denied',
    ],
  ])('is no error of ours for %s', async (_, query, headers, name, outcome) => {
    const id = `fault-of-the-caller-${outcome}-${query.length}`;
    await gateway.query(query, {}, { headers: { ...headers, 'x-request-id': id } });
    const span = await spanOf(id);
    expect(span).toMatchObject({ name, status: { code: UNSET }, attributes: { 'gateway.outcome': outcome } });
    expect(span.attributes).not.toHaveProperty('error.type');
  });

  test('is called after fields of ours, whatever clients think of', async () => {
    const names = await Promise.all(
      ['query A { a: viewer { name } }', '{ viewer { name } cdrs { nodes { id } } }', '{ whatever }'].map(
        async (query, index) => {
          await gateway.query(query, {}, { headers: { 'x-request-id': `name-${index}` } });
          return (await spanOf(`name-${index}`)).name;
        },
      ),
    );
    expect(names).toEqual(['query viewer', 'query several', 'query other']);
  });

  test("is made of what Grafana's datasource asks, too", async () => {
    const response = await fetch(new URL('/grafana/metrics', gateway.url), {
      method: 'POST',
      headers: { ...gateway.headers, 'x-request-id': 'grafana' },
      body: '{}',
    });
    expect(response.status).toBe(200);
    expect(await spanOf('grafana')).toMatchObject({
      name: 'POST /grafana',
      attributes: { 'http.route': '/grafana', 'url.path': '/grafana/metrics', 'gateway.outcome': 'ok' },
    });
  });

  test('lasts until the last byte of a streamed answer', async () => {
    const response = await gateway.ask(
      `{ cdrs(first: ${CALLS}) { nodes { ${WIDE} } } }`,
      {},
      { headers: { 'x-request-id': 'streamed', 'accept-encoding': 'identity' } },
    );
    const reading = new SlowReading(response);
    await reading.more();
    const begun = Date.now();
    // A whole other request is asked, answered and reported meanwhile.
    await gateway.query('{ viewer { name } }', {}, { headers: { 'x-request-id': 'meanwhile' } });
    const meanwhile = await spanOf('meanwhile');
    expect(find('streamed')).toBeUndefined();
    const held = Date.now() - begun;
    expect((await reading.json()).data.cdrs.nodes).toHaveLength(CALLS);

    const span = await spanOf('streamed');
    expect(span.attributes).toMatchObject({ 'gateway.rows': CALLS, 'gateway.outcome': 'ok' });
    expect(span.start).toBeLessThan(meanwhile.start);
    expect(span.end).toBeGreaterThan(meanwhile.end);
    expect(span.end - span.start).toBeGreaterThanOrEqual(held);
  });

  test('holds no query, variable, number or token', async () => {
    await gateway.query(
      'query Of33123456789($secret: String) { cdrs(filter: { cli: { eq: $secret } }) { nodes { callId } } }',
      { secret: '44207183750' },
      { headers: { 'x-request-id': 'secrets', cookie: 'session=hidden', tracestate: 'vendor=hidden' } },
    );
    await spanOf('secrets');
    await fetch(new URL('/grafana/33123456789?token=hidden', gateway.url), {
      headers: { ...gateway.headers, 'x-request-id': 'secret-path' },
    });
    expect((await spanOf('secret-path')).attributes['url.path']).toBe('/grafana/…');

    const sent = receiver.posts.map(({ body }) => body).join('\n');
    expect((await spanOf('secrets')).attributes['graphql.operation.name']).toBe('Of…');
    const token = gateway.headers.authorization!.split(' ')[1]!;
    for (const secret of [token, 'hidden', '44207183750', '33123456789', 'callId', '$secret']) {
      expect(sent).not.toContain(secret);
    }
  });
});

test('what is left at a stop is sent before it ends', async () => {
  await using receiver = await startTraceReceiver();
  const gateway = await serveGateway(
    { replicaUrls },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/own/path` },
  );
  await gateway.query('{ viewer { name } }', {}, { headers: { 'x-request-id': 'last' } });
  await gateway[Symbol.asyncDispose]();
  expect(receiver.spans.map((span) => span.attributes['gateway.request_id'])).toEqual(['last']);
  expect(receiver.posts[0]!.path).toBe('/own/path');
});

test('the samplers are those of OpenTelemetry', async () => {
  await using receiver = await startTraceReceiver();
  const sent = async (sampler: string, share: string, headers: Record<string, string> = {}) => {
    const before = receiver.spans.length;
    const gateway = await serveGateway(
      { replicaUrls },
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_TRACES_SAMPLER: sampler,
        OTEL_TRACES_SAMPLER_ARG: share,
      },
    );
    await gateway.query('{ viewer { name } }', {}, { headers });
    await gateway[Symbol.asyncDispose]();
    return receiver.spans.length - before;
  };
  const traced = { traceparent: `00-${CALLER.traceId}-${CALLER.spanId}-01` };
  expect(await sent('always_off', '1', traced)).toBe(0);
  expect(await sent('traceidratio', '1')).toBe(1);
  expect(await sent('parentbased_traceidratio', '0')).toBe(0);
  expect(await sent('parentbased_traceidratio', '0', traced)).toBe(1);
});

describe('a collector that is of no use', () => {
  test.each(['cuts connections', 'takes them and never answers', 'answers 503'] as const)(
    'holds up neither requests nor the stop: it %s',
    async (how) => {
      await using collector = await startUseless(how);
      const gateway = await serveGateway({ replicaUrls }, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
      const ask = async () => {
        const start = performance.now();
        expect((await gateway.query('{ viewer { name } }')).data.viewer.name).toBe('admin');
        return performance.now() - start;
      };
      await ask();
      await until('attempt to send', async () => collector.attempts() > 0);
      expect(await ask()).toBeLessThan(500);

      const stop = performance.now();
      await gateway[Symbol.asyncDispose]();
      expect(performance.now() - stop).toBeLessThan(2000);
    },
  );
});

interface UselessCollector extends AsyncDisposable {
  readonly url: string;
  attempts(): number;
}

async function startUseless(
  how: 'cuts connections' | 'takes them and never answers' | 'answers 503',
): Promise<UselessCollector> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    if (how === 'cuts connections') socket.destroy();
    if (how === 'answers 503') {
      socket.once('data', () => socket.end('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'));
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    attempts: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
