import { isInterfaceType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_NODES } from '../../src/resolvers/nodes.ts';
import { schema } from '../../src/schema/index.ts';
import { decodeNodeId, encodeNodeId, type NodeType, nodeTypes } from '../../src/streaming/node-id.ts';
import { createSourceDatabase, insertCalls, sourceNames } from '../db/source-databases.ts';
import { aCustomer, anAccount, anXdr } from '../support/builders.ts';
import {
  ACCOUNT_TOKEN,
  createTestGateway,
  type GraphQLAnswer,
  type TestGateway,
} from '../support/gateway.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { insertAccountsAsSippy } from '../support/sippy.ts';

const SMALLEST = '-9223372036854775808';
const IDS = [
  '1',
  '22',
  '333',
  '4444',
  '55555',
  '9007199254740993',
  '0',
  '-7',
  '9223372036854775807',
  SMALLEST,
];

const idOf = (type: NodeType, id: string) => encodeNodeId({ type, id });

test('every type with an id of its own is a node, and the other way round', () => {
  const node = schema.getType('Node');
  const implementations = isInterfaceType(node) ? schema.getPossibleTypes(node).map(({ name }) => name) : [];
  const identified = Object.values(schema.getTypeMap())
    .filter((type) => 'getFields' in type && !isInterfaceType(type) && 'id' in type.getFields())
    .map(({ name }) => name);
  expect(implementations.toSorted()).toEqual([...nodeTypes].toSorted());
  expect(identified.toSorted()).toEqual([...nodeTypes].toSorted());
});

test('an id says its type and key, and is written in one way', () => {
  for (const type of nodeTypes) {
    for (const id of IDS) expect(decodeNodeId(idOf(type, id))).toEqual({ type, id });
  }
  // Published: clients have stored it.
  expect(idOf('Cdr', '1')).toBe('Q2RyOjE');
  expect(idOf('Account', '14')).toBe('QWNjb3VudDoxNA');
  expect(idOf('Customer', '3')).toBe('Q3VzdG9tZXI6Mw');
});

