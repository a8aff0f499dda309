import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { artefacts, networkChanges, sightOfLastVisit } from './visit.ts';

/**
 * A test in the browser; of one that fails, a picture is left where it failed. When an interface of the machine comes or
 * goes, Chromium drops every request that is under way, to the loopback too: a test that fails while that happened is run
 * once more.
 */
export function browserTest(name: string, run: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    const before = networkChanges();
    try {
      await run(t);
    } catch (error) {
      const sight = sightOfLastVisit();
      if (sight) writeFileSync(join(artefacts, `failed ${name.slice(0, 80).replaceAll('/', '')}.png`), sight);
      if (networkChanges() === before) throw error;
      t.diagnostic(`the machine's network changed (${(error as Error).message.split('\n')[0]}): once more`);
      await run(t);
    }
  });
}
