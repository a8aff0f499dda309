import { sql } from 'kysely';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { run } from '../../src/db/reader.ts';
import type { Source } from '../../src/db/sources/sources.ts';
import { Statement } from '../../src/db/statement.ts';
import type { Replica } from '../../src/replicas/replicas.ts';
import { ReplicaSession } from '../../src/replicas/session.ts';
import { eventually } from '../replicas/eventually.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { backendsOf, insertMany } from './served-gateway.ts';

const POOL_SIZE = 4;
let database: TestDatabase;
let gateway: TestGateway;
let replica: Replica;
let source: Source;

beforeAll(async () => {
  database = await createTestDatabase();
  await insertMany(database);
  const replicaUrls = database.replicaUrls.slice(0, 1);
  gateway = await createTestGateway({ replicaUrls }, { tuning: { poolSize: POOL_SIZE } });
  replica = await gateway.replicas.choose();
  ({ source } = await checkSource(database.primary, 'xdrs'));
});
afterAll(async () => {
  replica?.release();
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

/** So many times statistics of every call: each is a statement of some fifty milliseconds. */
const statistics = (count: number, before = '') => {
  const fields = Array.from(
    { length: count },
    (_, index) => `s${index}: cdrStats { totals { attempts asr } }`,
  );
  return `{ ${before} ${fields.join(' ')} }`;
};

const waiting = () =>
  [...replica.connections.queue.waitingByRole().values()].reduce((sum, each) => sum + each, 0);

/** Waits for the end of the attack whatever the test finds, or the next test would count its statements. */
async function during<T>(attack: Promise<T>, act: () => Promise<void>): Promise<T> {
  try {
    await act();
  } finally {
    await attack;
  }
  return attack;
}

/** Counts how often a connection is lent while `act` runs. */
async function lentDuring(pool: Pool, act: () => Promise<unknown>): Promise<number> {
  let lent = 0;
  const count = () => lent++;
  pool.on('acquire', count);
  await act();
  pool.off('acquire', count);
  return lent;
}

/** What is lent and what waits is counted while statements run: a machine that is busy elsewhere may end one in between. */
const COUNTED_WHILE_RUNNING = { retry: 2 };

/**
 * Of a page: its own, and what others begin in the places of what they end meanwhile. In turn with a hundred statements of
 * theirs it would be many times that.
 */
const MAX_LENT = 1 + POOL_SIZE;

/** Connections that are lent. */
const busy = () => replica.pool.totalCount - replica.pool.idleCount;

test(
  'one principal takes half of the connections, and the page of another is the next to be served',
  COUNTED_WHILE_RUNNING,
  async () => {
    const attack = Array.from({ length: 3 }, () =>
      gateway.query(statistics(33), {}, { token: ACCOUNT_TOKEN }),
    );
    const answers = await during(Promise.all(attack), async () => {
      await eventually(waiting).toBeGreaterThan(90);
      expect(busy()).toBe(POOL_SIZE / 2);
      const lent = await lentDuring(replica.pool, async () => {
        const { data, errors } = await gateway.query('{ cdrs(first: 50) { nodes { id cli cld } } }');
        expect(errors).toBeUndefined();
        expect(data.cdrs.nodes).toHaveLength(50);
      });
      expect(lent).toBeLessThanOrEqual(MAX_LENT);
      expect(waiting()).toBeGreaterThan(60);
    });
    for (const { data, errors } of answers) {
      expect(errors).toBeUndefined();
      expect(Object.keys(data)).toHaveLength(33);
    }
  },
);

test('the administrator is a principal like any other', COUNTED_WHILE_RUNNING, async () => {
  await during(gateway.query(statistics(40)), async () => {
    await eventually(waiting).toBeGreaterThan(30);
    const page = () => gateway.query('{ cdrs(first: 50) { nodes { id } } }', {}, { token: ACCOUNT_TOKEN });
    expect(await lentDuring(replica.pool, page)).toBeLessThanOrEqual(MAX_LENT);
  });
});

test(
  'a page of the same principal waits for one statement, not for all of another operation',
  COUNTED_WHILE_RUNNING,
  async () => {
    await during(gateway.query(statistics(40)), async () => {
      await eventually(waiting).toBeGreaterThan(30);
      const page = () => gateway.query('{ cdrs(first: 50) { nodes { id } } }');
      expect(await lentDuring(replica.pool, page)).toBeLessThanOrEqual(MAX_LENT + 1);
    });
  },
);

test('statements end with the answer that they were for', COUNTED_WHILE_RUNNING, async () => {
  const session = new ReplicaSession(
    { replicas: gateway.replicas, source: () => source },
    {
      principal: { name: 'tenant', role: 'ACCOUNT', scope: { kind: 'all' }, maxPage: 1 },
      freshness: {},
      signal: new AbortController().signal,
      onPin() {},
    },
  );
  const reader = await session.reader();
  const slow = Statement.ofServer('slow', sql`select pg_sleep(20)`);
  const ended = Promise.allSettled(Array.from({ length: 5 }, () => run(reader, slow)));
  await eventually(async () => await busyBackends()).toBe(POOL_SIZE / 2);
  expect(waiting()).toBe(5 - POOL_SIZE / 2);

  session.end();

  const outcomes = (await ended).map((each) => each.status === 'rejected' && each.reason.code);
  expect(outcomes).toEqual(Array(5).fill('REQUEST_CANCELLED'));
  expect(waiting()).toBe(0);
  await eventually(async () => await busyBackends()).toBe(0);
  await expect(session.reader()).rejects.toMatchObject({ code: 'REQUEST_CANCELLED' });
  // What was cancelled is fit for the next.
  const { data } = await gateway.query('{ cdrs(first: 1) { nodes { id } } }');
  expect(data.cdrs.nodes).toHaveLength(1);
});

const busyBackends = async () =>
  (await backendsOf(database.standbyUrls[0]!)).filter(({ state }) => state === 'active').length;
