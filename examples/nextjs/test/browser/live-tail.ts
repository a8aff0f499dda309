import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { picture } from './visit.ts';
import type { World } from './world.ts';

export function live(world: () => World): void {
  describe('live', () => {
    browserTest('new calls appear at the top by themselves, and are marked', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const { page } = visit;
      await visit.settled();
      await page.keyboard.press('l');
      await page.locator('#live-button[aria-pressed=true]').waitFor();
      await page.locator('[data-fresh]').first().waitFor({ timeout: 15_000 });
      const first = () => page.locator('[data-index="0"]').getAttribute('data-id');
      const before = await first();
      await until('another call is on top', async () => (await first()) !== before, 15);
      const times = await page
        .locator('[role=gridcell][data-column=connectTime] time')
        .evaluateAll((all) => all.map((time) => time.getAttribute('datetime')!));
      assert.deepEqual(times, times.toSorted().reverse(), 'newest first, whatever came when');
      await picture(page, 'live');
    });

    browserTest('while the reader is further down, nothing moves: a pill counts what waits', async () => {
      await using visit = await world().visit({ path: '/calls?range=6h&size=200' });
      const { page } = visit;
      await visit.settled();
      await page.click('#live-button');
      await page.locator('#live-button[aria-pressed=true]').waitFor();
      await visit.settled();
      await page.getByRole('grid').evaluate((grid) => grid.scrollTo(0, 1600));
      const seen = () => visit.rows().evaluateAll((rows) => rows.map((row) => row.dataset.id).join());
      await page.locator('.pill').waitFor({ timeout: 15_000 });
      const before = await seen();
      const waiting = Number(await page.locator('.pill').getAttribute('data-waiting'));
      await until(
        'more wait',
        async () => Number(await page.locator('.pill').getAttribute('data-waiting')) > waiting,
        15,
      );
      assert.equal(await seen(), before);
      await picture(page, 'live-waiting');
      await page.locator('.pill').click();
      await page.locator('.pill').waitFor({ state: 'detached' });
      await until(
        'the reader is at the top',
        async () => (await page.getByRole('grid').evaluate((grid) => grid.scrollTop)) === 0,
      );
    });

    browserTest('it stops when nobody looks, and says so', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const { page } = visit;
      await visit.settled();
      await page.click('#live-button');
      await page.locator('#live-button[aria-pressed=true]').waitFor();
      await page.evaluate(() => {
        Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      });
      await page.locator('[data-live=paused]').waitFor();
      assert.equal(await page.locator('#live-button').getAttribute('aria-pressed'), 'false');
      await page.evaluate(() => Reflect.deleteProperty(document, 'hidden'));
      await page.getByRole('button', { name: 'Go on' }).click();
      await page.locator('#live-button[aria-pressed=true]').waitFor();
    });

    browserTest(
      'what waits for one filter never gets into the list of the next, and is not counted there',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=6h&size=200' });
        const { page } = visit;
        await visit.settled();
        await page.click('#live-button');
        await page.locator('#live-button[aria-pressed=true]').waitFor();
        await visit.settled();
        await page.getByRole('grid').evaluate((grid) => grid.scrollTo(0, 1600));
        await page.locator('.pill').waitFor({ timeout: 15_000 });
        await page.selectOption('#call-type', 'ERRORS');
        await page.waitForURL(/type=ERRORS/);
        await page.locator('.table-frame:not([data-old])').waitFor();
        const results = () => page.locator('[role=gridcell] .outcome').allInnerTexts();
        // What waited is gone, and nothing has appeared in this list yet.
        assert.ok((await page.locator('.pill').count()) === 0);
        await page.locator('[data-fresh]').first().waitFor({ timeout: 15_000 });
        const shown = await results();
        assert.deepEqual(
          shown.filter((text) => text.startsWith('Answered')),
          [],
        );
      },
    );

    browserTest('the badge’s time moves with the list, and what appeared stays when live ends', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const { page } = visit;
      await visit.settled();
      const asOf = async () => /as of ([\d:]+)/.exec(await page.locator('.badge').innerText())?.[1];
      await page.click('#live-button');
      await page.locator('#live-button[aria-pressed=true]').waitFor();
      await visit.settled();
      for (const look of ['one', 'another']) {
        const before = await asOf();
        await until(`${look} look moves it`, async () => (await asOf()) !== before, 15);
      }
      const fresh = page.locator('[data-fresh]').first();
      await fresh.waitFor({ timeout: 15_000 });
      const appeared = (await fresh.locator('time').first().getAttribute('datetime'))!;
      await page.click('#live-button');
      await page.locator('#live-button[aria-pressed=false]').waitFor();
      await page.locator('.table-frame:not([data-old])').waitFor();
      await visit.settled();
      const newest = await page.locator('[data-index="0"] time').first().getAttribute('datetime');
      assert.ok(newest! >= appeared, `the list goes to ${newest}, ${appeared} had appeared`);
    });

    browserTest('it begins from any range, and ends with one that is over', async () => {
      const hour = (ago: number) => new Date(Date.now() - ago * 3_600_000).toISOString();
      await using visit = await world().visit({ path: `/calls?from=${hour(3)}&to=${hour(1)}&order=oldest` });
      const { page } = visit;
      await visit.settled();
      await page.keyboard.press('l');
      await page.locator('#live-button[aria-pressed=true]').waitFor();
      await page.waitForURL((url) => !url.searchParams.has('from') && !url.searchParams.has('order'));
      await visit.settled();
      await page.getByRole('button', { name: /^The .* before$/ }).click();
      await page.locator('#live-button[aria-pressed=false]').waitFor();
      const to = Date.parse(new URL(page.url()).searchParams.get('to')!);
      await page.locator('.table-frame:not([data-old])').waitFor();
      const newest = await page.locator('[data-index="0"] time').first().getAttribute('datetime');
      assert.ok(Date.parse(newest!) < to, 'nothing of after the range is listed');
    });
  });
}
