import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSocket } from '../feed/socket-client.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';
import { hasNginx, type Nginx, startNginx } from './nginx.ts';
import { graphql, open, until } from './requests.ts';

const CALLS = 100_000;
/** Some 40 MB as JSON: far more than sockets and buffers on the way hold. */
const ALL_OF_THEM = `{ cdrs(first: ${CALLS}) { nodes {
  id callId accountId customerId cli cld cliIn cldIn setupTime connectTime disconnectTime durationSeconds billedSeconds
  chargedAmount disconnectCause disconnectReason outcome prefix country region remoteIp pddSeconds
} pageInfo { hasNextPage } } }`;

let database: TestDatabase;
let gateways: readonly [GatewayProcess, GatewayProcess];
let nginx: Nginx;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  if (!hasNginx) return;
  database = stack.use(await createTestDatabase());
  await database.pool.query(`
    insert into xdrs (i_account, i_customer, cli, cld, cli_in, cld_in, setup_time, connect_time, disconnect_time,
      duration, charged_quantity, charged_amount, disconnect_cause, disconnect_reason, call_id, prefix, country, region,
      remote_ip, pdd)
    select 14, 3, '33123456789', '442071838750', '33123456789', '00442071838750', at - interval '8 s', at,
      at + interval '1 min', 60.25, 61, 0.0125, 16, 'Normal call clearing', 'call-' || n || '@192.0.2.10', '4420',
      'United Kingdom', 'London', '192.0.2.10', 1.84
    from generate_series(1, ${CALLS}) n, lateral (select timestamptz '2026-01-05 09:00:00+00' + n * interval '1 s' as at) t`);
  await database.pool.query('analyze xdrs');
  await database.replayed();
  const start = async () => stack.use(await startGatewayProcess(database.replicaUrls));
  gateways = await Promise.all([start(), start()]);
  nginx = stack.use(
    await startNginx({ site: 'compose', gatewayPorts: [gateways[0].port, gateways[1].port] }),
  );
});

afterAll(() => stack.disposeAsync());

/** The log line of a request once it has ended, on whichever gateway. */
const ended = (id: string) => gateways.map((gateway) => gateway.request(id)).find(Boolean);

/** Statements of the gateways on the standbys that match a condition on pg_stat_activity. */
async function countStatements(condition: string): Promise<number> {
  const counts = await Promise.all(
    database.standbyUrls.map((url) =>
      askStandby(
        url,
        `select count(*)::int as count from pg_stat_activity
         where datname = current_database() and usename = 'gateway' and state = 'active' and query like '%xdrs%'
           and ${condition}`,
      ),
    ),
  );
  return counts.reduce((sum, { count }) => sum + count, 0);
}

async function askStandby(connectionString: string, statement: string) {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(statement)).rows[0];
  } finally {
    await client.end();
  }
}

/** Until it is disposed of, every statement that reads calls waits, on the standbys too. */
async function lockCalls(): Promise<AsyncDisposable> {
  const client = await database.pool.connect();
  await client.query('begin; lock table xdrs in access exclusive mode');
  // Standbys hear of the lock when something that was committed after it is flushed.
  await database.pool.query("select pg_logical_emit_message(true, 'locked', '')");
  await database.replayed();
  return {
    async [Symbol.asyncDispose]() {
      await client.query('rollback');
      client.release();
    },
  };
}

/** Without what is of one answer alone. */
const callsIn = (text: string) => text.slice(0, text.indexOf('"extensions"'));

