import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { longAgo, number, tiles } from './table-tiles-columns-saved-views.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

export function rangesAndLinks(world: () => World): void {
  describe('ranges of the calendar, links and facets', () => {
    browserTest('today, yesterday, this week, this month and last month are those of the zone', async () => {
      await using visit = await world().visit({ path: '/calls?zone=Asia/Tokyo' });
      const { page } = visit;
      await visit.settled();
      const choose = async (name: string, value: string) => {
        await page.click('#range-button');
        await page.getByRole('button', { name, exact: true }).click();
        await page.waitForURL((url) => url.searchParams.get('range') === value);
        await page.locator('#range-button .range-name', { hasText: name }).waitFor();
        return page.locator('.range-shown').innerText();
      };
      assert.match(await choose('Today', 'today'), /00:00 – /);
      await visit.settled();
      assert.equal(await page.locator('#quick-ranges input:checked').count(), 0);
      assert.match(await choose('Yesterday', 'yesterday'), /00:00 – .*00:00$/);
      assert.match(await choose('This week', 'thisWeek'), /00:00 – /);
      assert.match(await choose('This month', 'thisMonth'), /\b1\b.*00:00 – /);
      assert.match(await choose('Last month', 'lastMonth'), /\b1\b.*00:00 – .*\b1\b.*00:00$/);
      await page.click('#range-button');
      await page.getByRole('button', { name: 'Last month', exact: true, pressed: true }).waitFor();
      await assertAccessible(page, 'the ranges of the calendar');
      await picture(page, 'calendar-ranges');
      await page.keyboard.press('Escape');
      // Nothing appears in a month that is over: live is of now.
      await page.click('#live-button');
      await page.waitForURL((url) => !url.searchParams.has('range'));
    });

    browserTest('the window before today is yesterday', async () => {
      await using visit = await world().visit({ path: '/calls?range=today&zone=America/New_York' });
      const { page } = visit;
      await visit.settled();
      const today = await page.locator('.range-shown').innerText();
      await page.locator('.range > .button-icon').first().click();
      await page.waitForURL(/from=/);
      const { searchParams } = new URL(page.url());
      const [from, to] = ['from', 'to'].map((name) => Date.parse(searchParams.get(name)!));
      assert.ok([23, 24, 25].includes((to! - from!) / 3_600_000));
      await page.locator('[data-chip=range]').click();
      await until('today is back', async () => (await page.locator('.range-shown').innerText()) === today);
    });

    browserTest(
      'a link moves with the time or stays at what is seen, by choice, and has everything in it',
      async () => {
        await using visit = await world().visit({
          path: '/calls?range=6h&type=INCOMPLETE&zone=Asia/Tokyo&order=oldest',
        });
        const { page } = visit;
        await visit.settled();
        await page.getByRole('button', { name: 'Columns', exact: true }).click();
        await page.getByRole('checkbox', { name: 'PDD' }).check();
        await page.getByRole('checkbox', { name: 'Country' }).uncheck();
        await page.keyboard.press('Escape');
        await page.waitForURL(/columns=/);
        const heads = () =>
          page
            .locator('[role=columnheader]')
            .evaluateAll((all) => all.map((cell) => (cell as HTMLElement).dataset.column));
        const shown = await heads();
        const calls = (await tiles(page)).calls;
        await page.getByRole('button', { name: 'Share' }).click();
        await page.locator('[data-copy=fixedLink]').waitFor();
        await picture(page, 'share');
        const copied = async (name: string) => {
          await page.locator(`[data-copy=${name}]`).click();
          await page.locator(`[data-copy=${name}]`, { hasText: 'Copied' }).waitFor();
          return page.evaluate(() => navigator.clipboard.readText());
        };
        const [moving, fixed] = [new URL(await copied('link')), new URL(await copied('fixedLink'))];
        assert.equal(moving.searchParams.has('from'), false);
        assert.equal(moving.searchParams.get('range'), '6h');
        const length =
          Date.parse(fixed.searchParams.get('to')!) - Date.parse(fixed.searchParams.get('from')!);
        assert.equal(length, 6 * 3_600_000);

        await using other = await world().visit({ path: fixed.pathname + fixed.search });
        await other.settled();
        // A call that was under way before is written when it ends.
        assert.ok(number((await tiles(other.page)).calls!) >= number(calls!));
        const seen = await other.page
          .locator('[role=columnheader]')
          .evaluateAll((all) => all.map((cell) => (cell as HTMLElement).dataset.column));
        assert.deepEqual(seen, shown);
        await other.page.locator('.status-zone', { hasText: 'Asia/Tokyo' }).waitFor();
        await other.page.getByRole('button', { name: 'Share' }).click();
        await other.page.locator('[data-copy=link]').waitFor();
        assert.equal(await other.page.locator('[data-copy=fixedLink]').count(), 0, 'it stays already');
      },
    );

    browserTest('what is drawn, and by what, is in the link', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d' });
      const { page } = visit;
      await visit.settled();
      await page.locator('.toolbar .segments label', { hasText: 'Pictures' }).click();
      await page.locator('[data-picture=destinations] .bars li').first().waitFor();
      await page.locator('.pictures > .segments label', { hasText: 'Cost' }).click();
      await page.locator('[data-currencies] label').last().click();
      await page.locator('[data-picture=destinations] label', { hasText: 'Prefix' }).click();
      await page.waitForURL(/by=prefix/);
      const link = new URL(page.url());
      assert.equal(link.searchParams.get('measure'), 'chargedAmount');
      await page.goto(link.pathname + link.search);
      await page.locator('[data-picture=destinations] .bars li').first().waitFor();
      assert.equal(await page.locator('[data-currencies] input').last().isChecked(), true);
      assert.equal(await page.locator('[data-picture=destinations] input').last().isChecked(), true);
    });

    browserTest('a view is saved with its times, or moves with the time', async () => {
      await using visit = await world().visit({ path: '/calls?range=6h' });
      const { page } = visit;
      await visit.settled();
      await page.getByRole('button', { name: 'Views' }).click();
      await page.getByPlaceholder('Name of this view').fill('Those hours');
      await page.getByRole('checkbox', { name: /Keep these times/ }).check();
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.goto('/calls');
      await visit.settled();
      await page.getByRole('button', { name: 'Views' }).click();
      await page.getByRole('button', { name: 'Those hours', exact: true }).click();
      await page.waitForURL(/from=.*to=/);
    });

    browserTest('links of an older version and hostile ones show what makes sense of them', async () => {
      const from = '-271821-04-20T00:00:00.000Z';
      for (const search of [
        '?range=7d&view=pictures&type=ERRORS&country=France&zone=Europe/Paris',
        '?range=constructor&view=quality&map=__proto__&step=%00&weekHour=mon-99',
        `?from=${from}&to=%2B275760-09-13T00:00:00.000Z&view=quality`,
        '?from=1970-01-01T00:00:00.000Z&to=2199-12-31T00:00:00.000Z&view=quality&step=minute',
        '?from=1970-01-01T00:00:00.000Z&to=2199-12-31T00:00:00.000Z&view=pictures&weekHour=mon-9',
        '?account=none&customer=%00&cause=99999999999&ip=%00&search=%00,1,2,3,4,5,6,7,8&call=%00&zone=europe/paris',
        '?columns=constructor,__proto__,cld,cld,%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E',
        '?columns=nothing&currency=%3Cb%3E&measure=chargedAmount&view=pictures&by=cld',
        '?zone=%2B05:30&range=today',
      ]) {
        // One hour of each of 39 weeks among a million calls is more than a small machine counts at once: the page asks again.
        await using visit = await world().visit({ path: `/calls${search}`, expectedErrors: / 50[34] / });
        const { page } = visit;
        page.setDefaultTimeout(90_000);
        await page.locator('[data-tile=calls]:not([data-old])').waitFor();
        await page.locator('.histogram-frame:not([data-loading])').waitFor();
        assert.equal(await page.locator('.page-error').count(), 0, search);
        if (search.includes('view=quality')) {
          await page.locator('.quality-answer:not([data-old])').waitFor();
          await page.locator('.quality-map:not([data-old])').waitFor();
        }
        await until('everything is answered', async () => {
          return (await page.locator('.pictures[aria-busy=true], .pictures [aria-busy=true]').count()) === 0;
        });
        assert.equal(await page.locator('.trouble').count(), 0, search);
        if (search.startsWith('?columns=constructor')) {
          await visit.settled();
          assert.equal(await page.locator('[role=columnheader]').count(), 1);
        }
      }
    });

    browserTest(
      'an hour of the week of many weeks is that of the last ones, and the range says so',
      async () => {
        await using visit = await world().visit({
          path: '/calls?from=2020-01-01T00:00:00.000Z&to=2026-01-01T00:00:00.000Z&weekHour=mon-9',
        });
        const { page } = visit;
        await page.locator('[data-tile=calls]:not([data-old])').waitFor();
        assert.equal(await page.locator('.trouble').count(), 0);
        // Thirty-nine weeks before the first of January.
        assert.match(await page.locator('.range-shown').innerText(), /^Apr 3, .* Jan 1, /);
        await page.locator('[data-chip=weekHour]').click();
        await until('the whole range is back', async () =>
          /^Jan 1, .* Jan 1, /.test(await page.locator('.range-shown').innerText()),
        );
      },
    );

    browserTest(
      'a facet has all its values where more are wanted, a search, and parts of all calls',
      async () => {
        await using visit = await world().visit({ path: longAgo(24 * 20) });
        const { page } = visit;
        await visit.settled();
        const facet = page.locator('[data-facet=country]');
        await facet.locator('li').first().waitFor();
        const before = await facet.locator('li').count();
        assert.ok(before <= 10);
        const all = number((await tiles(page)).calls!);
        await facet.getByRole('button', { name: 'More: Country' }).click();
        await until('there are more', async () => (await facet.locator('li').count()) > 10);
        await page.locator('.facets:not([data-old])').waitFor();
        const hints = await facet
          .locator('.facet-value')
          .evaluateAll((values) => values.map((value) => (value as HTMLElement).dataset.hint!));
        const parsed = hints.map((hint) => /([\d,]+) calls, ([\d.]+)%$/.exec(hint)!);
        for (const [, calls, share] of parsed) {
          assert.ok(
            Math.abs((100 * number(calls!)) / all - Number(share)) < 0.06,
            `${calls} of ${all} are ${share} %`,
          );
        }
        const counted = parsed.reduce((sum, [, calls]) => sum + number(calls!), 0);
        assert.ok(counted <= all && counted > 0.9 * all, `${counted} of ${all}`);
        const search = page.getByRole('searchbox', { name: 'Search: Country' });
        await search.fill('fran');
        await until('only what fits is left', async () => {
          const names = await facet.locator('.facet-name').allInnerTexts();
          return names.length > 0 && names.every((name) => /fran/i.test(name));
        });
        await assertAccessible(page, 'a facet with a search');
        await picture(page, 'facet-search');
        await facet.locator('.facet-value').first().click();
        await page.waitForURL(/country=/);
        await visit.settled();
        // The facet is counted among all countries, so its parts are of all calls as before.
        await page.locator('.facets:not([data-old])').waitFor();
        const hint = await facet.locator('.facet-value').first().getAttribute('data-hint');
        assert.ok(hints.includes(hint!), `${hint} as before`);
        await search.fill('nowhere');
        await facet.getByText('None').waitFor();
        await facet.getByRole('button', { name: 'Fewer: Country' }).click();
        await until('as before', async () => (await facet.locator('li').count()) === before);
      },
    );

    browserTest('an account that is not listed is found by its number', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      await page.locator('[data-facet=account]').getByRole('button', { name: 'More: Account' }).click();
      const search = page.getByRole('searchbox', { name: 'Search: Account' });
      await search.fill('987654321');
      await page.keyboard.press('Enter');
      await page.waitForURL(/account=987654321/);
      await page.locator('[data-empty]').waitFor();
    });
  });
}
