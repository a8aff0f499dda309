import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anAccount, anXdr } from '../support/builders.ts';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** One root that fails must not void the others, on whichever path each is answered. */

const CALLS = 2500;

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertAccounts([anAccount()]);
  await database.insertXdrs(
    Array.from({ length: CALLS }, (_, index) => anXdr({ i_xdr: String(index + 1), remote_ip: '192.0.2.10' })),
  );
  // The address of the oldest call cannot be worked out: a statement that reads it fails in the middle.
  await database.pool.query(`
    alter table xdrs rename to stored;
    create view xdrs as select i_xdr, i_account, i_customer, cli, cld, connect_time, duration, charged_amount,
      case when i_xdr = 1 then (1 / (i_xdr - 1))::text else remote_ip end as remote_ip from stored;
    grant select on xdrs to gateway_reader`);
  await database.replayed();
  gateway = await createTestGateway(database, { settings: { ADMIN_MAX_PAGE: '50000' } });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const path = {
  streamed: (document: string) => gateway.query(document),
  // Whoever accepts nothing but parts is answered by the ordinary executor.
  async executed(document: string): Promise<GraphQLAnswer> {
    const response = await gateway.ask(document, {}, { headers: { accept: 'multipart/mixed' } });
    const text = await response.text();
    return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
  },
};

const failing: readonly (readonly [code: string, root: string])[] = [
  ['INVALID_ARGUMENT', 'cdrs(first: -1) { nodes { id } }'],
  ['INVALID_ARGUMENT', 'cdrs(first: 1, last: 1) { edges { cursor } }'],
  ['INVALID_ARGUMENT', 'cdrs(filter: { accountIds: ["x"] }) { totalCount }'],
  [
    'INVALID_TIME_RANGE',
    'cdrs(filter: { from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" }) { nodes { id } }',
  ],
  ['INVALID_CURSOR', 'cdrs(after: "nonsense") { nodes { id } pageInfo { endCursor } }'],
  ['PAGE_TOO_LARGE', 'cdrs(first: 60000) { nodes { id } }'],
  ['PAGE_TOO_LARGE', 'cdrs(first: 20000) { nodes { id } edges { cursor } }'],
  ['INTERNAL', `cdrs(first: ${CALLS}) { nodes { remoteIp } totalCount }`],
  ['INTERNAL', 'cdrs(orderBy: OLDEST_FIRST) { nodes { id remoteIp account { id } } }'],
  ['UNKNOWN_TIME_ZONE', 'cdrStats(timeZone: "Europe/Atlantis") { totals { attempts } }'],
  ['INVALID_ARGUMENT', 'cdrStats(groupBy: [DAY, HOUR]) { rows { attempts } }'],
  ['INVALID_ARGUMENT', 'cdrStats(first: -1) { rows { attempts } }'],
  ['INTERNAL', 'cdrStats(groupBy: [REMOTE_IP]) { rows { attempts } totals { attempts } }'],
];

const OTHERS = `
  viewer { name }
  list: cdrs(first: 2) { nodes { id } }
  two: cdrs(first: 1) { nodes { id } edges { node { id } } }
  stats: cdrStats { totals { attempts } }
  call: cdr(id: 7) { id }`;
const others = {
  viewer: { name: 'admin' },
  list: { nodes: [{ id: String(CALLS) }, { id: String(CALLS - 1) }] },
  two: { nodes: [{ id: String(CALLS) }], edges: [{ node: { id: String(CALLS) } }] },
  stats: { totals: { attempts: CALLS } },
  call: { id: '7' },
};

describe.each(Object.keys(path) as (keyof typeof path)[])('where the lists are %s', (way) => {
  test.each(failing)('%s of one root leaves the others: %s', async (code, root) => {
    for (const document of [`{ ${OTHERS} failed: ${root} }`, `{ failed: ${root} ${OTHERS} }`]) {
      // The second time the document is known.
      for (let time = 0; time < 2; time++) {
        const { data, errors, extensions } = await path[way](document);
        expect(data).toEqual({ ...others, failed: null });
        expect(errors).toHaveLength(1);
        expect(errors![0]).toMatchObject({ extensions: { code } });
        expect(errors![0]!.path![0]).toBe('failed');
        expect(extensions.replica.name).toMatch(/^replica-/);
        expect(extensions.complete).toBeUndefined();
      }
    }
  });

  test('each of several roots that fail is null beside its own error', async () => {
    const roots = failing.map(([, root], index) => `f${index}: ${root}`);
    const { data, errors } = await path[way](`{ ${roots.join('\n')} ${OTHERS} }`);
    expect(data).toEqual({ ...others, ...Object.fromEntries(roots.map((_, index) => [`f${index}`, null])) });
    const codes = Object.fromEntries(errors!.map(({ path: at, extensions }) => [at![0], extensions.code]));
    expect(codes).toEqual(Object.fromEntries(failing.map(([code], index) => [`f${index}`, code])));
  });
});

test('a list that fails behind one that is sent already is null, and the rest of the JSON is whole', async () => {
  const { data, errors } = await gateway.query(
    `{ sent: cdrs(first: ${CALLS}) { nodes { id } } failed: cdrs(first: 5, orderBy: OLDEST_FIRST) { nodes { id remoteIp } } ${OTHERS} }`,
  );
  expect(data.sent.nodes).toHaveLength(CALLS);
  expect(data).toEqual({ ...others, sent: data.sent, failed: null });
  expect(errors).toMatchObject([{ path: ['failed'], extensions: { code: 'INTERNAL' } }]);
});

test.each(failing)(
  '%s alone has the HTTP status of its code, and null for what failed: %s',
  async (code, root) => {
    const response = await gateway.ask(`{ failed: ${root} }`);
    const { data, errors } = (await response.json()) as GraphQLAnswer;
    expect(response.status).toBe(code === 'INTERNAL' ? 500 : 200);
    expect(data).toEqual({ failed: null });
    expect(errors).toMatchObject([{ extensions: { code } }]);
  },
);

test('a list of all its calls that is sent bit by bit fails alone', async () => {
  const { data, errors } = await path.executed(
    `{ failed: cdrs(first: -1) { ... @defer { totalCount } nodes @stream { id } } ${OTHERS} }`,
  );
  expect(data).toEqual({ ...others, failed: null });
  expect(errors).toMatchObject([{ path: ['failed'], extensions: { code: 'INVALID_ARGUMENT' } }]);
});
