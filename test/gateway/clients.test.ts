import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anAccount } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  backendsOf,
  insertMany,
  MANY,
  on,
  type ServedGateway,
  SlowReading,
  serveGateway,
  straysIn,
  until,
  WIDE,
} from './served-gateway.ts';

let database: TestDatabase;
let gateway: ServedGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertAccounts([anAccount()]);
  await insertMany(database);
  // One standby, so that there is one place to look at; few connections, so that a lost one is missed.
  gateway = await serveGateway(
    { replicaUrls: database.replicaUrls.slice(0, 1) },
    { DB_MAX_CONNECTIONS: '3' },
  );
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const backends = () => backendsOf(database.standbyUrls[0]!);
const running = async () => (await backends()).filter(({ state }) => state !== 'idle');

/** So many statements of the gateway wait for the lock that the primary holds on the table. */
const untilWaiting = (count: number) =>
  until(`${count} statements that wait`, async () => {
    const waiting = (await backends()).filter((each) => each.wait_event_type === 'Lock');
    return waiting.length === count;
  });

/** Holds a lock on the table which the standby replays, so that every statement on calls waits. */
async function lockTable(): Promise<AsyncDisposable> {
  const client = await database.pool.connect();
  await client.query('begin');
  await client.query('lock table xdrs in access exclusive mode');
  const { rows } = await client.query('select pg_current_wal_insert_lsn()::text as lsn');
  // The lock itself must reach the standby: commits of others flush it.
  await database.pool.query('select pg_current_xact_id()');
  await until('lock on the standby', async () => {
    const [row] = await on(
      database.standbyUrls[0]!,
      'select pg_last_wal_replay_lsn() >= $1::pg_lsn as done',
      [rows[0].lsn],
    );
    return row!.done === true;
  });
  return {
    async [Symbol.asyncDispose]() {
      await client.query('rollback');
      client.release();
      await database.replayed();
    },
  };
}

describe('a client that leaves', () => {
  test.each([
    ['a list', '{ cdrs(filter: { cld: { contains: "7" } }) { nodes { id } } }', {}],
    ['a list with accounts', '{ cdrs(filter: { cld: { contains: "7" } }) { nodes { account { id } } } }', {}],
    ['an exact count', '{ cdrs { totalCount } }', {}],
    ['statistics', '{ cdrStats(groupBy: [DAY]) { rows { attempts } } }', {}],
    ['one call', '{ cdr(id: 1) { id } }', {}],
    ['a file', '{ cdrs { nodes { id } } }', { accept: 'text/csv' }],
  ])(
    'while PostgreSQL works on %s takes its statement along within a second',
    async (_, document, headers) => {
      await using _lock = await lockTable();
      const leaving = new AbortController();
      const response = gateway
        .ask(document, {}, { headers, signal: leaving.signal })
        .catch((error: Error) => error.name);
      await untilWaiting(1);

      leaving.abort();
      const left = performance.now();
      await until('end of the statement', async () => (await running()).length === 0, 5);

      expect(performance.now() - left).toBeLessThan(1000);
      expect(await response).toBe('AbortError');
    },
  );

  test('in the middle of a stream takes its statement along within a second', async () => {
    const leaving = new AbortController();
    const response = await gateway.ask(
      `{ cdrs(first: ${MANY}) { nodes { ${WIDE} } } }`,
      {},
      { signal: leaving.signal },
    );
    const reading = new SlowReading(response);
    await reading.more();

    leaving.abort();
    const left = performance.now();
    await until('end of the statement', async () => (await running()).length === 0, 5);

    expect(performance.now() - left).toBeLessThan(1000);
    await expect(reading.text()).rejects.toThrow();
  });

  test('leaves every connection fit for the next: thirty leave, and nobody after them waits or is cancelled', async () => {
    for (let round = 0; round < 10; round++) {
      const leaving = Array.from({ length: 3 }, async () => {
        const signal = new AbortController();
        const response = await gateway.ask(
          `{ cdrs(first: ${MANY}) { nodes { ${WIDE} } } }`,
          {},
          { signal: signal.signal },
        );
        await response.body!.getReader().read();
        signal.abort();
      });
      await Promise.all(leaving);
      const answers = await Promise.all(
        Array.from({ length: 6 }, () =>
          gateway.query('{ cdrs(first: 2000, orderBy: OLDEST_FIRST) { nodes { id } } }'),
        ),
      );
      for (const { data, errors } of answers) {
        expect(errors).toBeUndefined();
        expect([data.cdrs.nodes.length, straysIn(data.cdrs.nodes)]).toEqual([2000, 0]);
      }
    }
  });
});

