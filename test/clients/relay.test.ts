import {
  createOperationDescriptor,
  type Environment,
  fetchQuery,
  getSelector,
  type OperationType,
  type Variables,
} from 'relay-runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeNodeId } from '../../src/streaming/node-id.ts';
import { type Compiled, compileOperations, hasRelayCompiler } from './relay/compiled.ts';
import { createEnvironment } from './relay/environment.ts';
import { CALLS, PAGE, type ServedCalls, serveCalls } from './served-calls.ts';

/** Relay's own compiler and runtime, over a real gateway. */

// biome-ignore lint/suspicious/noExplicitAny: without its generated types an answer is what the test knows it to be
type Data = any;

const note = hasRelayCompiler ? '' : ' (skipped: Relay has no compiler for this machine)';

describe.skipIf(!hasRelayCompiler)(`Relay${note}`, () => {
  let served: ServedCalls;
  let compiled: Compiled;
  let environment: Environment;

  beforeAll(async () => {
    compiled = compileOperations();
    served = await serveCalls();
    environment = createEnvironment(served.gateway.url, served.token);
  });
  afterAll(async () => {
    await served?.[Symbol.asyncDispose]();
    compiled?.[Symbol.dispose]();
  });

  const descriptorOf = (name: string, variables: Variables) =>
    createOperationDescriptor(compiled.operation(name), variables);

  /** What the operation gives each time something of it has come, the last one whole. */
  async function steps(name: string, variables: Variables): Promise<Data[]> {
    const operation = compiled.operation(name);
    environment.retain(descriptorOf(name, variables));
    const seen: Data[] = [];
    await new Promise<void>((resolve, reject) => {
      fetchQuery<OperationType>(environment, operation, variables).subscribe({
        next: (data) => seen.push(data),
        error: reject,
        complete: resolve,
      });
    });
    return seen;
  }

  const run = async (name: string, variables: Variables): Promise<Data> =>
    (await steps(name, variables)).at(-1);

  /** A fragment of what an operation gave, from the store. */
  function read(fragment: string, of: Data): Data {
    const selector = getSelector(compiled.fragment(fragment), of);
    if (selector?.kind !== 'SingularReaderSelector') throw new Error(`No one ${fragment} here.`);
    const { data, isMissingData } = environment.lookup(selector);
    expect(isMissingData).toBe(false);
    return data;
  }

  test('its compiler takes our schema, with @connection, @refetchable, @defer and @stream', () => {
    expect(compiled.report).toContain('Done');
    const { text } = compiled.operation('callsAccountRefetchQuery').params;
    expect(text).toContain('node(nodeId: $nodeId)');
  });

  test('a list is paged with what @refetchable made, without a gap and without a call twice', async () => {
    const root = await run('callsListQuery', { first: PAGE });
    let requests = 1;
    for (;;) {
      const { pageInfo, edges } = read('calls_list', root).cdrs;
      expect(edges).toHaveLength(Math.min(requests * PAGE, CALLS));
      if (!pageInfo.hasNextPage) break;
      await run('callsListPaginationQuery', { first: PAGE, after: pageInfo.endCursor });
      requests++;
    }
    const { edges } = read('calls_list', root).cdrs;
    expect(edges.map(({ node }: Data) => node.id)).toEqual(served.calls.map(({ id }) => id));
    expect(requests).toBe(Math.ceil(CALLS / PAGE));
  });

  test('an account and a customer of the same number are two records, and each call is one', async () => {
    const root = await run('callsListQuery', { first: CALLS });
    const { edges } = read('calls_list', root).cdrs;
    for (const { node } of edges) {
      const account = read('calls_account', node.account);
      const isThree = account.id === '3';
      expect(account.username).toBe(isThree ? 'account-three' : 'acme-dialler');
      expect(node.customer).toEqual(
        isThree ? { id: '4', name: 'Another' } : { id: '3', name: 'Acme Telecom' },
      );
    }
    const source = environment.getStore().getSource();
    const typeOf = (id: string) => (source.get(id) as Data)?.__typename;
    expect(typeOf(encodeNodeId({ type: 'Account', id: '3' }))).toBe('Account');
    expect(typeOf(encodeNodeId({ type: 'Customer', id: '3' }))).toBe('Customer');
    const records = source.getRecordIDs().filter((id) => typeOf(id) === 'Cdr');
    expect(records.toSorted()).toEqual(served.calls.map(({ nodeId }) => nodeId).toSorted());
  });

  test('one object is fetched again by its id, and several of different types', async () => {
    const nodeId = encodeNodeId({ type: 'Account', id: '14' });
    const { node } = await run('callsAccountRefetchQuery', { nodeId });
    expect(read('calls_account', node)).toEqual({
      nodeId,
      id: '14',
      username: 'acme-dialler',
      currency: 'EUR',
    });
    const nodeIds = [
      encodeNodeId({ type: 'Customer', id: '3' }),
      nodeId,
      encodeNodeId({ type: 'Cdr', id: '999' }),
    ];
    const { nodes } = await run('callsNodesQuery', { nodeIds });
    expect(nodes.map((each: Data) => each && read('calls_any', each))).toEqual([
      { __typename: 'Customer', name: 'Acme Telecom' },
      { __typename: 'Account', username: 'acme-dialler' },
      null,
    ]);
  });

  test('@stream gives the first calls first, and all of them in their order', async () => {
    const seen = await steps('callsStreamedQuery', { first: CALLS });
    expect(seen[0].cdrs.nodes).toHaveLength(3);
    expect(seen.at(-1).cdrs.nodes.map(({ id }: Data) => id)).toEqual(served.calls.map(({ id }) => id));
  });

  test('@stream_connection gives a page bit by bit, and @refetchable the next', async () => {
    const [root] = await steps('callsStreamedListQuery', { first: PAGE });
    const first = read('calls_streamed', root).cdrs;
    expect(first.edges).toHaveLength(PAGE);
    expect(first.pageInfo.hasNextPage).toBe(true);
    await run('callsStreamedPaginationQuery', { first: PAGE, after: first.pageInfo.endCursor });
    const ids = read('calls_streamed', root).cdrs.edges.map(({ node }: Data) => node.id);
    expect(ids).toEqual(served.calls.slice(0, 2 * PAGE).map(({ id }) => id));
  });

  test('@defer gives what is selected beside it first', async () => {
    const seen = await steps('callsDeferredQuery', { id: '1' });
    expect(seen[0].cdr.id).toBe('1');
    expect(read('calls_details', seen[0].cdr)).toEqual({
      cld: '442071000',
      account: { username: 'account-three' },
    });
  });
});
