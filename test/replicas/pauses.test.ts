import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { on, type ServedGateway, serveGateway, until } from '../gateway/served-gateway.ts';
import { anXdr } from '../support/builders.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { type Cable, startCable } from './cable.ts';

/** Two standbys; the gateway reaches the first through a cable that can swallow packets. */
let database: TestCluster;
let cable: Cable;
let gateway: ServedGateway;

/** What a request may take beyond its time on a healthy standby, and what a busy machine adds. */
const MAX_PAUSE_MS = 2000;
const MACHINE_MS = 1000;
const MAX_NOTICE_MS = 6000;

const PAGE = '{ cdrs(first: 5) { nodes { id } } }';
const STATISTICS = '{ cdrStats(groupBy: [COUNTRY]) { rows { attempts } } }';

beforeAll(async () => {
  database = await startTestCluster({ replicas: 2, settings: { wal_receiver_timeout: '3s' } });
  await database.insertXdrs(Array.from({ length: 20 }, (_, index) => anXdr({ i_xdr: String(index + 1) })));
  cable = await startCable({ host: '127.0.0.1', port: database.cluster.replicas[0]!.port });
  const throughCable = new URL(database.replicaUrls[0]!);
  throughCable.port = String(cable.port);
  const primaryUrl = new URL(database.replicaUrls[0]!);
  primaryUrl.port = String(database.cluster.primary.port);
  gateway = await serveGateway(
    { replicaUrls: [throughCable.href, database.replicaUrls[1]!] },
    { PRIMARY_URL: primaryUrl.href, POLL_INTERVAL: '1' },
  );
  await untilWell();
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await cable?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

function primaryUrlOf({ cluster, standbyUrls }: TestCluster): string {
  const url = new URL(standbyUrls[0]!);
  url.port = String(cluster.primary.port);
  return url.href;
}

async function stateOf(index: number): Promise<string> {
  const { data } = await gateway.query('{ replicationStatus { replicas { status } } }');
  return data.replicationStatus.replicas[index].status;
}

function untilWell(): Promise<unknown> {
  return until('both standbys in use', async () => {
    const states = [await stateOf(0), await stateOf(1)];
    if (states.some((state) => state !== 'STREAMING')) return false;
    const names = await Promise.all(Array.from({ length: 6 }, () => gateway.query(PAGE)));
    return new Set(names.map(({ extensions }) => extensions.replica.name)).size === 2;
  });
}

/** Requests of both kinds without a pause, each kind one after another, for so long: the longest one in milliseconds. */
async function longestRequest(seconds: number): Promise<number> {
  let longest = 0;
  const end = performance.now() + seconds * 1000;
  const ask = async (document: string) => {
    while (performance.now() < end) {
      const begun = performance.now();
      const { status, errors } = await gateway.query(document);
      expect([status, errors]).toEqual([200, undefined]);
      longest = Math.max(longest, performance.now() - begun);
      await delay(5);
    }
  };
  await Promise.all([PAGE, PAGE, STATISTICS, STATISTICS].map(ask));
  return longest;
}

async function gatewayPids(): Promise<number[]> {
  const rows = await on(
    database.standbyUrls[0]!,
    `select pid from pg_stat_activity where usename = 'gateway' and backend_type = 'client backend'`,
  );
  return rows.map(({ pid }) => Number(pid));
}

describe('no request waits long for a standby while another one is well', () => {
  test('when it is frozen with all its processes', async () => {
    const server = database.cluster.replicas[0]!;
    const requests = longestRequest(5);
    await delay(500);
    const pids = await gatewayPids();
    await server.kill('SIGSTOP');
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const frozenAt = performance.now();
    const noticed = until('notice', async () => (await stateOf(0)) === 'UNREACHABLE', 8).then(
      () => performance.now() - frozenAt,
    );
    try {
      expect(await requests).toBeLessThan(MAX_PAUSE_MS + MACHINE_MS);
      expect(await noticed).toBeLessThan(MAX_NOTICE_MS);
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
      await server.kill('SIGCONT');
    }
    await untilWell();
  });

  test('when only its postmaster is frozen, and answers nobody new', async () => {
    const server = database.cluster.replicas[0]!;
    // Connections that are there go on; one that is ended cannot be replaced.
    await on(
      database.standbyUrls[0]!,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gateway' and application_name = 'cdr-gateway'`,
    );
    await server.kill('SIGSTOP');
    try {
      expect(await longestRequest(5)).toBeLessThan(MAX_PAUSE_MS + MACHINE_MS);
      await until('notice', async () => (await stateOf(0)) === 'UNREACHABLE', 5);
    } finally {
      await server.kill('SIGCONT');
    }
    await untilWell();
  });

  test('when packets are swallowed, of new connections and old ones', async () => {
    const requests = longestRequest(5);
    await delay(500);
    cable.bandwidth(0);
    try {
      expect(await requests).toBeLessThan(MAX_PAUSE_MS + MACHINE_MS);
    } finally {
      cable.reset();
      cable.bandwidth(Number.POSITIVE_INFINITY);
    }
    await untilWell();
  });

  test('when it has replayed a lock on the calls, and the other one is behind', async () => {
    const [locked, behind] = database.standbyUrls;
    await on(behind!, 'select pg_wal_replay_pause()');
    const owner = new pg.Client({ connectionString: primaryUrlOf(database) });
    await owner.connect();
    await owner.query('begin');
    await owner.query('lock table xdrs in access exclusive mode');
    await on(primaryUrlOf(database), `select pg_logical_emit_message(true, 'lock', '')`);
    try {
      await until('lock', async () => {
        const rows = await on(
          locked!,
          `select from pg_locks where relation = 'xdrs'::regclass and mode = 'AccessExclusiveLock' and granted`,
        );
        return rows.length > 0;
      });
      expect(await longestRequest(4)).toBeLessThan(MAX_PAUSE_MS + MACHINE_MS);
    } finally {
      await owner.query('rollback');
      await owner.end();
      await on(behind!, 'select pg_wal_replay_resume()');
    }
    await untilWell();
  });

  test('when packets are swallowed on the connections there are, and new ones work', async () => {
    const requests = longestRequest(5);
    await delay(500);
    cable.swallow();
    expect(await requests).toBeLessThan(MAX_PAUSE_MS + MACHINE_MS);
    cable.reset();
    await untilWell();
  });
});

describe('a crash that is over in a moment', () => {
  test('fails no request, though both standbys are hit by it', async () => {
    const requests = longestRequest(4);
    for (let round = 0; round < 3; round++) {
      for (const server of database.cluster.replicas) {
        await server.kill('SIGKILL');
        await server.start();
        await delay(300);
      }
    }
    expect(await requests).toBeLessThan(MAX_PAUSE_MS + MACHINE_MS);
    await untilWell();
  });
});

describe('a statement that takes long', () => {
  test('is let live while its process is at work', async () => {
    const replicas = (await import('../../src/replicas/replicas.ts')).createReplicas({
      replicaUrls: database.replicaUrls,
      poolSize: 2,
    });
    await replicas.firstLook;
    const replica = await replicas.choose();
    const { rows } = await replica.pool.query('select pg_sleep(4), 1 as one');
    expect(rows).toEqual([{ pg_sleep: '', one: 1 }]);
    replica.release();
    await replicas.close();
  });

  test('is left where another process of its server has got a statement and does nothing about it', async () => {
    const { createReplicas } = await import('../../src/replicas/replicas.ts');
    const replicas = createReplicas({ replicaUrls: database.replicaUrls, poolSize: 2 });
    await replicas.firstLook;
    const [, other] = replicas.snapshot().replicas;
    const replica = await replicas.choose({ exclude: new Set([other!.name]) });
    const clients = [await replica.pool.connect(), await replica.pool.connect()];
    const pids = clients.map((client) => (client as unknown as { processID: number }).processID);
    const end = (statement: Promise<unknown>) =>
      statement.then(
        () => 'an answer',
        () => 'a lost connection',
      );
    const atWork = end(clients[0]!.query('select pg_sleep(600)'));
    await until('statement at work', async () => {
      const sleeping = `select from pg_stat_activity where pid = ${pids[0]} and wait_event = 'PgSleep'`;
      return (await on(database.standbyUrls[0]!, sleeping)).length > 0;
    });
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const inVain = end(clients[1]!.query('select 1'));
    const ends = Promise.all([inVain, atWork]);
    try {
      expect(await Promise.race([ends, delay(20_000)])).toEqual(['a lost connection', 'a lost connection']);
    } finally {
      for (const pid of pids) {
        process.kill(pid, 'SIGTERM');
        process.kill(pid, 'SIGCONT');
      }
    }
    for (const client of clients) client.release(true);
    replica.release();
    await replicas.close();
  });
});

describe('a request with a limit', () => {
  test('is not answered by what had to wait until it was older', async () => {
    const LIMIT = 1.5;
    const ask = () => gateway.query(PAGE, {}, { headers: { 'x-max-staleness': String(LIMIT) } });
    const servers = database.cluster.replicas;
    const pids = await Promise.all(
      database.standbyUrls.map((url) =>
        on(url, `select pid from pg_stat_activity where usename = 'gateway'`),
      ),
    );
    const all = pids.flat().map(({ pid }) => Number(pid));
    await untilWell();
    for (const server of servers) await server.kill('SIGSTOP');
    for (const pid of all) process.kill(pid, 'SIGSTOP');
    const asked = Array.from({ length: 4 }, ask);
    await delay(3000);
    for (const pid of all) process.kill(pid, 'SIGCONT');
    for (const server of servers) await server.kill('SIGCONT');
    for (const { errors, extensions } of await Promise.all(asked)) {
      if (errors)
        expect(errors[0]!.extensions!.code).toMatch(/REPLICA_TOO_STALE|NO_REPLICA_AVAILABLE|REPLICA_LOST/);
      else expect(extensions.replica.stalenessSeconds).toBeLessThanOrEqual(LIMIT);
    }
  });
});
