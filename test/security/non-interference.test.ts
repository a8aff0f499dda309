import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Principals } from '../../src/access/principals.ts';
import { type Role, scopeOf } from '../../src/access/roles.ts';
import type { Scope } from '../../src/db/scope.ts';
import type { Source } from '../../src/db/sources/sources.ts';
import { UnauthenticatedError } from '../../src/errors.ts';
import {
  createScopeDatabase,
  currencyOf,
  customerOf,
  nameOfCustomer,
  usernameOf,
  visibleTo,
} from '../access/scope-oracle.ts';
import { withoutPredicate } from '../access/without-predicate.ts';
import { createSourceDatabase, insertCalls } from '../db/source-databases.ts';
import { subscribe } from '../feed/event-client.ts';
import { Random } from '../fuzz/random.ts';
import { aCall, type Call, microsOf, rowOf } from '../schema/calls-oracle.ts';
import { aCustomer, anAccount } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { type Answer, answerOf } from './comparable-answer.ts';
import { type RandomOperation, randomOperation, untriedParts } from './random-operation.ts';

/**
 * What a tenant is answered depends on nothing of anybody else's: over a database with everybody's calls it is, byte for
 * byte but for positions and times, what it is over one with the tenant's own.
 * `npm run test:security -- --operations 100000 --seed 7` makes it as long.
 */
const OPERATIONS = Number(process.env.SECURITY_OPERATIONS ?? 480);
const SEED = Number(process.env.SECURITY_SEED ?? 1);
/** Each takes some milliseconds on each side, and much longer on a machine that is busy. */
const TIMEOUT_MS = 120_000 + OPERATIONS * 60;
const AT_ONCE = 4;
const KEPT_CURSORS = 60;
const MAX_SHOWN = 5;
const MAX_UNTIL_FOUND = 300;
/** Calls that come in while a tenant listens. Their keys are never used again: a feed tells each once. */
const ARRIVING = 60;
const FIRST_ARRIVING = 5_000_000;
const MAX_ATTEMPTS = 5;
/** Says that the machine was busy: retryable, and of no tenant. */
const isOfMoment = ({ comparable }: Answer) =>
  /"(NO_REPLICA_AVAILABLE|OVERLOADED|QUERY_TIMEOUT|REPLICA_\w+)"/.test(comparable);

const tenants: Readonly<Record<string, { readonly role: Role; readonly scope: Scope }>> = {
  'two-accounts': { role: 'ACCOUNT', scope: { kind: 'accounts', accountIds: ['14', '16'] } },
  'one-customer': { role: 'CUSTOMER', scope: { kind: 'customers', customerIds: ['3'] } },
  'busy-customer': { role: 'CUSTOMER', scope: { kind: 'customers', customerIds: ['6'] } },
  'support-of-accounts': { role: 'SUPPORT', scope: { kind: 'accounts', accountIds: ['14', '15'] } },
  'finance-of-customers': { role: 'FINANCE', scope: { kind: 'customers', customerIds: ['4', '5'] } },
  'no-account': { role: 'ACCOUNT', scope: { kind: 'accounts', accountIds: [] } },
};
const names = Object.keys(tenants);

const principals: Principals = {
  async authenticate({ authorization }) {
    const name = authorization?.slice('Bearer '.length) ?? '';
    const all = { role: 'ADMIN', scope: { kind: 'all' } } as const;
    const tenant = name === 'everybody' ? all : tenants[name];
    if (!tenant) throw new UnauthenticatedError();
    return { name, role: tenant.role, scope: scopeOf(tenant.role, tenant.scope), maxPage: 50_000 };
  },
};

const settings = { RATE_LIMIT: '0', STATEMENT_TIMEOUT: '30' };
const openGateway = ({ replicaUrls }: TestDatabase, plantSource = (source: Source) => source) =>
  createTestGateway({ replicaUrls: [replicaUrls[0]!] }, { principals, settings, plantSource });

let everybody: Awaited<ReturnType<typeof createScopeDatabase>>;
let full: TestGateway;
let foreignCursors: readonly string[];

