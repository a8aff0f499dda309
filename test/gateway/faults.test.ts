import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anXdr } from '../support/builders.ts';
import { encodePlainToken } from '../support/plain-token.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import {
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

let database: TestCluster;
let gateway: ServedGateway;

beforeAll(async () => {
  database = await startTestCluster({
    replicas: 2,
    settings: { wal_receiver_timeout: '3s', autovacuum: 'off' },
  });
  await insertMany(database);
  gateway = await serveGateway(database, { PRIMARY_URL: primaryUrl() });
});

afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

/** The gateway only watches it, and as the role that reads. */
function primaryUrl(): string {
  const url = new URL(database.replicaUrls[0]!);
  url.port = String(database.cluster.primary.port);
  return url.href;
}

/** Still twenty times what a socket holds. */
const SOME = 60_000;

const standbys = () => database.cluster.replicas;
/** `replica-1` is the first of REPLICA_URLS. */
const indexOf = (name: string) => Number(name.split('-')[1]) - 1;

const ALL = `query ($first: Int!) { cdrs(first: $first, orderBy: OLDEST_FIRST) { nodes { ${WIDE} } pageInfo { hasNextPage } } }`;
const STATUS =
  '{ replicationStatus { status replicas { name status lagBytes lagSeconds staleness { minSeconds maxSeconds } } primary { status } } }';

interface Standby {
  readonly name: string;
  readonly status: string;
  readonly lagSeconds: number | null;
  readonly lagBytes: number | null;
  readonly staleness: { readonly minSeconds: number | null; readonly maxSeconds: number | null } | null;
}

async function statusOfAll(): Promise<{
  status: string;
  replicas: Standby[];
  primary: { status: string } | null;
}> {
  const { data, status } = await gateway.query(STATUS);
  expect(status).toBe(200);
  return data.replicationStatus;
}

/** Waits until the gateway sees so many standbys stream. */
function untilStreaming(count: number) {
  return until(`${count} standbys that stream`, async () => {
    const { replicas } = await statusOfAll();
    return replicas.filter(({ status }) => status === 'STREAMING').length === count;
  });
}

test('a call that the primary committed is answered by a standby within a second', async () => {
  await untilStreaming(2);
  for (let id = 1_000_001; id <= 1_000_005; id++) {
    await database.primary
      .insertInto('xdrs')
      .values(anXdr({ i_xdr: String(id), cld: `fresh ${id}` }))
      .execute();
    const committed = performance.now();
    await until('fresh call', async () => {
      const { data } = await gateway.query(`{ cdr(id: ${id}) { cld } }`);
      return data.cdr?.cld === `fresh ${id}`;
    });
    expect(performance.now() - committed).toBeLessThan(1000);
  }
  await database.primary.deleteFrom('xdrs').where('i_xdr', '>', '1000000').execute();
  await database.replayed();
});

test('pools survive the end of every one of their backends, idle or busy', async () => {
  const terminate = () =>
    Promise.all(
      database.standbyUrls.map((url) =>
        on(url, `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'gateway'`),
      ),
    );
  for (let round = 0; round < 3; round++) {
    // Idle: each pool has connections now.
    await Promise.all(Array.from({ length: 8 }, () => gateway.query('{ cdrs(first: 1) { nodes { id } } }')));
    await terminate();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => gateway.query('{ cdrs(first: 1) { nodes { id } totalCount } }')),
    );
    for (const { status, errors, data } of answers) {
      expect([status, errors]).toEqual([200, undefined]);
      expect(data.cdrs.totalCount).toBe(MANY);
    }
  }
  // Busy: in the middle of a list.
  const reading = new SlowReading(await gateway.ask(ALL, { first: SOME }));
  await reading.more();
  await terminate();
  const { data, errors } = await reading.json();
  expect(errors).toBeUndefined();
  expect([data.cdrs.nodes.length, straysIn(data.cdrs.nodes)]).toEqual([SOME, 0]);
});

