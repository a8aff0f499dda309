import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GatewayProcess, startGatewayProcess } from '../nginx/gateway-process.ts';
import { anXdr } from '../support/builders.ts';
import { ADMIN_TOKEN } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { until } from './served-gateway.ts';

const MIB = 1024 * 1024;
/** Only there the memory of another process can be read from a file. */
const isLinux = existsSync('/proc/self/status');

let database: TestDatabase;
let gateway: GatewayProcess;
const open = new Set<Socket>();

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([anXdr({ i_xdr: '1' })]);
  gateway = await startGatewayProcess(database.replicaUrls);
});
afterAll(async () => {
  for (const socket of open) socket.destroy();
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const url = (path: string) => `http://127.0.0.1:${gateway.port}${path}`;
const admin = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };

/** A client that begins a body of a megabyte, sends nine tenths of it, and no more. */
async function stall(headers: string, path = '/graphql'): Promise<Socket> {
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => {});
  open.add(socket);
  socket.once('close', () => open.delete(socket)).resume();
  await once(socket, 'connect');
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${MIB}\r\n\r\n`);
  socket.write(part);
  return socket;
}
const part = Buffer.alloc(0.9 * MIB, 'x');

/** Memory of the gateway's process, in MiB. */
const memory = () =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))![1]) / 1024;

describe.skipIf(!isLinux)('500 clients that begin a long body and do not end it', () => {
  test.each([
    ['without a token', '', '/graphql'],
    ['with a wrong one', 'Authorization: Bearer wrong\r\n', '/graphql'],
    ['for Grafana', 'Authorization: Bearer wrong\r\n', '/grafana/query'],
    ['where no body is read', `Authorization: Bearer ${ADMIN_TOKEN}\r\n`, '/livez'],
  ])('%s cost no memory, and keep nobody from an answer', async (_, headers, path) => {
    const before = memory();
    await Promise.all(Array.from({ length: 500 }, () => stall(headers, path)));
    // Each of them was answered and hung up on.
    await until('end of all of them', async () => open.size === 0);
    const response = await fetch(url('/graphql'), {
      method: 'POST',
      headers: admin,
      body: '{"query":"{ cdrs { nodes { id } } }"}',
    });

    expect(await response.json()).toMatchObject({ data: { cdrs: { nodes: [{ id: '1' }] } } });
    // Of which most is what the process keeps of its first 500 connections at once; the bodies are 450 MiB.
    expect(memory() - before).toBeLessThan(96);
  });

  test('with a good token cost a bounded memory, and keep no short request from an answer', async () => {
    const before = memory();
    await Promise.all(Array.from({ length: 500 }, () => stall(`Authorization: Bearer ${ADMIN_TOKEN}\r\n`)));
    const refused = () => gateway.log.filter(({ codes }) => codes?.includes('OVERLOADED')).length;
    await until('refusals in the log', async () => refused() > 300);
    const response = await fetch(url('/graphql'), {
      method: 'POST',
      headers: admin,
      body: '{"query":"{ cdrs { nodes { id } } }"}',
    });

    expect(response.status).toBe(200);
    expect(gateway.log.find(({ codes }) => codes?.includes('OVERLOADED'))).toMatchObject({
      path: '/graphql',
      status: 503,
    });
    // 64 MiB of long bodies, and what the process keeps for its next ones.
    expect(memory() - before).toBeLessThan(160);
    for (const socket of open) socket.destroy();
  });
});

describe('an answer', () => {
  const ask = (path: string, init: RequestInit = {}) => fetch(url(path), init);
  const query = (document: string, headers: Record<string, string> = {}) =>
    ask('/graphql', {
      method: 'POST',
      headers: { ...admin, ...headers },
      body: JSON.stringify({ query: document }),
    });

  test.each<[string, () => Promise<Response>]>([
    ['to a query', () => query('{ cdr(id: 1) { id } }')],
    ['to a query a second time', () => query('{ cdr(id: 1) { id } }')],
    ['that streams a list', () => query('{ cdrs { nodes { id } } }')],
    ['that is a file', () => query('{ cdrs { nodes { id } } }', { accept: 'text/csv' })],
    ['in lines', () => query('{ cdrs { nodes { id } } }', { accept: 'application/x-ndjson' })],
    ['in parts', () => query('{ cdrs { nodes @stream { id } } }', { accept: 'multipart/mixed' })],
    ['to a GET', () => ask('/graphql?query=%7B__typename%7D', { headers: admin })],
    ['with an error', () => query('{ nothing }')],
    ['to a stranger', () => ask('/graphql?query=%7B__typename%7D')],
    ['to Grafana', () => ask('/grafana', { headers: admin })],
    ['to Grafana’s query', () => ask('/grafana/search', { method: 'POST', headers: admin, body: '{}' })],
    ['to a stranger at Grafana’s', () => ask('/grafana')],
    ['where nothing is', () => ask('/nothing')],
    ['to a method that is none', () => ask('/livez', { method: 'DELETE' })],
    ['that is too long', () => query('x'.repeat(2 * MIB))],
    ['that says how it is', () => ask('/readyz')],
    ['of figures', () => ask('/metrics')],
  ])('%s is kept by nobody, and taken for nothing else', async (_, request) => {
    const { headers, body } = await request();
    await body?.cancel();

    // What has a tag may be requested again by it, and is never shared.
    expect(headers.get('cache-control')).toBe(headers.has('etag') ? 'private, no-cache' : 'no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    const vary = headers.get('vary')!.toLowerCase().split(/, */);
    expect(vary).toEqual(expect.arrayContaining(['authorization', 'accept', 'accept-encoding']));
  });
});
