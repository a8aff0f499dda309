import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { findFreePort } from '../../src/demo/ports.ts';
import { startGateway } from '../../src/serve.ts';
import type { Change, FeedUpdate } from '../../src/sinks/changes.ts';
import { publishedDocument } from '../../src/sinks/document.ts';
import { readGatewayEvents } from '../../src/sinks/gateway-events.ts';
import { openNatsStream } from '../../src/sinks/nats-stream.ts';
import { Publisher, type PublisherDeps } from '../../src/sinks/publisher.ts';
import { openRedisStream } from '../../src/sinks/redis-stream.ts';
import { anXdr } from '../support/builders.ts';
import { makeStandbyOf, promote } from '../support/change-roles.ts';
import { ACCOUNT_ID, ACCOUNT_TOKEN, ADMIN_TOKEN } from '../support/gateway.ts';
import { hasNats, startNats } from '../support/nats.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { hasRedis, type RedisServer, startRedis } from '../support/redis.ts';

let database: TestCluster;
let directory: string;
let redis: RedisServer;
let gatewayPort: number;
let gateway: Awaited<ReturnType<typeof startGateway>> | undefined;

/** It is the same address after a restart. */
async function startOwnGateway(): Promise<void> {
  gateway = await startGateway({
    REPLICA_URLS: database.replicaUrls.join(','),
    API_PORT: String(gatewayPort),
    ADMIN_TOKEN,
    ACCOUNT_TOKEN,
    ACCOUNT_ID,
    LOG_LEVEL: 'silent',
    POLL_INTERVAL: '0.1',
    DRAIN_TIMEOUT: '1',
    GRAPHIQL: 'false',
  });
}

beforeAll(async () => {
  if (!hasRedis) return;
  directory = mkdtempSync(join(tmpdir(), 'cdr-gateway-redis-'));
  redis = await startRedis(undefined, directory);
  database = await startTestCluster({ replicas: 2 });
  await migrateToLatest(database.primaryUrl, { optional: ['ledger'] });
  await database.replayed();
  gatewayPort = await findFreePort();
  await startOwnGateway();
});

afterAll(async () => {
  await gateway?.close();
  await redis?.end();
  if (directory) rmSync(directory, { recursive: true, force: true });
  await database?.[Symbol.asyncDispose]();
});

const silent = { info() {}, warn() {} };

function depsOf(stream: string, token = ADMIN_TOKEN): PublisherDeps {
  const document = publishedDocument(['cld']);
  return {
    openSink: () => openRedisStream({ url: redis.url, stream, maxLength: 100_000, commandMillis: 1000 }),
    readFeed: (after, signal) =>
      readGatewayEvents({ url: `http://127.0.0.1:${gatewayPort}/graphql`, token, document, after, signal }),
    logger: silent,
    pauses: { min: 20, max: 200 },
  };
}

/** Publishes until it is stopped, or the test ends. */
function start(deps: PublisherDeps) {
  const stopping = new AbortController();
  const publisher = new Publisher(deps);
  const running = publisher.run(stopping.signal);
  running.catch(() => {});
  const stop = () => {
    stopping.abort();
    return running;
  };
  onTestFinished(() => stopping.abort());
  return { publisher, running, stop };
}

async function readStream(stream: string): Promise<Change[]> {
  const client = new Redis(redis.url, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {});
  try {
    await client.connect();
    const entries = await client.xrange(stream, '-', '+');
    return entries.map(([, fields]) => JSON.parse(fields[fields.indexOf('data') + 1]!));
  } finally {
    client.disconnect();
  }
}

async function readNatsStream(url: string, stream: string): Promise<Change[]> {
  const connection = await connect({ servers: new URL(url).host, reconnect: false, timeout: 2000 });
  try {
    const changes: Change[] = [];
    const consumer = await jetstream(connection).consumers.get(stream);
    const { num_pending: count } = await consumer.info();
    if (count === 0) return [];
    for await (const message of await consumer.fetch({ max_messages: count, expires: 5000 })) {
      changes.push(message.json<Change>());
    }
    return changes;
  } finally {
    await connection.close();
  }
}

