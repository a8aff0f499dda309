/**
 * The app in headless Chromium, over the gateway's demo: everything here is real but the cable, which can be slow.
 *
 * Where to look for what: both views, sessions, scope, masking: customer-and-admin-views. OpenID Connect:
 * organisation-sign-in. Streamed table, tiles, call
 * types, page sizes, column chooser, saved views, the empty state, sharing: table-tiles-columns-saved-views. State in the
 * address, numbers, results and their meaning, click-to-filter, facets, quick and custom ranges, drag-to-zoom, time zones:
 * filters-ranges-zoom-zones. Full record, neighbours, deep link, context, copies: drawer-deep-link-copy-as. Block holder,
 * kind of line: carriers. Keys: keyboard-alone. Destinations, causes, hours × weekdays, accounts: pictures. Lines over
 * time, the period before, heat maps: quality-over-time. Ranges of the calendar, links that move or stay, bad links, facets
 * with a search: ranges-links-facets. Files: export-progress-cancel. Excel, workbooks, statistics as files: spreadsheets.
 * The feed, its end, polling, pill, pause: live-tail. What is not sent twice: unchanged-answers. The last minutes: now. axe, light and dark, 200 %, EN and FR, weight, policy:
 * axe-themes-zoom-languages. Phones, the skip link: small-screens. One streamed answer, frames, cancel: million-rows-60-frames. Freshness in amber and red, and
 * a gateway that is down, slow, stale, killed, or answers partly: gateway-down-slow-stale-partial. The gateway's own page
 * for analysts, its examples, links, documentation and second load: graphiql. No network at all: ../offline.test.ts.
 * Beside the gateway's demo: ../demo-web.test.ts.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { looks } from './browser/axe-themes-zoom-languages.ts';
import { carriers } from './browser/carriers.ts';
import { access } from './browser/customer-and-admin-views.ts';
import { drawer } from './browser/drawer-deep-link-copy-as.ts';
import { exporting } from './browser/export-progress-cancel.ts';
import { filters } from './browser/filters-ranges-zoom-zones.ts';
import { trouble } from './browser/gateway-down-slow-stale-partial.ts';
import { graphiql } from './browser/graphiql.ts';
import { keyboard } from './browser/keyboard-alone.ts';
import { live } from './browser/live-tail.ts';
import { million } from './browser/million-rows-60-frames.ts';
import { now } from './browser/now.ts';
import { organisationSignIn } from './browser/organisation-sign-in.ts';
import { pictures } from './browser/pictures.ts';
import { quality } from './browser/quality-over-time.ts';
import { rangesAndLinks } from './browser/ranges-links-facets.ts';
import { smallScreens } from './browser/small-screens.ts';
import { spreadsheets } from './browser/spreadsheets.ts';
import { list } from './browser/table-tiles-columns-saved-views.ts';
import { unchanged } from './browser/unchanged-answers.ts';
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
  organisationSignIn(world);
  list(world);
  filters(world);
  carriers(world);
  drawer(world);
  keyboard(world);
  pictures(world);
  quality(world);
  rangesAndLinks(world);
  exporting(world);
  spreadsheets(world);
  live(world);
  now(world);
  unchanged(world);
  looks(world);
  smallScreens(world);
  graphiql(world);
  million(world, cdrs);
  // Last: it kills the gateway.
  trouble(world);
} else {
  const skip = `there is no Chromium at ${chromium}: install it, or say where it is by CHROMIUM`;
  test('the app in a browser', { skip });
}
