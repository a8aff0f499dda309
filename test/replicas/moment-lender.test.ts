import pg, { type PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Lender } from '../../src/db/wire/lender.ts';
import { type Borrower, Connections, ConnectionUse } from '../../src/replicas/connections.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { eventually } from './eventually.ts';

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  pool = new pg.Pool({ connectionString: database.standbyUrls[0]!, max: 20 });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
});
afterEach(() => pool.end());

const connectionsOf = (size: number, statementTimeoutSeconds = 30) =>
  new Connections({ pool, size, statementTimeoutSeconds });

const borrowerOf = (principal: string): Borrower => ({
  principal,
  role: 'ADMIN',
  signal: new AbortController().signal,
  statements: 0,
  use: new ConnectionUse(),
});

async function ask<Row>(lender: Lender, statement: string): Promise<Row> {
  const client: PoolClient = await lender.connect();
  try {
    return (await client.query(statement)).rows[0];
  } finally {
    client.release();
  }
}

interface Seen {
  readonly pid: number;
  readonly snapshot: string;
  readonly isolation: string;
}

const LOOK = `select pg_backend_pid() as pid, pg_current_snapshot()::text as snapshot,
  current_setting('transaction_isolation') as isolation, pg_sleep(0.02)`;

/** Whether a connection was given back within its transaction. */
async function isLeftOpen(): Promise<boolean> {
  const { rows } = await database.pool.query('select 1');
  expect(rows).toHaveLength(1);
  const client = new pg.Client({ connectionString: database.standbyUrls[0]! });
  await client.connect();
  try {
    const { rowCount } = await client.query(
      `select 1 from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
    );
    return rowCount !== 0;
  } finally {
    await client.end();
  }
}

describe('statements of an operation that are wanted at once', () => {
  test.each([1, 2, 3, 8])('see one moment, over %i connections', async (size) => {
    const connections = connectionsOf(size);
    const lender = connections.momentLenderFor(borrowerOf('a'));
    let isOver = false;
    const writing = (async () => {
      while (!isOver)
        await database.pool.query(`insert into xdrs (i_account, connect_time) values (14, now())`);
    })();
    const seen = await Promise.all(Array.from({ length: 12 }, () => ask<Seen>(lender, LOOK)));
    isOver = true;
    await writing;
    expect(new Set(seen.map(({ snapshot }) => snapshot)).size).toBe(1);
    expect(seen.map(({ isolation }) => isolation)).toEqual(Array(12).fill('repeatable read'));
    const used = new Set(seen.map(({ pid }) => pid)).size;
    expect(used).toBeGreaterThan(size > 2 ? 1 : 0);
    // The others are left to other principals.
    expect(used).toBeLessThanOrEqual(Math.ceil(size / 2));
    await eventually(isLeftOpen).toBe(false);
    expect(connections.queue.waitingByRole().get('ADMIN')).toBe(0);
  });

  test('keep it for what their caller wants next', async () => {
    const lender = connectionsOf(1).momentLenderFor(borrowerOf('a'));
    const twice = async () => [await ask<Seen>(lender, LOOK), await ask<Seen>(lender, LOOK)];
    const seen = (await Promise.all([twice(), twice()])).flat();
    expect(new Set(seen.map(({ snapshot }) => snapshot)).size).toBe(1);
  });

  test('are counted while they wait', async () => {
    const connections = connectionsOf(1);
    const lender = connections.momentLenderFor(borrowerOf('a'));
    const all = Promise.all(Array.from({ length: 5 }, () => ask(lender, 'select pg_sleep(0.2)')));
    await eventually(() => connections.queue.waitingByRole().get('ADMIN')).toBe(4);
    await all;
    expect(connections.queue.waitingByRole().get('ADMIN')).toBe(0);
  });

  test('survive one that fails', async () => {
    const lender = connectionsOf(1).momentLenderFor(borrowerOf('a'));
    const outcomes = await Promise.allSettled([
      ask<Seen>(lender, LOOK),
      ask(lender, 'select 1/0'),
      ask<Seen>(lender, LOOK),
      ask<Seen>(lender, LOOK),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    await eventually(isLeftOpen).toBe(false);
  });

  test('leave what they joined to whoever wants a connection', async () => {
    const connections = connectionsOf(4);
    const lender = connections.momentLenderFor(borrowerOf('a'));
    const all = Promise.all(Array.from({ length: 60 }, () => ask<Seen>(lender, LOOK)));
    await eventually(() => pool.totalCount - pool.idleCount).toBe(2);
    // Of the same principal, which may have no third one.
    const began = performance.now();
    await ask(connections.lenderFor(borrowerOf('a')), 'select 1');
    expect(performance.now() - began).toBeLessThan(300);
    const seen = await all;
    expect(new Set(seen.map(({ snapshot }) => snapshot)).size).toBe(1);
  });

  test('are refused with the connection that breaks beneath them, and others are served', async () => {
    const connections = connectionsOf(1);
    const lender = connections.momentLenderFor(borrowerOf('a'));
    const outcomes = await Promise.allSettled([
      ask(lender, 'select pg_terminate_backend(pg_backend_pid())'),
      ask(lender, LOOK),
      ask(lender, LOOK),
    ]);
    expect(outcomes[0]!.status).toBe('rejected');
    await expect(ask<Seen>(lender, LOOK)).resolves.toMatchObject({ isolation: 'read committed' });
    await expect(ask(connections.lenderFor(borrowerOf('b')), 'select 1')).resolves.toBeDefined();
  });

  test('do not wait for ever', async () => {
    const connections = connectionsOf(1, 0.1);
    const lender = connections.momentLenderFor(borrowerOf('a'));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => ask(lender, 'select pg_sleep(1.1)')),
    );
    expect(
      outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'answered')),
    ).toEqual(['answered', 'answered', 'answered', 'OVERLOADED', 'OVERLOADED']);
  });
});

test('a statement alone is in no transaction', async () => {
  const lender = connectionsOf(2).momentLenderFor(borrowerOf('a'));
  expect(await ask<Seen>(lender, LOOK)).toMatchObject({ isolation: 'read committed' });
  expect(await ask<Seen>(lender, LOOK)).toMatchObject({ isolation: 'read committed' });
});
