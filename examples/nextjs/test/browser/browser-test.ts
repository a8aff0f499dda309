import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { artefacts, networkChanges, sightOfLastVisit } from './visit.ts';

/** Every test that needed a second try, with what its first one met: `.ci/run` ends with them. */
const secondTries = join(artefacts, 'second-tries.txt');

/**
 * A test in the browser; of one that fails, a picture is left where it failed. Tried once more, with what the first try met
 * kept to be read, is a test during which an interface of the machine came or went, for then Chromium drops every request
 * that is under way, to the loopback too; and, in CI alone, any other: two cores are shared there by a browser, the app, the
 * gateway and three servers, and a whole run must not be thrown away by a click that came a frame too early.
 */
export function browserTest(name: string, run: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    const before = networkChanges();
    try {
      await run(t);
    } catch (error) {
      const sight = sightOfLastVisit();
      if (sight) writeFileSync(join(artefacts, `failed ${name.slice(0, 80).replaceAll('/', '')}.png`), sight);
      const hasNetworkChanged = networkChanges() !== before;
      if (!hasNetworkChanged && !process.env.CI) throw error;
      const why = hasNetworkChanged ? "the machine's network changed" : 'it failed';
      appendFileSync(secondTries, `${name}: ${why}\n${(error as Error).stack}\n\n`);
      t.diagnostic(`${why} (${(error as Error).message.split('\n')[0]}): once more`);
      await run(t);
    }
  });
}
