import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeNodeId, encodeNodeId, nodeTypes } from '../../src/streaming/node-id.ts';
import { aCustomer, anAccount, anXdr } from '../support/builders.ts';
import { columnFieldNames } from '../support/cdr-fields.ts';
import { ACCOUNT_ID, ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** In every text of other tenants, and nowhere else. */
const FOREIGN = 'foreign';
/** What every id of other tenants begins with; no id, amount or time of ours contains it. */
const FOREIGN_ID = '77777';

const OWN_CALLS = 60;
const foreignAccounts = ['7777701', '7777702'];

let database: TestDatabase;
let gateway: TestGateway;
/** Of the administrator, over everybody's calls. */
const adminCursors: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertCustomers([
    aCustomer(),
    aCustomer({ i_customer: '7777790', name: `${FOREIGN} customer` }),
  ]);
  await database.insertAccounts([
    anAccount(),
    ...foreignAccounts.map((i_account) =>
      anAccount({ i_account, i_customer: '7777790', username: `${FOREIGN} account`, currency: 'FOR' }),
    ),
  ]);
  const times = (index: number) => `2026-01-05 09:00:${String(index % 30).padStart(2, '0')}+00`;
  await database.insertXdrs([
    ...Array.from({ length: OWN_CALLS }, (_, index) =>
      anXdr({
        i_xdr: String(100 + index),
        connect_time: times(index),
        disconnect_cause: [16, 17, null][index % 3]!,
        duration: index % 2 === 0 ? '60.25' : '0',
      }),
    ),
    ...Array.from({ length: 300 }, (_, index) =>
      anXdr({
        i_xdr: `${FOREIGN_ID}${1000 + index}`,
        i_account: foreignAccounts[index % 2]!,
        i_customer: '7777790',
        connect_time: times(index),
        cli: `${FOREIGN} cli`,
        cld: `${FOREIGN} cld`,
        cli_in: FOREIGN,
        cld_in: FOREIGN,
        call_id: FOREIGN,
        prefix: FOREIGN,
        country: FOREIGN,
        region: FOREIGN,
        remote_ip: FOREIGN,
        user_agent: FOREIGN,
        release_source: FOREIGN,
        p_asserted_id: FOREIGN,
        disconnect_reason: FOREIGN,
        disconnect_cause: 7_777_701,
        charged_amount: `${FOREIGN_ID}.5`,
        duration: `${FOREIGN_ID}`,
        pdd: FOREIGN_ID,
        charged_quantity: 7_777_702,
        post_call_surcharge: `${FOREIGN_ID}.25`,
        i_protocol: 7_777,
      }),
    ),
  ]);
  await database.pool.query('analyze');
  gateway = await createTestGateway(database);
  const { data } = await gateway.query('{ cdrs(first: 360) { edges { cursor } } }');
  adminCursors.push(...data.cdrs.edges.map(({ cursor }: { cursor: string }) => cursor));
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function askAsAccount(document: string, variables: object = {}, headers: Record<string, string> = {}) {
  const response = await gateway.ask(document, variables, { token: ACCOUNT_TOKEN, headers });
  return response.text();
}

/** Nothing of another tenant, in no spelling: not a text, not an id, not an amount, not a sum. */
function expectNoTrace(body: string, asked: string): void {
  const isAnswer = body.startsWith('{"data"') || body.startsWith('{"errors"');
  const { data, errors } = isAnswer ? JSON.parse(body) : { data: body, errors: undefined };
  const told = JSON.stringify([data, withoutWhatWasAsked(errors)]).replaceAll(/[\w-]{6,}/g, withoutBase64);
  if (told.includes(FOREIGN) || told.includes(FOREIGN_ID)) expect({ asked, told }).toBe('without a trace');
}

/** The ids of nodes as what they say. */
function withoutBase64(word: string): string {
  const key = decodeNodeId(word);
  return key ? `${key.type}:${key.id}` : word;
}

/** A message may quote the id that the caller sent. */
function withoutWhatWasAsked(errors: readonly { message: string }[] | undefined): unknown {
  return errors?.map(({ message, ...rest }) => ({ ...rest, message: message.replaceAll(/"[^"]*"/g, '') }));
}

const fields = [
  ...columnFieldNames,
  'currency',
  'nodeId',
  'account { id nodeId username currency customer { id nodeId name } }',
  'customer { id name }',
];

const selection = fc.subarray(fields, { minLength: 1 }).map((chosen) => chosen.join(' '));
const ids = fc.constantFrom(ACCOUNT_ID, ...foreignAccounts, '99');
const match = fc.constantFrom(
  '{ startsWith: "foreign" }',
  '{ contains: "" }',
  `{ is: "${FOREIGN} cli" }`,
  '{ endsWith: "\' or true --" }',
);
const filter = fc
  .record(
    {
      accountIds: fc.array(ids, { maxLength: 3 }).map((list) => JSON.stringify(list)),
      customerIds: fc.constantFrom('[3]', '[7777790]', '[3, 7777790]', '[]'),
      cli: match,
      cld: match,
      type: fc.constantFrom('ALL', 'NON_ZERO', 'ERRORS'),
      countries: fc.constantFrom(`["${FOREIGN}"]`, '["United Kingdom"]'),
      outcomes: fc.constantFrom('[ANSWERED]', '[NETWORK, BUSY]'),
      disconnectCauses: fc.constantFrom('[7777701]', '[16]'),
      remoteIp: fc.constantFrom(`"${FOREIGN}"`, '"192.0.2.10"'),
      from: fc.constant('"2020-01-01T00:00:00Z"'),
      maxDurationSeconds: fc.constantFrom('"1e9"', '10'),
    },
    { requiredKeys: [] },
  )
  .map((parts) => {
    const given = Object.entries(parts).slice(0, 3);
    return `filter: { ${given.map(([name, value]) => `${name}: ${value}`).join(', ')} }`;
  });

const connection = fc
  .tuple(
    fc.constantFrom('nodes', 'edges'),
    selection,
    fc.constantFrom(
      '',
      'totalCount',
      'estimatedCount',
      'pageInfo { hasNextPage startCursor }',
      'all: edges { cursor }',
    ),
  )
  .map(
    ([list, body, other]) =>
      `${list === 'nodes' ? `nodes { ${body} }` : `edges { cursor node { ${body} } }`} ${other}`,
  );

const cdrs = fc
  .tuple(
    fc.oneof({ weight: 2, arbitrary: filter }, { weight: 1, arbitrary: fc.constant('') }),
    fc.constantFrom('first: 500', 'last: 500', 'first: 7', ''),
    fc.option(fc.nat({ max: 359 })),
    fc.constantFrom('after', 'before'),
    connection,
  )
  .map(([where, size, cursor, side, body]) => {
    // The administrator's cursors are of the list without a filter.
    const place = cursor === null ? [where] : [`${side}: "${adminCursors[cursor]}"`];
    const given = [...place, size].filter(Boolean).join(', ');
    return `cdrs${given ? `(${given})` : ''} { ${body} }`;
  });

const measures =
  'attempts answered failed asr ner acdSeconds pddSeconds minutes billedMinutes chargedAmount shortCalls amountsByCurrency { currency chargedAmount calls }';
const dimensions = [
  'DAY',
  'ACCOUNT',
  'CUSTOMER',
  'CURRENCY',
  'COUNTRY',
  'PREFIX',
  'CLD',
  'DISCONNECT_CAUSE',
  'OUTCOME',
];
const stats = fc
  .tuple(
    fc.oneof(filter, fc.constant('')),
    fc.subarray(dimensions, { maxLength: 3 }),
    fc.constantFrom(
      '',
      'orderBy: { measure: CHARGED_AMOUNT }',
      'having: [{ measure: ATTEMPTS, atLeast: 1 }]',
    ),
  )
  .map(([where, groupBy, more]) => {
    const given = [where, `groupBy: [${groupBy.join(' ')}]`, more].filter(Boolean).join(', ');
    return `cdrStats(${given}) {
      rows { bucket accountId customerId currency country prefix cld disconnectCause outcome ${measures} }
      totals { ${measures} }
    }`;
  });

const single = fc
  .tuple(fc.constantFrom(`${FOREIGN_ID}1000`, '100', `${FOREIGN_ID}1299`), selection)
  .map(([id, body]) => `cdr(id: ${id}) { ${body} }`);
const node = fc
  .tuple(
    fc.constantFrom(...nodeTypes),
    fc.constantFrom(`${FOREIGN_ID}1000`, '100', '3', '7777790', ACCOUNT_ID, '7777701'),
    selection,
  )
  .map(([type, id, body]) => {
    const nodeId = encodeNodeId({ type, id });
    const all = '__typename nodeId ... on Account { id username currency } ... on Customer { id name }';
    return `nodes(nodeIds: ["${nodeId}", "${encodeNodeId({ type, id: '14' })}"]) { ${all} ... on Cdr { ${body} } }`;
  });
const account = ids.map((id) => `account(id: ${id}) { id username currency blocked customer { id name } }`);

const document = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: cdrs },
      stats,
      single,
      node,
      account,
      fc.constant('viewer { name role accountIds }'),
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((roots) => `{ ${roots.map((root, index) => `r${index}: ${root}`).join('\n')} }`);

test('no query of an account finds a trace of another, in whatever field, filter, cursor or sum', async () => {
  let shown = 0;
  await fc.assert(
    fc.asyncProperty(document, async (asked) => {
      const body = await askAsAccount(asked);
      expectNoTrace(body, asked);
      if (body.includes('"data":{')) shown++;
    }),
    { numRuns: 400, seed: 41 },
  );
  // Refusals would show nothing.
  expect(shown).toBeGreaterThan(300);
});

test('the administrator does see those traces, so that their absence means something', async () => {
  const { data } = await gateway.query(
    '{ cdrs(first: 360) { nodes { cli accountId nodeId } totalCount } cdrStats(groupBy: [ACCOUNT]) { rows { accountId } } }',
  );
  const told = JSON.stringify(data);
  expect(told).toContain(FOREIGN);
  expect(told).toContain(FOREIGN_ID);
  expect(data.cdrs.totalCount).toBe(360);
});

test('no file of an account holds a line of another', async () => {
  await fc.assert(
    fc.asyncProperty(filter, fc.constantFrom('text/csv', 'application/x-ndjson'), async (where, accept) => {
      const asked = `{ cdrs(first: 500, ${where}) { nodes { id nodeId accountId cli cld callId country chargedAmount } } }`;
      expectNoTrace(await askAsAccount(asked, {}, { accept }), asked);
    }),
    { numRuns: 60, seed: 42 },
  );
  const whole = await askAsAccount('{ cdrs(first: 500) { nodes { id } } }', {}, { accept: 'text/csv' });
  expect(whole.trim().split('\r\n')).toHaveLength(1 + OWN_CALLS);
});

describe('a cursor of the administrator', () => {
  test('points an account to its own calls behind it', async () => {
    for (const cursor of adminCursors.filter((_, index) => index % 40 === 0)) {
      const page = `($at: String) { behind: cdrs(after: $at, first: 500) { nodes { id } } ahead: cdrs(before: $at, first: 500) { nodes { id } } }`;
      const body = await askAsAccount(`query ${page}`, { at: cursor });
      const { behind, ahead } = JSON.parse(body).data;
      expectNoTrace(body, cursor);
      // The cursor's own call is another's, or one of these sixty.
      expect(OWN_CALLS - behind.nodes.length - ahead.nodes.length).toBeLessThanOrEqual(1);
      expect(OWN_CALLS - behind.nodes.length - ahead.nodes.length).toBeGreaterThanOrEqual(0);
    }
  });
});

test('sums and counts are those of the account alone', async () => {
  const { data } = JSON.parse(
    await askAsAccount(`{
      cdrs { totalCount } foreign: cdrs(filter: { accountIds: ["7777701"] }) { totalCount }
      cdrStats { totals { attempts billedMinutes } } others: cdrStats(filter: { customerIds: [7777790] }) { totals { attempts chargedAmount } }
    }`),
  );
  expect(data).toEqual({
    cdrs: { totalCount: OWN_CALLS },
    foreign: { totalCount: 0 },
    cdrStats: { totals: { attempts: OWN_CALLS, billedMinutes: String(61) } },
    others: { totals: { attempts: 0, chargedAmount: '0' } },
  });
});

test('a token of several accounts sees the calls of each, in one list, and of no other', async () => {
  await using several = await createTestGateway(database, { settings: { ACCOUNT_ID: '14,7777701' } });
  const ids: string[] = [];
  for (let after: string | null = null; ; ) {
    const { data } = await several.query(
      'query ($after: String) { cdrs(first: 37, after: $after) { nodes { id accountId } pageInfo { hasNextPage endCursor } } viewer { accountIds } }',
      { after },
      { token: ACCOUNT_TOKEN },
    );
    expect(data.viewer.accountIds).toEqual(['14', '7777701']);
    for (const { id, accountId } of data.cdrs.nodes) {
      expect(['14', '7777701']).toContain(accountId);
      ids.push(id);
    }
    if (!data.cdrs.pageInfo.hasNextPage) break;
    after = data.cdrs.pageInfo.endCursor;
  }
  expect(new Set(ids).size).toBe(OWN_CALLS + 150);
  const narrowed = await several.query(
    '{ cdrs(first: 500, filter: { accountIds: [14, 7777702] }) { nodes { accountId } totalCount } }',
    {},
    { token: ACCOUNT_TOKEN },
  );
  expect(narrowed.data.cdrs.totalCount).toBe(OWN_CALLS);
});
