import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Page } from 'playwright-core';
import { browserTest } from './browser-test.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

const phone = { width: 390, height: 844 };

export function smallScreens(world: () => World): void {
  describe('on a phone', () => {
    for (const [user, theme, locale] of [
      ['admin', 'light', 'en-GB'],
      ['customer', 'dark', 'fr-FR'],
    ] as const) {
      browserTest(
        `the first call is on the first screen, and nothing is scrolled sideways: ${user}, ${theme}, ${locale}`,
        async () => {
          await using visit = await world().visit({
            user,
            theme,
            locale,
            path: '/calls?range=24h',
            viewport: phone,
          });
          const { page } = visit;
          await visit.settled();
          const first = (await page.locator('[data-index="0"]').boundingBox())!;
          assert.ok(first.y + first.height < 667, `it ends at ${first.y + first.height}`);
          assert.deepEqual(await sideways(page), []);
          await assertAccessible(page, 'the calls on a phone');
          await picture(page, `phone-calls-${user}-${theme}`);
          await page.locator('[data-index="0"]').click();
          await page.locator('.drawer .copies').waitFor();
          assert.deepEqual(await sideways(page), []);
          await picture(page, `phone-call-${user}-${theme}`);
          await page.keyboard.press('Escape');
          await page.locator('.toolbar .segments label').nth(1).click();
          await page.locator('[data-picture=week] tbody td').first().waitFor();
          await page.locator('[data-picture=causes] .bars li').first().waitFor();
          assert.deepEqual(await sideways(page), []);
          await assertAccessible(page, 'the pictures on a phone');
        },
      );
    }

    browserTest('filters are folded until they are wanted, and what is chosen stays in sight', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h', viewport: phone });
      const { page } = visit;
      await visit.settled();
      assert.equal(await page.locator('#call-type').isVisible(), false);
      await page.getByRole('button', { name: 'Filters', exact: true }).click();
      await page.selectOption('#call-type', 'ERRORS');
      assert.deepEqual(await sideways(page), []);
      await page.getByRole('button', { name: 'Filters', exact: true }).click();
      await page.locator('#call-type').waitFor({ state: 'hidden' });
      await page.locator('[data-chip=type]', { hasText: 'Errors without conversation' }).waitFor();
      // Every column can still be had.
      await page.getByRole('button', { name: 'Columns', exact: true }).click();
      await page.getByRole('checkbox', { name: 'Cost' }).check();
      await page.keyboard.press('Escape');
      await page.locator('[role=gridcell][data-column=chargedAmount]').first().waitFor();
      assert.deepEqual(await sideways(page), []);
    });

    browserTest('a window that becomes wide has its own columns again', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h', viewport: phone });
      const { page } = visit;
      await visit.settled();
      const columns = page.getByRole('columnheader');
      assert.equal(await columns.count(), 4);
      await page.setViewportSize({ width: 1024, height: 768 });
      await page.locator('[role=columnheader][data-column=accountId]').waitFor();
      assert.equal(await page.locator('#call-type').isVisible(), true);
    });

    browserTest('the first key leads past everything to the calls', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      await page.keyboard.press('Tab');
      const link = page.getByRole('link', { name: 'To the calls' });
      await link.waitFor();
      assert.equal(await link.evaluate((element) => element === document.activeElement), true);
      await page.keyboard.press('Enter');
      await page.waitForFunction(() => document.activeElement?.id === 'calls');
      await page.keyboard.press('j');
      await page.locator('[data-index="1"][data-focused]').waitFor();
    });
  });
}

/** What can be scrolled to the side, the page itself included, or is cut off there. */
function sideways(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll<HTMLElement>('body *')]
      .filter((element) => element.checkVisibility() && element.scrollWidth > element.clientWidth + 1)
      .filter(
        (element) =>
          element === document.documentElement ||
          ['auto', 'scroll'].includes(getComputedStyle(element).overflowX),
      )
      .map((element) => `${element.tagName}.${element.className}: ${element.scrollWidth}`),
  );
}
