import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Right } from '../../../src/access/right.ts';
import { documentHash } from '../../../src/telemetry/audit-record.ts';
import { subscribe } from '../../feed/event-client.ts';
import { anXdr } from '../../support/builders.ts';
import { ACCOUNT_TOKEN, ADMIN_TOKEN, createTestGateway, type TestGateway } from '../../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;
// biome-ignore lint/suspicious/noExplicitAny: lines of JSON
const lines: any[] = [];

const NUMBER = '33612345678';

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs(
    Array.from({ length: 5 }, (_, index) => anXdr({ i_account: index < 3 ? '14' : '15', cld: NUMBER })),
  );
  gateway = await createTestGateway(database, { audit: { write: (line) => void lines.push(line) } });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

async function linesOf(run: () => Promise<unknown>) {
  lines.length = 0;
  await run();
  return lines.map((line) => JSON.parse(JSON.stringify(line)));
}

test('a request that touched calls leaves one line, which says who read how many of whose', async () => {
  const document = '{ cdrs { nodes { id cld } } }';
  const [line, ...more] = await linesOf(() => gateway.query(document, {}, { token: ACCOUNT_TOKEN }));
  expect(more).toEqual([]);
  expect(line).toMatchObject({
    subject: 'account 14',
    role: 'ACCOUNT',
    path: '/graphql',
    document: documentHash(document),
    accounts: { accounts: ['14'] },
    rows: 3,
    result: 'ok',
    status: 200,
  });
  expect(line.bytes).toBeGreaterThan(100);
  expect(line.replica).toMatch(/\S/);
});

test('files, single calls, statistics and failures leave theirs', async () => {
  const csv = { headers: { accept: 'text/csv' } };
  expect(
    await linesOf(async () => {
      await (await gateway.ask('{ cdrs { nodes { id } } }', {}, csv)).text();
      // When the last byte is out.
      await vi.waitFor(() => expect(lines).not.toEqual([]), { timeout: 30_000 });
    }),
  ).toMatchObject([{ accounts: 'all', rows: 5, result: 'ok' }]);
  expect(await linesOf(() => gateway.query('{ cdr(id: "1") { id } }'))).toHaveLength(1);
  expect(await linesOf(() => gateway.query('{ cdrStats { totals { attempts } } }'))).toHaveLength(1);
  expect(
    await linesOf(() => gateway.query('{ cdrs(filter: { cld: { is: "x" } }) { totalCount } }')),
  ).toHaveLength(1);
});

const ARRIVING = 'subscription { cdrs { inserted { id cld } } }';

test('a subscription leaves a line when it begins, and one when it ends, with what it was told', async () => {
  const arriving = [anXdr({ i_account: '14' }), anXdr({ i_account: '15' }), anXdr({ i_account: '14' })];
  const found = await linesOf(async () => {
    await using client = await subscribe(gateway.fetch, ARRIVING, { token: ACCOUNT_TOKEN });
    await client.until(({ messages }) => messages.length > 0);
    await database.insertXdrs(arriving);
    await client.until(({ ids }) => ids.length >= 2, 60);
    client.leave();
    await vi.waitFor(() => expect(lines).toHaveLength(2), { timeout: 30_000 });
  });
  const [begun, ended] = found;
  const told = { subject: 'account 14', accounts: { accounts: ['14'] }, requestId: begun.requestId };
  expect(begun).toMatchObject({ ...told, subscription: 'begun', result: 'ok' });
  expect(begun).not.toHaveProperty('rows');
  expect(ended).toMatchObject({ ...told, subscription: 'ended', rows: 2, result: 'cancelled' });
  expect(ended.bytes).toBeGreaterThan(100);
  expect(ended.ms).toBeGreaterThanOrEqual(begun.ms);
  expect(ended.document).toBe(documentHash(ARRIVING));
  await database.pool.query('delete from xdrs where i_xdr = any($1)', [arriving.map(({ i_xdr }) => i_xdr)]);
  await database.replayed();
});