/** Leads to a server, and keeps requests to cancel a statement back until they are let go. */
async function lateCancellation(target: string) {
  const { hostname, port } = new URL(target);
  const held: (() => void)[] = [];
  // Half open: that PostgreSQL closes is the sign that the cancellation has been handled.
  const server = createServer({ allowHalfOpen: true }, (incoming) => {
    incoming.once('data', (first: Buffer) => {
      incoming.pause();
      const pass = () => {
        const outgoing = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
        outgoing.write(first);
        incoming.pipe(outgoing).pipe(incoming);
        for (const socket of [incoming, outgoing]) socket.on('error', () => {});
      };
      if (first.length === 16 && first.readInt32BE(4) === CANCEL_REQUEST) held.push(pass);
      else pass();
    });
    incoming.on('error', () => {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    held,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

/** How PostgreSQL's protocol knows it. */
const CANCEL_REQUEST = 80_877_102;

test('a cancellation that comes late hits nobody else: the connection is not lent before it is over', async () => {
  await using proxy = await lateCancellation(database.replicaUrls[0]!);
  await using narrow = await serveGateway({ replicaUrls: [proxy.url] }, { DB_MAX_CONNECTIONS: '1' });
  const leaving = new AbortController();
  const response = await narrow.ask(
    `{ cdrs(first: 60000) { nodes { ${WIDE} } } }`,
    {},
    { signal: leaving.signal },
  );
  await response.body!.getReader().read();
  leaving.abort();
  await until('cancellation', async () => proxy.held.length > 0);
  // Nothing reads its rows any more; it ends by itself.
  await until('end of the statement', async () => (await running()).length === 0);

  let next: ReturnType<ServedGateway['query']>;
  {
    await using _lock = await lockTable();
    next = narrow.query('{ cdrs(first: 1, orderBy: OLDEST_FIRST) { nodes { id } } }');
    // Time enough for a connection that is lent too early to be waiting for the lock when it is hit.
    for (let time = 0; time < 30; time++) await narrow.query('{ viewer { name } }');
    for (const pass of proxy.held) pass();
    await Promise.race([untilWaiting(1), next]);
  }

  const { errors, data } = await next;
  expect(errors).toBeUndefined();
  expect(data.cdrs.nodes).toEqual([{ id: '1' }]);
});

/** What stands between is of another pace, and the client may be far away. */
const THROUGH_A_PROXY = { 'x-forwarded-for': '203.0.113.9' };
const MEBIBYTE = 1024 * 1024;
const decode = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

describe('a slow reader', () => {
  /** Over a socket of its own, which is read only when told. */
  async function askSlowly(document: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
    const request = httpRequest(gateway.url, {
      method: 'POST',
      headers: { ...gateway.headers, ...headers },
      agent: false,
    });
    request.end(JSON.stringify({ query: document }));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  }

  /** Reads a tenth of a second's worth at 100 KB/s. */
  async function sip(response: IncomingMessage, chunks: Buffer[]): Promise<void> {
    const chunk = response.read(10_240) ?? response.read();
    if (chunk) chunks.push(chunk);
    await delay(100);
  }

  const ALL = `{ cdrs(first: ${MANY}, orderBy: OLDEST_FIRST) { nodes { ${WIDE} } pageInfo { hasNextPage } } }`;

  test('holds no snapshot, no connection and no more than a few megabytes, and gets every call in the end', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const response = await askSlowly(ALL);
    const chunks: Buffer[] = [];
    await sip(response, chunks);
    await until('rest of the connection', async () => (await running()).length === 0, 5);

    let most = 0;
    for (let tenth = 0; tenth < 20; tenth++) {
      await sip(response, chunks);
      const held = (await backends()).filter(({ state, hasSnapshot }) => state !== 'idle' || hasSnapshot);
      expect(held).toEqual([]);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    // An answer of seventy megabytes, of which two seconds' worth was taken.
    expect(most).toBeLessThan(16 * MEBIBYTE);

    for await (const chunk of response) chunks.push(chunk);
    const { data, errors, extensions } = JSON.parse(Buffer.concat(chunks).toString());
    expect([errors, extensions.complete]).toEqual([undefined, undefined]);
    expect([data.cdrs.nodes.length, straysIn(data.cdrs.nodes)]).toEqual([MANY, 0]);
    // The last call was the last: no page follows, however often the list was taken up again.
    expect(data.cdrs.pageInfo).toEqual({ hasNextPage: false });
  });

  test('keeps no other from its answer: eight of them beside three connections', async () => {
    const slow = await Promise.all(Array.from({ length: 8 }, () => askSlowly(ALL)));
    const answers = [];
    for (let time = 0; time < 20; time++) {
      answers.push(
        await gateway.query(
          '{ cdrs(first: 50) { nodes { id account { id } } } cdrStats { totals { attempts } } }',
        ),
      );
    }
    for (const { errors, data } of answers) {
      expect(errors).toBeUndefined();
      expect(data.cdrStats.totals.attempts).toBe(MANY);
    }
    for (const response of slow) response.destroy();
    await until('end of their statements', async () => (await running()).length === 0, 5);
  });

  test.each(['gzip', 'br', 'zstd'])(
    'of a %s stream holds no snapshot and little memory either, and gets every call in the end',
    async (coding) => {
      const before = process.memoryUsage().arrayBuffers;
      const response = await askSlowly(ALL, { 'accept-encoding': coding, ...THROUGH_A_PROXY });
      expect(response.headers['content-encoding']).toBe(coding);
      const chunks: Buffer[] = [];
      let most = 0;
      for (let tenth = 0; tenth < 10; tenth++) {
        await sip(response, chunks);
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }
      await until('rest of the connection', async () => (await running()).length === 0, 10);
      expect(most).toBeLessThan(16 * MEBIBYTE);

      for await (const chunk of response) chunks.push(chunk);
      const { data } = JSON.parse(decode[coding as keyof typeof decode](Buffer.concat(chunks)).toString());
      expect([data.cdrs.nodes.length, straysIn(data.cdrs.nodes)]).toEqual([MANY, 0]);
    },
  );

  test('that takes a byte at a time delays nobody, whatever it accepts', async () => {
    const accepting: readonly Record<string, string>[] = [
      {},
      { 'accept-encoding': 'gzip' },
      { 'accept-encoding': 'gzip', ...THROUGH_A_PROXY },
    ];
    const readers = await Promise.all(accepting.map((headers) => askSlowly(ALL, headers)));
    for (let time = 0; time < 20; time++) {
      for (const response of readers) response.read(1);
      const { errors, data } = await gateway.query('{ cdrs(first: 50) { nodes { id } } }');
      expect([errors, data.cdrs.nodes.length]).toEqual([undefined, 50]);
      await delay(50);
    }
    for (const response of readers) response.destroy();
    await until('end of their statements', async () => (await running()).length === 0, 5);
  });

  test('on this host gets its next answers compressed, others as before', async () => {
    const accepting = (userAgent: string) => ({ 'accept-encoding': 'gzip', 'user-agent': userAgent });
    const codingFor = async (userAgent: string) => {
      const response = await askSlowly(ALL, accepting(userAgent));
      response.destroy();
      return response.headers['content-encoding'];
    };
    const slow = await askSlowly(ALL, accepting('slow'));
    expect(slow.headers['content-encoding']).toBeUndefined();
    // It is waited for, for two seconds, before it is taken for slow.
    for (let tenth = 0; tenth < 25; tenth++) await sip(slow, []);
    slow.destroy();
    await until('end of its statement', async () => (await running()).length === 0, 5);

    await until('compressed answer', async () => (await codingFor('slow')) === 'gzip', 5);
    expect(await codingFor('quick')).toBeUndefined();
  });
});