describe.each(sourceNames)('over the source %s', (source) => {
  /** What is inserted as a Sippy's calls has another key beside, a million further. */
  const keys = source === 'sippy' ? IDS.slice(0, -2) : IDS;
  const last = keys.at(-1)!;
  let database: TestDatabase;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await createSourceDatabase(source);
    const accounts = [
      anAccount(),
      anAccount({ i_account: '15', i_customer: '4', username: 'another', time_zone: null }),
    ];
    if (source === 'sippy') {
      await insertAccountsAsSippy(database.pool, accounts);
      await database.pool.query(
        'grant usage on schema public to gateway_reader; grant select on all tables in schema public to gateway_reader',
      );
    } else {
      await database.insertAccounts(accounts);
      await database.insertCustomers([aCustomer(), aCustomer({ i_customer: '4', name: 'Other' })]);
    }
    await insertCalls(database, source, [
      ...keys.map((i_xdr) => anXdr({ i_xdr })),
      anXdr({ i_xdr: '77', i_account: '15', i_customer: '4', connect_time: '2026-01-04 00:00:00+00' }),
    ]);
    await database.replayed();
    gateway = await createTestGateway(database, { settings: { CDR_SOURCE: source } });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  /** Whoever accepts nothing but parts is answered by the ordinary executor. */
  async function executed(document: string): Promise<GraphQLAnswer> {
    const response = await gateway.ask(document, {}, { headers: { accept: 'multipart/mixed' } });
    const text = await response.text();
    return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
  }

  const LIST = `{ cdrs(first: 100) { edges { node { nodeId id node: nodeId
    account { nodeId id customer { nodeId id } } customer { nodeId } } } } }`;

  test('a list has them, streamed as executed, of calls and of what they refer to', async () => {
    const { data, errors } = await gateway.query(LIST);
    expect(errors).toBeUndefined();
    expect(data.cdrs.edges).toHaveLength(keys.length + 1);
    for (const { node } of data.cdrs.edges) {
      expect(node.nodeId).toBe(idOf('Cdr', node.id));
      expect(node.node).toBe(node.nodeId);
      expect(node.account.nodeId).toBe(idOf('Account', node.account.id));
      expect(node.account.customer.nodeId).toBe(idOf('Customer', node.account.customer.id));
      expect(node.customer.nodeId).toBe(node.account.customer.nodeId);
    }
    expect((await executed(LIST)).data).toEqual(data);
  });

  test('a list that has them streams: the executor refuses one of that size', async () => {
    const { data, errors } = await gateway.query(
      '{ cdrs(first: 100000) { nodes { nodeId account { nodeId } } } }',
    );
    expect(errors).toBeUndefined();
    expect(data.cdrs.nodes).toHaveLength(keys.length + 1);
    const refused = await executed('{ cdrs(first: 100000) { nodes { nodeId } } }');
    expect(refused.errors?.[0]?.extensions.code).toBe('PAGE_TOO_LARGE');
  });

  test('they are columns of files, in quotes as ids are', async () => {
    const document = '{ cdrs(first: 100) { nodes { nodeId id account { nodeId } } } }';
    const file = async (accept: string) => (await gateway.ask(document, {}, { headers: { accept } })).text();
    const [header, ...lines] = (await file('text/csv')).trim().split('\r\n');
    expect(header).toBe('nodeId,id,account.nodeId');
    expect(lines).toHaveLength(keys.length + 1);
    for (const line of lines) {
      const [nodeId, id, account] = line.split(',').map((cell) => JSON.parse(cell));
      expect(nodeId).toBe(idOf('Cdr', id));
      expect(account).toBe(idOf('Account', id === '77' ? '15' : '14'));
    }
    const objects = (await file('application/x-ndjson')).trim().split('\n');
    expect(objects.map((line) => JSON.parse(line).nodeId)).toEqual(
      lines.map((line) => line.slice(1, line.indexOf('",'))),
    );
  });

  const EACH = `__typename nodeId
    ... on Cdr { id cli account { nodeId } } ... on Account { id username } ... on Customer { id }`;

  test('each object is found by its own, and shows what the plain id shows', async () => {
    for (const id of keys) {
      const { data } = await gateway.query(
        `query ($nodeId: ID!, $id: ID!) { node(nodeId: $nodeId) { ... on Cdr { id cli connectTime } } cdr(id: $id) { id cli connectTime } }`,
        { nodeId: idOf('Cdr', id), id },
      );
      expect(data.cdr.id).toBe(id);
      expect(data.node).toEqual(data.cdr);
    }
    const { data } = await gateway.query(`query ($nodeId: ID!) { node(nodeId: $nodeId) { ${EACH} } }`, {
      nodeId: idOf('Account', '15'),
    });
    expect(data.node).toEqual({
      __typename: 'Account',
      nodeId: idOf('Account', '15'),
      id: '15',
      username: 'another',
    });
  });

  const answeredCall = (id: string) => ({
    __typename: 'Cdr',
    nodeId: idOf('Cdr', id),
    id,
    cli: '33123456789',
    account: { nodeId: idOf('Account', id === '77' ? '15' : '14') },
  });
  /** A Sippy has no table of customers. */
  const answeredCustomer = (id: string) =>
    source === 'sippy' ? null : { __typename: 'Customer', nodeId: idOf('Customer', id), id };

  test('several are found position by position, each type by one statement, twice where given twice', async () => {
    const nodeIds = [
      idOf('Account', '14'),
      idOf('Cdr', '77'),
      idOf('Cdr', '12345'),
      idOf('Customer', '4'),
      idOf('Cdr', '77'),
      idOf('Account', '99'),
      idOf('Cdr', last),
    ];
    const { data, errors } = await gateway.query(
      `query ($nodeIds: [ID!]!) { nodes(nodeIds: $nodeIds) { ${EACH} } none: nodes(nodeIds: []) { nodeId } }`,
      { nodeIds },
    );
    expect(errors).toBeUndefined();
    expect(data.nodes).toEqual([
      { __typename: 'Account', nodeId: idOf('Account', '14'), id: '14', username: 'acme-dialler' },
      answeredCall('77'),
      null,
      answeredCustomer('4'),
      answeredCall('77'),
      null,
      answeredCall(last),
    ]);
    expect(data.none).toEqual([]);
  });

  test("another tenant's is null exactly as one that there is not", async () => {
    const ask = async (nodeIds: readonly string[]) => {
      const document = `query ($nodeIds: [ID!]!, $one: ID!) { nodes(nodeIds: $nodeIds) { ${EACH} } node(nodeId: $one) { nodeId } }`;
      const { data, errors } = await gateway.query(
        document,
        { nodeIds, one: nodeIds[0] },
        { token: ACCOUNT_TOKEN },
      );
      return { data, errors };
    };
    const foreign = await ask([idOf('Cdr', '77'), idOf('Account', '15'), idOf('Customer', '4')]);
    const absent = await ask([idOf('Cdr', '78'), idOf('Account', '99'), idOf('Customer', '98')]);
    expect(foreign).toEqual({ data: { nodes: [null, null, null], node: null }, errors: undefined });
    expect(absent).toEqual(foreign);
    const own = await ask([idOf('Cdr', '1'), idOf('Customer', '3')]);
    expect(own.data.nodes).toEqual([answeredCall('1'), answeredCustomer('3')]);
  });
});

