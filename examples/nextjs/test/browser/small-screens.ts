import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
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
          assert.equal(await page.locator('#search').isVisible(), true, 'what people come for is at hand');
          assert.deepEqual(await sideways(page), []);
          await assertAccessible(page, 'the calls on a phone');
          await picture(page, `phone-calls-${user}-${theme}`);
          await page.locator('[data-index="0"]').click();
          await page.locator('.drawer .copies').waitFor();
          assert.deepEqual(await sideways(page), []);
          await picture(page, `phone-call-${user}-${theme}`);
          await page.keyboard.press('Escape');
          await page.locator('.toolbar .segments label').nth(1).click();
          await page.locator('[data-now] .failures li').first().waitFor();
          assert.deepEqual(await sideways(page), []);
          await assertAccessible(page, 'now on a phone');
          await page.locator('.toolbar .segments label').nth(2).click();
          await page.locator('[data-picture=week] tbody td').first().waitFor();
          await page.locator('[data-picture=causes] .bars li').first().waitFor();
          assert.deepEqual(await sideways(page), []);
          await assertAccessible(page, 'the pictures on a phone');
        },
      );
    }

    for (const width of [390, 320]) {
      browserTest(
        `what is opened lies within a window of ${width} pixels, and all of it can be reached`,
        async () => {
          await using visit = await world().visit({
            path: '/calls?range=24h',
            viewport: { width, height: 640 },
          });
          const { page } = visit;
          await visit.settled();
          await page.getByRole('button', { name: 'Filters', exact: true }).click();
          assert.deepEqual(await sideways(page), [], 'the filters');
          for (const button of [
            '#range-button',
            '#filter-button',
            '#account-button',
            '#customer-button',
            '#zone-button',
            '#user-button',
            'button.badge',
            'button:has-text("More filters")',
            '.toolbar button[popovertarget]:has-text("Columns")',
            '.toolbar button[popovertarget]:has-text("Share")',
            '.toolbar button[popovertarget]:has-text("Views")',
          ]) {
            await page.locator(button).first().click();
            const popup = page.locator('.popup:popover-open');
            await popup.waitFor();
            await until(`${button} is in the window`, async () => (await beyond(popup, page)).length === 0);
            assert.deepEqual(await sideways(page), [], button);
            await page.keyboard.press('Escape');
            await popup.waitFor({ state: 'detached' });
          }
          await page.getByRole('button', { name: 'Export', exact: true }).click();
          const dialog = page.locator('dialog[open]');
          await dialog.waitFor();
          assert.deepEqual(await beyond(dialog, page), []);
          assert.deepEqual(await sideways(page), [], 'the export');
        },
      );

      browserTest(`every view fits a window of ${width} pixels`, async () => {
        await using visit = await world().visit({
          path: '/calls?range=7d',
          viewport: { width, height: 640 },
          // Of the two languages the one with the longer words.
          locale: 'fr-FR',
        });
        const { page } = visit;
        await visit.settled();
        assert.deepEqual(await sideways(page), [], 'the calls');
        await page.locator('[data-index="0"]').click();
        await page.locator('.drawer .context').waitFor();
        assert.deepEqual(await sideways(page), [], 'a call');
        for (const [view, drawn] of [
          ['pictures', '[data-picture=week] tbody td'],
          ['quality', '.quality-map:not([data-old])'],
          ['quality&map=destinations', '.quality-map:not([data-old])'],
        ] as const) {
          await page.goto(`/calls?range=7d&view=${view}`);
          await page.locator(drawn).first().waitFor();
          // Names and times have no room in so few pixels: that table is moved beside its names, and nothing else.
          const found = await sideways(page);
          const isMoved = (text: string) => width < 390 && text.startsWith('DIV.heat-scroll: ');
          assert.deepEqual(
            found.filter((text) => !isMoved(text)),
            [],
            view,
          );
        }
        await page.goto(
          '/calls?range=24h&account=1&notCountry=France,Germany&cld=33*&outcome=BUSY,NO_ANSWER',
        );
        await page.locator('[data-chip=notCountry]').first().waitFor();
        assert.deepEqual(await sideways(page), [], 'many chips');
        await page.goto('about:blank');
        await page.request.post('/api/sign-out');
        await page.goto('/sign-in');
        assert.deepEqual(await sideways(page), [], 'the sign-in');
      });
    }

    browserTest('accounts are called by their names', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h&account=1', viewport: phone });
      const { page } = visit;
      await visit.settled();
      await page.locator('[data-chip=account]', { hasText: /dialler-001 \(1\)/ }).waitFor();
      await page.getByRole('button', { name: 'Columns', exact: true }).click();
      await page.getByRole('checkbox', { name: 'Account', exact: true }).check();
      await page.keyboard.press('Escape');
      await page
        .locator('[role=gridcell][data-column=accountId]', { hasText: 'dialler-001' })
        .first()
        .waitFor();
      assert.deepEqual(await sideways(page), []);
      await page.locator('[data-index="0"]').click();
      await page.locator('.drawer .fact', { hasText: 'dialler-001' }).waitFor();
      await page.keyboard.press('Escape');
      await page.goto('/calls?range=24h&view=pictures');
      await page.locator('[data-picture=accounts]', { hasText: 'dialler-001' }).waitFor();
    });

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

    browserTest('that there are no calls is said on the first screen, with what to do about it', async () => {
      await using visit = await world().visit({ path: '/calls?range=15m&search=99999999*', viewport: phone });
      const { page } = visit;
      await page.locator('[data-empty]').waitFor();
      await page.getByText('Nor at any other time.').waitFor();
      const clear = (await page.locator('[data-empty] button').last().boundingBox())!;
      assert.ok(clear.y + clear.height < phone.height, `it ends at ${clear.y + clear.height}`);
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

/** The edges of the window that it reaches beyond. */
async function beyond(element: Locator, page: Page): Promise<string[]> {
  const { x, y, width, height } = (await element.boundingBox())!;
  const window = page.viewportSize()!;
  const edges = {
    left: x < 0,
    top: y < 0,
    right: x + width > window.width,
    bottom: y + height > window.height,
  };
  return Object.entries(edges).flatMap(([name, isBeyond]) => (isBeyond ? [name] : []));
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
      .map((element) => {
        const edge = element.getBoundingClientRect().right;
        const causes = [...element.querySelectorAll('*')].filter(
          (inner) => inner.getBoundingClientRect().right > edge + 1,
        );
        const named = causes.slice(0, 5).map((inner) => `${inner.tagName}.${inner.className}`);
        return `${element.tagName}.${element.className}: ${element.scrollWidth}, for ${named.join(', ')}`;
      }),
  );
}