test('X-Read-After reads nothing older than the answer it came with, and neither does page two', async () => {
  const [frozen, current] = [database.standbyUrls[0]!, database.standbyUrls[1]!];
  const LAST = '{ cdrs(last: 1, orderBy: OLDEST_FIRST) { pageInfo { endCursor } } }';
  const old = (await gateway.query(LAST)).data.cdrs.pageInfo.endCursor;
  await on(frozen, 'select pg_wal_replay_pause()');
  try {
    await until('pause', async () => {
      const [row] = await on(frozen, `select pg_get_wal_replay_pause_state() = 'paused' as done`);
      return row!.done === true;
    });
    await database.primary
      .insertInto('xdrs')
      .values(['2000001', '2000002', '2000003'].map((i_xdr) => anXdr({ i_xdr, connect_time: '2027-01-01Z' })))
      .execute();
    const { rows } = await database.pool.query('select pg_current_wal_flush_lsn()::text as lsn');
    await until('replay on the other standby', async () => {
      const [row] = await on(current, 'select pg_last_wal_replay_lsn() >= $1::pg_lsn as done', [rows[0].lsn]);
      return row!.done === true;
    });
    const PAGE =
      'query ($after: String) { cdrs(first: 1, after: $after) { nodes { id } pageInfo { endCursor } } }';
    const newest = await until('answer from the standby that goes on', async () => {
      const answer = await gateway.query(PAGE);
      return answer.data?.cdrs?.nodes[0].id === '2000003' && answer;
    });
    const { token } = newest.extensions.replica;
    const after = newest.data.cdrs.pageInfo.endCursor;
    const fresh = (await gateway.query(LAST, {}, { headers: { 'x-read-after': token } })).data.cdrs.pageInfo
      .endCursor;
    const BETWEEN =
      'query ($after: String, $before: String) { cdrs(first: 9, orderBy: OLDEST_FIRST, after: $after, before: $before) { nodes { id } } }';
    for (let time = 0; time < 20; time++) {
      const [again, next, between] = await Promise.all([
        gateway.query(PAGE, {}, { headers: { 'x-read-after': token } }),
        gateway.query(PAGE, { after }),
        gateway.query(BETWEEN, { after: old, before: fresh }),
      ]);
      // The fresher of two cursors decides.
      expect(between.data.cdrs.nodes).toEqual([{ id: '2000001' }, { id: '2000002' }]);
      expect([again.data.cdrs.nodes[0].id, next.data.cdrs.nodes[0].id]).toEqual(['2000003', '2000002']);
      expect([again.extensions.replica.name, next.extensions.replica.name]).toEqual([
        'replica-2',
        'replica-2',
      ]);
    }
  } finally {
    await on(frozen, 'select pg_wal_replay_resume()');
    await database.primary.deleteFrom('xdrs').where('i_xdr', '>', '2000000').execute();
    await database.replayed();
  }
});

test('what no standby has replayed is waited for, and then refused with an estimate, never answered older', async () => {
  await Promise.all(database.standbyUrls.map((url) => on(url, 'select pg_wal_replay_pause()')));
  try {
    // Until it says so, a standby may replay what comes.
    for (const url of database.standbyUrls) {
      await until('pause', async () => {
        const [row] = await on(url, `select pg_get_wal_replay_pause_state() = 'paused' as done`);
        return row!.done === true;
      });
    }
    await database.primary
      .insertInto('xdrs')
      .values(anXdr({ i_xdr: '2000009' }))
      .execute();
    const { rows } = await database.pool.query(
      `select system_identifier::text as id, timeline_id as timeline, pg_current_wal_lsn() - '0/0'::pg_lsn as lsn
       from pg_control_system(), pg_control_checkpoint()`,
    );
    const token = encodePlainToken({
      systemIdentifier: BigInt(rows[0].id),
      timeline: rows[0].timeline,
      lsn: BigInt(rows[0].lsn),
    });
    const response = await gateway.ask(
      '{ cdrs { nodes { id } } }',
      {},
      { headers: { 'x-read-after': token } },
    );
    const { data, errors } = (await response.json()) as Awaited<ReturnType<ServedGateway['query']>>;
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(data).toEqual({ cdrs: null });
    expect(errors![0]!.extensions).toMatchObject({ code: 'REPLICA_TOO_STALE', retryable: true });
  } finally {
    await Promise.all(database.standbyUrls.map((url) => on(url, 'select pg_wal_replay_resume()')));
    await database.primary.deleteFrom('xdrs').where('i_xdr', '=', '2000009').execute();
    await database.replayed();
  }
});

