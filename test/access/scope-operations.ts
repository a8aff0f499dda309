import type { SourceName } from '../../src/db/sources/sources.ts';
import { encodeNodeId } from '../../src/streaming/node-id.ts';
import { type Call, instantOf, passes } from '../schema/calls-oracle.ts';
import type { GraphQLAnswer, TestGateway } from '../support/gateway.ts';
import { currencyOf, customerOf, nameOfCustomer, usernameOf, type Visible } from './scope-oracle.ts';

/** Something that can be asked of the gateway, and what the answer must be for whoever sees this much. */
export interface Operation {
  readonly name: string;
  run(gateway: TestGateway, token: string): Promise<unknown>;
  expected(visible: Visible, source: SourceName): unknown;
}

/** The answer's data, as `read` shows it. */
function query(
  name: string,
  document: string,
  read: (data: GraphQLAnswer['data']) => unknown,
  expected: Operation['expected'],
): Operation {
  return {
    name,
    async run(gateway, token) {
      const { data, errors } = await gateway.query(document, {}, { token });
      return errors ? { errors } : read(data);
    },
    expected,
  };
}

/** The ids in the text of the answer, in order. What stands behind the id tells a call from a part of the answer. */
function download(
  name: string,
  document: string,
  accept: string,
  expected: Operation['expected'],
): Operation {
  return {
    name,
    async run(gateway, token) {
      const text = await (await gateway.ask(document, {}, { token, headers: { accept } })).text();
      const ids =
        accept === 'text/csv' ? text.matchAll(/^"?(\d+)"?,/gm) : text.matchAll(/"id":"(\d+)","account/g);
      return [...ids].map(([, id]) => id);
    },
    expected,
  };
}

function grafana(
  name: string,
  path: string,
  body: object,
  read: (body: GraphQLAnswer['data']) => unknown,
  expected: Operation['expected'],
): Operation {
  return {
    name,
    async run(gateway, token) {
      const response = await gateway.fetch(
        new gateway.Request(`http://gateway/grafana/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
          body: JSON.stringify({
            ...body,
            range: { from: '2026-01-05T00:00:00Z', to: '2026-01-06T00:00:00Z' },
          }),
        }),
      );
      const answer = await response.json();
      return response.status === 200 ? read(answer) : answer;
    },
    expected,
  };
}

const idsOf = (calls: readonly Call[]) => calls.map(({ i_xdr }) => i_xdr);
const ids = (nodes: readonly { id: string }[]) => nodes.map(({ id }) => id);
const nodeIdOf = ({ i_xdr: id }: Call) => encodeNodeId({ type: 'Cdr', id });
const isRecent = ({ micros }: Call) => instantOf(micros).startsWith('2026');

/** How many calls have each value, the most first and then the smallest value. */
function countBy(calls: readonly Call[], keyOf: (call: Call) => unknown): [string | null, number][] {
  const counts = new Map<string | null, number>();
  for (const call of calls) {
    const key = keyOf(call) == null ? null : String(keyOf(call));
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].toSorted(([a, many], [b, few]) => few - many || Number(a ?? 1e9) - Number(b ?? 1e9));
}

/** An account as its loader shows it: nothing but the id where it may not be seen. */
const accountOf = (id: string, { sees }: Visible, source: SourceName) =>
  sees('account', id)
    ? { id, username: usernameOf(id), customer: customerOfAccount(customerOf[id] ?? null, source) }
    : { id, username: null, customer: null };

/** Who sees an account sees who owns it. A Sippy has no table of customers. */
const customerOfAccount = (id: string | null, source: SourceName) =>
  id && { id, name: source === 'sippy' ? null : nameOfCustomer[id] };

const customerNamed = (id: string | null, { sees }: Visible, source: SourceName) =>
  id && { id, name: source === 'xdrs' && sees('customer', id) ? nameOfCustomer[id] : null };

/** Calls of the last year, without the many before. */
const FEW = 'filter: { from: "2026-01-01T00:00:00Z" }';

const pages: readonly Operation[] = [
  query(
    'a page',
    '{ cdrs(first: 7) { nodes { id } pageInfo { hasNextPage } totalCount } }',
    ({ cdrs }) => [ids(cdrs.nodes), cdrs.pageInfo.hasNextPage, cdrs.totalCount],
    ({ calls: own }) => [idsOf(own.slice(0, 7)), own.length > 7, own.length],
  ),
  query(
    'a page with accounts and customers',
    `{ cdrs(first: 9, ${FEW}) { nodes { id account { id username customer { id name } } customer { id name } } } }`,
    ({ cdrs }) => cdrs.nodes,
    (visible, source) =>
      visible.calls
        .filter(isRecent)
        .slice(0, 9)
        .map(({ i_xdr, i_account, i_customer }) => ({
          id: i_xdr,
          account: accountOf(i_account, visible, source),
          customer: customerNamed(i_customer == null ? null : String(i_customer), visible, source),
        })),
  ),
  query(
    'the first calls, oldest first',
    '{ cdrs(first: 3, orderBy: OLDEST_FIRST) { edges { node { id } cursor } } }',
    ({ cdrs }) => cdrs.edges.map(({ node }: { node: { id: string } }) => node.id),
    ({ calls: own }) => idsOf(own.toReversed().slice(0, 3)),
  ),
  query(
    'a page by a number',
    '{ cdrs(first: 5, filter: { cld: { startsWith: "33" } }) { nodes { id } } }',
    ({ cdrs }) => ids(cdrs.nodes),
    ({ calls: own }) => idsOf(own.filter(({ cld }) => cld?.startsWith('33')).slice(0, 5)),
  ),
  query(
    'a page of two accounts',
    '{ cdrs(first: 6, filter: { accountIds: [14, 16] }) { nodes { id } } }',
    ({ cdrs }) => ids(cdrs.nodes),
    ({ calls: own }) => idsOf(own.filter(({ i_account }) => ['14', '16'].includes(i_account)).slice(0, 6)),
  ),
  query(
    'a page of customers',
    '{ cdrs(first: 6, filter: { customerIds: [3, 5] }) { nodes { id } } }',
    ({ cdrs }) => ids(cdrs.nodes),
    ({ calls: own }) =>
      idsOf(own.filter(({ i_customer }) => ['3', '5'].includes(String(i_customer))).slice(0, 6)),
  ),
];

/** Filters that would let through everybody's calls, were they not of the principal's alone. */
const others: readonly Operation[] = [
  query(
    'all but those of two accounts, listed, counted and measured',
    `query { cdrs(first: 400, filter: { from: "2026-01-01T00:00:00Z", not: { accountIds: [14, 16] } }) { nodes { id } totalCount }
       cdrStats(filter: { from: "2026-01-01T00:00:00Z", not: { accountIds: [14, 16] } }) { totals { attempts } } }`,
    ({ cdrs, cdrStats }) => [ids(cdrs.nodes), cdrs.totalCount, cdrStats.totals.attempts],
    ({ calls: own }) => {
      const left = own.filter((call) => isRecent(call) && !['14', '16'].includes(call.i_account));
      return [idsOf(left), left.length, left.length];
    },
  ),
  query(
    'all but none, and any of everything',
    `{ none: cdrs(last: 5, filter: { not: { customerIds: [] } }) { nodes { id } estimatedCount }
       any: cdrs(first: 5, filter: { anyOf: [{ accountIds: [15] }, { not: { accountIds: [15] } }] }) { nodes { id } } }`,
    ({ none, any }) => [ids(none.nodes), ids(any.nodes)],
    ({ calls: own }) => [idsOf(own.slice(-5)), idsOf(own.slice(0, 5))],
  ),
  download(
    'a file of all but one account',
    '{ cdrs(first: 400, filter: { from: "2026-01-01T00:00:00Z", not: { accountIds: [14] } }) { nodes { id accountId } } }',
    'text/csv',
    ({ calls: own }) => idsOf(own.filter((call) => isRecent(call) && call.i_account !== '14')),
  ),
];

const lists: readonly Operation[] = [
  query(
    'the last calls',
    `{ cdrs(last: 4, ${FEW}) { nodes { id } } }`,
    ({ cdrs }) => ids(cdrs.nodes),
    ({ calls: own }) => idsOf(own.filter(isRecent).slice(-4)),
  ),
  query(
    'a long end of the list',
    '{ cdrs(last: 10001) { nodes { id } } }',
    ({ cdrs }) => ids(cdrs.nodes).join(),
    ({ calls: own }) => idsOf(own.slice(-10_001)).join(),
  ),
  download(
    'a file',
    `{ cdrs(first: 400, ${FEW}) { nodes { id accountId } } }`,
    'text/csv',
    ({ calls: own }) => idsOf(own.filter(isRecent)),
  ),
  download(
    'a file of lines',
    `{ cdrs(first: 400, ${FEW}) { nodes { id accountId } } }`,
    'application/x-ndjson',
    ({ calls: own }) => idsOf(own.filter(isRecent)),
  ),
  download(
    'a list in parts',
    `{ cdrs(first: 1200, ${FEW}) { nodes @stream(initialCount: 2) { id account { username } } } }`,
    'multipart/mixed',
    ({ calls: own }) => idsOf(own.filter(isRecent)),
  ),
];

const lookups: readonly Operation[] = [
  ...['14', '16', '18'].map((id) =>
    query(
      `account ${id}`,
      `{ account(id: ${id}) { id username customer { id name } } }`,
      ({ account }) => account,
      (visible, source) => (visible.sees('account', id) ? accountOf(id, visible, source) : null),
    ),
  ),
];

const NODE =
  '__typename ... on Account { id username customer { id name } } ... on Customer { id name } ... on Cdr { id accountId }';

/** Accounts and customers, also those of other tenants; a customer of the source sippy is in no table. */
const nodes: readonly Operation[] = [
  query(
    'accounts and customers by their ids in the whole API',
    `{ nodes(nodeIds: ${JSON.stringify([
      ...['14', '16', '19'].map((id) => encodeNodeId({ type: 'Account', id })),
      ...['3', '4', '6'].map((id) => encodeNodeId({ type: 'Customer', id })),
    ])}) { ${NODE} } }`,
    ({ nodes: found }) => found,
    (visible, source) => [
      ...['14', '16', '19'].map((id) =>
        visible.sees('account', id) ? { __typename: 'Account', ...accountOf(id, visible, source) } : null,
      ),
      ...['3', '4', '6'].map((id) =>
        source === 'xdrs' && visible.sees('customer', id)
          ? { __typename: 'Customer', id, name: nameOfCustomer[id] }
          : null,
      ),
    ],
  ),
];

const statistics: readonly Operation[] = [
  query(
    'counts',
    `{ all: cdrs { totalCount estimatedCount }
       answered: cdrs(filter: { type: NON_ZERO, from: "2026-01-01T00:00:00Z" }) { totalCount estimatedCount } }`,
    ({ all, answered }) => [
      all.totalCount,
      Math.abs(all.estimatedCount / Math.max(all.totalCount, 1) - 1) < 0.1 || all.totalCount === 0,
      answered.totalCount,
    ],
    ({ calls: own }) => [
      own.length,
      true,
      own.filter((call) => isRecent(call) && passes(call, { type: 'NON_ZERO' })).length,
    ],
  ),
  {
    name: 'a file of statistics, with the names of accounts',
    async run(gateway, token) {
      const document =
        '{ cdrStats(groupBy: [ACCOUNT]) { rows { accountId account { id username } attempts } } }';
      const response = await gateway.ask(
        document,
        {},
        { token, headers: { accept: 'application/x-ndjson' } },
      );
      const lines = (await response.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => {
        const { accountId, account, attempts } = JSON.parse(line);
        return [accountId, account.id, account.username, attempts];
      });
    },
    expected: ({ calls: own }) =>
      countBy(own, ({ i_account }) => i_account)
        .toSorted(([a], [b]) => Number(a) - Number(b))
        .map(([id, attempts]) => [id, id, usernameOf(String(id)), attempts]),
  },
  query(
    'statistics by account',
    '{ cdrStats(groupBy: [ACCOUNT]) { rows { accountId attempts } totals { attempts chargedAmount } } }',
    ({ cdrStats: { rows, totals } }) => [
      rows.map(({ accountId, attempts }: { accountId: string; attempts: number }) => [accountId, attempts]),
      totals.attempts,
    ],
    ({ calls: own }) => [
      countBy(own, ({ i_account }) => i_account).toSorted(([a], [b]) => Number(a) - Number(b)),
      own.length,
    ],
  ),
  query(
    'statistics by currency, and what was charged in each',
    `{ cdrStats(groupBy: [CURRENCY]) {
         rows { currency attempts medianDurationSeconds }
         totals { chargedAmount amountsByCurrency { currency calls } } } }`,
    ({ cdrStats: { rows, totals } }) => [
      rows.map(({ currency, attempts }: { currency: string; attempts: number }) => [currency, attempts]),
      totals.amountsByCurrency.map(({ currency, calls }: { currency: string; calls: number }) => [
        currency,
        calls,
      ]),
      totals.chargedAmount === null,
    ],
    ({ calls: own, sees }) => {
      const expected = countBy(own, ({ i_account }) =>
        sees('account', i_account) ? currencyOf[i_account]! : null,
      ).toSorted(([a], [b]) => ((a ?? 'ZZZ') < (b ?? 'ZZZ') ? -1 : 1));
      return [expected, expected, expected.length > 1];
    },
  ),
  query(
    'the currency of each call',
    `{ cdrs(first: 40, ${FEW}) { nodes { id currency } } }`,
    ({ cdrs: { nodes } }) =>
      nodes.map(({ id, currency }: { id: string; currency: string }) => [id, currency]),
    ({ calls: own, sees }) =>
      own
        .filter(isRecent)
        .slice(0, 40)
        .map(({ i_xdr, i_account }) => [i_xdr, sees('account', i_account) ? currencyOf[i_account] : null]),
  ),
  query(
    'statistics by customer and day, in a zone',
    `{ cdrStats(groupBy: [CUSTOMER, DAY], timeZone: "Europe/Paris", ${FEW}) { rows { customerId attempts } } }`,
    ({ cdrStats: { rows } }) =>
      rows.map(({ customerId, attempts }: { customerId: string; attempts: number }) => [
        customerId,
        attempts,
      ]),
    ({ calls: own }) =>
      countBy(own.filter(isRecent), ({ i_customer }) => i_customer).toSorted(
        ([a], [b]) => Number(a ?? 1e9) - Number(b ?? 1e9),
      ),
  ),
];

const ofGrafana: readonly Operation[] = [
  grafana(
    'a table of Grafana by account',
    'query',
    { targets: [{ refId: 'A', target: 'calls_table', payload: { groupBy: 'ACCOUNT' } }] },
    ([frame]) => columnsOf(frame, 'account', 'username', 'attempts'),
    (visible) =>
      countBy(visible.calls.filter(isRecent), ({ i_account }) => i_account).map(([id, attempts]) => [
        id,
        visible.sees('account', id!) ? usernameOf(id!) : null,
        attempts,
      ]),
  ),
  grafana(
    'lines of Grafana by customer',
    'query',
    {
      targets: [{ refId: 'A', target: 'calls_attempts', payload: { groupBy: 'CUSTOMER', bucket: 'DAY' } }],
    },
    (frames) =>
      frames
        .filter(({ data }: { data: { values: unknown[][] } }) => data.values.length > 0)
        .map(({ schema, data }: { schema: { name: string }; data: { values: number[][] } }) => [
          schema.name,
          data.values[1]!.reduce((sum, value) => sum + value, 0),
        ]),
    // In the order of the ids, as the groups are: a name is only what a line is called.
    ({ calls: own, sees }, source) =>
      countBy(own.filter(isRecent), ({ i_customer }) => i_customer)
        .filter(([id]) => id !== null)
        .map(([id, attempts]) => [
          source === 'xdrs' && sees('customer', id!) ? nameOfCustomer[id!] : id,
          attempts,
        ]),
  ),
  grafana(
    'the accounts that Grafana offers',
    'variable',
    { payload: { target: 'accounts' } },
    (options) => options.map(({ __text: text }: { __text: string }) => text),
    (visible) =>
      countBy(visible.calls.filter(isRecent), ({ i_account }) => i_account).map(([id]) =>
        visible.sees('account', id!) ? `${usernameOf(id!)} (${id})` : id,
      ),
  ),
];

/** `cursors` are the administrator's, of the list without a filter, by the place of their call in it. */
export function operationsFor(calls: readonly Call[], cursors: ReadonlyMap<number, string>): Operation[] {
  const places = new Map(calls.map((call, index) => [call, index]));
  const behind = (place: number, visible: Visible) =>
    visible.calls.filter((call) => places.get(call)! > place);
  const [place] = [...cursors.keys()];
  const foreign = calls[place!]!;
  return [
    ...pages,
    ...others,
    ...lists,
    ...lookups,
    ...nodes,
    ...statistics,
    ...ofGrafana,
    ...[...cursors].map(([at, cursor]) =>
      query(
        `the page behind call ${at}`,
        `{ cdrs(first: 4, after: "${cursor}") { nodes { id } } }`,
        ({ cdrs }) => ids(cdrs.nodes),
        (visible) => idsOf(behind(at, visible).slice(0, 4)),
      ),
    ),
    query(
      'calls by their ids in the whole API, one by one and together',
      `{ node(nodeId: "${nodeIdOf(foreign)}") { ${NODE} }
         nodes(nodeIds: ${JSON.stringify([foreign, calls[0]!, calls.at(-1)!].map(nodeIdOf))}) { ${NODE} } }`,
      ({ node, nodes: found }) => [node, ...found],
      ({ calls: own }) =>
        [foreign, foreign, calls[0]!, calls.at(-1)!].map((call) =>
          own.includes(call) ? { __typename: 'Cdr', id: call.i_xdr, accountId: call.i_account } : null,
        ),
    ),
    query(
      'one call',
      `{ cdr(id: ${foreign.i_xdr}) { id accountId } }`,
      ({ cdr }) => cdr,
      ({ calls: own }) =>
        own.includes(foreign) ? { id: foreign.i_xdr, accountId: foreign.i_account } : null,
    ),
  ];
}

/** Rows of a frame, with these columns. */
function columnsOf(frame: GraphQLAnswer['data'], ...names: string[]): unknown[][] {
  const columns = names.map((name) => {
    const index = frame.schema.fields.findIndex((field: { name: string }) => field.name === name);
    return frame.data.values[index] as unknown[];
  });
  return columns[0]!.map((_, row) => columns.map((column) => column[row]));
}
