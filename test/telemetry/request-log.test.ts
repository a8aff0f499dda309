import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { NoReplicaAvailableError } from '../../src/errors.ts';
import type { RequestFacts } from '../../src/http/request-facts.ts';
import { createLogger } from '../../src/telemetry/logging.ts';
import { writeRequest } from '../../src/telemetry/request-log.ts';
import { createBareGateway, post } from '../graphql/bare-gateway.ts';

/** An app that writes its request log into `lines`; `resolvers` are the fields of Query. */
function createLoggedApp(resolvers: Record<string, (facts: RequestFacts) => unknown>) {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) });
  const schema = buildSchema(
    `type Query { ${Object.keys(resolvers)
      .map((name) => `${name}(cli: String): String`)
      .join(' ')} }`,
  );
  for (const [name, resolve] of Object.entries(resolvers)) {
    schema.getQueryType()!.getFields()[name]!.resolve = (_root, _args, { facts }) => resolve(facts);
  }
  const app = createBareGateway(schema, { onEnd: (ended) => writeRequest(logger, ended) });
  return { lines, app };
}

test('a request is one line with its facts', async () => {
  const { app, lines } = createLoggedApp({
    calls: (facts) => {
      Object.assign(facts, { principal: 'admin', replica: 'replica-1', progress: { rows: 50, bytes: 1 } });
      return 'calls';
    },
  });
  const { headers } = await post(app, { query: 'query LastCalls { calls }' });

  expect(lines).toEqual([
    {
      level: 'info',
      time: expect.any(String),
      service: 'cdr-gateway',
      requestId: headers.get('x-request-id'),
      method: 'POST',
      path: '/graphql',
      operation: 'LastCalls',
      type: 'query',
      outcome: 'ok',
      status: 200,
      ms: expect.any(Number),
      rows: 50,
      replica: 'replica-1',
      principal: 'admin',
      msg: 'request',
    },
  ]);
});

test('neither the query nor variables nor the token nor a number is in the line', async () => {
  const { app, lines } = createLoggedApp({ calls: () => 'secret-answer' });
  await post(
    app,
    { query: 'query Of33123456789($cli: String) { calls(cli: $cli) }', variables: { cli: '44207183750' } },
    { authorization: 'Bearer secret-token' },
  );

  expect(lines[0]).toMatchObject({ operation: 'Of…' });
  expect(JSON.stringify(lines)).not.toMatch(/secret|33123456789|44207183750|calls/);
});

test('an operation name of any length is cut', async () => {
  const { app, lines } = createLoggedApp({ calls: () => null });
  await post(app, { query: `query ${'x'.repeat(5000)} { calls }` });

  expect(lines[0]?.operation).toHaveLength(64);
});

test.each(['/livez', '/readyz', '/health', '/metrics'])('%s is not logged', async (path) => {
  const { app, lines } = createLoggedApp({ calls: () => null });
  await app.fetch(`http://gateway${path}`, {});
  expect(lines).toEqual([]);

  await app.fetch(`http://gateway/else${path}`, {});
  expect(lines).toHaveLength(1);
});

test('a sane request id of the caller is kept, and shown in the answer', async () => {
  const { app, lines } = createLoggedApp({ calls: () => null });
  const { headers } = await post(app, { query: '{ calls }' }, { 'x-request-id': 'nginx-1f:2.a_b' });

  expect(headers.get('x-request-id')).toBe('nginx-1f:2.a_b');
  expect(lines[0]?.requestId).toBe('nginx-1f:2.a_b');
});

test.each([
  'a3bb189e-8bf9-3888-9912-ace4e6543002',
  '12345678-1234-1234-1234-123456789012',
  'F0EF3FCD81223E56A1B1C65236DDFB2C',
  '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  'frontend-42',
])('so is one that a program made, or a short word: %s', async (id) => {
  const { app, lines } = createLoggedApp({ calls: () => null });
  await post(app, { query: '{ calls }' }, { 'x-request-id': id });

  expect(lines[0]?.requestId).toBe(id);
});

const TOKEN = 'f0ef3fcd81223e56a1b1c65236ddfb2c';

