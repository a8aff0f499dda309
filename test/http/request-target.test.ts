import { connect } from 'node:net';
import { buildSchema } from 'graphql';
import { afterEach, describe, expect, test } from 'vitest';
import { createRouter, type Route } from '../../src/http/routes.ts';
import { createGatewayServer } from '../../src/http/server.ts';
import { createBareGateway } from '../graphql/bare-gateway.ts';

const gateway = createBareGateway(buildSchema('type Query { calls: String }'));
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Each path answers with its own name, and with what else the URL says. */
const routes = ['/livez', '/metrics', '/graphql', '/grafana/'].map(
  (path): Route =>
    (_request, { pathname, origin, search }) => {
      if (pathname !== path) return undefined;
      const text = `${path} of ${origin} with "${search}"`;
      return new Response(text, { headers: { 'content-length': String(text.length) } });
    },
);

interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

/** Sends the head byte for byte; a client library would mend it. */
async function send(head: string, RequestClass = globalThis.Request): Promise<RawAnswer> {
  const router = createRouter(routes);
  const server = createGatewayServer((request) => router(request), {
    drainTimeoutSeconds: 0.2,
    onError: (error) => {
      throw error;
    },
    Request: RequestClass,
  });
  cleanups.push(() => server.close());
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  const socket = connect(port, '127.0.0.1');
  socket.write(`${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  const answer = (await socket.toArray()).join('');
  const [, status, body = ''] = /^HTTP\/1\.1 (\d{3}) .*?\r\n\r\n(.*)$/s.exec(answer) ?? [];
  return { status: Number(status), body };
}

describe.each([
  ['Node', globalThis.Request],
  ['Yoga', gateway.Request],
])('with the Request of %s', (_name, RequestClass) => {
  test.each([
    'x/metrics?',
    'x\\graphql?',
    'x/graphql#',
    'x\\metrics#',
    'user:password@x',
    'user@x/metrics?',
    'gateway/metrics',
    '/metrics?',
    'x:1/metrics?',
    '[::1]/metrics?',
    ']:bad[',
    '%2fmetrics',
    '',
  ])('no Host chooses the route: %j', async (host) => {
    expect(await send(`GET /livez?a=1 HTTP/1.1\r\nHost: ${host}`, RequestClass)).toEqual({
      status: 200,
      body: '/livez of http://gateway with "?a=1"',
    });
  });

  test.each(['X-Forwarded-Host', 'X-Forwarded-Prefix', 'X-Original-URL', 'X-Rewrite-URL', 'Forwarded'])(
    'nor does %s',
    async (name) => {
      const value = name === 'Forwarded' ? 'host="x/metrics?"' : '/metrics?';
      const { body } = await send(`GET /livez HTTP/1.1\r\nHost: x\r\n${name}: ${value}`, RequestClass);

      expect(body).toBe('/livez of http://gateway with ""');
    },
  );

  test.each([
    ['http://elsewhere/livez?a=1', '?a=1'],
    ['https://user:password@elsewhere:8443/livez', ''],
    ['http://[::1]:3001/livez', ''],
  ])('a target that names a host is read without it: %s', async (target, search) => {
    expect(await send(`GET ${target} HTTP/1.1\r\nHost: x`, RequestClass)).toEqual({
      status: 200,
      body: `/livez of http://gateway with "${search}"`,
    });
  });

  test.each([
    'http://elsewhere',
    'http://elsewhere?/livez',
    '//livez',
    '//elsewhere/livez',
    '/livez/',
    '/LIVEZ',
    '/livez%2f',
    '/%6civez',
    '/livez;a=1',
    '/livez%3f',
    '/x%2f..%2flivez',
  ])('a path that is not exactly the one of a route is none: %s', async (target) => {
    expect((await send(`GET ${target} HTTP/1.1\r\nHost: x`, RequestClass)).status).toBe(404);
  });

  test.each([
    '/grafana/..\\metrics',
    '/graphql/\\..\\..\\metrics',
    '\\\\elsewhere/livez',
    '/\\livez',
    '/./livez',
    '/x/../livez',
    '/x/%2e%2e/livez',
    '/x/.%2E/livez',
    '/%2e/livez',
    '/livez/.',
    '/x/..',
    '/livez#',
    '/livez#?a=1',
    '/livez?a=1#/metrics',
    'http://elsewhere/x/../livez',
  ])('a path that programs read in different ways is refused: %s', async (target) => {
    const { status } = await send(`GET ${target} HTTP/1.1\r\nHost: x`, RequestClass);

    expect(status).toBe(400);
  });

  test.each(['/graphql?query={a(b:"/../")}', '/graphql?query=\\d', '/graphql?/./', '/graphql??'])(
    'a query may hold what a path may not: %s',
    async (target) => {
      const { status, body } = await send(`GET ${target} HTTP/1.1\r\nHost: x`, RequestClass);

      expect([status, body.split(' ')[0]]).toEqual([200, '/graphql']);
    },
  );
});

test('OPTIONS * is a request for no path', async () => {
  expect((await send('OPTIONS * HTTP/1.1\r\nHost: x')).status).toBe(404);
});

test('we are no tunnel: CONNECT is hung up on', async () => {
  expect(await send('CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443')).toEqual({
    status: NaN,
    body: '',
  });
});

test.each([
  ['no Host', 'GET /livez HTTP/1.1'],
  ['two of them', 'GET /livez HTTP/1.1\r\nHost: x\r\nHost: y/metrics?'],
  ['the same Host twice', 'GET /livez HTTP/1.1\r\nHost: x\r\nhost: x'],
  ['two tokens', 'GET /livez HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nauthorization: Bearer b'],
])('HTTP/1.1 with %s is refused', async (_what, head) => {
  expect((await send(head)).status).toBe(400);
});

test('HTTP/1.0 needs no Host', async () => {
  expect((await send('GET /livez HTTP/1.0')).body).toBe('/livez of http://gateway with ""');
});
