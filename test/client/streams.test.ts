import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  callList,
  GatewayClient,
  GatewayTimeoutError,
  GatewayUnreachableError,
  InvalidCursorError,
  type RequestDefaults,
  typedDocument,
} from '../../packages/client/src/index.ts';
import {
  backendsOf,
  insertMany,
  MANY,
  on,
  type ServedGateway,
  serveGateway,
  until,
} from '../gateway/served-gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Cut, type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';

/** Calls of account 15, many of them at the same moment. */
const FEW = 3000;
const ofFew = { filter: { accountIds: ['15'] } };

let database: TestDatabase;
let gateway: ServedGateway;
let proxy: CuttingProxy;
let client: GatewayClient;

const connectTo = (url: string, more: object = {}) =>
  new GatewayClient({ url, token: gateway.headers.authorization!.replace('Bearer ', ''), ...more });

beforeAll(async () => {
  database = await createTestDatabase();
  await insertMany(database);
  await database.pool.query(`
    insert into xdrs (i_xdr, i_account, cli, cld, connect_time, setup_time)
    select 1000000 + number, 15, 'é"\\' || number, repeat('4', number % 200),
      '2026-01-05Z'::timestamptz + (number / 40) * interval '1 microsecond', '2026-01-05Z'
    from generate_series(1, ${FEW}) as number`);
  await database.replayed();
  gateway = await serveGateway({ replicaUrls: database.replicaUrls.slice(0, 1) });
  proxy = await startCuttingProxy(gateway.url);
  client = connectTo(proxy.url, { maxWaitSeconds: 1 });
});
afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

/** A client whose first connections are cut. No other client has connections to the same place that it could use. */
async function connectBadly(
  cuts: readonly Cut[],
  more: { encoding?: string } & Partial<RequestDefaults> = {},
) {
  const { encoding = 'identity', ...defaults } = more;
  const bad = await startCuttingProxy(gateway.url, cuts);
  return {
    proxy: bad,
    // A connection for each request, so that each cut meets one.
    client: connectTo(bad.url, {
      ...defaults,
      headers: { 'accept-encoding': encoding, connection: 'close' },
    }),
    [Symbol.asyncDispose]: () => bad[Symbol.asyncDispose](),
  };
}

const CALLS = callList(['id', 'cli', 'cld']);

async function idsOf(calls: AsyncIterable<{ readonly id: string }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of calls) ids.push(id);
  return ids;
}

/** Ids from `first` to `last`, in either direction. */
function ids(first: number, last: number): string[] {
  const step = first <= last ? 1 : -1;
  return Array.from({ length: Math.abs(last - first) + 1 }, (_, index) => String(first + step * index));
}

const oldest = ids(1_000_001, 1_000_000 + FEW);

describe('a list is streamed', () => {
  test('with all of its calls, however many there are, and tells which standby answered', async () => {
    const calls = client.streamCalls(CALLS, ofFew);
    expect(calls.replica).toBeNull();
    expect(await idsOf(calls)).toEqual(oldest.toReversed());
    expect(calls).toMatchObject({ resumptions: 0, unreadable: { calls: 0, values: 0 } });
    expect(calls.replica).toEqual({
      name: expect.stringMatching(/./),
      asOf: expect.stringMatching(/^20.*Z$/),
      token: expect.stringMatching(/./),
    });
  });

  test.each([[0], [1], [FEW - 1], [FEW], [FEW + 1]])('up to %d of them', async (first) => {
    const calls = client.streamCalls(CALLS, { ...ofFew, orderBy: 'OLDEST_FIRST', first });
    expect(await idsOf(calls)).toEqual(oldest.slice(0, first));
  });

  test('in parts where the principal may have fewer at once', async () => {
    await using small = await serveGateway(
      { replicaUrls: database.replicaUrls.slice(0, 1) },
      { ADMIN_MAX_PAGE: '700', ADMIN_TOKEN: 'small-pages-only' },
    );
    const calls = connectTo(small.url, { token: 'small-pages-only' }).streamCalls(CALLS, ofFew);
    expect(await idsOf(calls)).toEqual(oldest.toReversed());
  });

  test('from the cursor of another stream on, which was left', async () => {
    const left = client.streamCalls(CALLS, ofFew);
    const begun: string[] = [];
    for await (const { id } of left) {
      begun.push(id);
      if (begun.length === 123) break;
    }
    const rest = await idsOf(client.streamCalls(CALLS, { ...ofFew, after: left.cursor }));
    expect([...begun, ...rest]).toEqual(oldest.toReversed());
  });

  test('as lines, with no more and no less in them', async () => {
    const calls = client.streamCalls(CALLS, ofFew);
    let text = '';
    for await (const lines of calls.lines()) {
      const part = new TextDecoder().decode(lines);
      expect(part.endsWith('\n')).toBe(true);
      text += part;
    }
    const edges = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(edges.map(({ node }) => node.id)).toEqual(oldest.toReversed());
    expect(calls.cursor).toBe(edges.at(-1).cursor);
  });

  test('once', async () => {
    const calls = client.streamCalls(CALLS, { ...ofFew, first: 1 });
    await idsOf(calls);
    await expect(idsOf(calls)).rejects.toThrow(/read once/);
  });
});

