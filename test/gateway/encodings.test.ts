import { execFile, execFileSync } from 'node:child_process';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CompressionMode } from '../../src/http/encoding/encoding-policy.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { backendsOf, type ServedGateway, serveGateway, until } from './served-gateway.ts';

const MANY = 30_000;
const LIST = `{ cdrs(first: ${MANY}, orderBy: OLDEST_FIRST) { nodes { id cld connectTime } } }`;
const PAGE = '{ cdrs(first: 50, orderBy: OLDEST_FIRST) { nodes { id cld connectTime } } }';
const CHROME = 'gzip, deflate, br, zstd';

let database: TestDatabase;
let gateways: Record<CompressionMode, ServedGateway>;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  database = stack.use(await createTestDatabase());
  await database.pool.query(
    `insert into xdrs (i_xdr, i_account, connect_time, cld)
     select number, 14, '2026-01-05Z'::timestamptz + number * interval '1 second', '"quoted" ' || number
     from generate_series(1, ${MANY}) as number`,
  );
  await database.replayed();
  const serve = async (mode: CompressionMode) =>
    stack.use(await serveGateway(database, { COMPRESSION: mode }));
  gateways = { auto: await serve('auto'), always: await serve('always'), off: await serve('off') };
});
afterAll(() => stack.disposeAsync());

const decode = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

interface Exchange {
  readonly headers: IncomingMessage['headers'];
  readonly trailers: IncomingMessage['trailers'];
  /** As it travelled. */
  readonly bytes: number;
  /** Decoded, without what is of this answer alone. */
  readonly calls: string;
}

/** The bytes as they travel, which `fetch` does not show. */
async function ask(
  mode: CompressionMode,
  document: string,
  headers: Record<string, string> = {},
): Promise<Exchange> {
  const gateway = gateways[mode];
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request(gateway.url, { method: 'POST', headers: { ...gateway.headers, ...headers }, agent: false }, resolve)
    .on('error', reject)
    .end(JSON.stringify({ query: document }));
  const response = await promise;
  const bytes = await buffer(response);
  const decoder = decode[response.headers['content-encoding'] as keyof typeof decode];
  const text = (decoder?.(bytes) ?? bytes).toString();
  const end = text.indexOf('"extensions"');
  return {
    headers: response.headers,
    trailers: response.trailers,
    bytes: bytes.length,
    calls: end < 0 ? text : text.slice(0, end),
  };
}

describe('a client on this host gets the bytes as they are', () => {
  test.each([CHROME, 'gzip, deflate', 'br', '*'])('when it accepts %s', async (accepted) => {
    for (const document of [LIST, PAGE]) {
      const { headers } = await ask('auto', document, { 'accept-encoding': accepted });
      expect(headers['content-encoding']).toBeUndefined();
      expect(headers.vary).toMatch(/accept-encoding/i);
    }
  });

  test('as fetch asks by itself', async () => {
    const response = await gateways.auto.ask(LIST);
    expect(response.headers.get('content-encoding')).toBeNull();
    expect(
      ((await response.json()) as never as { data: { cdrs: { nodes: [] } } }).data.cdrs.nodes,
    ).toHaveLength(MANY);
  });

  test('as curl --compressed asks by itself', async () => {
    const { head, body } = await curl('auto', ['--compressed']);
    expect(head).not.toMatch(/content-encoding/i);
    expect(JSON.parse(body).data.cdrs.nodes).toHaveLength(MANY);
  });

  test('but not when it refuses them', async () => {
    const plain = await ask('auto', LIST);
    for (const accepted of ['gzip, identity;q=0', 'zstd, *;q=0']) {
      const { headers, calls } = await ask('auto', LIST, { 'accept-encoding': accepted });
      expect(headers['content-encoding']).toBe(accepted.split(',')[0]);
      expect(calls === plain.calls).toBe(true);
    }
  });
});

describe('who comes through a proxy gets them compressed', () => {
  test.each<Record<string, string>>([
    { 'x-forwarded-for': '203.0.113.9' },
    { via: '1.1 proxy' },
    { host: 'cdr.example.com' },
  ])('as %j shows it', async (headers) => {
    const plain = await ask('auto', LIST);
    const packed = await ask('auto', LIST, { ...headers, 'accept-encoding': 'gzip, deflate, br' });
    expect(packed.headers['content-encoding']).toBe('br');
    expect(packed.calls === plain.calls).toBe(true);
    expect(packed.bytes).toBeLessThan(plain.bytes / 3);
  });

  test('unless the proxy wants to compress itself', async () => {
    const { headers } = await ask('auto', LIST, { 'x-forwarded-for': '203.0.113.9', 'accept-encoding': '' });
    expect(headers['content-encoding']).toBeUndefined();
  });
});

