import { get } from 'node:http';
import { connect } from 'node:net';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Principal } from '../../src/access/principals.ts';
import { Right } from '../../src/access/right.ts';
import { WebSockets } from '../../src/graphql/web-sockets.ts';
import { anXdr } from '../support/builders.ts';
import {
  ACCOUNT_ID,
  ACCOUNT_TOKEN,
  ADMIN_TOKEN,
  createTestGateway,
  type TestGateway,
} from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { subscribe } from './event-client.ts';
import { type Listening, listen, openSocket } from './socket-client.ts';

let database: TestDatabase;
let gateway: TestGateway;
let server: Listening;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([anXdr(), anXdr(), anXdr()]);
  gateway = await createTestGateway(database);
  server = await listen(gateway);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const CALLS = `subscription ($filter: CdrFilter, $after: String) {
  cdrs(filter: $filter, after: $after) {
    cursor asOf stalenessSeconds mayRepeat inserted { id accountId cld } corrected { id } deletedIds gap { reason message }
  }
}`;

/** A connection that is signed in, and told as the feed is. */
async function follow(token?: string, variables?: object) {
  const client = await (await openSocket(server.url)).init(token);
  client.subscribe('calls', CALLS, variables);
  return client.until(() => client.of('calls').length > 0);
}

describe('a subscription over WebSocket', () => {
  test('is told what one over HTTP is told, byte for byte', async () => {
    await using client = await follow();
    await using events = await subscribe(gateway.fetch, CALLS);
    await events.until(({ events: { length } }) => length > 0);
    const row = anXdr();
    await database.insertXdrs([row]);
    await events.until(({ ids }) => ids.includes(row.i_xdr));
    await client.until(() => client.callsOf('calls').includes(row.i_xdr));
    const event = events.events.find(({ text }) => text.includes(`"id":"${row.i_xdr}"`))!;
    const message = client.of('calls').find(({ text }) => text.includes(`"id":"${row.i_xdr}"`))!;
    expect(message.text).toBe(`{"id":"calls","type":"next","payload":${event.text}}`);
  });

  test('by the client of graphql-ws, until it leaves', async () => {
    const leaving = Promise.withResolvers<void>();
    const client = createClient({
      url: server.url,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${ADMIN_TOKEN}` },
      on: { closed: () => leaving.resolve() },
    });
    const messages = client.iterate<{ cdrs: { inserted: { id: string }[] } }>({ query: CALLS });
    const row = anXdr();
    const told: string[] = [];
    for await (const { data } of messages) {
      if (told.length === 0) await database.insertXdrs([row]);
      told.push('message', ...data!.cdrs.inserted.map(({ id }) => id));
      if (told.includes(row.i_xdr)) break;
    }
    await leaving.promise;
    await expect.poll(() => gateway.feed.readers).toBe(0);
  });

  test('who signs in by the header of the request needs no token behind it', async () => {
    const headers = { authorization: `Bearer ${ACCOUNT_TOKEN}` };
    await using client = await openSocket(server.url, { headers });
    client.send({ type: 'connection_init' });
    await client.until(({ messages }) => messages.length > 0);
    client.subscribe('own', CALLS);
    await client.until(() => client.of('own').length > 0);
    const [own, foreign] = [anXdr({ i_account: ACCOUNT_ID }), anXdr({ i_account: '15' })];
    const last = anXdr({ i_account: ACCOUNT_ID });
    await database.insertXdrs([foreign, own, last]);
    await client.until(() => client.callsOf('own').includes(last.i_xdr));
    expect(client.callsOf('own')).toEqual([own.i_xdr, last.i_xdr]);
  });

  test('goes on behind a cursor that was told over HTTP, and the other way round', async () => {
    const rows = Array.from({ length: 3 }, () => anXdr());
    const before = await subscribe(gateway.fetch, CALLS);
    await before.until(({ events }) => events.length > 0);
    before.leave();
    await database.insertXdrs(rows.slice(0, 2));
    await using client = await follow(ADMIN_TOKEN, { after: before.lastId });
    await client.until(() => client.callsOf('calls').length >= 2);
    await client[Symbol.asyncDispose]();
    const after = client.of('calls').at(-1)!.payload.data.cdrs.cursor;
    await database.insertXdrs(rows.slice(2));
    await using again = await subscribe(gateway.fetch, CALLS, { variables: { after } });
    await again.until(({ ids }) => ids.length >= 1);
    const ids = rows.map(({ i_xdr }) => i_xdr);
    expect([client.callsOf('calls'), again.ids]).toEqual([ids.slice(0, 2), ids.slice(2)]);
  });

  test('several share a connection; one that is completed ends alone, and its id is free again', async () => {
    await using client = await follow();
    client.subscribe('state', 'subscription { replicationStatus { status } }');
    await client.until(() => client.of('state').length >= 2);
    expect(client.of('state')[0]!.payload.data.replicationStatus.status).toBe('OK');
    client.send({ id: 'calls', type: 'complete' });
    await expect.poll(() => gateway.feed.readers).toBe(0);
    const count = client.of('calls').length;
    const states = client.of('state').length;
    await client.until(() => client.of('state').length >= states + 2);
    expect(client.of('calls').length).toBe(count);
    client.subscribe('calls', CALLS);
    await client.until(() => client.of('calls').length > count);
  });

  test('a ping is answered, and a pong is welcome', async () => {
    await using client = await openSocket(server.url);
    client.send({ type: 'pong' });
    client.send({ type: 'ping', payload: { of: 'mine' } });
    await client.until(({ messages }) => messages.some(({ type }) => type === 'pong'));
  });
});

describe('refused, without the others of the connection', () => {
  test.each([
    ['a query', { query: '{ viewer { name } }' }, 'NOT_ACCEPTABLE'],
    ['a document that does not fit', { query: 'subscription { nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
    ['no document', {}, 'BAD_REQUEST'],
    ['variables that are no object', { query: CALLS, variables: 'x' }, 'BAD_REQUEST'],
    ['a document that nobody trusts', { documentId: 'a'.repeat(64) }, 'PERSISTED_QUERY_NOT_FOUND'],
    ['a cursor that is none', { query: CALLS, variables: { after: 'abc' } }, 'INVALID_CURSOR'],
    [
      'a filter that is wrong',
      { query: CALLS, variables: { filter: { from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' } } },
      'INVALID_TIME_RANGE',
    ],
  ])('%s', async (_name, asked, code) => {
    await using client = await (await openSocket(server.url)).init();
    client.send({ id: 'refused', type: 'subscribe', payload: asked });
    await client.until(() => client.of('refused').length > 0);
    client.subscribe('next', 'subscription { replicationStatus { status } }');
    await client.until(() => client.of('next').length > 0);
    expect(client.of('refused')).toHaveLength(1);
    const { type, payload } = client.of('refused')[0]!;
    expect([type, payload[0].extensions.code]).toEqual(['error', code]);
  });

  test('of many at once no more than there may be are opened', async () => {
    await using other = await createTestGateway(database, { settings: { MAX_SUBSCRIPTIONS: '3' } });
    await using listening = await listen(other);
    await using client = await (await openSocket(listening.url)).init();
    const ids = Array.from({ length: 200 }, (_, index) => String(index));
    for (const id of ids) client.subscribe(id, CALLS);
    await client.until(() => ids.every((id) => client.of(id).length > 0));
    const refused = ids.filter((id) => client.of(id)[0]!.type === 'error');
    expect(ids.length - refused.length).toBe(3);
    expect(client.of(refused[0]!)[0]!.payload[0].extensions).toMatchObject({
      code: 'OVERLOADED',
      ceiling: 3,
    });
  });
});

describe('a connection is closed with a reason', () => {
  const bad: readonly (readonly [string, readonly (object | string)[], number])[] = [
    ['what is not JSON', ['nonsense'], 4400],
    ['JSON that is no object', ['[]'], 4400],
    ['a type that there is not', [{ type: 'start', id: '1' }], 4400],
    ['a payload that is no object', [{ type: 'connection_init', payload: 'x' }], 4400],
    ['a subscription without an id', [{ type: 'subscribe', payload: { query: '{ a }' } }], 4400],
    ['an empty id', [{ type: 'subscribe', id: '', payload: { query: '{ a }' } }], 4400],
    ['a very long id', [{ type: 'subscribe', id: 'i'.repeat(200), payload: {} }], 4400],
    ['a subscription before it has signed in', [{ type: 'subscribe', id: '1', payload: {} }], 4401],
    ['no token', [{ type: 'connection_init' }], 4403],
    ['a token that nobody has', [{ type: 'connection_init', payload: { Authorization: 'Bearer x' } }], 4403],
    ['a second init', [{ type: 'connection_init' }, { type: 'connection_init' }], 4429],
    ['a message of 200 kB', [{ type: 'ping', payload: { text: 'x'.repeat(200_000) } }], 1009],
  ];

  test.each(bad)('%s', async (_name, messages, code) => {
    await using client = await openSocket(server.url);
    for (const message of messages) client.send(message);
    await client.until(({ closing }) => closing !== undefined);
    expect(client.closing!.code).toBe(code);
  });

  test('bytes in place of a text', async () => {
    await using client = await openSocket(server.url);
    client.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
    await client.until(({ closing }) => closing !== undefined);
    expect(client.closing!.code).toBe(4400);
  });

  test('an id that is in use', async () => {
    await using client = await follow();
    client.subscribe('calls', CALLS);
    await client.until(({ closing }) => closing !== undefined);
    expect(client.closing!.code).toBe(4409);
    await expect.poll(() => gateway.feed.readers).toBe(0);
  });

  test.each(['graphql-ws', ['other', 'graphql-ws']])(
    'the subprotocol %s, which is not ours',
    async (protocol) => {
      const socket = new WebSocket(server.url, protocol);
      // The client library has no name for what it was not given.
      const closing = await new Promise((resolve) => {
        socket.on('close', resolve);
        socket.on('error', (error) => resolve(error.message));
      });
      expect([4406, 'Server sent no subprotocol']).toContain(closing);
    },
  );

  test('no subprotocol', async () => {
    await using client = await openSocket(server.url, { protocol: [] });
    await client.until(({ closing }) => closing !== undefined);
    expect(client.closing!.code).toBe(4406);
  });

  test('when it has not signed in in time', async () => {
    const sockets = new WebSockets({
      handler: gateway.fetch,
      Request: gateway.Request,
      callerOf: () => {
        throw new Error('Nobody signs in.');
      },
      maxPerPrincipal: 1,
      logger: { info() {}, error() {} },
      initTimeoutMillis: 20,
    });
    await using listening = await listen({ ...gateway, upgrades: sockets, endSubscriptions() {} });
    await using client = await openSocket(listening.url);
    await client.until(({ closing }) => closing !== undefined);
    expect(client.closing!.code).toBe(4408);
  });

  test('when the right of its principal ends, and not before', async () => {
    const right = new Right();
    const principal: Principal = { name: 'short', role: 'ADMIN', scope: { kind: 'all' }, maxPage: 10, right };
    await using other = await createTestGateway(database, {
      principals: { authenticate: async () => principal },
    });
    await using listening = await listen(other);
    await using client = await (await openSocket(listening.url)).init();
    client.subscribe('calls', CALLS);
    await client.until(() => client.of('calls').length >= 2);
    right.revoke();
    await client.until(({ closing }) => closing !== undefined);
    expect(client.closing).toEqual({
      code: 4403,
      reason: 'The token of this connection has expired, or was revoked.',
    });
    await expect.poll(() => other.feed.readers).toBe(0);
    // The token is the same, and worth nothing any more.
    await using again = await openSocket(listening.url);
    again.send({ type: 'connection_init', payload: { Authorization: 'Bearer short' } });
    await again.until(({ closing }) => closing !== undefined);
    expect(again.closing!.code).toBe(4403);
  });

  test('over the number that a principal may have, until one of them ends', async () => {
    await using other = await createTestGateway(database, { settings: { MAX_WEBSOCKETS: '2' } });
    await using listening = await listen(other);
    const [first] = [await openSocket(listening.url), await openSocket(listening.url)].map((each) =>
      each.init(),
    );
    const client = await first!;
    await using refused = await openSocket(listening.url);
    refused.send({ type: 'connection_init', payload: { Authorization: `Bearer ${ADMIN_TOKEN}` } });
    await refused.until(({ closing }) => closing !== undefined);
    expect(refused.closing).toEqual({
      code: 1013,
      reason: 'At most 2 WebSockets may be open at once. End one first.',
    });
    await client[Symbol.asyncDispose]();
    await client.until(({ closing }) => closing !== undefined);
    const again = () =>
      openSocket(listening.url).then((each) =>
        each.init().then(
          () => true,
          () => false,
        ),
      );
    await expect.poll(again).toBe(true);
  });
});

describe('a gateway that stops', () => {
  test('closes connections, so that it need not wait for them', async () => {
    await using other = await createTestGateway(database);
    const listening = await listen(other, 60);
    await using client = await (await openSocket(listening.url)).init();
    client.subscribe('calls', CALLS);
    await client.until(() => client.of('calls').length > 0);
    other.endSubscriptions();
    expect((await listening.close()).cut).toBe(0);
    await client.until(({ closing }) => closing !== undefined);
    expect(client.closing).toEqual({ code: 1001, reason: 'The gateway is stopping.' });
  });

  test('cuts those that do not answer that', async () => {
    await using other = await createTestGateway(database);
    const listening = await listen(other, 0.2);
    await using client = await (await openSocket(listening.url)).init();
    client.socket.pause();
    other.endSubscriptions();
    expect((await listening.close()).cut).toBe(1);
  });
});

describe('HTTP beside it', () => {
  test('another path has nothing', async () => {
    await expect(openSocket(server.url.replace('/graphql', '/metrics/'))).rejects.toThrow('404');
  });

  test('a client that offers another version of HTTP is answered as ever', async () => {
    const headers = {
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAAP__',
    };
    const status = await new Promise((resolve, reject) => {
      get({ port: server.port, path: '/graphql?query=%7Bviewer%7Bname%7D%7D', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on('error', reject);
    });
    expect(status).toBe(401);
  });

  test.each([
    ['two hosts', ['Host: a', 'Host: b']],
    ['no key', ['Host: a', 'Sec-WebSocket-Key: short']],
  ])('a handshake with %s is refused in our words', async (_name, lines) => {
    const head = [
      'GET /graphql HTTP/1.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
    ];
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1').setEncoding('utf8').on('error', reject);
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('close', () => resolve(text));
      socket.write(`${[...head, ...lines].join('\r\n')}\r\n\r\n`);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"BAD_REQUEST"');
  });
});

test('of many that are opened and dropped no trace is left', async () => {
  await using other = await createTestGateway(database);
  await using listening = await listen(other);
  for (let round = 0; round < 2; round++) {
    const clients = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const client = await openSocket(listening.url);
        if (index % 5 === 0) return client;
        await client.init();
        for (let id = 0; id < 10; id++) client.subscribe(String(id), CALLS);
        if (index % 2 === 0) await client.until(() => client.of('9').length > 0);
        return client;
      }),
    );
    for (const client of clients) client.socket.terminate();
  }
  await expect.poll(() => [other.upgrades!.size, other.feed.readers], { timeout: 20_000 }).toEqual([0, 0]);
});
