import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/replicas/clock.ts';
import { parseConnection } from '../../src/replicas/connection-url.ts';
import { isSample, type Observation } from '../../src/replicas/sample.ts';
import { defaultTuning } from '../../src/replicas/tuning.ts';
import { Watcher } from '../../src/replicas/watcher.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Cable, startCable } from './cable.ts';

let database: TestDatabase;
let cable: Cable;
let observations: Observation[];
let watcher: Watcher;

/** No poll is given up by itself while a test lasts. */
const POLL_TIMEOUT_SECONDS = 600;
const LOOK_SECONDS = 0.6;

beforeAll(async () => {
  database = await createTestDatabase();
  const url = new URL(database.replicaUrls[0]!);
  cable = await startCable({ host: '127.0.0.1', port: Number(url.port) });
  url.port = String(cable.port);
  observations = [];
  watcher = new Watcher({
    connection: parseConnection(url.href),
    clock: systemClock(),
    tuning: { ...defaultTuning, pollTimeoutSeconds: POLL_TIMEOUT_SECONDS },
    onObservation: (observation) => observations.push(observation),
  });
});

afterAll(async () => {
  await watcher?.close();
  await cable?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const kinds = () => observations.map(({ result }) => (isSample(result) ? 'sample' : result.kind));

test('a poll under way has no answer when a look at the same server finds it silent', async () => {
  await watcher.poll();
  expect(kinds()).toEqual(['sample']);
  cable.swallow();
  const poll = watcher.poll();
  expect(await watcher.lookAt([1], LOOK_SECONDS)).toBeUndefined();
  await poll;
  expect(kinds()).toEqual(['sample', 'hanging']);
  // The next one is made on another connection, which works.
  await watcher.poll();
  expect(kinds()).toEqual(['sample', 'hanging', 'sample']);
});