const cuts = fc.array(
  fc.record({
    afterBytes: fc.oneof(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 600, max: 700_000 })),
    how: fc.constantFrom('end' as const, 'reset' as const),
  }),
  { maxLength: 6 },
);

test('nothing is lost and nothing comes twice, wherever connections are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      cuts,
      fc.option(fc.integer({ min: 1, max: FEW })),
      fc.constantFrom('OLDEST_FIRST' as const, 'NEWEST_FIRST' as const),
      fc.constantFrom('identity', 'gzip', 'br'),
      async (next, first, orderBy, encoding) => {
        const there = orderBy === 'OLDEST_FIRST' ? oldest : oldest.toReversed();
        await using bad = await connectBadly(next, { encoding, maxAttempts: 9 });
        const calls = bad.client.streamCalls(CALLS, { ...ofFew, orderBy, first });
        expect(await idsOf(calls)).toEqual(there.slice(0, first ?? FEW));
        expect(calls.resumptions).toBe(bad.proxy.wereCut);
      },
    ),
    { numRuns: 40 },
  );
}, 120_000);

test('a connection that is cut before the first call each time is given up, with its reason', async () => {
  await using bad = await connectBadly(Array.from({ length: 9 }, () => ({ afterBytes: 40, how: 'reset' })));
  const reading = idsOf(bad.client.streamCalls(CALLS, ofFew, { maxAttempts: 3 }));
  await expect(reading).rejects.toBeInstanceOf(GatewayUnreachableError);
  expect(bad.proxy.connections).toBe(3);
});

test('a connection that falls silent is given up for another, and the whole stream when all of them are', async () => {
  const stalls = [30, 300, 250_000].map((afterBytes) => ({ afterBytes, how: 'stall' as const }));
  await using bad = await connectBadly(stalls, { timeoutSeconds: 1 });
  const calls = bad.client.streamCalls(CALLS, ofFew);
  expect(await idsOf(calls)).toEqual(oldest.toReversed());
  expect([calls.resumptions, bad.proxy.connections]).toEqual([3, 4]);

  await using silent = await connectBadly(stalls, { timeoutSeconds: 0.2, maxAttempts: 2 });
  await expect(idsOf(silent.client.streamCalls(CALLS, ofFew))).rejects.toBeInstanceOf(GatewayTimeoutError);
  expect(silent.proxy.connections).toBe(2);
});

test('calls that come between two parts are not taken for those of the list', async () => {
  await using bad = await connectBadly([{ afterBytes: 200_000, how: 'end' }]);
  const calls = bad.client.streamCalls(CALLS, ofFew);
  const seen: string[] = [];
  for await (const { id } of calls) {
    seen.push(id);
    if (seen.length !== 1) continue;
    await database.pool.query(
      `insert into xdrs (i_xdr, i_account, connect_time) values (5000000, 15, '2026-01-06Z')`,
    );
    await database.replayed();
  }
  expect(calls.resumptions).toBe(1);
  expect(seen).toEqual(oldest.toReversed());
  await database.pool.query('delete from xdrs where i_xdr = 5000000');
  await database.replayed();
});