describe('an id that is none', () => {
  let database: TestDatabase;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await createSourceDatabase('xdrs');
    await database.insertAccounts([anAccount()]);
    await database.insertXdrs([anXdr({ i_xdr: '1' }), anXdr({ i_xdr: '2', connect_time: 'infinity' })]);
    await database.replayed();
    gateway = await createTestGateway(database);
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const base64 = (text: string) => Buffer.from(text).toString('base64url');
  const spoilt: readonly string[] = [
    '',
    '1',
    'Cdr:1',
    base64('Cdr:1').slice(0, -1),
    `${base64('Cdr:1')}=`,
    ` ${base64('Cdr:1')}`,
    // Other bits behind the last byte: decoders ignore them.
    `${base64('Cdr:1').slice(0, -1)}F`,
    base64('Cdr:'),
    base64('Cdr:01'),
    base64('Cdr:-0'),
    base64('Cdr:1.5'),
    base64('Cdr:9223372036854775808'),
    base64('Cdr:1:2'),
    base64('cdr:1'),
    base64('Viewer:1'),
    base64('constructor:1'),
    base64('["Cdr",1]'),
    base64('Cdr:１'),
    Buffer.from('Account:???').toString('base64'),
    'ÿ'.repeat(5000),
  ];

  test.each(spoilt.map((each) => [each.slice(0, 40), each] as const))(
    'is refused by name of its argument: %j',
    async (_, nodeId) => {
      const good = encodeNodeId({ type: 'Cdr', id: '1' });
      const { data, errors } = await gateway.query(
        'query ($nodeId: ID!, $nodeIds: [ID!]!) { node(nodeId: $nodeId) { nodeId } nodes(nodeIds: $nodeIds) { nodeId } viewer { role } }',
        { nodeId, nodeIds: [good, nodeId, good] },
      );
      const refusals = errors?.map(({ path, message, extensions }) => [
        path,
        extensions.code,
        message.split(':')[0],
      ]);
      expect(refusals?.toSorted()).toEqual([
        [['node'], 'INVALID_ARGUMENT', 'nodeId'],
        [['nodes', 1], 'INVALID_ARGUMENT', 'nodeIds[1]'],
      ]);
      for (const { message } of errors ?? []) expect(message.length).toBeLessThan(250);
      // What stands beside it is answered.
      expect(data).toEqual({
        node: null,
        nodes: [{ nodeId: good }, null, { nodeId: good }],
        viewer: { role: 'ADMIN' },
      });
    },
  );

  test('more than may be given at once are refused, and the most are answered', async () => {
    const ask = (count: number) =>
      gateway.query('query ($nodeIds: [ID!]!) { nodes(nodeIds: $nodeIds) { nodeId } }', {
        nodeIds: Array.from({ length: count }, (_, index) =>
          encodeNodeId({ type: 'Cdr', id: String(index) }),
        ),
      });
    const { errors } = await ask(MAX_NODES + 1);
    expect(errors?.[0]).toMatchObject({ extensions: { code: 'INVALID_ARGUMENT' }, path: ['nodes'] });
    expect(errors?.[0]?.message).toContain('nodeIds');
    const { data } = await ask(MAX_NODES);
    expect(data.nodes.filter(Boolean)).toHaveLength(2);
    expect(data.nodes).toHaveLength(MAX_NODES);
  });

  test('numbers are taken as text, as everywhere: they are no such id', async () => {
    const { errors } = await gateway.query('{ node(nodeId: 14) { nodeId } }');
    expect(errors?.[0]?.extensions.code).toBe('INVALID_ARGUMENT');
  });

  test('a call of which a value cannot be shown is found, without the value', async () => {
    const nodeIds = ['1', '2'].map((id) => encodeNodeId({ type: 'Cdr', id }));
    const { data, errors } = await gateway.query(
      'query ($nodeIds: [ID!]!) { nodes(nodeIds: $nodeIds) { nodeId ... on Cdr { id connectTime } } }',
      { nodeIds },
    );
    expect(data.nodes[0].id).toBe('1');
    expect(data.nodes[1]).toBeNull();
    expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['nodes', 1, 'connectTime'], 'UNREADABLE_VALUE'],
    ]);
  });
});

describe('fragments on the interface', () => {
  let database: TestDatabase;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await createSourceDatabase('xdrs');
    await database.insertAccounts([anAccount()]);
    await database.insertXdrs([anXdr({ i_xdr: '1' }), anXdr({ i_xdr: '2' })]);
    await database.replayed();
    gateway = await createTestGateway(database);
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  test.each([
    ['of the call', 'nodes { ... on Node { nodeId } id }'],
    ['with one of another type inside', 'nodes { ... on Node { ... on Account { x: id username } } id }'],
    ['with one of the same type inside', 'edges { node { ... on Node { ... on Cdr { cli } nodeId } } }'],
    [
      'of the account of a call',
      'nodes { account { ... on Node { nodeId ... on Cdr { cli } ... on Account { id } } } }',
    ],
    ['by name, in each place', 'nodes { ...Any account { ...Any customer { ...Any } } }'],
  ])('%s apply where the type is theirs, streamed and executed', async (_, list) => {
    const document = `{ cdrs(first: 2) { ${list} } unused: node(nodeId: "Q2RyOjE") { ...Any } }
      fragment Any on Node { __typename nodeId ... on Account { currency } ... on Cdr { cld } }`;
    const streamed = await gateway.query(document);
    expect(streamed.errors).toBeUndefined();
    const response = await gateway.ask(document, {}, { headers: { accept: 'multipart/mixed' } });
    const text = await response.text();
    expect(JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)).data).toEqual(streamed.data);
    expect(JSON.stringify(streamed.data)).not.toMatch(/"x":|"username"/);
  });
});
