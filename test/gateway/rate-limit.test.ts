import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { insertMany } from './served-gateway.ts';

const LIMIT = 100_000_000;
const asAccount = { token: ACCOUNT_TOKEN };
const PAGE = '{ cdrs(first: 50) { nodes { id cli cld } } }';
const RATE_LIMIT = '{ viewer { rateLimit { limit remaining resetSeconds } } }';

let database: TestDatabase;
let replicaUrls: readonly string[];
beforeAll(async () => {
  database = await createTestDatabase();
  await insertMany(database);
  replicaUrls = database.replicaUrls.slice(0, 1);
});
afterAll(() => database?.[Symbol.asyncDispose]());

const gatewayWith = (settings: Record<string, string> = {}) =>
  createTestGateway({ replicaUrls }, { settings: { RATE_LIMIT: String(LIMIT), ...settings } });

/** As the tenant is told. */
async function spent(gateway: TestGateway): Promise<number> {
  const { data } = await gateway.query(RATE_LIMIT, {}, asAccount);
  return LIMIT - data.viewer.rateLimit.remaining;
}

describe('what an operation costs', () => {
  test('is in every answer, and the same for the same operation', async () => {
    await using gateway = await gatewayWith();
    const costs = async (query: string) => (await gateway.query(query, {}, asAccount)).extensions.cost;
    const page = await costs(PAGE);
    expect(page).toEqual({ points: expect.any(Number) });
    expect(await costs(PAGE)).toEqual(page);
    expect((await costs('{ cdrStats { totals { attempts } } }')).points).toBeGreaterThan(2_000_000);
    expect((await gateway.query(PAGE, {})).extensions.cost).toEqual(page);
  });

  test('is given back but for the work that was done', async () => {
    await using gateway = await gatewayWith();
    const { extensions, errors } = await gateway.query(
      '{ cdrs(first: 1000000, filter: { cld: { is: "no such number" } }) { nodes { id } } cdrStats { totals { attempts } } }',
      {},
      asAccount,
    );
    expect(errors).toBeUndefined();
    expect(extensions.cost.points).toBeGreaterThan(15_000_000);
    await expect.poll(() => spent(gateway)).toBeLessThan(5_000_000);
  });

  test('is more for a list that must be searched, which holds a connection while it finds nothing', async () => {
    await using gateway = await gatewayWith();
    const costs = async (query: string, variables = {}) =>
      (await gateway.query(query, variables, asAccount)).extensions.cost.points as number;
    const list = (filter: string) => `{ cdrs(first: 1, filter: ${filter}) { nodes { id } } }`;
    const search = 'query ($filter: CdrFilter) { cdrs(first: 1, filter: $filter) { nodes { id } } }';
    const text =
      'query ($text: String) { cdrs(first: 1, filter: { cld: { contains: $text } }) { nodes { id } } }';
    expect(await costs(list('{ from: "2026-01-01T00:00:00Z", accountIds: ["14"] }'))).toBeLessThan(1000);
    expect(await costs(list('{ cld: null }'))).toBeLessThan(1000);
    expect(await costs(search, { filter: { accountIds: ['14'] } })).toBeLessThan(1000);
    expect(await costs(search, {})).toBeLessThan(1000);
    expect(await costs(list('{ cld: { contains: "98765" } }'))).toBeGreaterThan(2_000_000);
    expect(await costs(list('{ not: { accountIds: ["14"] } }'))).toBeGreaterThan(2_000_000);
    expect(await costs(search, { filter: { countries: ['FRANCE'] } })).toBeGreaterThan(2_000_000);
    expect(await costs(text, { text: '98765' })).toBeGreaterThan(2_000_000);
  });
});

describe('who has spent everything', () => {
  test('is refused with 429, and told when to come again; others are not', async () => {
    await using gateway = await gatewayWith({ RATE_LIMIT: '20000' });
    const nonsense = `{ ${'nonsense '.repeat(300)} }`;
    let refused: Response | undefined;
    for (let tries = 0; tries < 20 && refused?.status !== 429; tries++) {
      refused = await gateway.ask(nonsense, {}, asAccount);
    }
    expect(refused?.status).toBe(429);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(30);
    const { errors } = await gateway.query(PAGE, {}, asAccount);
    expect(errors).toMatchObject([
      {
        extensions: {
          code: 'RATE_LIMITED',
          retryable: true,
          limit: 'points',
          retryAfterSeconds: expect.any(Number),
        },
      },
    ]);
    expect((await gateway.query(PAGE)).errors).toBeUndefined();
  });

  test.each([
    ['no GraphQL', '{ cdrs('],
    ['no such field', '{ nonsense }'],
    ['too deep', `${'{ again '.repeat(100)}${'}'.repeat(100)}`],
  ])('may have sent nothing that is valid: %s', async (_, query) => {
    await using gateway = await gatewayWith();
    await gateway.query(query, {}, asAccount);
    expect(await spent(gateway)).toBeGreaterThanOrEqual(1000);
  });

  test('by Grafana has none left for GraphQL', async () => {
    await using gateway = await gatewayWith({ RATE_LIMIT: '1000' });
    const post = (path: string, body: object) =>
      gateway.fetch(
        new Request(`http://gateway${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${ACCOUNT_TOKEN}` },
          body: JSON.stringify(body),
        }),
      );
    let status = 0;
    for (let tries = 0; tries < 5 && status !== 429; tries++)
      status = (await post('/grafana/query', [])).status;
    expect(status).toBe(429);
    expect((await gateway.query(PAGE, {}, asAccount)).errors).toMatchObject([
      { extensions: { code: 'RATE_LIMITED' } },
    ]);
  });
});

test('as many files and long lists are sent at once as may be', async () => {
  await using gateway = await gatewayWith({ MAX_STREAMS: '1' });
  const list = '{ cdrs(first: 60000) { nodes { id callId cli cld connectTime setupTime disconnectTime } } }';
  const first = await gateway.ask(list, {}, asAccount);
  expect(first.status).toBe(200);
  expect((await gateway.query(list, {}, asAccount)).errors).toMatchObject([
    { extensions: { code: 'RATE_LIMITED', limit: 'streams', retryAfterSeconds: 1 } },
  ]);
  expect((await gateway.ask(PAGE, {}, { ...asAccount, headers: { accept: 'text/csv' } })).status).toBe(429);
  expect((await gateway.query(PAGE, {}, asAccount)).errors).toBeUndefined();
  await first.text();
  await expect.poll(async () => (await gateway.query(list, {}, asAccount)).errors).toBeUndefined();
});

test('without a limit there is none to tell', async () => {
  await using gateway = await gatewayWith({ RATE_LIMIT: '0' });
  expect((await gateway.query(RATE_LIMIT, {}, asAccount)).data.viewer).toEqual({ rateLimit: null });
  expect((await gateway.query(RATE_LIMIT)).data.viewer).toEqual({ rateLimit: null });
});
