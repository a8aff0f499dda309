import { Client, type Exchange, fetchExchange, gql } from '@urql/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeNodeId } from '../../src/streaming/node-id.ts';
import { CALLS, PAGE, type ServedCalls, serveCalls } from './served-calls.ts';
import { createCache } from './urql/cache.ts';

/** urql itself, over a real gateway. */

// biome-ignore lint/suspicious/noExplicitAny: without generated types an answer is what the test knows it to be
type Data = any;

let served: ServedCalls;
const contentTypes: (string | null)[] = [];

beforeAll(async () => {
  served = await serveCalls();
});
afterAll(async () => {
  await served?.[Symbol.asyncDispose]();
});

function createClient(cache: Exchange[], headers: Record<string, string> = {}): Client {
  return new Client({
    url: served.gateway.url,
    preferGetMethod: false,
    exchanges: [...cache, fetchExchange],
    fetchOptions: { headers: { authorization: `Bearer ${served.token}`, ...headers } },
    async fetch(...given) {
      const response = await fetch(...given);
      contentTypes.push(response.headers.get('content-type'));
      return response;
    },
  });
}

/** What the operation gives each time something of it has come; of what has come, a copy. */
async function steps(client: Client, query: string, variables: object = {}): Promise<Data[]> {
  const seen: Data[] = [];
  await new Promise<void>((resolve, reject) => {
    const { unsubscribe } = client.query(query, variables).subscribe(({ data, error, hasNext, stale }) => {
      if (error) reject(error);
      if (data) seen.push(structuredClone(data));
      if (hasNext || stale) return;
      queueMicrotask(() => unsubscribe());
      resolve();
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
      nodes {
        id
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

describe('with graphcache and relayPagination', () => {
  test('page is added to page, without a gap and without a call twice', async () => {
    const client = createClient([createCache()]);
    const page = async (after: string | null): Promise<Data> => {
      const { data, error } = await client.query(LIST, { first: PAGE, after }).toPromise();
      expect(error).toBeUndefined();
      return data;
    };
    let data = await page(null);
    let requests = 1;
    while (data.cdrs.pageInfo.hasNextPage) {
      expect(idsOf(data)).toHaveLength(requests * PAGE);
      data = await page(data.cdrs.pageInfo.endCursor);
      requests++;
    }
    expect(idsOf(data)).toEqual(served.calls.map(({ id }) => id));
    expect(data.cdrs.nodes.map(({ id }: Data) => id)).toEqual(idsOf(data));
    expect(requests).toBe(Math.ceil(CALLS / PAGE));
  });

  test('an object is kept once, by its type and id, and read from there', async () => {
    const client = createClient([createCache()]);
    const { data } = await client.query(LIST, { first: CALLS }).toPromise();
    for (const { node } of data.cdrs.edges) {
      const isThree = node.account.id === '3';
      expect(node.account.username).toBe(isThree ? 'account-three' : 'acme-dialler');
      expect(node.customer).toMatchObject(
        isThree ? { id: '4', name: 'Another' } : { id: '3', name: 'Acme Telecom' },
      );
    }
    const before = contentTypes.length;
    const one = await client
      .query('query ($id: ID!) { cdr(id: $id) { id cld account { id username } } }', { id: '1' })
      .toPromise();
    expect(one.data.cdr).toMatchObject({ cld: '442071000', account: { username: 'account-three' } });
    expect(contentTypes).toHaveLength(before);
  });

  test('no type is without a key, and no fragment on a node is guessed: it has nothing to warn of', async () => {
    const warnings: string[] = [];
    const { warn } = console;
    console.warn = (...given: unknown[]) => warnings.push(given.join(' '));
    try {
      const client = createClient([createCache()]);
      const { error } = await client
        .query(
          `query ($nodeIds: [ID!]!) {
            viewer { role } nodes(nodeIds: $nodeIds) { nodeId ... on Account { id } ... on Customer { id } }
            cdrs(first: 2) { edges { node { id carrier { country } } } pageInfo { endCursor } }
            cdrStats(groupBy: [DAY]) { rows { attempts amountsByCurrency { currency } } totals { attempts } }
            replicationStatus { status replicas { name staleness { maxSeconds } } primary { status } }
          }`,
          {
            nodeIds: [
              encodeNodeId({ type: 'Account', id: '3' }),
              encodeNodeId({ type: 'Customer', id: '3' }),
            ],
          },
        )
        .toPromise();
      expect(error).toBeUndefined();
    } finally {
      console.warn = warn;
    }
    expect(warnings).toEqual([]);
  });
});

test('a call that there is not is null, also the second time', async () => {
  const client = createClient([createCache()]);
  for (let time = 0; time < 2; time++) {
    const { data, error } = await client
      .query('query { cdr(id: "999") { id cld } account(id: "999") { id username } }', {})
      .toPromise();
    expect(error).toBeUndefined();
    expect(data).toEqual({ cdr: null, account: null });
  }
});

const STREAM = `query ($first: Int!) { cdrs(first: $first) { nodes @stream(initialCount: 3) { id cld } } }`;
const DEFER = `query { cdr(id: 1) { id ... @defer { cld account { id username } } } }`;
const OLDER = { accept: 'multipart/mixed;deferSpec=20220824, application/json' };

const streamed = async (headers?: Record<string, string>) => {
  const seen = await steps(createClient([], headers), STREAM, { first: CALLS });
  return seen.map(({ cdrs }) => cdrs.nodes.map(({ id }: Data) => id));
};

describe('as it asks by itself', () => {
  test('@defer gives what is selected beside it first', async () => {
    const seen = await steps(createClient([]), DEFER);
    expect(contentTypes.at(-1)).toMatch(/^(multipart\/mixed|text\/event-stream)/);
    expect(seen[0].cdr).toEqual({ id: '1' });
    expect(seen.at(-1).cdr).toMatchObject({ cld: '442071000', account: { username: 'account-three' } });
  });

  test('@stream loses all calls but the first: it does not put the items of the specification into their list', async () => {
    // Where this fails, urql has learnt it: say so in docs/clients.md.
    const seen = await streamed();
    expect(seen.at(-1)).toEqual(served.calls.slice(0, 3).map(({ id }) => id));
  });
});

describe('asked for the older format', () => {
  test('@defer gives what is selected beside it first', async () => {
    const seen = await steps(createClient([], OLDER), DEFER);
    expect(contentTypes.at(-1)).toContain('deferSpec=20220824');
    expect(seen[0].cdr).toEqual({ id: '1' });
    expect(seen.at(-1).cdr).toMatchObject({ cld: '442071000', account: { username: 'account-three' } });
  });

  test('@stream gives the first calls first, and all of them in their order', async () => {
    const seen = await streamed(OLDER);
    expect(seen[0]).toHaveLength(3);
    expect(seen.at(-1)).toEqual(served.calls.map(({ id }) => id));
  });

  test('so it does behind graphcache', async () => {
    const seen = await steps(createClient([createCache()], OLDER), STREAM, { first: CALLS });
    expect(seen.at(-1).cdrs.nodes.map(({ id }: Data) => id)).toEqual(served.calls.map(({ id }) => id));
  });
});