test.each([
  ['nothing', ''],
  ['two words', 'a b'],
  ['a long word', 'x'.repeat(32)],
  ['punctuation', '"}{'],
  ['a telephone number', '33612345678'],
  ['a telephone number in a word', 'call-to_33.6.12.34.56.78'],
  ['an account and a time', '14:20260105'],
  ['a token of ours', '7d0f'.repeat(12)],
  ['the very token that the request has', TOKEN],
])('a request id that is %s is replaced', async (_, id) => {
  const { app, lines } = createLoggedApp({ calls: () => null });
  const asked = { 'x-request-id': id, authorization: `Bearer ${TOKEN}` };
  const { headers } = await post(app, { query: '{ calls }' }, asked);

  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(lines[0]?.requestId).toBe(headers.get('x-request-id'));
});

test.each([
  ['Call_33_612_345_678', 'Call_…'],
  [`t${'7d0f'.repeat(12)}`, 't…'],
  ['CallsOf2026', 'CallsOf2026'],
])('an operation %s is shown as %s', async (name, shown) => {
  const { app, lines } = createLoggedApp({ calls: () => null });
  await post(app, { query: `query ${name} { calls }` });

  expect(lines[0]?.operation).toBe(shown);
});

test.each([
  ['/grafana/tag-values', '/grafana/tag-values'],
  ['/grafana/tag-values/33612345678', '/grafana/…'],
  [`/grafana/${'7d0f'.repeat(12)}`, '/grafana/…'],
  ['/graphql/assets/1f2e/page.js', '/graphql/assets/'],
  ['/33612345678', '/…'],
  ['/graphql/secret-token', '/…'],
  ['/graphql?query=33612345678', '/graphql'],
  ['/%33%33%36%31%32', '/…'],
])('a path %s is shown as %s', async (path, shown) => {
  const { app, lines } = createLoggedApp({ calls: () => null });
  await app.fetch(`http://gateway${path}`, {});

  expect(lines[0]?.path).toBe(shown);
});

test.each([
  ['{ calls }', 'error', 'warn', ['NO_REPLICA_AVAILABLE']],
  ['{ nothing }', 'invalid', 'info', ['GRAPHQL_VALIDATION_FAILED']],
  ['{', 'invalid', 'info', ['GRAPHQL_PARSE_FAILED']],
])('%s is logged as %s', async (query, outcome, level, codes) => {
  const { app, lines } = createLoggedApp({
    calls: () => {
      throw new NoReplicaAvailableError([]);
    },
  });
  await post(app, { query });

  expect(lines).toMatchObject([{ outcome, level, codes }]);
});

test('a masked error leaves its reference in the line', async () => {
  const { app, lines } = createLoggedApp({
    calls: () => {
      throw new Error('defect');
    },
  });
  const { body } = await post(app, { query: '{ calls }' });

  expect(lines).toMatchObject([{ outcome: 'error', reference: body.errors[0].extensions.reference }]);
});

test('a streamed answer is logged when its last row is out, with what was learnt on the way', async () => {
  const stream = Promise.withResolvers<void>();
  const { app, lines } = createLoggedApp({
    calls: (facts) => {
      facts.finished = stream.promise.then(() => {
        facts.progress = { rows: 100_000, bytes: 1 };
        facts.codes.add('REPLICA_LOST');
      });
      return null;
    },
  });
  await post(app, { query: '{ calls }' });
  expect(lines).toEqual([]);

  stream.resolve();
  await expect
    .poll(() => lines)
    .toMatchObject([{ rows: 100_000, outcome: 'error', codes: ['REPLICA_LOST'] }]);
});

test('a caller that goes away is logged as cancelled', async () => {
  const leaving = new AbortController();
  const { app, lines } = createLoggedApp({ calls: () => new Promise(() => leaving.abort()) });
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ calls }"}',
    signal: leaving.signal,
  };

  await app.fetch('http://gateway/graphql', request);
  expect(lines).toMatchObject([{ outcome: 'cancelled' }]);
  expect(lines[0]).not.toHaveProperty('status');
});