/** Once that is so. */
async function published(stream: string, isSo: (changes: readonly Change[]) => boolean): Promise<Change[]> {
  let changes: Change[] = [];
  await expect
    .poll(
      async () => {
        changes = await readStream(stream).catch(() => []);
        return isSo(changes);
      },
      { timeout: 90_000, interval: 50 },
    )
    .toBe(true);
  return changes;
}

const insertedIds = (changes: readonly Change[]) =>
  changes.flatMap((each) => (each.change === 'inserted' ? [each.call.id] : []));
const hasBegun = (changes: readonly Change[]) => changes.length > 0;
const hasAll = (ids: readonly string[]) => (changes: readonly Change[]) => {
  const there = new Set(insertedIds(changes));
  return ids.every((id) => there.has(id));
};

async function insert(count: number): Promise<readonly string[]> {
  const rows = Array.from({ length: count }, () => anXdr());
  await database.insertXdrs(rows);
  return rows.map(({ i_xdr }) => i_xdr);
}

describe.skipIf(!hasRedis)('a publisher', () => {
  test('publishes what comes, changes, moves and goes, by the account and in order', async () => {
    start(depsOf('all'));
    start(depsOf('own', ACCOUNT_TOKEN));
    await published('all', hasBegun);
    await published('own', hasBegun);
    const { pool } = database;
    const [one, other] = [anXdr({ cld: '331' }), anXdr({ i_account: '15' })];
    await database.insertXdrs([one, other]);
    await published('all', hasAll([one.i_xdr, other.i_xdr]));
    await published('own', hasAll([one.i_xdr]));
    const change = async (statement: string, id: string, count: number) => {
      await pool.query(statement, [id]);
      await published('all', (changes) => changes.filter((each) => each.change !== 'mark').length >= count);
    };
    await change("update xdrs set cld = '332' where i_xdr = $1", one.i_xdr, 3);
    await change('update xdrs set i_account = 15 where i_xdr = $1', one.i_xdr, 5);
    await change('delete from xdrs where i_xdr = $1', one.i_xdr, 6);
    const shown = (changes: readonly Change[]) =>
      changes.flatMap((each) => {
        if (each.change === 'mark' || each.change === 'gap') return [];
        const id = 'call' in each ? each.call.id : each.id;
        return id === one.i_xdr ? [[each.change, each.key, 'call' in each ? each.call.cld : null]] : [];
      });
    expect(shown(await readStream('all'))).toEqual([
      ['inserted', '14', '331'],
      ['corrected', '14', '332'],
      ['moved', '14', null],
      ['corrected', '15', '332'],
      ['deleted', '15', null],
    ]);
    const own = await published('own', (changes) => changes.some((each) => each.change === 'deleted'));
    expect(shown(own)).toEqual([
      ['inserted', '14', '331'],
      ['corrected', '14', '332'],
      ['deleted', '14', null],
    ]);
    expect(own.every(({ key }) => key === null || key === '14')).toBe(true);
  });

  test('loses nothing and repeats nothing when Redis is killed, it is started anew, and the gateway is too', {
    timeout: 120_000,
  }, async () => {
    let { stop, publisher } = start(depsOf('kept'));
    await published('kept', hasBegun);
    const ids = [...(await insert(50))];
    await published('kept', hasAll(ids.slice(0, 1)));

    const { port } = new URL(redis.url);
    await redis.end();
    ids.push(...(await insert(700)));
    await expect.poll(() => publisher.isUp, { timeout: 60_000 }).toBe(false);
    redis = await startRedis(Number(port), directory);
    ids.push(...(await insert(50)));
    await published('kept', hasAll(ids));
    expect(publisher.failed).toBeGreaterThan(0);

    await stop();
    ids.push(...(await insert(50)));
    ({ stop, publisher } = start(depsOf('kept')));
    await published('kept', hasAll(ids));

    await gateway!.close();
    ids.push(...(await insert(50)));
    await startOwnGateway();
    const changes = await published('kept', hasAll(ids));
    expect(insertedIds(changes).toSorted()).toEqual(ids.toSorted());
    expect(changes.filter((each) => each.mayRepeat || each.change === 'gap')).toEqual([]);
  });

  test('holds nothing while Redis does not answer, and publishes it when it does', async () => {
    const { publisher } = start(depsOf('frozen'));
    await published('frozen', hasBegun);
    redis.freeze();
    let ids: readonly string[];
    try {
      ids = await insert(600);
      await expect.poll(() => publisher.failed, { timeout: 60_000 }).toBeGreaterThan(0);
    } finally {
      redis.resume();
    }
    expect(insertedIds(await published('frozen', hasAll(ids))).toSorted()).toEqual(ids.toSorted());
  });

  test('does not mix with a second one on the same stream', { timeout: 180_000 }, async () => {
    const [one, other] = [start(depsOf('shared')), start(depsOf('shared'))];
    await published('shared', hasBegun);
    const ids: string[] = [];
    for (let round = 0; round < 10; round++) ids.push(...(await insert(20)));
    const changes = await published('shared', hasAll(ids));
    expect(insertedIds(changes).toSorted()).toEqual(ids.toSorted());
    expect(one.publisher.failed + other.publisher.failed).toBeGreaterThan(0);
  });

  test('goes on behind what it has published when Redis has lost the stream', async () => {
    start(depsOf('lost'));
    await published('lost', hasBegun);
    await published('lost', hasAll(await insert(5)));
    const client = new Redis(redis.url);
    await client.del('lost');
    client.disconnect();
    const ids = await insert(5);
    expect(insertedIds(await published('lost', hasAll(ids)))).toEqual(ids);
  });

  test('keeps no more than it is told to', { timeout: 180_000 }, async () => {
    const deps = depsOf('short');
    start({ ...deps, openSink: () => openRedisStream({ url: redis.url, stream: 'short', maxLength: 100 }) });
    await published('short', hasBegun);
    const ids = await insert(1000);
    const changes = await published('short', (each) => insertedIds(each).includes(ids.at(-1)!));
    expect(changes.length).toBeGreaterThanOrEqual(100);
    expect(changes.length).toBeLessThan(400);
  });

  test('ends where another attempt would fail as well', { timeout: 180_000 }, async () => {
    const client = new Redis(redis.url);
    await client.xadd('foreign', '*', 'temperature', '21');
    client.disconnect();
    await expect(start(depsOf('foreign')).running).rejects.toThrow(/choose another stream/);
    await expect(start(depsOf('refused', 'a-token-that-nobody-has')).running).rejects.toThrow(
      /UNAUTHENTICATED/,
    );
  });

  test('an update that was told before anything was published is published whole', async () => {
    const update: FeedUpdate = {
      cursor: 'somewhere',
      asOf: null,
      stalenessSeconds: null,
      mayRepeat: false,
      inserted: [{ id: '1', accountId: '14' }],
      corrected: [],
      deletedIds: [],
      departures: [],
      gap: null,
    };
    const readFeed = async function* (_after: string | undefined, signal: AbortSignal) {
      yield update;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    };
    start({ ...depsOf('first'), readFeed });
    expect(await published('first', hasBegun)).toMatchObject([
      { change: 'inserted', key: '14', position: 'somewhere' },
    ]);
  });

  test.skipIf(!hasNats)(
    'does the same with NATS, which is killed as well',
    { timeout: 180_000 },
    async () => {
      const stored = mkdtempSync(join(tmpdir(), 'cdr-gateway-nats-'));
      let nats = await startNats(stored);
      onTestFinished(async () => {
        await nats.end();
        rmSync(stored, { recursive: true, force: true });
      });
      const read = () => readNatsStream(nats.url, 'nats').catch(() => []);
      const { publisher } = start({
        ...depsOf('nats'),
        openSink: () => openNatsStream({ url: nats.url, stream: 'nats', maxLength: 0, timeoutMillis: 2000 }),
      });
      const poll = (isSo: (changes: readonly Change[]) => boolean) =>
        expect.poll(async () => isSo(await read()), { timeout: 90_000, interval: 100 }).toBe(true);
      await poll(hasBegun);
      const ids = [...(await insert(20))];
      await poll(hasAll(ids));
      await nats.end();
      ids.push(...(await insert(700)));
      await expect.poll(() => publisher.failed, { timeout: 60_000 }).toBeGreaterThan(0);
      nats = await startNats(stored, Number(new URL(nats.url).port));
      ids.push(...(await insert(20)));
      await poll(hasAll(ids));
      const changes = await read();
      const firm = insertedIds(changes.filter(({ mayRepeat }) => !mayRepeat));
      expect(new Set(firm).size).toBe(firm.length);
    },
  );

  test('is a process that says how it is, and ends when it is told to', { timeout: 180_000 }, async () => {
    const port = await findFreePort();
    const child = spawn(process.execPath, ['src/cli.ts', 'publish'], {
      stdio: 'ignore',
      env: {
        PUBLISH_FROM: `http://127.0.0.1:1/graphql,http://127.0.0.1:${gatewayPort}/graphql`,
        PUBLISH_TOKEN: ADMIN_TOKEN,
        PUBLISH_TO: redis.url,
        PUBLISH_STREAM: 'process',
        PUBLISH_PORT: String(port),
      },
    });
    const ended = once(child, 'exit');
    onTestFinished(() => void child.kill('SIGKILL'));
    await published('process', hasBegun);
    const changes = await published('process', hasAll(await insert(3)));
    const call = changes.flatMap((each) => (each.change === 'inserted' ? [each.call] : []))[0]!;
    expect(Object.keys(call)).toContain('chargedAmount');
    expect(Object.keys(call)).not.toContain('cld');
    const answer = async (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await answer('/readyz')).status).toBe(200);
    const metrics = await (await answer('/metrics')).text();
    expect(metrics).toContain('publisher_changes_total{change="inserted"} 3\n');
    expect(metrics).toMatch(/^publisher_failures_total [1-9]/m);
    const names = [...metrics.matchAll(/^# TYPE (publisher_\w+)/gm)].map((found) => found[1]!);
    const documented = readFileSync('docs/publishing.md', 'utf8').matchAll(/^\| `(publisher_\w+)` \|/gm);
    expect([...documented].map((found) => found[1]!).toSorted()).toEqual(names.toSorted());
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });

  // The last one: another server is the primary from then on.
  test('misses nothing across a promotion, and repeats only with a warning', {
    timeout: 120_000,
  }, async () => {
    start(depsOf('promoted'));
    await published('promoted', hasBegun);
    const ids = [...(await insert(100))];
    await published('promoted', hasAll(ids));
    await database.replayed();
    const { cluster } = database;
    const [next, other] = cluster.replicas;
    await promote(next!, { stopping: cluster.primary });
    await makeStandbyOf(next!, other!);
    const rows = Array.from({ length: 100 }, () => anXdr());
    const client = new Client({ connectionString: next!.url({ database: database.name }) });
    await client.connect();
    onTestFinished(() => client.end());
    for (const { i_xdr } of rows) {
      await client.query('insert into xdrs (i_xdr, i_account, connect_time) values ($1, 14, now())', [i_xdr]);
    }
    ids.push(...rows.map(({ i_xdr }) => i_xdr));
    const changes = await published('promoted', hasAll(ids));
    const repeated = new Set(insertedIds(changes.filter(({ mayRepeat }) => mayRepeat)));
    const firm = insertedIds(changes.filter(({ mayRepeat }) => !mayRepeat));
    expect(new Set(firm).size).toBe(firm.length);
    expect(ids.every((id) => firm.includes(id) || repeated.has(id))).toBe(true);
  });
});
