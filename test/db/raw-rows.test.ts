import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formats } from '../../src/db/bind-message.ts';
import { type Flow, readRawRows } from '../../src/db/raw-rows.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  // One connection, so that a statement inherits whatever the one before it left behind.
  pool = new pg.Pool({ connectionString: database.replicaUrls[0], max: 1 });
});
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

/** Nobody takes rows until `open` is called. */
function closedFlow() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { isFull: () => true, drained: () => promise, open: resolve } satisfies Flow & { open(): void };
}

const read = (text: string, flow?: Flow) =>
  readRawRows({ pool, signal: undefined }, { text, values: [], formats: [formats.text], sink() {}, flow });

test('a statement that ends while its rows wait leaves the next one alone', async () => {
  const flow = closedFlow();
  await expect(read('select generate_series(1, 3)', flow)).resolves.toEqual({ rows: 3, isStopped: false });
  // Longer than a statement may wait for its reader.
  await expect(read('select pg_sleep(0.6)')).resolves.toEqual({ rows: 1, isStopped: false });
  flow.open();
});
