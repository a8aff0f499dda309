import { type IncomingMessage, request } from 'node:http';
import { expect, test } from 'vitest';
import { createGatewayServer } from '../../src/http/server.ts';
import { ADMIN_TOKEN, createTestGateway } from '../support/gateway.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { subscribe } from './event-client.ts';
import { openSocket, type SocketClient } from './socket-client.ts';

const QUERY = `subscription { cdrs { mayRepeat gap { reason } inserted {
  id callId accountId cli cld cliIn cldIn setupTime connectTime disconnectTime disconnectReason userAgent } } }`;
/** Far more than the sockets of both ends hold. */
const CALLS = 20_000;
const STALLED = 10;

test('clients that read nothing cost little, hold up nobody, and are told everything once when they read', async () => {
  await using database = await createTestDatabase();
  await using gateway = await createTestGateway(database);
  const server = createGatewayServer(gateway.fetch, {
    Request: gateway.Request,
    upgrades: gateway.upgrades,
    drainTimeoutSeconds: 0,
    stalledSeconds: 1,
    onError() {},
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  try {
    const stalled = await Promise.all(Array.from({ length: STALLED }, () => open(port)));
    const sockets = await Promise.all(Array.from({ length: STALLED }, () => openStalled(port)));
    await using reading = await subscribe(gateway.fetch, QUERY);
    await reading.until(({ events }) => events.length > 0);
    await expect.poll(() => gateway.feed.readers).toBe(1);
    await database.pool.query(
      `insert into xdrs (i_xdr, i_account, connect_time, cli, cld, disconnect_reason, user_agent)
       select 100000 + number, 14, now(), '331', number::text, repeat('r', 200), repeat('u', 200)
       from generate_series(1, $1::int) as number`,
      [CALLS],
    );
    const statements = gateway.feed.counts.statements;
    await reading.until(({ ids }) => ids.length >= CALLS, 60);
    expect(new Set(reading.ids).size).toBe(CALLS);
    expect(reading.messages.every(({ mayRepeat, gap }) => !mayRepeat && gap === null)).toBe(true);
    expect(gateway.feed.counts.statements - statements).toBeLessThan(CALLS / 100);

    // Of each no more waits than its budget and a message, whatever has come meanwhile.
    const ids = await readAll(stalled[0]!);
    expect(ids.length).toBe(CALLS);
    expect(new Set(ids).size).toBe(CALLS);
    for (const response of stalled) response.destroy();
    const [client] = sockets;
    client!.socket.resume();
    await client!.until(() => client!.callsOf('calls').length >= CALLS, 60);
    expect(client!.callsOf('calls').length).toBe(CALLS);
    expect(new Set(client!.callsOf('calls')).size).toBe(CALLS);
    for (const { socket } of sockets) socket.terminate();
  } finally {
    await server.close();
  }
});

/** The response, of which nothing is read yet. */
function open(port: number): Promise<IncomingMessage> {
  const headers = {
    'content-type': 'application/json',
    accept: 'text/event-stream',
    authorization: `Bearer ${ADMIN_TOKEN}`,
  };
  return new Promise((resolve, reject) => {
    request({ port, path: '/graphql', method: 'POST', agent: false, headers })
      .once('response', (response) => {
        response.pause();
        resolve(response);
      })
      .once('error', reject)
      .end(JSON.stringify({ query: QUERY }));
  });
}

/** A subscription over WebSocket, of which nothing but its beginning is read yet. */
async function openStalled(port: number): Promise<SocketClient> {
  const client = await (await openSocket(`ws://127.0.0.1:${port}/graphql`)).init();
  client.subscribe('calls', QUERY);
  await client.until(() => client.of('calls').length > 0);
  client.socket.pause();
  return client;
}

/** The calls it is told, until they are as many as there are. */
async function readAll(response: IncomingMessage): Promise<string[]> {
  const ids: string[] = [];
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const data = /^data: (.+)$/m.exec(block)?.[1];
      if (data) ids.push(...JSON.parse(data).data.cdrs.inserted.map(({ id }: { id: string }) => id));
    }
    if (ids.length >= CALLS) break;
  }
  return ids;
}
