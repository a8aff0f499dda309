import { type TestContext, test } from 'node:test';
import { networkChanges } from './visit.ts';

/**
 * A test in the browser. When an interface of the machine comes or goes, Chromium drops every request that is under way,
 * to the loopback too: a test that fails while that happened is run once more.
 */
export function browserTest(name: string, run: (t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    const before = networkChanges();
    try {
      await run(t);
    } catch (error) {
      if (networkChanges() === before) throw error;
      t.diagnostic(`the machine's network changed (${(error as Error).message.split('\n')[0]}): once more`);
      await run(t);
    }
  });
}
