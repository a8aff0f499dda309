import { afterAll, beforeAll, expect, test } from 'vitest';
import { usedMemory } from '../../src/db/wire/used-memory.ts';
import { fuzzRound } from './round.ts';

/**
 * Tables of random types, encodings and values, and everything that is asked of them. `npm run fuzz` goes on for as many
 * requests as FUZZ_REQUESTS says, from FUZZ_SEED on; in the suite it is a few rounds, the same every time.
 */
const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 0);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const ROUNDS = 5;

beforeAll(() => {
  usedMemory.overwrite = (bytes) => bytes.fill('POISON');
});
afterAll(() => {
  usedMemory.overwrite = undefined;
});

test('whatever the table holds, and whatever becomes of it', {
  timeout: REQUESTS > 0 ? 0 : 120_000,
}, async () => {
  let requests = 0;
  let slowest = 0;
  for (let round = 0; REQUESTS > 0 ? requests < REQUESTS : round < ROUNDS; round++) {
    const seed = SEED + round;
    const report = await fuzzRound(seed).catch((cause: unknown) => {
      throw new Error(`Seed ${seed}: FUZZ_SEED=${seed} FUZZ_REQUESTS=1 npm run fuzz`, { cause });
    });
    requests += report.requests;
    slowest = Math.max(slowest, report.slowestLivez);
    if (REQUESTS > 0)
      process.stderr.write(`seed ${seed}: ${requests} requests, /livez at most ${slowest.toFixed(0)} ms\n`);
  }
  expect(requests).toBeGreaterThan(ROUNDS);
});