beforeAll(async () => {
  everybody = await createScopeDatabase('xdrs');
  full = await openGateway(everybody);
  const { data } = await full.query('{ cdrs(first: 40) { edges { cursor } } }', {}, { token: 'everybody' });
  foreignCursors = data.cdrs.edges.map(({ cursor }: { cursor: string }) => cursor);
});
afterAll(async () => {
  await full?.[Symbol.asyncDispose]();
  await everybody?.[Symbol.asyncDispose]();
});

/** A database in which nobody has been but this tenant. */
async function createOwnDatabase(scope: Scope): Promise<TestDatabase> {
  const visible = visibleTo(scope, everybody.calls);
  const database = await createSourceDatabase('xdrs');
  const accounts = Object.entries(customerOf).filter(([id]) => visible.sees('account', id));
  await insertSome(
    accounts.map(([i_account, i_customer]) =>
      anAccount({
        i_account,
        i_customer,
        username: usernameOf(i_account),
        currency: currencyOf[i_account],
        time_zone: null,
      }),
    ),
    (rows) => database.insertAccounts(rows),
  );
  const customers = Object.entries(nameOfCustomer).filter(([id]) => visible.sees('customer', id));
  await insertSome(
    customers.map(([i_customer, name]) => aCustomer({ i_customer, name })),
    (rows) => database.insertCustomers(rows),
  );
  await insertSome(visible.calls.map(rowOf), (rows) => insertCalls(database, 'xdrs', rows));
  await database.pool.query('analyze');
  await database.replayed();
  return database;
}

async function insertSome<Row>(
  rows: readonly Row[],
  insert: (rows: readonly Row[]) => Promise<void>,
): Promise<void> {
  if (rows.length > 0) await insert(rows);
}

interface Difference {
  readonly operation: RandomOperation;
  readonly among: string;
  readonly alone: string;
}

