import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Page } from 'playwright-core';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { number, tiles } from './table-tiles-columns-saved-views.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

const DAY = 86_400_000;
const sizes = [
  { width: 1440, height: 1700 },
  { width: 1024, height: 1500 },
  { width: 390, height: 844 },
];

export function quality(world: () => World): void {
  describe('quality over time', () => {
    for (const [theme, locale] of [
      ['light', 'en-GB'],
      ['dark', 'fr-FR'],
    ] as const) {
      for (const viewport of sizes) {
        browserTest(
          `lines and a heat map fit a window of ${viewport.width}, ${theme}, ${locale}`,
          async () => {
            await using visit = await world().visit({
              path: '/calls?range=7d&view=quality&zone=Europe/Paris',
              theme,
              locale,
              viewport,
            });
            const { page } = visit;
            await settled(page);
            assert.equal(await page.locator('[data-line]').count(), 5);
            assert.equal(await page.locator('[data-map=week] .heat-cell').count(), 7 * 24);
            assert.deepEqual(await sideways(page), []);
            await assertAccessible(page, 'quality over time');
            await picture(page, `quality-${viewport.width}-${theme}`);
            await page.locator('.quality-map .segments label').last().click();
            await page.locator('[data-map=destinations]:not([data-old])').waitFor();
            await page.locator('.quality-map').scrollIntoViewIfNeeded();
            assert.deepEqual(await sideways(page), []);
            await assertAccessible(page, 'destinations over time');
            await picture(page, `quality-destinations-${viewport.width}-${theme}`);
          },
        );
      }
    }

    browserTest(
      'where there are no calls there is no line, behind it is the period before, and a table says the same',
      async () => {
        const called = '339900077001';
        const start = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 50 * 3_600_000;
        // Minute 5: one of two is answered; minute 6: none; minute 20: all. An hour earlier only minute 5.
        await insertCalls(world(), called, [
          [start + 5 * 60_000, 60],
          [start + 5.5 * 60_000, 0],
          [start + 6 * 60_000, 0],
          [start + 20 * 60_000, 30],
          [start - 55 * 60_000, 10],
        ]);
        const range = `from=${new Date(start).toISOString()}&to=${new Date(start + 3_600_000).toISOString()}`;
        await using visit = await world().visit({ path: `/calls?${range}&cld=${called}&view=quality` });
        const { page } = visit;
        await until('the calls have reached the standby', async () => {
          await page.reload();
          return (await tiles(page)).calls === '4';
        });
        await settled(page);
        const path = (line: string, measure: string) =>
          page.locator(`[data-line=${measure}] .line-${line}`).getAttribute('d');
        assert.match((await path('now', 'asr'))!, /^M[\d.]+ 50L[\d.]+ 100M[\d.]+ 0h\.01$/, 'a gap is a gap');
        assert.match((await path('before', 'asr'))!, /^M[\d.]+ 0h\.01$/);
        assert.equal((await path('now', 'callsPerSecond'))!.split('M').length, 2, 'no calls are 0 a second');
        assert.equal(await page.locator('.quality-answer').getAttribute('data-unit'), 'MINUTE');

        await page.locator('.quality-table summary').click();
        const rows = page.locator('.quality-table tbody tr');
        await until('the table is drawn', async () => (await rows.count()) > 0);
        assert.equal(await rows.count(), 60);
        const cells = async (minute: number) =>
          (await rows.nth(minute).locator('td').allInnerTexts()).slice(0, 2);
        assert.deepEqual(await cells(5), ['50%', '100%']);
        assert.deepEqual(await cells(6), ['0%', '–']);
        assert.deepEqual(await cells(7), ['–', '–']);
        assert.deepEqual(await cells(20), ['100%', '–']);
      },
    );

    browserTest('the lines are walked through and zoomed into by keyboard, and by mouse', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h&view=quality' });
      const { page } = visit;
      await settled(page);
      assert.equal(await page.locator('.quality-answer').getAttribute('data-unit'), 'QUARTER_HOUR');
      const asr = page.getByRole('slider', { name: /^ASR over time/ });
      await asr.focus();
      await page.keyboard.press('End');
      await page.keyboard.press('ArrowLeft');
      const said = (await asr.getAttribute('aria-valuetext'))!;
      assert.match(said, /: ([\d.]+%|no calls), before: ([\d.]+%|no calls)$/);
      const time = said.slice(0, said.indexOf(': '));
      for (const when of await page.locator('.line-when').allInnerTexts()) {
        assert.equal(when, time, 'the same time in every picture');
      }
      await page.keyboard.press('Escape');
      assert.equal(await page.locator('.line-when').first().innerText(), '');
      await page.locator('[data-line=ner] .line-frame').hover();
      await page.locator('[data-line=asr] .line-cursor').waitFor({ state: 'attached' });
      await picture(page, 'quality-hover');
      await asr.focus();
      await page.keyboard.press('End');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('Enter');
      await page.waitForURL(/from=/);
      const length = (url: URL) =>
        Date.parse(url.searchParams.get('to')!) - Date.parse(url.searchParams.get('from')!);
      assert.equal(length(new URL(page.url())), 15 * 60_000);
      await page.goBack();
      await page.waitForURL((url) => !url.searchParams.has('from'));
      await settled(page);
      const frame = (await page.locator('[data-line=acdSeconds] .line-frame').boundingBox())!;
      await page.mouse.move(frame.x + frame.width * 0.25, frame.y + 20);
      await page.mouse.down();
      await page.mouse.move(frame.x + frame.width * 0.75, frame.y + 20, { steps: 4 });
      await page.mouse.up();
      await page.waitForURL(/from=/);
      assert.ok(Math.abs(length(new URL(page.url())) - DAY / 2) < DAY / 20);
    });

    browserTest(
      'the step is chosen, is in the link, and what does not fit a range is not offered',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=24h&view=quality' });
        const { page } = visit;
        await settled(page);
        const select = page.getByLabel('Step');
        assert.deepEqual(await select.locator('option').allInnerTexts(), [
          'Automatic',
          'Minute',
          '15 minutes',
          'Hour',
        ]);
        await select.selectOption('hour');
        await page.waitForURL(/step=hour/);
        await page.locator('.quality-answer[data-unit=HOUR]:not([data-old])').waitFor();
        await page.goto('/calls?range=30d&view=quality&step=minute');
        await settled(page);
        assert.equal(await page.locator('.quality-answer').getAttribute('data-unit'), 'DAY');
      },
    );

    browserTest('the period before may fail alone, and what is there is drawn', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h&view=quality' });
      const { page } = visit;
      await settled(page);
      await page.route('**/api/graphql?*', async (route) => {
        const response = await route.fetch();
        const answer = await response.json();
        if (answer.data && 'previous' in answer.data) {
          answer.data.previous = null;
          answer.errors = [
            { message: 'Too slow.', path: ['previous'], extensions: { code: 'QUERY_TIMEOUT' } },
          ];
        }
        await route.fulfill({ response, json: answer });
      });
      await page.locator('#quick-ranges label', { hasText: '6 h' }).click();
      await page.locator('.quality [data-trouble=slow]').waitFor();
      assert.equal(await page.locator('[data-line]').count(), 5);
      assert.equal(await page.locator('[data-line=asr] .line-before').getAttribute('d'), '');
    });

    browserTest('a cell of weekdays and hours narrows the filter to its calls', async () => {
      const called = '339900077002';
      // Three weeks, the same hour of the same day; another hour between them.
      const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 30 * DAY;
      await insertCalls(world(), called, [
        [hour + 60_000, 10],
        [hour + 7 * DAY + 60_000, 0],
        [hour + 14 * DAY + 60_000, 10],
        [hour + 14 * DAY + 120_000, 0],
        [hour + 3 * DAY, 5],
      ]);
      const range = `from=${new Date(hour - DAY).toISOString()}&to=${new Date(hour + 16 * DAY).toISOString()}`;
      await using visit = await world().visit({ path: `/calls?${range}&cld=${called}&view=quality` });
      const { page } = visit;
      await until('the calls have reached the standby', async () => {
        await page.reload();
        return (await tiles(page)).calls === '5';
      });
      await settled(page);
      const cells = page.locator('[data-map=week] .heat-cell:not([data-empty-cell])');
      assert.equal(await cells.count(), 2);
      const cell = cells.filter({ hasText: '50% of 4 calls' });
      // One stop of the tab key, and arrow keys from there.
      assert.equal(await page.locator('[data-map=week] .heat-cell[tabindex="0"]').count(), 1);
      await cell.focus();
      await page.keyboard.press('ArrowRight');
      assert.equal(await cell.evaluate((it) => it === document.activeElement), false);
      await page.keyboard.press('ArrowLeft');
      assert.equal(await cell.evaluate((it) => it === document.activeElement), true);
      await page.keyboard.press('Enter');
      await page.waitForURL(/weekHour=(mon|tue|wed|thu|fri|sat|sun)-\d+/);
      await page.locator('[data-chip=weekHour]').waitFor();
      await until('the sums are of the cell', async () => (await tiles(page)).calls === '4');
      await settled(page);
      await until('only that cell is left', async () => (await cells.count()) === 1);
      await picture(page, 'quality-cell');
      await page.locator('[data-chip=weekHour]').click();
      await until('all are back', async () => (await tiles(page)).calls === '5');
    });

    browserTest('a cell of a destination is that destination at that time', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d&view=quality&map=destinations' });
      const { page } = visit;
      await settled(page);
      // An unknown destination, of which there may be many calls, is none to choose.
      const choosable = '.heat-cell:not([data-empty-cell]):not([aria-disabled=true])';
      const rows = page.locator('[data-map=destinations] tbody tr');
      const row = rows.filter({ has: page.locator(choosable) }).nth(1);
      const cell = row.locator(choosable).nth(2);
      const said = /of ([\d,]+) calls/.exec(await cell.innerText())![1]!;
      const country = await row.locator('th').innerText();
      await cell.click();
      await page.waitForURL(
        (url) => url.searchParams.get('country') === country && url.searchParams.has('from'),
      );
      await page.locator('[data-chip=country]').waitFor();
      await until(
        'the sums are of the cell',
        async () => number((await tiles(page)).calls!) === number(said),
      );
      await page.locator('.toolbar .segments label').first().click();
      await visit.settled();
      const shown = await page.locator('[role=gridcell][data-column=country]').allInnerTexts();
      assert.ok(shown.length > 0 && shown.every((text) => text.includes(country)));
    });
  });
}

/** Answered where they have a duration. */
async function insertCalls(
  { databases }: World,
  number: string,
  calls: readonly (readonly [at: number, seconds: number])[],
): Promise<void> {
  const values = calls.map(
    ([at, seconds]) => `(to_timestamp(${at / 1000}), ${seconds}, ${seconds > 0 ? 16 : 17})`,
  );
  await databases.onPrimary(
    `insert into xdrs (i_account, i_customer, cli, cld, setup_time, connect_time, disconnect_time, duration, disconnect_cause)
     select ${databases.accountId}, 1, '33100000001', '${number}', at, at, at, seconds, cause
       from (values ${values}) as calls (at, seconds, cause)`,
  );
}

async function settled(page: Page): Promise<void> {
  await page.locator('.quality-answer:not([data-old])').waitFor();
  await page.locator('.quality-map[data-map]:not([data-old])').waitFor();
}

/** What is wider than the window, the insides of what scrolls by itself apart. */
async function sideways(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { documentElement: root } = document;
    return root.scrollWidth > root.clientWidth ? [`${root.scrollWidth} > ${root.clientWidth}`] : [];
  });
}
