import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import type { Source } from '../../src/db/sources/sources.ts';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { ReplicaLostError } from '../../src/errors.ts';
import { formatLsn, parseLsn } from '../../src/replicas/lsn.ts';
import { createReplicas, type Replicas, type ReplicasOptions } from '../../src/replicas/replicas.ts';
import type { Sample } from '../../src/replicas/sample.ts';
import { ReplicaSession, type SessionOptions } from '../../src/replicas/session.ts';
import { TimelineReader } from '../../src/replicas/timeline-reader.ts';
import type { Token } from '../../src/replicas/token.ts';
import { until } from '../gateway/served-gateway.ts';
import { makeStandbyOf, promote } from '../support/change-roles.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { eventually } from './eventually.ts';

/**
 * A fail-over in which something is lost: two standbys were cut off when the primary wrote on, it died, and the first
 * of them was promoted.
 */
let database: TestCluster;
let promoted: PostgresNode;
let follower: PostgresNode;
/** Had received all of it, and followed nobody afterwards. */
let ahead: PostgresNode;
/** Of standbys, before anything happened. */
let before: Token;
/** Where both standbys stood when the primary died: the place of the switch. */
let switchedAt: bigint;
/** What the primary had written beyond. */
let lostAt: bigint;
/** Began before the primary died, each at a gateway of its own that is told of the promoted server as primary. */
let begun: readonly Begun[];
let source: Source;

const stack = new AsyncDisposableStack();

async function on(node: PostgresNode, statement: string): Promise<Record<string, string>[]> {
  const client = new pg.Client({ connectionString: node.url({ database: 'calls' }) });
  client.on('error', () => {});
  await client.connect();
  return client
    .query(statement)
    .then(({ rows }) => rows)
    .finally(() => client.end());
}

interface Begun {
  readonly replicas: Replicas;
  /** Goes on from what was lost. */
  readonly demanding: ReplicaSession;
  /** Demands nothing, and has read what was lost. */
  readonly plain: ReplicaSession;
}

/** Requests that are being answered by the standby that had everything, beside others or alone. */
async function beginRequests(urls: readonly string[]): Promise<Begun> {
  const replicas = stack.use(await watching({ replicaUrls: urls, primaryUrl: database.replicaUrls[0]! }));
  const begin = async (freshness: SessionOptions['freshness']) => {
    const session = new ReplicaSession(
      { replicas, source: () => source },
      {
        principal: { name: 'admin', role: 'ADMIN', scope: { kind: 'all' }, maxPage: 1 },
        freshness,
        signal: new AbortController().signal,
        onPin() {},
      },
    );
    stack.defer(() => session.end());
    await session.reader();
    return session;
  };
  const readAfter = { ...before, lsn: lostAt };
  return { replicas, demanding: await begin({ readAfter }), plain: await begin({}) };
}

async function watching(options: Partial<ReplicasOptions> = {}): Promise<Replicas & AsyncDisposable> {
  const replicas = createReplicas({
    replicaUrls: database.replicaUrls.slice(0, 2),
    poolSize: 1,
    pollIntervalSeconds: 0.1,
    readAfterWaitSeconds: 0.5,
    ...options,
  });
  await replicas.firstLook;
  return Object.assign(replicas, { [Symbol.asyncDispose]: () => replicas.close() });
}

beforeAll(async () => {
  database = stack.use(await startTestCluster({ replicas: 3 }));
  ({ source } = await checkSource(database.primary, 'xdrs'));
  const { primary, replicas } = database.cluster;
  [promoted, follower, ahead] = replicas as [PostgresNode, PostgresNode, PostgresNode];
  {
    await using watched = await watching();
    const replica = await watched.choose();
    before = watched.positions.decode(replica.token());
    replica.release();
  }
  await database.pool.query('create table kept as select 1');
  await database.replayed();
  await Promise.all([promoted.stop('fast'), follower.stop('fast')]);
  await database.pool.query('create table lost as select 1');
  const [row] = await on(primary, 'select pg_current_wal_flush_lsn()::text as lsn');
  lostAt = parseLsn(row!.lsn!);
  await until('all of it on one', async () => (await replayedBy(ahead)) >= lostAt);
  const [, urlOfFollower, urlOfAhead] = database.replicaUrls;
  begun = [await beginRequests([urlOfFollower!, urlOfAhead!]), await beginRequests([urlOfAhead!])];
  await primary.kill('SIGKILL');
  await Promise.all([promoted.start(), follower.start()]);
  // To the last byte of what they have.
  await until('end of replay', async () => {
    const first = await replayedBy(promoted);
    return first === (await replayedBy(promoted)) && first === (await replayedBy(follower));
  });
  switchedAt = await replayedBy(promoted);
  await promote(promoted);
  await makeStandbyOf(promoted, follower);
  await on(promoted, 'create table later as select 1');
  await until('table on the other', async () => {
    const [row] = await on(follower, "select to_regclass('later')::text as name");
    return row!.name === 'later';
  });
});
afterAll(() => stack.disposeAsync());

const replayedBy = async (node: PostgresNode) =>
  parseLsn((await on(node, 'select pg_last_wal_replay_lsn()::text as lsn'))[0]!.lsn!);