test.each([
  [MANY, 'crashes', 'immediate'],
  [SOME, 'is stopped', 'fast'],
] as const)('a list of %i is whole when its standby %s in the middle of it', async (count, _, mode) => {
  await untilStreaming(2);
  const response = await gateway.ask(ALL, { first: count });
  const reading = new SlowReading(response);
  await reading.more();
  const killed = standbys()[indexOf(response.headers.get('x-replica')!)]!;
  await killed.stop(mode);
  const { data, errors, extensions } = await reading.json();
  await killed.start();

  expect([errors, extensions.complete]).toEqual([undefined, undefined]);
  expect([data.cdrs.nodes.length, straysIn(data.cdrs.nodes)]).toEqual([count, 0]);
  expect(data.cdrs.pageInfo).toEqual({ hasNextPage: count < MANY });
  // Which of them ended it is said at the end; the header was sent at the beginning.
  expect(extensions.replica.name).not.toBe(response.headers.get('x-replica'));
});

test('a lock that one standby has replayed sends requests to the other, whose answer is whole', async () => {
  // The second replays no further, so the lock reaches the first alone.
  await on(database.standbyUrls[1]!, 'select pg_wal_replay_pause()');
  const holder = await database.pool.connect();
  try {
    await holder.query('begin');
    await holder.query('lock table xdrs in access exclusive mode');
    // A commit takes the lock along.
    await database.pool.query('select pg_logical_emit_message(true, $$test$$, $$$$)');
    await until('the lock on the first standby', async () => {
      const held = await on(
        database.standbyUrls[0]!,
        `select 1 from pg_locks where mode = 'AccessExclusiveLock' and relation = 'xdrs'::regclass`,
      );
      return held.length > 0;
    });
    const answers = await Promise.all([
      gateway.query('{ cdrs(first: 20) { nodes { id } } }'),
      gateway.query('{ cdrStats(groupBy: [COUNTRY]) { rows { attempts } } }'),
      gateway.query(ALL, { first: SOME }),
    ]);
    expect(answers.map(({ errors }) => errors)).toEqual([undefined, undefined, undefined]);
    expect(answers[2]!.data.cdrs.nodes).toHaveLength(SOME);
    expect(answers.map(({ extensions }) => extensions.replica.name)).toEqual(Array(3).fill('replica-2'));
  } finally {
    await holder.query('rollback');
    holder.release();
    await on(database.standbyUrls[1]!, 'select pg_wal_replay_resume()');
  }
  await untilStreaming(2);
});

test('every list of a request goes on when the standby of the first crashes', async () => {
  await untilStreaming(2);
  const response = await gateway.ask(
    `query ($first: Int!) {
      one: cdrs(first: $first, orderBy: OLDEST_FIRST) { nodes { ${WIDE} } }
      two: cdrs(last: $first, orderBy: NEWEST_FIRST) { nodes { id } totalCount }
      three: cdrs(first: 5, orderBy: OLDEST_FIRST) { nodes { id } pageInfo { hasNextPage } }
    }`,
    { first: SOME },
  );
  const reading = new SlowReading(response);
  await reading.more();
  const killed = standbys()[indexOf(response.headers.get('x-replica')!)]!;
  await killed.stop('immediate');
  const { data, errors } = await reading.json();
  await killed.start();

  expect(errors).toBeUndefined();
  expect([data.one.nodes.length, straysIn(data.one.nodes)]).toEqual([SOME, 0]);
  expect([data.two.nodes.length, straysIn(data.two.nodes.reverse())]).toEqual([SOME, 0]);
  expect([data.three.nodes.length, straysIn(data.three.nodes)]).toEqual([5, 0]);
  expect([data.two.totalCount, data.three.pageInfo]).toEqual([MANY, { hasNextPage: true }]);
});

test('short answers go on while a standby is killed and comes back, without one error', async () => {
  await untilStreaming(2);
  const results: unknown[] = [];
  let isOver = false;
  const queries = Promise.all(
    Array.from({ length: 6 }, async (_, worker) => {
      const documents = [
        // A root that fails alone would be null beside the others: the standby is left for all of them.
        '{ cdrs(first: 20) { nodes { id } } cdrStats { totals { attempts } } viewer { name } }',
        '{ one: cdrs(first: 20) { nodes { id } } two: cdrs(last: 2) { nodes { id } edges { cursor } } cdr(id: 7) { id } }',
        '{ cdrs(first: 20) { nodes { id } totalCount } }',
        '{ cdrs(first: 20) { nodes { id account { id } } } }',
        '{ cdrStats { totals { attempts } } }',
        '{ cdr(id: 7) { id } account(id: 14) { id } }',
      ];
      while (!isOver) {
        const { status, errors } = await gateway.query(documents[worker]!);
        results.push(errors ? [status, errors[0]!.extensions.code, errors[0]!.message] : 'well');
      }
    }),
  );
  const [first] = standbys();
  await first!.kill('SIGKILL');
  const before = results.length;
  await until('answers meanwhile', async () => results.length > before + 40);
  await first!.start();
  await untilStreaming(2);
  isOver = true;
  await queries;
  expect([...new Set(results)]).toEqual(['well']);
});

