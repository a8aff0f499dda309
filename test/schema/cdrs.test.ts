import { afterAll, beforeAll, expect, test } from 'vitest';
import { aCustomer, aFailedXdr, anAccount, anXdr } from '../support/builders.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertCustomers([aCustomer()]);
  await database.insertAccounts([anAccount(), anAccount({ i_account: '15', username: 'other' })]);
  await database.insertXdrs([
    anXdr({ i_xdr: '1', connect_time: '2026-01-05 09:00:00.000001+00' }),
    anXdr({ i_xdr: '2', connect_time: '2026-01-05 09:00:00.000002+00' }),
    aFailedXdr({ i_xdr: '3', connect_time: '2026-01-05 10:00:00+00', i_account: '15' }),
  ]);
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test('a call is shown with every field exact', async () => {
  const { data, errors } = await gateway.query(
    '{ cdr(id: 1) { id accountId connectTime durationSeconds billedSeconds chargedAmount disconnectCause outcome pddSeconds account { username customer { name } } } }',
  );
  expect(errors).toBeUndefined();
  expect(data.cdr).toEqual({
    id: '1',
    accountId: '14',
    connectTime: '2026-01-05T09:00:00.000001Z',
    durationSeconds: '60.25',
    billedSeconds: 61,
    chargedAmount: '0.012500',
    disconnectCause: 16,
    outcome: 'ANSWERED',
    pddSeconds: '1.84',
    account: { username: 'acme-dialler', customer: { name: 'Acme Telecom' } },
  });
});

test('calls one microsecond apart fall on separate pages, newest first', async () => {
  const page =
    'query ($after: String) { cdrs(first: 1, after: $after, filter: { accountIds: [14] }) { nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor } } }';
  const { data: newest } = await gateway.query(page);
  const { data: older } = await gateway.query(page, { after: newest.cdrs.pageInfo.endCursor });
  expect([newest.cdrs.nodes, older.cdrs.nodes]).toEqual([[{ id: '2' }], [{ id: '1' }]]);
  expect(newest.cdrs.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
  expect(older.cdrs.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
});

test('an account sees its own calls and no trace of others', async () => {
  const all =
    '{ cdrs { nodes { id } totalCount estimatedCount } cdr(id: 3) { id } account(id: 15) { username } cdrStats { totals { attempts } } viewer { role accountIds } }';
  const { data } = await gateway.query(all, {}, { token: ACCOUNT_TOKEN });
  expect(data).toMatchObject({
    cdrs: { nodes: [{ id: '2' }, { id: '1' }], totalCount: 2 },
    cdr: null,
    account: null,
    cdrStats: { totals: { attempts: 2 } },
    viewer: { role: 'ACCOUNT', accountIds: ['14'] },
  });
  const { data: other } = await gateway.query(
    '{ cdrs(filter: { accountIds: [15] }) { nodes { id } } }',
    {},
    { token: ACCOUNT_TOKEN },
  );
  expect(other.cdrs.nodes).toEqual([]);
});

test('every answer says which standby gave it, and how old it is', async () => {
  const { extensions } = await gateway.query('{ cdrs { nodes { id } } }');
  expect(extensions.replica).toEqual({
    name: expect.any(String),
    asOf: expect.stringMatching(/Z$/),
    stalenessSeconds: expect.any(Number),
    token: expect.any(String),
  });
});
