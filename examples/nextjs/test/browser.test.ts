/** The app in headless Chromium, over the gateway's demo: everything here is real but the cable, which can be slow. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { access } from './browser/access.ts';
import { carriers } from './browser/carriers.ts';
import { drawer } from './browser/drawer.ts';
import { exporting } from './browser/exporting.ts';
import { filters } from './browser/filters.ts';
import { keyboard } from './browser/keyboard.ts';
import { list } from './browser/list.ts';
import { live } from './browser/live.ts';
import { looks } from './browser/looks.ts';
import { million } from './browser/million.ts';
import { pictures } from './browser/pictures.ts';
import { trouble } from './browser/trouble.ts';
import { findChromium } from './browser/visit.ts';
import { startWorld, type World } from './browser/world.ts';

/** More than a million, so that the ceiling of the page is reached. `EXPLORER_CDRS` for a quicker run without that. */
const cdrs = Number(process.env.EXPLORER_CDRS ?? 1_050_000);

const { path: chromium, isThere } = findChromium(process.env);

if (isThere || process.env.CI) {
  let running: World;
  before(async () => {
    assert.ok(isThere, `there is no Chromium at ${chromium}`);
    running = await startWorld(cdrs, chromium);
  });
  after(() => running?.stop());
  const world = () => running;

  access(world);
  list(world);
  filters(world);
  carriers(world);
  drawer(world);
  keyboard(world);
  pictures(world);
  exporting(world);
  live(world);
  looks(world);
  million(world, cdrs);
  // Last: it kills the gateway.
  trouble(world);
} else {
  const skip = `there is no Chromium at ${chromium}: install it, or say where it is by CHROMIUM`;
  test('the app in a browser', { skip });
}