test('a subscription that is ended says why', async () => {
  const right = new Right();
  const principal = { name: 'leaver', role: 'ADMIN', scope: { kind: 'all' }, maxPage: 10, right } as const;
  const audit = { write: (line: object) => void lines.push(line) };
  await using guarded = await createTestGateway(database, {
    audit,
    principals: { authenticate: async () => principal },
  });
  const found = await linesOf(async () => {
    await using client = await subscribe(guarded.fetch, ARRIVING);
    await client.until(({ messages }) => messages.length > 0);
    right.revoke();
    await vi.waitFor(() => expect(lines).toHaveLength(2), { timeout: 30_000 });
  });
  expect(found[1]).toMatchObject({ subscription: 'ended', rows: 0, codes: ['UNAUTHENTICATED'] });
  expect(found[1].result).not.toBe('ok');
});

test('a list that breaks off leaves a line with what was sent of it', async () => {
  const many = 40_000;
  await database.pool.query(
    `insert into xdrs (i_xdr, i_account, connect_time, cld) select number, 16, now(), repeat('c', 100)
     from generate_series(1000001, ${1_000_000 + many}) as number`,
  );
  await database.replayed();
  for (const accept of ['application/json', 'application/x-ndjson']) {
    const found = await linesOf(async () => {
      const leaving = new AbortController();
      const response = await gateway.fetch(
        new gateway.Request('http://gateway/graphql', {
          method: 'POST',
          headers: { authorization: `Bearer ${ADMIN_TOKEN}`, accept, 'content-type': 'application/json' },
          body: JSON.stringify({ query: `{ cdrs(first: ${many}) { nodes { id cld } } }` }),
          signal: leaving.signal,
        }),
      );
      const reader = response.body!.getReader();
      await reader.read();
      leaving.abort();
      await reader.cancel();
      await vi.waitFor(() => expect(lines).toHaveLength(1), { timeout: 30_000 });
    });
    expect(found[0]).toMatchObject({ accounts: 'all', result: 'cancelled', replica: expect.any(String) });
    expect(found[0].rows).toBeGreaterThan(0);
    expect(found[0].rows).toBeLessThan(many);
    expect(found[0].bytes).toBeGreaterThan(1000);
  }
});

test('an answer that is given again leaves a line as well', async () => {
  const path = `http://gateway/graphql?${new URLSearchParams({ query: '{ cdrs { nodes { id } } }' })}`;
  const get = (headers: Record<string, string> = {}) =>
    gateway.fetch(
      new gateway.Request(path, { headers: { authorization: `Bearer ${ACCOUNT_TOKEN}`, ...headers } }),
    );
  const found = await linesOf(async () => {
    const first = await get();
    await first.text();
    await (await get({ 'if-none-match': first.headers.get('etag') ?? '' })).text();
  });
  expect(found).toMatchObject([
    { rows: 3, reuse: 'executed' },
    { subject: 'account 14', accounts: { accounts: ['14'] }, reuse: 'not_modified', status: 304 },
  ]);
  expect(found[1]).not.toHaveProperty('rows');
});

test('what reads no call leaves none: who is who, the standbys, refusals', async () => {
  for (const document of ['{ viewer { role } }', '{ replicationStatus { status } }', '{ nothing }', '{']) {
    expect(await linesOf(() => gateway.query(document))).toEqual([]);
  }
  expect(
    await linesOf(() => gateway.query('{ cdrs { totalCount } }', {}, { token: 'of-nobody-at-all' })),
  ).toEqual([]);
});

test('no number is in any line, wherever a client puts one', async () => {
  const found = await linesOf(async () => {
    await gateway.query(`query Q${NUMBER} { cdrs(filter: { cld: { is: "${NUMBER}" } }) { nodes { cld } } }`);
    await gateway.query(
      'query ($cld: String) { cdrs(filter: { cld: { startsWith: $cld } }) { nodes { cld } } }',
      { cld: NUMBER },
      { headers: { 'x-request-id': NUMBER } },
    );
    await gateway.query(`{ cdrStats(groupBy: [CLD]) { rows { cld attempts } } }`);
  });
  expect(found).toHaveLength(3);
  expect(JSON.stringify(found)).not.toContain(NUMBER.slice(2));
});

test('documents that differ in literals alone have one hash', () => {
  const of = (number: string) =>
    documentHash(`{ cdrs(first: 5, filter: { cld: { is: "${number}" } }) { totalCount } }`);
  expect(of(NUMBER)).toBe(of('1'));
  expect(of(NUMBER)).not.toBe(documentHash('{ cdrs { totalCount } }'));
});