test('when the primary is killed reads go on, and how old they are grows and is never 0', async () => {
  await untilStreaming(2);
  await database.cluster.primary.kill('SIGKILL');
  try {
    await until('notice of it', async () => {
      const { primary, replicas } = await statusOfAll();
      return primary?.status !== 'PRIMARY' && replicas.every(({ status }) => status !== 'STREAMING');
    });
    const seen: Standby[][] = [];
    for (let time = 0; time < 8; time++) {
      const { data, errors, status, extensions } = await gateway.query(
        '{ cdrs(first: 3, orderBy: OLDEST_FIRST) { nodes { id } } }',
      );
      expect([status, errors, data.cdrs.nodes.length]).toEqual([200, undefined, 3]);
      expect(extensions.replica.stalenessSeconds).toBeGreaterThan(0);
      seen.push((await statusOfAll()).replicas);
      await delay(100); // The age of an answer is a matter of time.
    }
    for (const index of [0, 1]) {
      const ages = seen.map((replicas) => replicas[index]!.lagSeconds);
      expect(ages.every((age) => age === null || age > 0)).toBe(true);
      expect(ages.every((age, time) => time === 0 || age! > ages[time - 1]!)).toBe(true);
      expect(ages.at(-1)! - ages[0]!).toBeGreaterThan(0.6);
    }
    expect((await statusOfAll()).status).not.toBe('HEALTHY');
    // A limit that cannot be met is refused: the switch is never queried instead.
    const limited = await gateway.query(
      '{ cdrs { nodes { id } } }',
      {},
      { headers: { 'x-max-staleness': '0.001' } },
    );
    expect([limited.status, limited.errors![0]!.extensions.code]).toEqual([503, 'REPLICA_TOO_STALE']);
  } finally {
    await database.cluster.primary.start();
  }
  await untilStreaming(2);
});

test('when every standby is down lists fail and say so, the status answers, and all comes back by itself', async () => {
  await untilStreaming(2);
  await Promise.all(standbys().map((standby) => standby.stop('immediate')));
  try {
    const refused = await until('refusal', async () => {
      const response = await gateway.ask('{ cdrs { nodes { id } } cdrStats { totals { attempts } } }');
      const answer = (await response.json()) as Awaited<ReturnType<ServedGateway['query']>>;
      return answer.errors?.[0]?.extensions.code === 'NO_REPLICA_AVAILABLE' && { response, answer };
    });
    expect(refused.response.status).toBe(503);
    expect(refused.response.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(refused.answer.data).toEqual({ cdrs: null, cdrStats: null });
    expect(refused.answer.errors![0]!.extensions.retryable).toBe(true);
    // Names of standbys, and no address.
    expect(refused.answer.errors![0]!.message).toMatch(/replica-1.*replica-2/);
    expect(refused.answer.errors![0]!.message).not.toMatch(/127\.0\.0\.1|\d{4,}/);

    await until('word of it', async () =>
      (await statusOfAll()).replicas.every(({ status }) => status === 'UNREACHABLE'),
    );
    const { replicas } = await statusOfAll();
    expect(replicas.every(({ lagSeconds }) => lagSeconds === null || lagSeconds > 0)).toBe(true);
    const whoAsks = await gateway.query('{ viewer { role } }');
    expect([whoAsks.status, whoAsks.data]).toEqual([200, { viewer: { role: 'ADMIN' } }]);

    const csv = await gateway.ask('{ cdrs { nodes { id } } }', {}, { headers: { accept: 'text/csv' } });
    expect([csv.status, csv.headers.get('content-type')]).toEqual([503, expect.stringContaining('json')]);
  } finally {
    await Promise.all(standbys().map((standby) => standby.start()));
  }
  await until('answer again', async () => {
    const { data } = await gateway.query('{ cdrs(first: 1) { totalCount } }');
    return data?.cdrs?.totalCount === MANY;
  });
});
