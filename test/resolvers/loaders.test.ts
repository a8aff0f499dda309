import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { aCustomer, anAccount, anXdr } from '../support/builders.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;
/** Recorded at the driver itself: what it is given is what PostgreSQL executes. */
let driver: MockInstance<typeof pg.Client.prototype.query>;

const ACCOUNTS = 40;

beforeAll(async () => {
  database = await createTestDatabase();
  const ids = Array.from({ length: ACCOUNTS }, (_, index) => String(index + 1));
  await database.insertCustomers(
    ids.slice(0, 4).map((i_customer) => aCustomer({ i_customer, name: `c${i_customer}` })),
  );
  await database.insertAccounts(
    ids.map((i_account) =>
      anAccount({ i_account, i_customer: String(1 + (Number(i_account) % 4)), username: `a${i_account}` }),
    ),
  );
  await database.insertXdrs(
    Array.from({ length: 2000 }, (_, index) =>
      anXdr({ i_account: String(1 + (index % (ACCOUNTS + 1))), i_customer: String(1 + (index % 5)) }),
    ),
  );
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

beforeEach(() => {
  driver = vi.spyOn(pg.Client.prototype, 'query');
});
afterEach(() => driver.mockRestore());

/** Statements by their names. */
function statements(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [query] of driver.mock.calls as unknown as [string | { text: string }][]) {
    const text = typeof query === 'string' ? query : query.text;
    const name = /\/\* (\w+) \*\//.exec(text)?.[1];
    // The watcher asks for the state of the standby all the time.
    if (name && ['cdr', 'cdrPage', 'accounts', 'customers'].includes(name))
      counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

test('the accounts of 2,000 calls are one statement, and their customers another', async () => {
  const { data, errors } = await gateway.query(
    '{ cdrs(first: 2000) { nodes { accountId account { id username customer { name } } } } }',
  );
  expect(errors).toBeUndefined();
  expect(data.cdrs.nodes).toHaveLength(2000);
  for (const { accountId, account } of data.cdrs.nodes) {
    const isKnown = Number(accountId) <= ACCOUNTS;
    expect(account).toEqual({
      id: accountId,
      username: isKnown ? `a${accountId}` : null,
      customer: isKnown ? { name: `c${1 + (Number(accountId) % 4)}` } : null,
    });
  }
  expect(statements()).toEqual({ cdrPage: 1, accounts: 1, customers: 1 });
});

test('both customers of a call, its own and that of its account, are one statement', async () => {
  const { data } = await gateway.query(
    '{ cdrs(first: 500) { nodes { customer { id } account { customerId } } } }',
  );
  expect(data.cdrs.nodes).toHaveLength(500);
  expect(statements()).toEqual({ cdrPage: 1, accounts: 1, customers: 1 });
});

test('several lists of one request share what they look up', async () => {
  const { data } = await gateway.query(`{
    one: cdrs(first: 300) { nodes { account { username } } }
    other: cdrs(first: 300, orderBy: OLDEST_FIRST) { edges { node { account { username } } } }
  }`);
  expect(data.other.edges).toHaveLength(300);
  const { accounts, cdrPage } = statements();
  expect(cdrPage).toBe(2);
  // The lists arrive one after the other; the second asks only for what the first did not.
  expect(accounts).toBeLessThanOrEqual(2);
});

test('nodes, edges, page info and cursors of one list are one statement', async () => {
  await gateway.query(
    '{ cdrs(first: 10) { nodes { account { id } } edges { cursor node { id } } pageInfo { hasNextPage endCursor } } }',
  );
  expect(statements()).toEqual({ cdrPage: 1, accounts: 1 });
});

test('nothing is remembered for the next request', async () => {
  const document = '{ account(id: 7) { username } cdr(id: 1) { account { username } } }';
  await gateway.query(document);
  await database.pool.query(`update accounts set username = 'renamed' where i_account = 7`);
  await database.replayed();
  const { data } = await gateway.query('{ account(id: 7) { username } }');
  expect(data.account.username).toBe('renamed');
});

test('an account that looks up a foreign one finds nothing, and asks no more often', async () => {
  const { data } = await gateway.query(
    '{ cdrs(first: 500) { nodes { account { username customer { name } } } } foreign: account(id: 15) { username } }',
    {},
    { token: ACCOUNT_TOKEN },
  );
  expect(data.foreign).toBeNull();
  expect(new Set(data.cdrs.nodes.map((node: object) => JSON.stringify(node))).size).toBe(1);
  // One for the field of the root, one for the list.
  expect(statements()).toEqual({ cdrPage: 1, accounts: 2, customers: 1 });
});
