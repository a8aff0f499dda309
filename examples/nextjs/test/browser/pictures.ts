import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

export function pictures(world: () => World): void {
  describe('pictures', () => {
    browserTest('top destinations, causes, hours by weekdays, and accounts', async () => {
      await using visit = await world().visit({
        path: '/calls?range=7d&view=pictures&zone=Europe/Paris',
        viewport: { width: 1440, height: 1500 },
      });
      const { page } = visit;
      for (const name of ['destinations', 'causes', 'accounts']) {
        await page.locator(`[data-picture=${name}] .bars li`).first().waitFor();
      }
      await page.locator('[data-picture=week] tbody td').first().waitFor();
      assert.equal(await page.locator('[data-picture=week] tbody td').count(), 7 * 24);
      assert.match(await page.locator('[data-picture=week] h2').innerText(), /Europe\/Paris/);
      assert.match(await page.locator('[data-picture=causes]').innerText(), /Normal call clearing/);
      await page.locator('[data-picture=accounts]', { hasText: 'dialler-001' }).waitFor();
      await assertAccessible(page, 'the pictures');
      await picture(page, 'pictures-light');
    });

    browserTest('they are drawn by calls, minutes or cost, and destinations also by prefix', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d&view=pictures' });
      const { page } = visit;
      const first = page.locator('[data-picture=destinations] .bars-value').first();
      await first.waitFor();
      const calls = await first.innerText();
      await page.locator('.pictures > .segments label', { hasText: 'Cost' }).click();
      await until('the bars are of cost', async () => (await first.innerText()) !== calls);
      await page.locator('[data-picture=destinations] label', { hasText: 'Prefix' }).click();
      await page
        .locator('[data-picture=destinations] .bars-name', { hasText: /^\d+ \w/ })
        .first()
        .waitFor();
    });

    browserTest('a click on a bar filters by it', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d&view=pictures' });
      const { page } = visit;
      await page.locator('[data-picture=destinations] .bars-row', { hasText: 'Nigeria' }).click();
      await page.waitForURL(/country=Nigeria/);
      await until(
        'only that bar is left',
        async () =>
          (await page.locator('[data-picture=destinations]:not([data-old]) .bars li').count()) === 1,
      );
    });

    browserTest('a customer sees pictures of own calls', async () => {
      await using visit = await world().visit({
        user: 'customer',
        path: '/calls?range=7d&view=pictures',
        theme: 'dark',
        locale: 'fr-FR',
        viewport: { width: 1440, height: 1500 },
      });
      const { page } = visit;
      await page.locator('[data-picture=accounts] .bars li').first().waitFor();
      assert.equal(await page.locator('[data-picture=accounts] .bars li').count(), 1);
      await page.locator('[data-picture=week] tbody td').first().waitFor();
      await page.locator('[data-picture=causes] .bars li').first().waitFor();
      await page.locator('[data-picture=destinations] .bars li').first().waitFor();
      await assertAccessible(page, 'the pictures in the dark');
      await picture(page, 'pictures-dark-fr');
    });
  });
}