async function readToEnd(answer: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe.skipIf(!hasNginx)('a long answer behind nginx', () => {
  test('begins before its last row is read, waits for a slow client, touches no disk, and arrives whole', async () => {
    const id = 'slow-reader';
    const answer = await open(nginx, graphql(ALL_OF_THEM, { headers: { 'x-request-id': id } }));
    const [first] = (await once(answer, 'data')) as [Buffer];
    answer.pause();
    // While it waits, another client gets the same answer from beginning to end: there was time to read all of it.
    const other = await readToEnd(await open(nginx, graphql(ALL_OF_THEM)));

    expect(JSON.parse(other).data.cdrs.nodes).toHaveLength(CALLS);
    expect(ended(id)).toBeUndefined();
    expect([nginx.temporaryFiles(), nginx.errorLog()]).toEqual([[], '']);

    const { data, extensions } = JSON.parse(first.toString() + (await readToEnd(answer)));
    expect([data, extensions.complete ?? true]).toEqual([JSON.parse(other).data, true]);
    expect((await until(() => ended(id))).outcome).toBe('ok');
  });

  test.each([
    ['gzip', 'gzip', createGunzip],
    ['gzip, deflate, br', 'br', createBrotliDecompress],
    ['gzip, deflate, br, zstd', 'zstd', createZstdDecompress],
  ] as const)(
    'is compressed for a client that accepts %s, and still comes as it is read',
    async (accepted, coding, createDecoder) => {
      const plain = await readToEnd(await open(nginx, graphql(ALL_OF_THEM)));
      const id = `compressed-${coding}`;
      const headers = { 'accept-encoding': accepted, 'x-request-id': id };
      const answer = await open(nginx, graphql(ALL_OF_THEM, { headers }));
      expect(answer.headers['content-encoding']).toBe(coding);
      expect(answer.headers.vary).toMatch(/accept-encoding/i);

      const decoder = answer.pipe(createDecoder());
      const [first] = (await once(decoder, 'data')) as [Buffer];
      const wasUnderWay = !ended(id);
      decoder.pause();
      const decoded = first.toString() + (await readToEnd(decoder));
      expect(wasUnderWay).toBe(true);
      expect(callsIn(decoded) === callsIn(plain)).toBe(true);
      expect(answer.socket.bytesRead).toBeLessThan(plain.length / 4);
    },
  );

  test('is plain inside, whatever is accepted there', async () => {
    const headers = { 'accept-encoding': 'gzip, deflate, br, zstd' };
    const answer = await open(nginx, graphql(ALL_OF_THEM, { tls: false, headers }));
    expect(answer.headers['content-encoding']).toBeUndefined();
    answer.destroy();
  });

  test('ends in PostgreSQL when its client leaves in the middle', async () => {
    const id = 'leaving-reader';
    const answer = await open(nginx, graphql(ALL_OF_THEM, { headers: { 'x-request-id': id } }));
    await once(answer, 'data');
    answer.destroy();

    expect((await until(() => ended(id))).outcome).toBe('cancelled');
    await until(async () => (await countStatements('true')) === 0);
  });

  test('ends in PostgreSQL when its client leaves before it begins', async () => {
    const id = 'impatient-reader';
    const leaving = new AbortController();
    await using _lock = await lockCalls();
    const answer = open(
      nginx,
      graphql(ALL_OF_THEM, { headers: { 'x-request-id': id }, signal: leaving.signal }),
    );
    await until(async () => (await countStatements("wait_event_type = 'Lock'")) === 1);
    leaving.abort();

    await expect(answer).rejects.toThrow('aborted');
    expect((await until(() => ended(id))).outcome).toBe('cancelled');
    await until(async () => (await countStatements('true')) === 0);
  });
});

describe.skipIf(!hasNginx)('a subscription behind nginx', () => {
  test('is told of a call as it arrives, and of quiet each second', async () => {
    const query = 'subscription { cdrs { cursor inserted { cld } } }';
    const answer = await open(nginx, graphql(query, { headers: { accept: 'text/event-stream' } }));
    expect(answer.headers['content-type']).toContain('text/event-stream');
    let text = '';
    answer.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    await until(() => text.includes('event: next'));
    await database.pool.query(
      "insert into xdrs (i_account, connect_time, cld) values (14, '2026-01-05 09:00:00+00', '33699999999')",
    );
    await until(() => text.includes('33699999999'));
    const events = text.split('event: next').length;
    await until(() => text.split('event: next').length >= events + 2);
    answer.destroy();
  });

  test('comes over a WebSocket too, and goes on at the other gateway when its own is killed', async () => {
    const query = 'subscription ($after: String) { cdrs(after: $after) { cursor inserted { id cld } } }';
    const url = `wss://127.0.0.1:${nginx.httpsPort}/graphql`;
    const connect = async (id: string) => {
      const headers = { 'x-request-id': id };
      return (await openSocket(url, { ca: nginx.ca, servername: 'localhost', headers })).init();
    };
    const arrive = (cld: string) =>
      database.pool.query(
        "insert into xdrs (i_account, connect_time, cld) values (14, '2026-01-05 09:00:00+00', $1)",
        [cld],
      );
    await using client = await connect('first-socket');
    client.subscribe('calls', query);
    await client.until(() => client.of('calls').length > 0);
    await arrive('33699999991');
    await client.until(() => client.of('calls').some(({ text }) => text.includes('33699999991')));

    await gateways.find((gateway) => gateway.request('first-socket'))!.end('SIGKILL');
    await client.until(({ closing }) => closing !== undefined);
    await arrive('33699999992');
    const after = client.of('calls').at(-1)!.payload.data.cdrs.cursor;
    await using again = await connect('second-socket');
    again.subscribe('calls', query, { after });
    await again.until(() => again.callsOf('calls').length > 0);
    const [told] = again.of('calls').flatMap(({ payload }) => payload.data.cdrs.inserted);
    expect([told.cld, again.callsOf('calls').length]).toEqual(['33699999992', 1]);
  });
});