const failureOf = (replicas: Replicas, readAfter: Token) =>
  replicas.choose({ readAfter }).then(
    (replica) => {
      replica.release();
      return replica.name;
    },
    ({ code, retryable }) => ({ code, retryable }),
  );

describe('after a fail-over, a gateway that was started later', () => {
  test('knows the exact place of the switch: what lies before is served, what lies behind is lost for good', async () => {
    expect(lostAt).toBeGreaterThan(switchedAt);
    await using later = await watching();
    const of = (lsn: bigint) => failureOf(later, { ...before, lsn });
    expect(await failureOf(later, before)).toBe('replica-2');
    expect(await of(switchedAt)).toBe('replica-2');
    const lost = { code: 'POSITION_LOST', retryable: false };
    expect(await of(switchedAt + 1n)).toEqual(lost);
    expect(await of(lostAt)).toEqual(lost);
    await expect(later.choose({ readAfter: { ...before, lsn: lostAt, isOfCursor: true } })).rejects.toThrow(
      /cursor/,
    );
  });

  test('tells it to one that may not see it, by the tokens it writes', async () => {
    await using knowing = await watching();
    const replica = await knowing.choose();
    const text = replica.token();
    replica.release();
    expect(knowing.positions.decode(text)).toMatchObject({
      timeline: 2,
      switchedFrom: { timeline: 1, lsn: switchedAt },
    });
    await on(promoted, 'revoke execute on function cdr_gateway.timeline_history() from gateway_reader');
    const [row] = await on(promoted, 'select pg_current_wal_flush_lsn()::text as lsn');
    await eventually(async () => (await replayedBy(follower)) >= parseLsn(row!.lsn!)).toBe(true);
    await using ignorant = await watching();
    const unproven = await ignorant.choose({ readAfter: before }).catch((error: Error) => error);
    expect(unproven).toMatchObject({
      code: 'POSITION_LOST',
      retryable: false,
      message: expect.stringContaining('is not known here'),
    });
    expect(await failureOf(ignorant, ignorant.positions.decode(text))).toBe('replica-2');
    expect(await failureOf(ignorant, { ...before, lsn: switchedAt })).toBe('replica-2');
    expect(await failureOf(ignorant, { ...before, lsn: lostAt })).toMatchObject({ code: 'POSITION_LOST' });
    await on(promoted, 'grant execute on function cdr_gateway.timeline_history() to gateway_reader');
  });

  test('takes the timeline that a statement says, where it is later than that of the last poll', async () => {
    await using replicas = await watching();
    const replica = await replicas.choose();
    const { lsn, timeline } = replicas.positions.decode(replica.token());
    const of = (text: string) => replicas.positions.decode(replica.token(text));
    expect(timeline).toBe(2);
    expect(of(`${formatLsn(lsn + 8n)}@3`)).toMatchObject({ lsn: lsn + 8n, timeline: 3 });
    expect(of(`${formatLsn(lsn + 16n)}@1`)).toMatchObject({ lsn: lsn + 16n, timeline: 2 });
    const inFile = (place: string) => of(`${place}@00000003000000010000000A`);
    expect(inFile('1/A001F08')).toMatchObject({ lsn: 0x1_0a00_1f08n, timeline: 3 });
    // Behind the header of a page, and of a segment, which come with the next record.
    expect(inFile('1/A002018')).toMatchObject({ lsn: 0x1_0a00_2000n, timeline: 3 });
    expect(inFile('1/A000028')).toMatchObject({ lsn: 0x1_0a00_0000n, timeline: 3 });
    expect(of(formatLsn(lsn + 24n))).toMatchObject({ lsn: lsn + 24n, timeline: 2 });
    replica.release();
  });
});

test('the place of the switch is asked for again when the connection broke, and not when it was told', async () => {
  const reader = new TimelineReader();
  const sample = { systemIdentifier: '1', timeline: 2, startStamp: 1, answeredAt: 1 } as Sample;
  const client = new pg.Client({ connectionString: promoted.url({ database: 'calls' }) });
  await client.connect();
  const ended = new pg.Client();
  await ended.end();
  await expect(reader.read(ended, sample)).rejects.toThrow();
  expect(await reader.read(client, sample)).toEqual([{ timeline: 1, lsn: switchedAt }]);
  expect(await reader.read(client, sample)).toBe(undefined);
  await client.end();
});

describe('a request that was being answered by a standby that had more than the promoted one, and went away', () => {
  const gone = new ReplicaLostError();

  beforeAll(async () => {
    await ahead.stop('fast');
    for (const { replicas } of begun)
      await until('promoted server', async () => replicas.snapshot().primary?.timeline === 2);
  });

  test('is told for good that what it demands is lost, whether another standby can answer or only the primary says so', async () => {
    for (const { demanding } of begun)
      await expect(demanding.tryAnotherReplica(gone)).rejects.toMatchObject({ code: 'POSITION_LOST' });
  });

  test('is told only that the standby was lost when it may ask again, and is asked again elsewhere', async () => {
    const [{ plain }] = begun as [Begun, Begun];
    await expect(plain.replaceReader(await plain.reader(), gone)).rejects.toBe(gone);
    expect(await plain.tryAnotherReplica(gone)).toBe(true);
    expect(plain.readFrom()).toMatchObject({ name: 'replica-1' });
  });
});
