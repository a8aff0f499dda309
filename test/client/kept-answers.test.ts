import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  GatewayClient,
  type KeepAnswersOptions,
  keepAnswers,
  typedDocument,
} from '../../packages/client/src/index.ts';
import { type ServedGateway, serveGateway } from '../gateway/served-gateway.ts';
import { anXdr } from '../support/builders.ts';
import { ACCOUNT_ID } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const tokens = { admin: randomBytes(16).toString('hex'), account: randomBytes(16).toString('hex') };
let database: TestDatabase;
let gateway: ServedGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([
    anXdr({ i_xdr: '1', i_account: ACCOUNT_ID }),
    anXdr({ i_xdr: '2', i_account: '98' }),
  ]);
  gateway = await serveGateway(database, { ADMIN_TOKEN: tokens.admin, ACCOUNT_TOKEN: tokens.account });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const COUNT = typedDocument<{ cdrStats: { totals: { attempts: number } } | null }, { prefixes?: string[] }>(
  'query Count($prefixes: [String!]) { cdrStats(filter: { not: { prefixes: $prefixes } }) { totals { attempts } } }',
);

interface Sent {
  readonly method: string | undefined;
  readonly status: number;
}

/** A client that keeps answers, and what went over the wire. */
function connect({ maxCharacters }: Pick<KeepAnswersOptions, 'maxCharacters'> = {}) {
  const sent: Sent[] = [];
  const kept = keepAnswers({
    maxCharacters,
    async fetch(url, init) {
      const response = await fetch(url, init);
      sent.push({ method: init.method, status: response.status });
      return response;
    },
  });
  const count = async (prefixes: string[] = ['none'], token = tokens.admin) => {
    const client = new GatewayClient({ url: gateway.url, token, fetch: kept });
    const { data, replica } = await client.execute(COUNT, { prefixes }, { method: 'GET' });
    return { attempts: data.cdrStats!.totals.attempts, asOf: replica!.asOf!, sent: sent.at(-1)! };
  };
  /** Nothing writes; a moment when the state of the standby is not known yet may pass. */
  const untilKept = (...asked: Parameters<typeof count>) =>
    poll(async () => (await count(...asked)).sent.status).toBe(304);
  return { count, untilKept };
}

const poll = <T>(read: () => Promise<T>) => expect.poll(read, { timeout: 30_000 });

test('what has not changed is not sent again, and holds until later', async () => {
  const { count } = connect();
  const first = await count();
  await poll(async () => {
    const { attempts, asOf, sent } = await count();
    return { attempts, isLater: asOf > first.asOf, sent };
  }).toEqual({ attempts: 2, isLater: true, sent: { method: 'GET', status: 304 } });
});

test('what has changed is sent', async () => {
  const { count, untilKept } = connect();
  await untilKept();
  await database.insertXdrs([anXdr({ i_xdr: '3', i_account: '98' })]);
  await poll(async () => (await count()).attempts).toBe(3);
  await untilKept();
  await database.pool.query('delete from xdrs where i_xdr = 3');
  await poll(async () => (await count()).attempts).toBe(2);
});

test('nobody is shown what was sent to somebody else', async () => {
  const { count, untilKept } = connect();
  await untilKept();
  const { attempts, sent } = await count(['none'], tokens.account);
  expect([attempts, sent.status]).toEqual([1, 200]);
  // Theirs was kept in its place.
  expect((await count()).attempts).toBe(2);
});

test('of more than may be kept, what was used last is', async () => {
  const { count, untilKept } = connect({ maxCharacters: 500 });
  await untilKept(['one']);
  await untilKept(['two']);
  await untilKept(['three']);
  expect((await count(['one'])).sent.status).toBe(200);
});

test('what is too long for a URL is sent by POST', async () => {
  const { count } = connect();
  const many = Array.from({ length: 900 }, (_, index) => String(100_000 + index));
  const { attempts, sent } = await count(many);
  expect([attempts, sent]).toEqual([2, { method: 'POST', status: 200 }]);
});
