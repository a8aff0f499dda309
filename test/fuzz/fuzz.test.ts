import { expect, inject, test } from 'vitest';
import { GatewayHost } from './gateway-host.ts';
import { LivezWatch } from './livez-watch.ts';
import { fuzzSeed } from './round.ts';

/**
 * Tables of random types, encodings and values, and everything that can be requested of them: a few rounds, the same
 * every time. `npm run fuzz` goes on for as long as it is told.
 */
const ROUNDS = 3;

test('whatever the table holds, and whatever becomes of it', { timeout: 180_000 }, async () => {
  await using host = new GatewayHost();
  await using livez = new LivezWatch();
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const report = await fuzzSeed(seed, { servers: inject('postgres'), host, livez }).catch(
      (cause: unknown) => {
        throw new Error(`npm run fuzz -- --seed ${seed} --rounds 1`, { cause });
      },
    );
    expect(report.requests).toBeGreaterThan(0);
  }
});