describe('the reader decides the pace', () => {
  const WIDE = callList(['id', 'callId', 'cli', 'cld', 'setupTime', 'connectTime', 'userAgent', 'country']);

  test('who stops reading gets no more than fits into sockets, and then all of it', async () => {
    const slow = connectTo(proxy.url, { headers: { 'accept-encoding': 'identity' } });
    const before = proxy.passed;
    const calls = slow.streamCalls(WIDE, { filter: { accountIds: ['14'] }, orderBy: 'OLDEST_FIRST' });
    let count = 0;
    let inSockets = 0;
    for await (const { id } of calls) {
      count += 1;
      if (id !== String(count)) throw new Error(`${id} came as number ${count}`);
      if (count !== 10) continue;
      let last = -1;
      inSockets = await until('standstill', async () => {
        const isStill = proxy.passed === last;
        last = proxy.passed;
        await new Promise((resolve) => setTimeout(resolve, 300));
        return isStill && proxy.passed === last && last - before;
      });
    }
    const all = proxy.passed - before;
    expect(count).toBe(MANY);
    expect(all).toBeGreaterThan(60_000_000);
    expect(inSockets).toBeLessThan(all / 4);
  });

  test('who leaves ends the statement on the standby', async () => {
    const running = async () =>
      (await backendsOf(database.standbyUrls[0]!)).filter(({ state }) => state !== 'idle').length;
    for await (const _ of client.streamCalls(WIDE, { filter: { accountIds: ['14'] } })) break;
    await until('idle standby', async () => (await running()) === 0);
  });
});

describe('the signal', () => {
  test('ends a stream with its own reason, between two calls and while one is waited for', async () => {
    for (const moment of [1, 50]) {
      const leaving = new AbortController();
      const reason = new Error('The page was left.');
      let count = 0;
      const reading = (async () => {
        const calls = client.streamCalls(
          CALLS,
          { filter: { accountIds: ['14'] } },
          { signal: leaving.signal },
        );
        for await (const _ of calls) {
          count += 1;
          if (count === moment) leaving.abort(reason);
        }
      })();
      await expect(reading).rejects.toBe(reason);
    }
    await until('idle standby', async () => {
      const rows = await on(
        database.standbyUrls[0]!,
        `select from pg_stat_activity where usename = 'gateway' and state = 'active' and query like '%xdrs%'
         and datname = current_database()`,
      );
      return rows.length === 0;
    });
  });

  test('ends one that waits for its next attempt, and one that has not begun', async () => {
    const reason = new Error('enough');
    await using bad = await connectBadly(Array.from({ length: 99 }, () => ({ afterBytes: 1, how: 'end' })));
    const leaving = new AbortController();
    const waiting = idsOf(bad.client.streamCalls(CALLS, ofFew, { signal: leaving.signal, maxAttempts: 99 }));
    const refused = expect(waiting).rejects.toBe(reason);
    await until('third attempt', async () => bad.proxy.connections >= 3);
    leaving.abort(reason);
    await refused;
    await expect(idsOf(client.streamCalls(CALLS, ofFew, { signal: leaving.signal }))).rejects.toBe(reason);
  });
});

describe('what cannot be streamed is refused', () => {
  test.each([[-1], [1.5], [Number.NaN]])('first: %d', (first) => {
    expect(() => client.streamCalls(CALLS, { first })).toThrow(TypeError);
  });

  test('a cursor that is none of the gateway, by its class and at once', async () => {
    const before = proxy.connections;
    await expect(idsOf(client.streamCalls(CALLS, { after: 'nonsense' }))).rejects.toBeInstanceOf(
      InvalidCursorError,
    );
    expect(proxy.connections - before).toBeLessThanOrEqual(1);
  });

  test.each([
    ['without cursors', '{ cdrs(first: $first, after: $after) { nodes { id } } }', /edges \{ cursor/],
    ['that would begin again', '{ cdrs(first: $first) { edges { cursor node { id } } } }', /\$after/],
  ])('a document %s', async (_, text, message) => {
    // As somebody would who leaves the types out.
    const untyped = typedDocument<
      { cdrs: { edges: { cursor: string; node: { id: string } }[] } },
      { first?: number; after?: string }
    >(
      `query ($first: Int, $after: String, $unused: String) ${text.replace('{ cdrs', '{ cdrs')}`.replace(
        ', $unused: String',
        '',
      ),
    );
    await using bad = await connectBadly([{ afterBytes: 20_000, how: 'end' }]);
    await expect(idsOf(bad.client.streamCalls(untyped))).rejects.toThrow(message);
  });
});