describe('with COMPRESSION=always', () => {
  test.each(['text/csv', 'application/x-ndjson', 'application/json'])(
    'a list as %s is the same to the byte in every coding, and comes as a stream',
    async (accept) => {
      const plain = await ask('always', LIST, { accept });
      expect(plain.calls).toContain(String(MANY));
      for (const coding of ['gzip', 'br', 'zstd']) {
        const packed = await ask('always', LIST, { accept, 'accept-encoding': coding });
        expect(packed.headers).toMatchObject({
          'content-encoding': coding,
          vary: expect.stringMatching(/accept-encoding/i),
          'transfer-encoding': 'chunked',
          'x-accel-buffering': 'no',
        });
        expect(packed.headers['content-length']).toBeUndefined();
        expect(packed.calls === plain.calls).toBe(true);
        expect(packed.bytes).toBeLessThan(plain.bytes / 3);
        expect(packed.trailers).toEqual(plain.trailers);
      }
    },
  );

  test.each(['gzip', 'br', 'zstd'])('a page in %s is as long as it says', async (coding) => {
    const plain = await ask('always', PAGE);
    const packed = await ask('always', PAGE, { 'accept-encoding': coding });
    expect(packed.headers).toMatchObject({
      'content-encoding': coding,
      'content-length': String(packed.bytes),
    });
    expect(packed.calls).toBe(plain.calls);
    expect(packed.bytes).toBeLessThan(plain.bytes / 3);
  });

  test('statistics are compressed too, and what fits into a packet is not', async () => {
    const statistics = '{ cdrStats(groupBy: [CLD], first: 200) { rows { cld attempts asr } } }';
    const { headers } = await ask('always', statistics, { 'accept-encoding': 'gzip' });
    expect(headers['content-encoding']).toBe('gzip');
    for (const short of ['{ viewer { name } }', '{ cdrs(first: 1) { nodes { id } } }']) {
      const answer = await ask('always', short, { 'accept-encoding': 'gzip' });
      expect(answer.headers['content-encoding']).toBeUndefined();
    }
  });

  test('the coding is one that the client accepts', async () => {
    const codingFor = async (accepted: string) =>
      (await ask('always', PAGE, { 'accept-encoding': accepted })).headers['content-encoding'];
    expect(await codingFor('zstd;q=0, br;q=0, gzip;q=0.5')).toBe('gzip');
    expect(await codingFor('gzip, zstd;q=0.9')).toBe('gzip');
    expect(await codingFor('zstd;q=0, identity')).toBeUndefined();
    expect(await codingFor('gzip;q=0.5, identity')).toBeUndefined();
  });

  test('curl decodes it as it decodes everybody’s', async () => {
    for (const coding of codingsOfCurl()) {
      const { head, body } = await curl('always', ['--compressed', '-H', `accept-encoding: ${coding}`]);
      expect(head).toMatch(new RegExp(`content-encoding: ${coding}`, 'i'));
      expect(JSON.parse(body).data.cdrs.nodes).toHaveLength(MANY);
    }
  });

  test('parts and events are never compressed: they must not wait', async () => {
    const document = `{ cdrs(first: 300) { nodes @stream(initialCount: 10) { id cld connectTime } } }`;
    for (const accept of ['multipart/mixed', 'text/event-stream']) {
      const { headers, calls } = await ask('always', document, { accept, 'accept-encoding': CHROME });
      expect(headers['content-type']).toContain(accept);
      expect(calls).toContain('"cld"');
    }
  });
});

test('with COMPRESSION=off nothing is compressed', async () => {
  for (const accepted of [CHROME, 'gzip, identity;q=0']) {
    const headers = { 'accept-encoding': accepted, 'x-forwarded-for': '203.0.113.9' };
    expect((await ask('off', LIST, headers)).headers['content-encoding']).toBeUndefined();
  }
});

test.each(['gzip', 'br', 'zstd'])(
  'a client that cannot decode the %s it asked for, and hangs up, leaves nothing behind',
  async (coding) => {
    const { url, headers } = gateways.always;
    const { port, hostname } = new URL(url);
    const body = JSON.stringify({ query: LIST });
    const lines = Object.entries({ ...headers, 'accept-encoding': coding, 'content-length': body.length });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    for (let time = 0; time < 10; time++) {
      const socket = connect({ port: Number(port), host: hostname });
      socket.write(`POST /graphql HTTP/1.1\r\nhost: ${hostname}\r\n${head}\r\n${body}`);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.resetAndDestroy();
    }
    await until('end of their statements', async () => (await runningStatements()) === 0);
    expect((await ask('always', PAGE, { 'accept-encoding': coding })).headers['content-encoding']).toBe(
      coding,
    );
  },
);

async function runningStatements(): Promise<number> {
  const counts = await Promise.all(
    database.standbyUrls.map(async (url) => {
      return (await backendsOf(url)).filter(({ state }) => state !== 'idle').length;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The list through the real one. */
async function curl(
  mode: CompressionMode,
  options: readonly string[],
): Promise<{ head: string; body: string }> {
  const { url, headers } = gateways[mode];
  const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const { stdout } = await promisify(execFile)(
    'curl',
    ['-sS', '-i', ...given, ...options, '-d', JSON.stringify({ query: LIST }), url],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const end = stdout.indexOf('\r\n\r\n');
  return { head: stdout.slice(0, end), body: stdout.slice(end) };
}

/** Those that it was built with. */
function codingsOfCurl(): readonly string[] {
  const version = execFileSync('curl', ['--version'], { encoding: 'utf8' });
  const built = { gzip: /\bzlib|libz\b/, br: /\bbrotli\b/, zstd: /\bzstd\b/ };
  return Object.entries(built)
    .filter(([, pattern]) => pattern.test(version))
    .map(([coding]) => coding);
}
