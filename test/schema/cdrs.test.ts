import { isEnumType } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schema } from '../../src/schema/index.ts';
import { aCustomer, aFailedXdr, anAccount, anXdr } from '../support/builders.ts';
import { columnFieldNames } from '../support/cdr-fields.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startWireTap } from '../support/wire-tap.ts';

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

test('every field of a call is what the switch wrote, in either way to answer', async () => {
  const fields = columnFieldNames.join(' ');
  const { data } = await gateway.query(`{
    cdr(id: 3) { ${fields} }
    streamed: cdrs(filter: { accountIds: [15] }) { nodes { ${fields} } }
    ordinary: cdrs(filter: { accountIds: [15] }) { nodes { ${fields} account { id } } }
  }`);
  const expected = {
    id: '3',
    callId: '6f1c2b9e-7a41@192.0.2.10',
    accountId: '15',
    customerId: '3',
    cli: '33123456789',
    cld: '442071838750',
    cliIn: '33123456789',
    cldIn: '00442071838750',
    setupTime: '2026-01-05T08:59:52.000000Z',
    connectTime: '2026-01-05T10:00:00.000000Z',
    disconnectTime: '2026-01-05T10:00:00.000000Z',
    durationSeconds: '0',
    billedSeconds: 0,
    chargedAmount: '0',
    postCallSurcharge: '0',
    disconnectCause: 17,
    disconnectReason: 'User busy',
    outcome: 'BUSY',
    prefix: '4420',
    country: 'United Kingdom',
    region: 'London',
    remoteIp: '192.0.2.10',
    pddSeconds: '1.84',
    releaseSource: 'callee',
    userAgent: null,
    protocol: 1,
    assertedIdentity: '33123456000',
  };
  expect(data.cdr).toEqual(expected);
  expect(data.streamed.nodes).toEqual([expected]);
  expect(data.ordinary.nodes).toEqual([{ ...expected, account: { id: '15' } }]);
});

test.each([...columnFieldNames, 'account { id username }', 'customer { id name }', 'carrier { country }'])(
  'the ordinary executor answers %s alone as beside everything',
  async (field) => {
    const all = `${columnFieldNames.join(' ')} account { id username } customer { id name } carrier { country }`;
    // Two lists of one page are never streamed from the wire.
    const select = (fields: string) =>
      gateway.query(`{ cdrs(first: 3) { edges { cursor node { ${fields} } } nodes { id } } }`);
    const [alone, beside] = [await select(field), await select(all)];
    const key = field.split(' ')[0]!;
    const valuesIn = ({ data }: typeof alone) =>
      data.cdrs.edges.map(({ node }: { node: Record<string, unknown> }) => node[key]);

    expect(alone.errors).toBeUndefined();
    expect(valuesIn(alone)).toEqual(valuesIn(beside));
    expect(valuesIn(alone)).not.toContain(undefined);
  },
);

test('a list of the ordinary executor reads the columns of the fields below it, and no others', async () => {
  await using tap = await startWireTap(database.replicaUrls[0]!);
  await using tapped = await createTestGateway({ replicaUrls: [tap.url] });
  const columnsRead = async (selection: string) => {
    const from = tap.sent.length;
    const { errors } = await tapped.query(
      `query { cdrs(first: 2) { ${selection} } } fragment Of on Cdr { cli: cld ...More } fragment More on Cdr { pddSeconds }`,
    );
    expect(errors).toBeUndefined();
    const [page] = tap.sent.slice(from).filter(({ text }) => text.startsWith('select /* cdrPage */'));
    const [list] = /^select \/\* cdrPage \*\/ (.*?) from \(/s.exec(page!.text)!.slice(1);
    return [...list!.matchAll(/as "(\w+)"/g)].map(([, name]) => name);
  };

  expect(await columnsRead('edges { cursor } nodes { account { username } ...Of }')).toEqual([
    'i_xdr',
    'i_account',
    'cld',
    'connect_time',
    'pdd',
  ]);
  expect(await columnsRead('nodes { id } edges { node { ... on Cdr { customer { id } ...Of } } }')).toEqual([
    'i_xdr',
    'i_customer',
    'cld',
    'connect_time',
    'pdd',
  ]);
});

test('a call that the switch left empty is shown with nulls', async () => {
  await using own = await createTestDatabase();
  await own.pool.query(`insert into xdrs (i_xdr, i_account, connect_time) values (9, 14, '2026-01-05Z')`);
  await own.replayed();
  await using asked = await createTestGateway(own);
  const { data, errors } = await asked.query(
    `{ cdr(id: 9) { ${columnFieldNames.join(' ')} customer { id } account { id username } } }`,
  );
  expect(errors).toBeUndefined();
  expect(data.cdr).toEqual({
    ...Object.fromEntries(columnFieldNames.map((name) => [name, null])),
    id: '9',
    accountId: '14',
    connectTime: '2026-01-05T00:00:00.000000Z',
    durationSeconds: '0',
    chargedAmount: '0',
    customer: null,
    account: { id: '14', username: null },
  });
});

test('one unreadable call is null beside its error, and voids no other', async () => {
  await using own = await createTestDatabase();
  await own.insertXdrs([
    anXdr({ i_xdr: '1' }),
    anXdr({ i_xdr: '2', connect_time: 'infinity' }),
    anXdr({ i_xdr: '3', setup_time: '-infinity' }),
  ]);
  await using asked = await createTestGateway(own);
  for (const more of ['', 'account { id }']) {
    const { data, errors } = await asked.query(
      `{ cdrs(orderBy: OLDEST_FIRST) { nodes { id setupTime connectTime ${more} } pageInfo { endCursor } } }`,
    );
    expect(data.cdrs.nodes.map((node: { id: string } | null) => node?.id ?? null)).toEqual(['1', '3', null]);
    expect(data.cdrs.nodes[1]).toMatchObject({ setupTime: null, connectTime: '2026-01-05T09:00:00.000000Z' });
    expect(errors!.map(({ path, extensions }) => [path!.join('.'), extensions.code])).toEqual(
      expect.arrayContaining([
        ['cdrs.nodes.1.setupTime', 'UNREADABLE_VALUE'],
        ['cdrs.nodes.2.connectTime', 'UNREADABLE_VALUE'],
      ]),
    );
    // Its place in the list is one all the same.
    const { data: rest } = await asked.query(
      'query ($before: String) { cdrs(orderBy: OLDEST_FIRST, before: $before) { nodes { id } } }',
      { before: data.cdrs.pageInfo.endCursor },
    );
    expect(rest.cdrs.nodes).toEqual([{ id: '1' }, { id: '3' }]);
  }
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

test('everything that a client can see is described', () => {
  const missing: string[] = [];
  const note = (path: string, { description }: { readonly description?: string | null }) => {
    if (!description || description.length < 5) missing.push(path);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    note(type.name, type);
    const members = isEnumType(type)
      ? type.getValues()
      : 'getFields' in type
        ? Object.values(type.getFields())
        : [];
    for (const member of members) {
      note(`${type.name}.${member.name}`, member);
      for (const argument of 'args' in member ? member.args : []) {
        note(`${type.name}.${member.name}(${argument.name})`, argument);
      }
    }
  }
  for (const directive of schema.getDirectives()) note(`@${directive.name}`, directive);
  expect(missing).toEqual([]);
  expect(Object.keys(schema.getTypeMap()).length).toBeGreaterThan(30);
});
