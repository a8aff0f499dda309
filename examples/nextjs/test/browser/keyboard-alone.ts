import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Page } from 'playwright-core';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

const focusedRow = async (page: Page) =>
  Number(await page.locator('[data-focused]').getAttribute('data-index'));

export function keyboard(world: () => World): void {
  describe('the keyboard', () => {
    browserTest('j, k, arrows, pages and ends move through the list, wherever the focus was', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      const steps = [
        ['j', 1],
        ['ArrowDown', 2],
        ['k', 1],
        ['ArrowUp', 0],
      ] as const;
      for (const [key, place] of steps) {
        await page.keyboard.press(key);
        assert.equal(await focusedRow(page), place, key);
      }
      const grid = page.getByRole('grid');
      assert.equal(await grid.getAttribute('aria-activedescendant'), 'row-0');
      await page.keyboard.press('PageDown');
      const screen = await focusedRow(page);
      assert.ok(screen > 3);
      await page.keyboard.press('PageUp');
      assert.equal(await focusedRow(page), 0);
      // More are loaded when the end comes near.
      const last = (await visit.loaded()) - 1;
      await page.keyboard.press('End');
      assert.equal(await focusedRow(page), last);
      await page.locator('[data-focused]').waitFor();
      await page.keyboard.press('Home');
      assert.equal(await focusedRow(page), 0);
    });

    browserTest('the grid names no row that is not in the document', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h&size=500' });
      const { page } = visit;
      await visit.settled();
      await page.keyboard.press('j');
      await page.getByRole('grid').evaluate((grid) => grid.scrollTo(0, 6000));
      await until(
        'no row is named',
        async () => (await page.getByRole('grid').getAttribute('aria-activedescendant')) === null,
      );
    });

    browserTest(
      '/ goes to the search, f to the results, t to the time, ? helps, and Escape leads back',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=24h' });
        const { page } = visit;
        await visit.settled();
        await page.keyboard.press('/');
        await page.locator('#search:focus').waitFor();
        await page.keyboard.press('Escape');
        await page.keyboard.press('f');
        await page.locator('.popup:popover-open .choice input:focus').waitFor();
        await page.keyboard.press('Escape');
        await page.keyboard.press('t');
        await page.locator('.popup:popover-open :is(button, input):focus').waitFor();
        await page.keyboard.press('Escape');
        await page.keyboard.press('?');
        await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
        await assertAccessible(page, 'the help');
        await picture(page, 'help');
        await page.keyboard.press('Escape');
        await page.getByRole('dialog', { name: 'Keyboard' }).waitFor({ state: 'detached' });
      },
    );

    browserTest('single keys can be switched off, and keys typed into a field are only typed', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      await page.click('#number-cld');
      await page.keyboard.type('33?');
      assert.equal(await page.getByRole('dialog').count(), 0);
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await page.getByRole('checkbox', { name: 'Single keys work' }).uncheck();
      await page.keyboard.press('Escape');
      await page.keyboard.press('u');
      await page.keyboard.press('j');
      assert.equal(new URL(page.url()).searchParams.has('zone'), false);
      assert.equal(await focusedRow(page), 0);
    });

    browserTest('everything is reached and left by Tab', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const { page } = visit;
      await visit.settled();
      const reached = new Set<string>();
      for (let press = 0; press < 140; press++) {
        await page.keyboard.press('Tab');
        reached.add(
          await page.evaluate(() => {
            const element = document.activeElement as HTMLElement;
            return (
              element.id ||
              element.getAttribute('aria-label') ||
              element.getAttribute('name') ||
              element.innerText
            );
          }),
        );
        if (reached.has('calls') && (await page.evaluate(() => document.activeElement === document.body)))
          break;
      }
      for (const name of [
        'calls',
        'range-button',
        'search',
        'number-cld',
        'number-cli',
        'call-type',
        'filter-button',
        'refresh-button',
        'live-button',
        'Export',
        'zone-button',
        'user-button',
      ]) {
        assert.ok(
          [...reached].some((text) => text.trim() === name),
          `${name} of ${[...reached].join(', ')}`,
        );
      }
    });
  });
}
