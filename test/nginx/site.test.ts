import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anXdr } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';
import { findConfigurationError, hasNginx, type Nginx, startNginx } from './nginx.ts';
import { type Answer, errorOf, graphql, open, send, until } from './requests.ts';

const ONE_MIB = 1024 * 1024;
const TYPENAME = '{ __typename }';

let database: TestDatabase;
let gateways: readonly [GatewayProcess, GatewayProcess];
let sites: Record<'compose' | 'host', Nginx>;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  if (!hasNginx) return;
  database = stack.use(await createTestDatabase());
  await database.insertXdrs([anXdr({ cld: '442071838750' }), anXdr()]);
  const start = async () => stack.use(await startGatewayProcess(database.replicaUrls));
  gateways = await Promise.all([start(), start()]);
  const gatewayPorts = [gateways[0].port, gateways[1].port] as const;
  const webPort = await startFrontend();
  sites = {
    compose: stack.use(await startNginx({ site: 'compose', gatewayPorts, webPort })),
    host: stack.use(await startNginx({ site: 'host', gatewayPorts })),
  };
});

afterAll(() => stack.disposeAsync());

/** Stands for the call explorer: says which path is requested, and of which host. */
async function startFrontend(): Promise<number> {
  const server = createServer(({ url, headers }, response) => {
    if (url === '/calls.csv') response.setHeader('content-type', 'text/csv').end('"1",2026\r\n'.repeat(1000));
    else response.end(`page ${url} ${headers.host} ${headers['x-forwarded-host']}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe.skipIf(!hasNginx).each(['compose', 'host'] as const)('the nginx site of a %s', (site) => {
  const nginx = () => sites[site];

  test('passes nginx -t', () => {
    expect(findConfigurationError({ site, gatewayPorts: [4001, 4002] })).toBeUndefined();
  });

  test('answers GraphQL over TLS, under a certificate that names it', async () => {
    const answer = await send(
      nginx(),
      graphql('{ cdrs(first: 1) { nodes { cld } totalCount } }', { from: '127.0.1.1' }),
    );

    expect([answer.status, JSON.parse(answer.text).data.cdrs.totalCount]).toEqual([200, 2]);
  });

  test.each(['/graphql', '/metrics', '/livez', '/graphql/%zz'])(
    'has browsers come back over TLS alone, whoever answers: %s',
    async (path) => {
      const { headers } = await send(nginx(), { path, method: 'GET', from: '127.0.9.1' });
      expect(headers['strict-transport-security']).toBe('max-age=31536000');
    },
  );

  test('takes ten requests a second and twenty at once from one address, and refuses the rest with a code', async () => {
    const options = graphql(TYPENAME, { from: site === 'compose' ? '127.0.2.1' : '127.0.2.2' });
    const started = performance.now();
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(nginx(), options)));
    const seconds = (performance.now() - started) / 1000;
    const refused = answers.filter(({ status }) => status !== 200);

    expect(answers.length - refused.length).toBeGreaterThanOrEqual(21);
    expect(answers.length - refused.length).toBeLessThanOrEqual(21 + Math.ceil(10 * seconds));
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([429]));
    expect(errorOf(refused[0]!)).toEqual({ code: 'OVERLOADED', retryable: true });
    expect(refused[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      'retry-after': '1',
      'x-request-id': expect.stringMatching(/^[\da-f]{32}$/),
    });
    const other = await send(nginx(), { ...options, from: '127.0.2.3' });
    expect(other.status).toBe(200);
    await until(async () => (await send(nginx(), options)).status === 200);
  });

  test('lets a browser fetch the files of GraphiQL at once', async () => {
    const options = { path: '/graphql/assets/none/none.js', method: 'GET', from: '127.0.1.2' };
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(nginx(), options)));

    expect(answers.filter(({ status }) => status === 429)).toEqual([]);
  });

  test('carries the caller’s X-Request-Id to the gateway and back', async () => {
    const id = `from-${site}:1.a_B`;
    const answer = await send(
      nginx(),
      graphql(TYPENAME, { headers: { 'x-request-id': id }, from: '127.0.1.3' }),
    );

    expect(answer.headers['x-request-id']).toBe(id);
    await until(() => gateways.some((gateway) => gateway.request(id)));
    await until(() =>
      nginx()
        .accessLog()
        .some(({ requestId }) => requestId === id),
    );
  });

  test.each(['no sane id "{}"', '', '33612345678', 'call-33.6.12.34.56.78', '7d0f'.repeat(12)])(
    'gives a request with the id "%s" one of its own',
    async (id) => {
      const answer = await send(
        nginx(),
        graphql(TYPENAME, { headers: { 'x-request-id': id }, from: '127.0.1.4' }),
      );
      const given = String(answer.headers['x-request-id']);

      expect(given).toMatch(/^[\da-f]{32}$/);
      await until(() => gateways.some((gateway) => gateway.request(given)));
    },
  );

  test.each([
    '/metrics',
    '/metrics/',
    '/metrics?format=text',
    '//metrics',
    '/./metrics',
    '/%6detrics',
    '/x/../metrics',
    '/grafana/../metrics',
    '/graphql/..%2fmetrics',
  ])('keeps the gateways’ figures inside, requested as %s', async (path) => {
    const answer = await send(nginx(), { path, method: 'GET', from: '127.0.1.5' });

    expect([answer.status, errorOf(answer).code]).toEqual([404, 'BAD_REQUEST']);
  });

  test.each([
    '/grafana/..\\metrics',
    '/graphql/..\\metrics',
    '/graphql/%2e%2e\\metrics',
    '/grafana/x\\..\\..\\metrics',
  ])('keeps them inside where nginx and the URL standard read a path differently: %s', async (path) => {
    const answer = await send(nginx(), { path, method: 'GET', from: '127.0.1.5' });

    expect(answer.text).not.toContain('gateway_http_requests_total');
    expect([answer.status, errorOf(answer).code]).toEqual([400, 'BAD_REQUEST']);
  });

  test.each([
    ['/graphql/..\\graphql', {}],
    ['/graphql/\\..\\..\\graphql', {}],
    ['/livez', { host: 'x\\graphql?' }],
    ['/livez', { host: 'x#' }],
    ['/readyz', { host: 'user@x\\graphql?' }],
  ])('lets nobody past the limit of GraphQL, by way of %s %j', async (path, headers) => {
    const request = graphql(TYPENAME, { path, headers, from: '127.0.1.11' });
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(nginx(), request)));

    expect(answers.filter(({ text }) => text.includes('"data"'))).toEqual([]);
    expect(new Set(answers.map((one) => `${one.status} ${errorOf(one).code}`))).toEqual(
      new Set(['400 BAD_REQUEST']),
    );
  });

  test.each(['x/metrics?', 'x\\metrics?', 'x?', 'x\\metrics#', 'user@x', 'x:1:2', '[::1]x'])(
    'refuses a Host that is no host: %s',
    async (host) => {
      const answer = await send(nginx(), {
        path: '/livez',
        method: 'GET',
        headers: { host },
        from: '127.0.1.12',
      });

      expect([answer.status, errorOf(answer).code]).toEqual([400, 'BAD_REQUEST']);
    },
  );

  test.each([
    'cdr.example.com',
    'CDR.example.com:8443',
    'my_site.local',
    '192.0.2.7:443',
    '[2001:db8::7]',
    '[::1]:8443',
  ])('answers whoever calls it %s', async (host) => {
    const headers = { host };
    const answer = await send(nginx(), { path: '/livez', method: 'GET', headers, from: '127.0.1.13' });

    expect([answer.status, answer.text]).toEqual([200, '{"status":"pass"}']);
  });

  test('takes a request of 1 MiB, and refuses a longer one with a code', async () => {
    const bodyOf = (bytes: number) => {
      const short = JSON.stringify({ query: TYPENAME, extensions: { filler: '' } });
      return short.replace('""', `"${'x'.repeat(bytes - short.length)}"`);
    };
    const sendBody = (body: string, headers: Record<string, string | number> = {}) =>
      send(nginx(), { ...graphql(TYPENAME, { headers, from: '127.0.1.6' }), body });
    const whole = await sendBody(bodyOf(ONE_MIB));
    const tooLong = await sendBody(bodyOf(ONE_MIB + 1));
    const withoutLength = await sendBody(bodyOf(ONE_MIB + 1), { 'transfer-encoding': 'chunked' });

    expect([whole.status, JSON.parse(whole.text).data]).toEqual([200, { __typename: 'Query' }]);
    expect([tooLong.status, errorOf(tooLong).code]).toEqual([413, 'QUERY_TOO_LARGE']);
    expect([withoutLength.status, errorOf(withoutLength).code]).toEqual([413, 'QUERY_TOO_LARGE']);
    expect(nginx().temporaryFiles()).toEqual([]);
  });

  test('refuses a URL that is too long with a code', async () => {
    const answer = await send(nginx(), {
      path: `/graphql?query=${'x'.repeat(20_000)}`,
      method: 'GET',
      from: '127.0.1.7',
    });

    expect([answer.status, errorOf(answer).code]).toEqual([413, 'QUERY_TOO_LARGE']);
  });

  test('hands on the gateway’s own refusals as they are', async () => {
    const answer = await send(
      nginx(),
      graphql(TYPENAME, { headers: { authorization: 'Bearer wrong' }, from: '127.0.1.8' }),
    );

    expect([answer.status, errorOf(answer).code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  test('does not hold it against a gateway that a client demands more freshness than there is', async () => {
    const impossible = graphql('{ cdrs(first: 1) { nodes { id } } }', {
      headers: { 'x-max-staleness': '0.000001', accept: 'application/graphql-response+json' },
      from: '127.0.1.9',
    });
    const refused: Answer[] = [];
    for (let count = 0; count < 6; count++) refused.push(await send(nginx(), impossible));
    const answer = await send(nginx(), graphql(TYPENAME, { from: '127.0.1.9' }));

    expect(refused.map((one) => [one.status, errorOf(one).code])).toEqual(
      refused.map(() => [503, 'REPLICA_TOO_STALE']),
    );
    expect(answer.status).toBe(200);
  });

  test('logs neither query strings nor tokens', async () => {
    const options = { path: '/graphql?query=%7Bx33123456789%7D', method: 'GET', from: '127.0.1.10' };
    const answer = await send(nginx(), { ...options, headers: { authorization: 'Bearer secret-of-mine' } });
    const id = answer.headers['x-request-id'];
    const line = await until(() =>
      nginx()
        .accessLog()
        .find(({ requestId }) => requestId === id),
    );

    expect(line).toMatchObject({
      path: '/graphql',
      method: 'GET',
      client: '127.0.1.10',
      status: answer.status,
    });
    expect(JSON.stringify(line)).not.toMatch(/33123456789|secret-of-mine/);
  });

  test.each([
    ['/graphql/33123456789', '/...'],
    ['/secret-of-mine', '/...'],
    ['/grafana/secret-of-mine/33123456789', '/...'],
    ['/grafana/tag-values', '/grafana/tag-values'],
    ['/graphql/assets/1f2e/page.js', '/graphql/assets/'],
  ])('logs of the path %s only %s', async (path, shown) => {
    const answer = await send(nginx(), { path, method: 'GET', from: '127.0.1.14' });
    const id = answer.headers['x-request-id'];
    const find = () =>
      nginx()
        .accessLog()
        .find(({ requestId, client }) => client === '127.0.1.14' && (id ? requestId === id : true));

    expect((await until(find)).path).toBe(shown);
  });
});

describe.skipIf(!hasNginx)('beside the gateways', () => {
  test('the compose site hands all other paths to the frontend, with the host that the browser sees', async () => {
    const { text } = await send(sites.compose, { path: '/calls?range=1h', method: 'GET', from: '127.0.3.1' });

    expect(text).toBe(`page /calls?range=1h localhost localhost:${sites.compose.httpsPort}`);
  });

  test('the compose site compresses the files of the frontend, which sends them as they are', async () => {
    const headers = { 'accept-encoding': 'gzip, deflate, br' };
    const answer = await open(sites.compose, {
      path: '/calls.csv',
      method: 'GET',
      headers,
      from: '127.0.3.7',
    });
    expect(answer.headers['content-encoding']).toBe('gzip');
    answer.destroy();
  });

  test('the compose site sets no limit to those inside', async () => {
    const options = graphql(TYPENAME, { tls: false, from: '127.0.3.2' });
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(sites.compose, options)));

    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  });

  test('the compose site shows the gateways’ figures inside neither: they are read from each gateway itself', async () => {
    const { status } = await send(sites.compose, {
      path: '/metrics',
      method: 'GET',
      tls: false,
      from: '127.0.3.3',
    });

    expect(status).toBe(404);
  });

  test('the host site serves nothing else, and says so with a code', async () => {
    const answer = await send(sites.host, { path: '/calls', method: 'GET', from: '127.0.3.4' });

    expect([answer.status, errorOf(answer).code]).toEqual([404, 'BAD_REQUEST']);
  });

  test('the host site sends nobody who comes without TLS to another site', async () => {
    const elsewhere = { host: 'elsewhere.example' };
    const answer = await open(
      sites.host,
      graphql(TYPENAME, { tls: false, headers: elsewhere, from: '127.0.3.6' }),
    );

    expect(answer.headers.location).toBe('https://localhost/graphql');
    answer.destroy();
  });

  test('the host site sends those who come without TLS to TLS, with their request whole', async () => {
    const answer = await open(
      sites.host,
      graphql(TYPENAME, { tls: false, path: '/graphql?a=1', from: '127.0.3.5' }),
    );

    expect([answer.statusCode, answer.headers.location]).toEqual([308, 'https://localhost/graphql?a=1']);
    answer.destroy();
  });
});