describe.each(names)('%s', (tenant) => {
  let own: TestDatabase;
  let alone: TestGateway;
  beforeAll(async () => {
    own = await createOwnDatabase(tenants[tenant]!.scope);
    alone = await openGateway(own);
  });
  afterAll(async () => {
    await alone?.[Symbol.asyncDispose]();
    await own?.[Symbol.asyncDispose]();
  });

  afterEach(async () => {
    await everybody.pool.query('delete from xdrs where i_xdr >= $1', [FIRST_ARRIVING]);
    await everybody.replayed();
  });

  const both = (operation: RandomOperation) =>
    Promise.all([answerOf(full, tenant, operation), answerOf(alone, tenant, operation)]);

  /** Once more, one after the other: what a busy machine does to one of them is no difference. */
  async function differenceOf(operation: RandomOperation): Promise<Difference | undefined> {
    for (let attempt = 1; ; attempt++) {
      const [among, only] = [
        await answerOf(full, tenant, operation),
        await answerOf(alone, tenant, operation),
      ];
      if (among.comparable === only.comparable) return undefined;
      if (![among, only].some(isOfMoment) || attempt === MAX_ATTEMPTS) {
        return { operation, among: among.comparable, alone: only.comparable };
      }
      await Promise.all(
        [full, alone].map(({ replicas }) => replicas.choose().then((lease) => lease.release())),
      );
    }
  }

  test(
    `is answered the same with and without everybody else, seed ${SEED}`,
    async () => {
      const random = new Random(SEED * 1000 + names.indexOf(tenant));
      const count = Math.ceil(OPERATIONS / names.length);
      const differences: Difference[] = [];
      const internal: RandomOperation[] = [];
      let cursors: readonly string[] = [];
      let answered = 0;
      let done = 0;
      for (; done < count; done += AT_ONCE) {
        const known = { cursors: [...foreignCursors, ...cursors] };
        const operations = Array.from({ length: AT_ONCE }, () => randomOperation(random, known));
        const answers = await Promise.all(operations.map(both));
        for (const [index, [among, only]] of answers.entries()) {
          if (among.comparable !== only.comparable) {
            const difference = await differenceOf(operations[index]!);
            if (difference) differences.push(difference);
          }
          if (among.comparable.includes('"INTERNAL"')) internal.push(operations[index]!);
          if (among.status === 200) answered++;
          cursors = [...among.cursors.slice(0, 3), ...cursors].slice(0, KEPT_CURSORS);
        }
      }
      console.log(`${tenant}: ${done} operations, ${answered} answered, ${differences.length} differences`);
      for (const { operation, among, alone: answer } of differences.slice(0, MAX_SHOWN)) {
        expect.soft({ operation, answer: among }).toEqual({ operation, answer });
      }
      expect(differences.length).toBe(0);
      expect(internal).toEqual([]);
      // Refusals alone would show nothing.
      expect(answered).toBeGreaterThan(count / 2);
    },
    TIMEOUT_MS,
  );

  test('is told the same of calls as they arrive', async () => {
    const query = `subscription { cdrs(filter: { minDurationSeconds: "1" }) {
      mayRepeat inserted { id accountId cld account { username } } corrected { id } deletedIds gap { reason } } }`;
    await using among = await subscribe(full.fetch, query, { token: tenant });
    await using only = await subscribe(alone.fetch, query, { token: tenant });
    for (const client of [among, only]) await client.until(({ messages }) => messages.length > 0);
    const random = new Random(SEED);
    const arriving = Array.from({ length: ARRIVING }, (_, index) =>
      arrivingCall(random, names.indexOf(tenant) * ARRIVING + index),
    );
    const visible = visibleTo(tenants[tenant]!.scope, arriving).calls;
    for (const [database, calls] of [
      [everybody, arriving],
      [own, visible],
    ] as const) {
      await insertSome(calls.map(rowOf), (rows) => insertCalls(database, 'xdrs', rows));
    }
    const wanted = visible.filter(({ duration }) => duration === '60').length;
    for (const client of [among, only]) {
      await client.until(({ ids }) => ids.length >= wanted);
      const seen = client.messages.length;
      await client.until(({ messages }) => messages.length > seen);
    }
    const told = (client: typeof among) => client.messages.flatMap(({ inserted }) => inserted);
    const rest = (client: typeof among) =>
      new Set(client.messages.map(({ inserted: _, ...others }) => JSON.stringify(others)));
    expect(told(among)).toEqual(told(only));
    expect(told(among)).toHaveLength(wanted);
    expect(rest(among)).toEqual(rest(only));
  });
});

/** Of any account, with the owner that the switch writes. */
function arrivingCall(random: Random, index: number): Call {
  const i_account = random.pick(Object.keys(customerOf));
  const call = aCall(microsOf('2026-03-01T00:00:00Z') + BigInt(index), String(FIRST_ARRIVING + index), {
    i_account,
    duration: random.pick(['0', '60']),
    cld: `33${index}`,
  });
  return { ...call, i_customer: customerOf[i_account]! };
}

test.each(['cdrs', 'accounts', 'customers'] as const)(
  'a gateway that forgets whose %s they are is found out',
  async (relation) => {
    const { scope } = tenants['one-customer']!;
    await using own = await createOwnDatabase(scope);
    await using alone = await openGateway(own);
    await using leaking = await openGateway(everybody, (source) => ({
      ...source,
      [relation]: withoutPredicate(source[relation] as Source['cdrs'], relation as never),
    }));
    const random = new Random(SEED);
    let differences = 0;
    for (let count = 0; count < MAX_UNTIL_FOUND && differences === 0; count++) {
      const operation = randomOperation(random, { cursors: foreignCursors });
      const [among, only] = await Promise.all(
        [leaking, alone].map((gateway) => answerOf(gateway, 'one-customer', operation)),
      );
      if (among!.comparable !== only!.comparable) differences++;
    }
    expect(differences).toBe(1);
  },
);

test('every part of a filter is tried', () => {
  expect(untriedParts()).toEqual([]);
});
