import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatLsn } from '../../src/replicas/lsn.ts';
import { createReplicas, type Replicas, type ReplicasOptions } from '../../src/replicas/replicas.ts';
import { decodeToken, encodeToken, type Token } from '../../src/replicas/token.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { eventually } from './eventually.ts';

let database: TestCluster;

beforeAll(async () => {
  database = await startTestCluster({
    replicas: 2,
    settings: { wal_receiver_timeout: '3s', max_standby_streaming_delay: '0', autovacuum: 'off' },
  });
  await onPrimary('create table notes (id integer primary key, text text)');
  await onPrimary('grant select on notes to gateway_reader');
  await onPrimary('create role nobody login password $$secret$$');
  await database.replayed();
});

afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
});

const onPrimary = (statement: string, values?: unknown[]) => database.pool.query(statement, values);

async function onStandby(index: number, statement: string) {
  const client = new pg.Client({ connectionString: database.standbyUrls[index]! });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Something to hear of all the time: on an idle link the bound grows from ping to ping. */
function writing(): AsyncDisposable {
  let isStopped = false;
  const running = (async () => {
    while (!isStopped) {
      await onPrimary('select pg_current_xact_id()');
      await delay(20);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await running;
    },
  };
}

type Given = Partial<ReplicasOptions>;

async function watching(given: Given = {}): Promise<Replicas & AsyncDisposable> {
  const replicas = createReplicas({
    replicaUrls: database.replicaUrls,
    poolSize: 3,
    pollInterval: 0.2,
    ...given,
  });
  await replicas.firstLook;
  return Object.assign(replicas, { [Symbol.asyncDispose]: () => replicas.close() });
}

/** Where the primary's WAL ends, as a token nobody needs to have been given. */
async function primaryToken(): Promise<Token> {
  const { rows } = await onPrimary(
    'select system_identifier::text as id, pg_current_wal_flush_lsn()::text as lsn from pg_control_system()',
  );
  const [high, low] = rows[0].lsn.split('/').map((half: string) => BigInt(`0x${half}`));
  return { systemIdentifier: BigInt(rows[0].id), timeline: 1, lsn: (high << 32n) | low };
}

const stateOf = (replicas: Replicas, index = 0) => replicas.snapshot().replicas[index]!.status;

async function chosenName(replicas: Replicas, request = {}): Promise<string> {
  const replica = await replicas.choose(request);
  replica.release();
  return replica.name;
}

describe('a request', () => {
  test('gets a standby at once, before the first poll is over', async () => {
    const replicas = createReplicas({ replicaUrls: database.replicaUrls, poolSize: 1 });
    const replica = await replicas.choose();
    expect((await replica.pool.query('select pg_is_in_recovery() as standby')).rows).toEqual([
      { standby: true },
    ]);
    await replicas.close();
  });

  test('reads in a session that is UTC, read-only and keeps exact values as text', async () => {
    await using replicas = await watching();
    const replica = await replicas.choose();
    const { rows } = await replica.pool.query(`
      select current_setting('TimeZone') as zone, current_setting('default_transaction_read_only') as only,
        current_setting('application_name') as name, 9007199254740993 as big, 1.10::numeric as exact,
        timestamptz '2026-01-05 10:00:00.000001+01' as at, date '2026-01-05' as day, 7 as small`);
    expect(rows).toEqual([
      {
        zone: 'UTC',
        only: 'on',
        name: 'cdr-gateway',
        big: '9007199254740993',
        exact: '1.10',
        at: '2026-01-05 09:00:00.000001+00',
        day: '2026-01-05',
        small: 7,
      },
    ]);
    replica.release();
  });

  test('is told how old its answer is, and the token of an answer lets nobody go back', async () => {
    await using replicas = await watching();
    await onPrimary(`insert into notes values (1, 'one')`);
    await database.replayed();
    const replica = await replicas.choose({ maxStalenessSeconds: 2 });
    const { rows } = await replica.pool.query(
      'select pg_last_wal_replay_lsn()::text as lsn from notes where id = 1',
    );
    const { asOf, stalenessSeconds, token } = replica.freshness(rows[0].lsn);
    replica.release();
    expect(asOf).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/);
    expect(stalenessSeconds).toBeGreaterThan(0);
    expect(stalenessSeconds).toBeLessThanOrEqual(2.5);
    expect(formatLsn(decodeToken(token).lsn)).toBe(rows[0].lsn);
  });

  test('goes to the standbys in turn, and to the less busy one', async () => {
    await using replicas = await watching();
    const names = [await chosenName(replicas), await chosenName(replicas), await chosenName(replicas)];
    expect(names).toEqual([names[0], expect.not.stringMatching(names[0]!), names[0]]);

    const held = [await replicas.choose({ exclude: new Set(['replica-2']) }), await replicas.choose()];
    expect(await chosenName(replicas, { exclude: new Set(['replica-1']) })).toBe('replica-2');
    for (const each of held) each.release();
    const busy = await replicas.choose({ exclude: new Set(['replica-2']) });
    expect([await chosenName(replicas), await chosenName(replicas)]).toEqual(['replica-2', 'replica-2']);
    busy.release();
    busy.release();
    expect(replicas.snapshot().replicas.map(({ routing }) => routing.requestsInFlight)).toEqual([0, 0]);
  });

  test('that was aborted, or aborts while it waits, is chosen nothing for', async () => {
    await using replicas = await watching({ readAfterWait: 10 });
    const reason = new Error('the client left');
    await expect(replicas.choose({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const aborter = new AbortController();
    const { lsn, ...rest } = await primaryToken();
    const waiting = replicas.choose({
      readAfter: { ...rest, lsn: lsn + 1_000_000n },
      signal: aborter.signal,
    });
    setTimeout(() => aborter.abort(reason), 50);
    await expect(waiting).rejects.toBe(reason);
  });
});

describe('a request with a token', () => {
  test('waits until a standby has replayed it, without waiting for the next regular poll', async () => {
    await using replicas = await watching({ pollInterval: 30 });
    await onPrimary(`insert into notes values (2, 'two')`);
    const readAfter = await primaryToken();
    const replica = await replicas.choose({ readAfter });
    expect((await replica.pool.query('select text from notes where id = 2')).rows).toEqual([{ text: 'two' }]);
    expect(decodeToken(replica.freshness().token).lsn).toBeGreaterThanOrEqual(readAfter.lsn);
    replica.release();
  });

  test('goes to the standby that has it when another stands still', async () => {
    await using replicas = await watching();
    await onStandby(0, 'select pg_wal_replay_pause()');
    await onPrimary(`insert into notes values (3, 'three')`);
    const readAfter = await primaryToken();
    const names = [await chosenName(replicas, { readAfter }), await chosenName(replicas, { readAfter })];
    await onStandby(0, 'select pg_wal_replay_resume()');
    expect(names).toEqual(['replica-2', 'replica-2']);
  });

  test('ends, after a bounded wait, with how stale the standbys are, and succeeds once they go on', async () => {
    await using replicas = await watching({ readAfterWait: 0.3, replicaUrls: [database.replicaUrls[0]!] });
    await onStandby(0, 'select pg_wal_replay_pause()');
    await onPrimary(`insert into notes values (4, 'four')`);
    const readAfter = await primaryToken();
    const begun = performance.now();
    const error = await replicas.choose({ readAfter }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'REPLICA_TOO_STALE', retryable: true });
    expect(error.details.stalenessSeconds).toBeGreaterThan(0.3);
    expect(performance.now() - begun).toBeLessThan(3000);
    const again = createReplicas({ replicaUrls: [database.replicaUrls[0]!], poolSize: 1, readAfterWait: 10 });
    const waiting = again.choose({ readAfter });
    await onStandby(0, 'select pg_wal_replay_resume()');
    (await waiting).release();
    await again.close();
  });

  test('must satisfy all of several tokens', async () => {
    await using replicas = await watching({ readAfterWait: 0.1 });
    const now = await primaryToken();
    const later = { ...now, lsn: now.lsn + 1_000_000n };
    await expect(replicas.choose({ readAfter: [now, later] })).rejects.toMatchObject({
      code: 'REPLICA_TOO_STALE',
    });
    (await replicas.choose({ readAfter: [now, now] })).release();
  });

  test('of another cluster, or of the future, is told so', async () => {
    await using replicas = await watching({ readAfterWait: 0.1 });
    const token = await primaryToken();
    await expect(replicas.choose({ readAfter: { ...token, systemIdentifier: 1n } })).rejects.toMatchObject({
      code: 'INVALID_TOKEN',
    });
    await expect(replicas.choose({ readAfter: { ...token, timeline: 2 } })).rejects.toMatchObject({
      code: 'REPLICA_TOO_STALE',
    });
    expect(decodeToken(encodeToken(token))).toEqual(token);
  });
});

describe('a request with a limit', () => {
  test('is never sent to a standby beyond it, while one without a limit still has a choice', async () => {
    await using replicas = await watching();
    await using _ = writing();
    await onStandby(0, 'select pg_wal_replay_pause()');
    try {
      await eventually(() => replicas.snapshot().replicas[0]!.lagSeconds).toBeGreaterThan(0.6);
      const limited = await Promise.all(
        Array.from({ length: 10 }, () => chosenName(replicas, { maxStalenessSeconds: 0.5 })),
      );
      expect(new Set(limited)).toEqual(new Set(['replica-2']));
      expect(await chosenName(replicas)).toBe('replica-2');
      expect(await chosenName(replicas, { exclude: new Set(['replica-2']) })).toBe('replica-1');
      const tooStale = await replicas
        .choose({ maxStalenessSeconds: 0.5, exclude: new Set(['replica-2']) })
        .catch((error) => error);
      expect(tooStale).toMatchObject({ code: 'REPLICA_TOO_STALE', details: { etaSeconds: null } });
      expect(tooStale.details.stalenessSeconds).toBeGreaterThan(0.5);
    } finally {
      await onStandby(0, 'select pg_wal_replay_resume()');
    }
  });

  test('asks again before it gives up: a poll of a while ago is not how old the data is', async () => {
    await using replicas = await watching({ pollInterval: 30 });
    await using _ = writing();
    await delay(600);
    expect(replicas.snapshot().replicas[0]!.lagSeconds).toBeGreaterThan(0.5);
    const replica = await replicas.choose({ maxStalenessSeconds: 0.4 });
    expect(replica.freshness().stalenessSeconds).toBeLessThan(0.4);
    replica.release();
  });
});

describe('a standby in trouble', () => {
  test('does not take the process with it when its connections are ended, idle or lent', async () => {
    await using replicas = await watching();
    const replica = await replicas.choose();
    const lent = await replica.pool.connect();
    const idle = await replica.pool.connect();
    idle.release();
    const ended = new Promise((resolve) => lent.once('end', resolve));
    const index = replica.name === 'replica-1' ? 0 : 1;
    await onStandby(
      index,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gateway'`,
    );
    await ended;
    lent.release(true);
    await eventually(() => replica.pool.totalCount).toBe(0);
    expect((await replica.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    replica.release();
    await eventually(() => replicas.snapshot().status).toBe('OK');
  });

  test('that cancels a query for replay is counted, and still read from', async () => {
    await using replicas = await watching({ replicaUrls: [database.replicaUrls[0]!] });
    await onPrimary('create table crowd as select generate_series(1, 1000) as id');
    await onPrimary('grant select on crowd to gateway_reader');
    await database.replayed();
    const replica = await replicas.choose();
    const slow = replica.pool.query('select count(*), pg_sleep(20) from crowd').catch((error) => error);
    await eventually(
      async () =>
        (
          await onStandby(
            0,
            `select 1 from pg_stat_activity where query like '%pg_sleep(20)%' and usename = 'gateway'`,
          )
        ).rowCount,
    ).toBe(1);
    await onPrimary('delete from crowd');
    await onPrimary('vacuum crowd');
    const error = await slow;
    expect(error.code).toBe('40001');
    replica.report(error);
    replica.release();
    const [status] = replicas.snapshot().replicas;
    expect(status).toMatchObject({
      status: 'STREAMING',
      routing: { isSuspect: false, failures: { conflict: 1 } },
    });
    await eventually(() => replicas.snapshot().replicas[0]!.conflicts.snapshot).toBeGreaterThan(0);
    (await replicas.choose()).release();
  });

  test('is avoided from the first report of a loss until it answers', async () => {
    await using replicas = await watching({ pollInterval: 30, returnAfter: 0.3 });
    const replica = await replicas.choose();
    replica.report(Object.assign(new Error('Connection terminated unexpectedly')));
    replica.release();
    const others = await Promise.all(Array.from({ length: 4 }, () => chosenName(replicas)));
    expect(others).not.toContain(replica.name);
    await eventually(async () => [await chosenName(replicas), await chosenName(replicas)]).toContain(
      replica.name,
    );
  });

  test('makes room when it stops, is named in the error when all have, and comes back by itself', async () => {
    const [first, second] = database.cluster.replicas;
    await using replicas = await watching({ returnAfter: 0.2 });
    await first!.stop('fast');
    await eventually(() => stateOf(replicas)).toBe('UNREACHABLE');
    expect([await chosenName(replicas), await chosenName(replicas)]).toEqual(['replica-2', 'replica-2']);
    expect([replicas.snapshot().status, replicas.ready()]).toEqual(['DEGRADED', true]);

    await second!.stop('immediate');
    await eventually(() => replicas.ready()).toBe(false);
    const error = await replicas.choose().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'NO_REPLICA_AVAILABLE', retryable: true });
    expect(error.message).toContain('replica-1: UNREACHABLE');
    expect(error.message).not.toMatch(/127\.0\.0\.1|gateway@|postgresql:/);
    expect(replicas.snapshot()).toMatchObject({ status: 'DOWN', asOf: null });

    await Promise.all([first!.start(), second!.start()]);
    await eventually(() => replicas.snapshot().status).toBe('OK');
    const replica = await replicas.choose();
    expect((await replica.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    replica.release();
  });

  test('whose postmaster is frozen is the last choice, and serves on the connections there are', async () => {
    const [first] = database.cluster.replicas;
    const url = database.replicaUrls[0]!;
    await using replicas = await watching({ replicaUrls: [url], freshConnect: 0.1, pollTimeout: 0.3 });
    const warm = await replicas.choose();
    await warm.pool.query('select 1');
    await first!.kill('SIGSTOP');
    try {
      await eventually(() => stateOf(replicas)).toBe('UNREACHABLE');
      const replica = await replicas.choose();
      expect((await replica.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      replica.release();
    } finally {
      await first!.kill('SIGCONT');
    }
    warm.release();
    await eventually(() => stateOf(replicas)).toBe('STREAMING');
  });

  test('that our role may not look into says so, and is bounded once its neighbour or the primary testifies', async () => {
    const blind = new URL(database.replicaUrls[0]!);
    blind.username = 'nobody';
    blind.password = 'secret';
    await using alone = await watching({ replicaUrls: [blind.href] });
    const [status] = alone.snapshot().replicas;
    expect(status).toMatchObject({ status: 'STREAMING_UNVERIFIED', lagBytes: null, confidence: 'LOW' });
    expect(status!.reason).toContain('pg_read_all_stats');
    expect(await chosenName(alone)).toBe('replica-1');

    await using beside = await watching({ replicaUrls: [blind.href, database.replicaUrls[1]!] });
    await eventually(() => beside.snapshot().replicas[0]!.lagBytes).not.toBeNull();
    expect(await chosenName(beside)).toBe('replica-2');

    await using informed = await watching({ replicaUrls: [blind.href], primaryUrl: database.primaryUrl });
    await eventually(() => informed.snapshot().replicas[0]).toMatchObject({
      confidence: 'HIGH',
      lagBytes: 0n,
    });
  });

  test('that is starting says so', async () => {
    const [, second] = database.cluster.replicas;
    await using replicas = await watching();
    await second!.stop('fast');
    // Recovering, it accepts nobody.
    const starting = second!.setting('hot_standby', 'off').start();
    starting.catch(() => {});
    // It was refusing connections while it stopped, too.
    await eventually(() => second!.isRunning).toBe(true);
    await eventually(() => stateOf(replicas, 1)).toBe('STARTING');
    expect(replicas.snapshot().replicas[1]).toMatchObject({
      lagSeconds: null,
      lagBytes: null,
      confidence: 'NONE',
    });
    await second!.stop('fast');
    await starting.catch(() => {});
    await second!.setting('hot_standby', 'on').start();
    await eventually(() => stateOf(replicas, 1)).toBe('STREAMING');
  });

  test('of another cluster is never read from', async () => {
    await using other = await startTestCluster({ replicas: 1 });
    await using replicas = await watching({ replicaUrls: [...database.replicaUrls, other.replicaUrls[0]!] });
    expect(stateOf(replicas, 2)).toBe('WRONG_CLUSTER');
    expect(replicas.snapshot().replicas[2]).toMatchObject({ lagBytes: null, lagSeconds: null });
    const names = await Promise.all(Array.from({ length: 6 }, () => chosenName(replicas)));
    expect(new Set(names)).toEqual(new Set(['replica-1', 'replica-2']));
  });
});

describe('watching', () => {
  test('ends at once, also while a server is frozen or nothing listens', async () => {
    const [first] = database.cluster.replicas;
    const urls = [database.replicaUrls[0]!, 'postgresql://gateway@127.0.0.1:1/calls'];
    const replicas = createReplicas({ replicaUrls: urls, poolSize: 1, pollInterval: 0.05 });
    await replicas.firstLook;
    await first!.kill('SIGSTOP');
    const never = createReplicas({ replicaUrls: [database.replicaUrls[0]!], poolSize: 1 });
    await delay(50);
    const begun = performance.now();
    await Promise.all([replicas.close(), never.close()]);
    await first!.kill('SIGCONT');
    expect(performance.now() - begun).toBeLessThan(1000);
    await expect(never.choose()).rejects.toMatchObject({ code: 'NO_REPLICA_AVAILABLE' });
  });

  test('tells of every sample, and stops telling when asked to', async () => {
    await using replicas = await watching({ pollInterval: 0.05 });
    const names: string[] = [];
    const stop = replicas.onSample(({ name }) => names.push(name));
    await eventually(() => new Set(names).size).toBe(2);
    stop();
    const told = names.length;
    await delay(150);
    expect(names.length).toBe(told);
  });

  test('answers from memory: the snapshot asks no server', async () => {
    await using replicas = await watching({ pollInterval: 30 });
    const count = async () =>
      (
        await onStandby(
          0,
          'select xact_commit::int as n from pg_stat_database where datname = current_database()',
        )
      ).rows[0].n;
    const before = await count();
    const lags = [];
    for (let times = 0; times < 200; times++) lags.push(replicas.snapshot().replicas[0]!.lagSeconds!);
    expect((await count()) - before).toBeLessThan(10);
    expect(lags).toEqual(lags.toSorted((a, b) => a - b));
  });
});
