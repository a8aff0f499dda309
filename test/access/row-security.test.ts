import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKey } from '../../src/access/api-key.ts';
import { migrateDown, migrateToLatest } from '../../src/db/migrate/migrate.ts';
import type { Source } from '../../src/db/sources/sources.ts';
import { insertCalls, sourceNames } from '../db/source-databases.ts';
import { subscribe } from '../feed/event-client.ts';
import { type ServedGateway, serveGateway } from '../gateway/served-gateway.ts';
import { aCall, type Call, microsOf, rowOf } from '../schema/calls-oracle.ts';
import { anXdr } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { hasPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { everyKindOfScope, principalsOf } from '../support/scoped-principals.ts';
import { operationsFor } from './scope-operations.ts';
import { createScopeDatabase, visibleTo } from './scope-oracle.ts';
import { withoutPredicate } from './without-predicate.ts';

const tokens = Object.keys(everyKindOfScope);
const principals = principalsOf(everyKindOfScope, 'ACCOUNT');

const plantSource = (source: Source): Source => ({
  ...source,
  cdrs: withoutPredicate(source.cdrs, 'xdrs'),
  accounts: source.accounts && withoutPredicate(source.accounts, 'accounts'),
  customers: source.customers && withoutPredicate(source.customers, 'customers'),
});

describe.each(sourceNames)('row security over the source %s', (name) => {
  let database: TestDatabase & { readonly calls: Call[] };
  let gateway: TestGateway;
  let planted: TestGateway;
  let cursors: ReadonlyMap<number, string>;

  beforeAll(async () => {
    database = await createScopeDatabase(name);
    await migrateToLatest(database.primaryUrl, { optional: ['row_security'] });
    await database.replayed();
    const open = (options: object) =>
      createTestGateway(database, { settings: { CDR_SOURCE: name }, principals, ...options });
    [gateway, planted] = await Promise.all([open({}), open({ plantSource })]);
    const { data } = await gateway.query(
      '{ cdrs(first: 100) { edges { cursor } } }',
      {},
      { token: 'everybody' },
    );
    cursors = new Map([11, 60].map((place) => [place, data.cdrs.edges[place].cursor]));
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await planted?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const operations = () => operationsFor(database.calls, cursors);

  async function expectAnswers(asked: TestGateway, names: readonly string[]): Promise<void> {
    for (const operation of operations()) {
      await Promise.all(
        names.map(async (token) => {
          const answered = await operation.run(asked, token);
          const expected = operation.expected(visibleTo(everyKindOfScope[token]!, database.calls), name);
          expect({ token, operation: operation.name, answered }).toEqual({
            token,
            operation: operation.name,
            answered: expected,
          });
        }),
      );
    }
  }

  test('answers are the same as without', () => expectAnswers(gateway, tokens));

  test('with the predicate of the gateway taken out, nobody sees more', async () => {
    await expectAnswers(planted, tokens);
  }, 120_000);

  test('with it taken out, a subscription tells nothing of others either', async () => {
    const query = 'subscription { cdrs { inserted { id accountId } } }';
    await using own = await subscribe(planted.fetch, query, { token: 'one-account' });
    await using everybody = await subscribe(planted.fetch, query, { token: 'everybody' });
    for (const client of [own, everybody]) await client.until(({ messages }) => messages.length > 0);
    const arrived = ['14', '15', '16'].map((i_account, index) =>
      rowOf(
        aCall(microsOf('2026-02-01T00:00:00Z'), String(2_000_000 + index), {
          ...database.calls[0],
          i_account,
        }),
      ),
    );
    await insertCalls(database, name, arrived);
    await database.replayed();
    await everybody.until(({ ids }) => ids.length === 3);
    await own.until(({ ids }) => ids.length > 0);
    const seen = own.messages.length;
    await own.until(({ messages }) => messages.length > seen);
    expect(own.ids).toEqual(['2000000']);
    const [table, key] = name === 'sippy' ? ['cdrs', 'i_cdr'] : ['xdrs', 'i_xdr'];
    await database.pool.query(`delete from ${table} where ${key} = any($1)`, [everybody.ids]);
    await database.replayed();
  });

  test('what is taken out is the only other wall', async () => {
    await migrateDown(database.primaryUrl, () => {}, { optional: ['row_security'] });
    await database.replayed();
    await using open = await createTestGateway(database, {
      settings: { CDR_SOURCE: name },
      principals,
      plantSource,
    });
    const query = '{ cdrs(first: 50000) { nodes { accountId } } }';
    const { data } = await open.query(query, {}, { token: 'one-account' });
    await migrateToLatest(database.primaryUrl, { optional: ['row_security'] });
    await database.replayed();
    const accounts = new Set(data.cdrs.nodes.map((node: { accountId: string }) => node.accountId));
    expect(accounts.size).toBeGreaterThan(2);
  });
});

describe('a gateway that runs', () => {
  const optional = ['row_security'];
  const tenant = createKey();
  const asTenant = { headers: { authorization: `Bearer ${tenant.text}` } };
  let database: TestDatabase;
  let gateway: ServedGateway;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.insertXdrs(
      Array.from({ length: 30 }, (_, index) => anXdr({ i_account: String(14 + (index % 3)) })),
    );
    await database.pool.query(
      `insert into cdr_gateway.api_keys (id, name, role, scope, scope_ids, digest)
       values ($1, 'tenant', 'account', 'accounts', '{14,15}', decode($2, 'hex'))`,
      [tenant.id, tenant.digest],
    );
    await database.replayed();
    gateway = await serveGateway(database, { API_KEYS: 'table' });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const COUNTS = `{ cdrs(first: 50) { nodes { accountId } totalCount estimatedCount } cdrStats { totals { attempts } }
    account(id: "16") { id } }`;

  async function counts(of: ServedGateway, ask = {}) {
    const { data, errors } = await of.query(COUNTS, {}, ask);
    if (errors) return { errors };
    return [data.cdrs.nodes.length, data.cdrs.totalCount, data.cdrStats.totals.attempts];
  }

  async function expectBoth(of: ServedGateway): Promise<void> {
    expect(await Promise.all([counts(of), counts(of, asTenant)])).toEqual([
      [30, 30, 30],
      [20, 20, 20],
    ]);
  }

  test('goes on without an error while it is made, and while it is taken back', async () => {
    await expectBoth(gateway);
    for (const change of [
      () => migrateToLatest(database.primaryUrl, { optional }),
      () => migrateDown(database.primaryUrl, () => {}, { optional }),
      () => migrateToLatest(database.primaryUrl, { optional }),
    ]) {
      let isOver = false;
      const changing = change().finally(() => {
        isOver = true;
      });
      while (!isOver) await expectBoth(gateway);
      await changing;
      await database.replayed();
      await expectBoth(gateway);
    }
  });

  test('takes a key that is revoked for none, and one that was made for one', async () => {
    await database.pool.query(`update cdr_gateway.api_keys set revoked_at = now()`);
    await expect.poll(async () => (await gateway.query(COUNTS, {}, asTenant)).status).toBe(401);
    const other = createKey();
    await database.pool.query(
      `insert into cdr_gateway.api_keys (id, name, role, scope, scope_ids, digest)
       values ($1, 'other', 'customer', 'customers', '{3}', decode($2, 'hex'))`,
      [other.id, other.digest],
    );
    const ask = { headers: { authorization: `Bearer ${other.text}` } };
    await expect.poll(async () => (await gateway.query(COUNTS, {}, ask)).status).toBe(200);
  });

  test.skipIf(!hasPgBouncer)(
    'is answered by way of a pooler of few sessions, which others use too',
    async () => {
      await using pooler = await startPgBouncer({
        url: database.replicaUrls[0]!,
        poolMode: 'session',
        poolSize: 4,
      });
      const settings = {
        ACCOUNT_ID: '14',
        ACCOUNT_TOKEN: 'account-token-of-the-pooled',
        DB_MAX_CONNECTIONS: '2',
      };
      await using pooled = await serveGateway({ replicaUrls: [pooler.url] }, settings);
      const ask = { headers: { authorization: `Bearer ${settings.ACCOUNT_TOKEN}` } };
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => counts(pooled, index % 2 === 0 ? {} : ask)),
      );
      expect(answers).toEqual(answers.map((_, index) => (index % 2 === 0 ? [30, 30, 30] : [10, 10, 10])));
    },
  );
});
