/** Run by offline.test.ts where there is no network: the whole world, and a look at both views. */
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { findChromium, picture } from './visit.ts';
import { startWorld } from './world.ts';

const others = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
assert.deepEqual(others, [], 'there is no network');

const world = await startWorld(2_000, findChromium(process.env).path);
try {
  for (const user of ['admin', 'customer'] as const) {
    await using visit = await world.visit({ user, path: '/calls?range=30d' });
    await visit.settled();
    await visit.page.locator('[data-facet=cause] li').first().waitFor();
    await visit.page.locator('[role=gridcell][data-column=carrier]', { hasText: 'sample' }).first().waitFor();
    await picture(visit.page, `offline-${user}`);
    console.log(`${user}: ${await visit.loaded()} calls`);
  }
} finally {
  await world.stop();
}
