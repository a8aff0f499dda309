import { ApolloClient, gql, HttpLink, NetworkStatus, type OperationVariables } from '@apollo/client';
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeNodeId } from '../../src/streaming/node-id.ts';
import { createCache } from './apollo/cache.ts';
import { CALLS, PAGE, type ServedCalls, serveCalls } from './served-calls.ts';

/** Apollo Client itself, over a real gateway. */

// biome-ignore lint/suspicious/noExplicitAny: without generated types an answer is what the test knows it to be
type Data = any;

let served: ServedCalls;
/** The types of the answers, in the order in which they came. */
const contentTypes: (string | null)[] = [];

beforeAll(async () => {
  served = await serveCalls();
});
afterAll(async () => {
  await served?.[Symbol.asyncDispose]();
});

function createClient(incrementalHandler?: ApolloClient.Options['incrementalHandler']): ApolloClient {
  return new ApolloClient({
    cache: createCache(),
    ...(incrementalHandler && { incrementalHandler }),
    link: new HttpLink({
      uri: served.gateway.url,
      headers: { authorization: `Bearer ${served.token}` },
      async fetch(...given) {
        const response = await fetch(...given);
        contentTypes.push(response.headers.get('content-type'));
        return response;
      },
    }),
  });
}

/** What the operation gives each time something of it has come; of what has come, a copy. */
async function steps(
  client: ApolloClient,
  query: string,
  variables: OperationVariables = {},
): Promise<Data[]> {
  const seen: Data[] = [];
  await new Promise<void>((resolve, reject) => {
    const watched = client.watchQuery<Data>({
      query: gql(query),
      variables,
      notifyOnNetworkStatusChange: true,
    });
    const subscription = watched.subscribe({
      next({ data, networkStatus, error }) {
        if (error) reject(error);
        if (data) seen.push(structuredClone(data));
        if (networkStatus !== NetworkStatus.ready) return;
        // It may be told of its first value before there is a subscription.
        queueMicrotask(() => subscription.unsubscribe());
        resolve();
      },
      error: reject,
    });
  });
  return seen;
}

const LIST = gql`
  query List($first: Int!, $after: String, $filter: CdrFilter) {
    cdrs(first: $first, after: $after, filter: $filter) {
      edges {
        cursor
        node {
          id
          cld
          account {
            id
            username
          }
          customer {
            id
            name
          }
        }
      }
      pageInfo {
        endCursor
        hasNextPage
        hasPreviousPage
        startCursor
      }
    }
  }
`;

const idsOf = ({ cdrs }: Data) => cdrs.edges.map(({ node }: Data) => node.id);

describe('with relayStylePagination', () => {
  test('fetchMore adds page to page, without a gap and without a call twice', async () => {
    const client = createClient();
    const list = client.watchQuery<Data>({ query: LIST, variables: { first: PAGE } });
    const first = Promise.withResolvers<Data>();
    const subscription = list.subscribe({
      next: (result) => result.dataState === 'complete' && first.resolve(result.data),
      error: first.reject,
    });
    let data = await first.promise;
    let requests = 1;
    while (data.cdrs.pageInfo.hasNextPage) {
      expect(idsOf(data)).toHaveLength(requests * PAGE);
      await list.fetchMore({ variables: { after: data.cdrs.pageInfo.endCursor } });
      requests++;
      data = client.readQuery({ query: LIST, variables: { first: PAGE } });
    }
    subscription.unsubscribe();
    expect(idsOf(data)).toEqual(served.calls.map(({ id }) => id));
    expect(requests).toBe(Math.ceil(CALLS / PAGE));
    expect(data.cdrs.pageInfo.hasPreviousPage).toBe(false);
  });

  test('another filter is another list, and each object is kept once, by its type and id', async () => {
    const client = createClient();
    const all = await client.query<Data>({ query: LIST, variables: { first: CALLS } });
    const some = await client.query<Data>({
      query: LIST,
      variables: { first: CALLS, filter: { accountIds: ['3'] } },
    });
    expect(idsOf(all.data).length).toBe(CALLS);
    expect(idsOf(some.data).length).toBe(Math.ceil(CALLS / 3));
    const kept = client.cache.extract() as Record<string, Data>;
    expect(Object.keys(kept).filter((key) => key.startsWith('Cdr:'))).toHaveLength(CALLS);
    expect(kept['Account:3'].username).toBe('account-three');
    expect(kept['Customer:3'].name).toBe('Acme Telecom');
  });

  test('one call of a list is read from the cache, and an object by its id in the whole API', async () => {
    const client = createClient();
    await client.query({ query: LIST, variables: { first: PAGE } });
    const before = contentTypes.length;
    const [{ id, nodeId }] = served.calls as [{ id: string; nodeId: string }];
    const one = await client.query<Data>({
      query: gql`query One($id: ID!) { cdr(id: $id) { id cld } }`,
      variables: { id },
    });
    expect(one.data.cdr.cld).toBe(`44207${999 + Number(id)}`);
    expect(contentTypes).toHaveLength(before);
    const nodes = await client.query<Data>({
      query: gql`query Nodes($nodeIds: [ID!]!) {
        nodes(nodeIds: $nodeIds) { nodeId ... on Cdr { id cld } ... on Account { id username } }
      }`,
      variables: { nodeIds: [nodeId, encodeNodeId({ type: 'Account', id: '3' })] },
    });
    expect(nodes.data.nodes).toMatchObject([
      { id, cld: one.data.cdr.cld },
      { id: '3', username: 'account-three' },
    ]);
  });
});

test('a call that there is not is null, also the second time', async () => {
  const client = createClient();
  for (let time = 0; time < 2; time++) {
    const { data } = await client.query<Data>({
      query: gql`query { cdr(id: "999") { id cld } account(id: "999") { id } }`,
    });
    expect(data).toEqual({ cdr: null, account: null });
  }
});

const STREAM = `query ($first: Int!) { cdrs(first: $first) { nodes @stream(initialCount: 3) { id cld } } }`;
const DEFER = `query { cdr(id: 1) { id ... @defer { cld account { id username } } } }`;

test('without a handler of parts it refuses the directives itself', async () => {
  const before = contentTypes.length;
  await expect(createClient().query({ query: gql(DEFER) })).rejects.toThrow('incremental');
  expect(contentTypes).toHaveLength(before);
});

describe.each([
  ['Defer20220824Handler', () => new Defer20220824Handler(), 'deferSpec=20220824'],
  ['GraphQL17Alpha9Handler', () => new GraphQL17Alpha9Handler(), 'incrementalSpec=v0.2'],
] as const)('with %s', (_, createHandler, spec) => {
  test('@stream gives the first calls first, and all of them in their order', async () => {
    const seen = await steps(createClient(createHandler()), STREAM, { first: CALLS });
    expect(contentTypes.at(-1)).toMatch(/^multipart\/mixed/);
    expect(contentTypes.at(-1)).toContain(spec);
    expect(seen[0].cdrs.nodes).toHaveLength(3);
    expect(seen.at(-1).cdrs.nodes.map(({ id }: Data) => id)).toEqual(served.calls.map(({ id }) => id));
  });

  test('@defer gives what is selected beside it first', async () => {
    const seen = await steps(createClient(createHandler()), DEFER);
    expect(contentTypes.at(-1)).toContain(spec);
    expect(seen[0].cdr).toEqual({ __typename: 'Cdr', id: '1' });
    expect(seen.at(-1).cdr).toMatchObject({ cld: '442071000', account: { username: 'account-three' } });
  });
});
