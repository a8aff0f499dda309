import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type ServedGateway, serveGateway } from './served-gateway.ts';

let database: TestDatabase;
let gateway: ServedGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query('alter table xdrs alter connect_time drop not null');
  await database.pool.query(`
    insert into xdrs (i_xdr, i_account, cli, connect_time, setup_time)
    select number, 14 + number % 2, 'cli' || number, case when number > 1 then '2026-01-05Z'::timestamptz end,
      case when number = 6 then 'infinity'::timestamptz end
    from generate_series(1, 20000) as number`);
  await database.replayed();
  gateway = await serveGateway(database, { COMPRESSION: 'always' });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const FILE = (filter: string) =>
  `{ cdrs(first: 20000, filter: { ${filter} }) { nodes { id cli setupTime } } }`;

/** What a client sees that reads trailers, which `fetch` does not. */
async function download(document: string, headers: Record<string, string>) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request(gateway.url, { method: 'POST', headers: { ...gateway.headers, ...headers } }, resolve);
  sent.on('error', reject).end(JSON.stringify({ query: document }));
  const response = await promise;
  const bytes = await buffer(response);
  const coding = response.headers['content-encoding'];
  const decoded =
    coding === 'gzip' ? gunzipSync(bytes) : coding === 'zstd' ? zstdDecompressSync(bytes) : bytes;
  const text = decoded.toString();
  return { text, headers: response.headers, trailers: response.trailers };
}

const GAP = 'code=UNREADABLE_VALUE rows=9999 unreadableCalls=1 unreadableValues=0 resumeAfter=';

test.each([
  ['text/csv', 'identity'],
  ['text/csv', 'gzip'],
  ['application/x-ndjson', 'identity'],
  ['application/x-ndjson', 'gzip'],
  ['application/x-ndjson', 'zstd'],
])('a long file as %s in %s says behind its body whether it is whole', async (accept, encoding) => {
  const ask = (filter: string) => download(FILE(filter), { accept, 'accept-encoding': encoding });
  const incomplete = await ask('accountIds: [15]');
  expect(incomplete.headers['content-encoding'] ?? 'identity').toBe(encoding);
  expect(incomplete.headers.trailer).toBe('X-Complete, X-Incomplete');
  expect(incomplete.trailers).toEqual({ 'x-complete': 'false', 'x-incomplete': GAP });
  expect(incomplete.text.trimEnd().split('\n').at(-1)).toMatch(
    accept === 'text/csv'
      ? `# INCOMPLETE ${GAP}`
      : /^\{"error":\{"code":"UNREADABLE_VALUE".*"unreadableCalls":1/,
  );
  const whole = await ask('accountIds: [15], from: "2026-01-01T00:00:00Z"');
  expect(whole.trailers).toEqual({ 'x-complete': 'true' });
  expect(whole.text).not.toMatch(/INCOMPLETE|error/);
});

test('a short file says it behind its body too, and one without calls, whose length is known, in its headers', async () => {
  const short = (first: number, accountId: number) =>
    download(
      `{ cdrs(first: ${first}, orderBy: OLDEST_FIRST, filter: { accountIds: [${accountId}] }) { nodes { id setupTime } } }`,
      { accept: 'text/csv' },
    );
  expect((await short(2, 14)).trailers).toEqual({ 'x-complete': 'true' });
  expect((await short(3, 14)).trailers).toEqual({
    'x-complete': 'false',
    'x-incomplete': 'code=UNREADABLE_VALUE rows=3 unreadableCalls=0 unreadableValues=1 resumeAfter=',
  });
  const empty = await short(3, 77);
  expect([empty.headers['x-complete'], empty.headers['content-length'], empty.trailers]).toEqual([
    'true',
    '14',
    {},
  ]);
});
