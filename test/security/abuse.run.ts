import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { insertCalls, measureAbuse } from './abuse.ts';

const attackSeconds = Number(process.env.ABUSE_SECONDS);
/** Below this a page is as fast as the machine's other work lets it be. */
const MIN_MILLIS = 10;
const MIB = 1024 * 1024;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await insertCalls(database);
});
afterAll(() => database?.[Symbol.asyncDispose]());

// The machine is shared with the attackers, and perhaps with others.
test('three hostile tenants do not keep a fourth from its page', {
  timeout: (attackSeconds + 60) * 1000,
}, async () => {
  const report = await measureAbuse(database, { quietSeconds: 3, attackSeconds });
  console.log(JSON.stringify(report));
  const { quiet, attacked, failures, longestTurnMillis, grownBytes } = report;
  expect(failures).toBe(0);
  expect(attacked.medianMillis).toBeLessThanOrEqual(3 * Math.max(quiet.medianMillis, MIN_MILLIS));
  expect(attacked.p99Millis).toBeLessThanOrEqual(6 * Math.max(quiet.p99Millis, MIN_MILLIS));
  expect(longestTurnMillis).toBeLessThanOrEqual(100);
  expect(grownBytes).toBeLessThanOrEqual(64 * MIB);
});
