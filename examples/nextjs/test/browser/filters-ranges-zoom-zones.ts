import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { longAgo, number, tiles } from './table-tiles-columns-saved-views.ts';
import { picture } from './visit.ts';
import type { World } from './world.ts';

export function filters(world: () => World): void {
  describe('filters and time', () => {
    browserTest('numbers are found by their beginning, their end, a part or the whole', async () => {
      await using visit = await world().visit({ path: '/calls?range=6h' });
      const { page } = visit;
      await visit.settled();
      const sample = (await page.locator('[role=gridcell][data-column=cld] .number').allInnerTexts()).find(
        (text) => /^33\d{9}$/.test(text),
      )!;
      const cases = [
        ['startsWith', sample.slice(0, 6), (cld: string) => cld.startsWith(sample.slice(0, 6))],
        ['endsWith', sample.slice(-4), (cld: string) => cld.endsWith(sample.slice(-4))],
        ['contains', sample.slice(3, 8), (cld: string) => cld.includes(sample.slice(3, 8))],
        ['is', sample, (cld: string) => cld === sample],
      ] as const;
      for (const [kind, digits, fits] of cases) {
        await page.selectOption('.field-number:has(#number-cld) select', kind);
        await page.fill('#number-cld', digits);
        await page.waitForURL((url) => url.searchParams.get('cld')?.replaceAll('*', '') === digits);
        await page.locator('.table-frame:not([data-old])').waitFor();
        await visit.settled();
        await until('only fitting numbers are shown', async () => {
          const shown = await page.locator('[role=gridcell][data-column=cld]').allInnerTexts();
          return shown.length > 0 && shown.every(fits);
        });
      }
    });

    browserTest(
      'a link opens the same view, with everything that was chosen, and says only what was',
      async () => {
        const chosen = {
          range: '24h',
          type: 'INCOMPLETE',
          cld: '33*',
          outcome: 'BUSY,NO_ANSWER',
          notCountry: 'Germany',
          zone: 'Asia/Tokyo',
          order: 'oldest',
          size: '200',
        };
        const path = `/calls?${new URLSearchParams(chosen)}`;
        await using visit = await world().visit({ path });
        const { page } = visit;
        await visit.settled();
        assert.equal(
          await page.locator('#quick-ranges input:checked').getAttribute('aria-label'),
          'Last 24 hours',
        );
        assert.equal(await page.locator('#call-type').inputValue(), 'INCOMPLETE');
        assert.equal(await page.locator('#number-cld').inputValue(), '33');
        assert.equal(await page.locator('.status-size select').inputValue(), '200');
        await page.locator('.status-zone', { hasText: 'Asia/Tokyo' }).waitFor();
        await page.locator('[role=columnheader][aria-sort=ascending]').waitFor();
        await page.locator('[data-chip=notCountry]').waitFor();
        const { searchParams } = new URL(page.url());
        assert.deepEqual(Object.fromEntries(searchParams), chosen, 'the address stays as it is');
        await page.selectOption('#call-type', 'ALL');
        await page.waitForURL((url) => !url.searchParams.has('type'));
      },
    );

    browserTest('nonsense in an address is left out, and the rest is shown', async () => {
      await using visit = await world().visit({
        path: '/calls?range=9y&type=NOISE&outcome=BUSY,LOUD&zone=Mars/Base&size=7&order=up&from=yesterday',
      });
      const { page } = visit;
      await visit.settled();
      assert.equal(await page.locator('#call-type').inputValue(), 'ALL');
      await page.locator('.status-zone', { hasText: 'UTC' }).waitFor();
      assert.ok((await visit.loaded()) > 0);
    });

    browserTest('stars that are typed mean what they mean in a link', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const { page } = visit;
      await page.fill('#number-cli', '*34');
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.searchParams.get('cli') === '*34');
    });

    browserTest(
      'a number is found as people write it; where it has no calls in the range, a click leads to where it has',
      async () => {
        const { databases } = world();
        await databases.onPrimary(
          `insert into xdrs (i_account, i_customer, cli, cld, connect_time, disconnect_time, duration, disconnect_cause, call_id)
           select ${databases.accountId}, 1, '33100000001', '33608470636', now() - age, now() - age, 0, 17, 'written-' || place || '@192.0.2.1'
             from (values (interval '2 hours', 1), (interval '90 days', 2)) as calls (age, place)`,
        );
        await using visit = await world().visit({ path: '/calls?range=24h' });
        const { page } = visit;
        await visit.settled();
        const cells = page.locator('[role=gridcell][data-column=cld]');
        for (const text of ['+33 6 08 47 06 36', '06 08 47 06 36', '0033 608 470 636']) {
          await page.fill('#number-cld', text);
          await page.waitForURL((url) => url.searchParams.get('cld') === '33608470636*');
          await until('it is found', async () => (await cells.allInnerTexts()).join() === '33608470636');
          assert.equal(await page.locator('#number-cld').inputValue(), text, 'what was typed stays');
          await page.fill('#number-cld', '');
          await page.waitForURL((url) => !url.searchParams.has('cld'));
        }
        await page.goto('/calls?range=15m&cld=33608470636');
        await page.locator('[data-empty] [data-found]').waitFor();
        await page.getByRole('button', { name: 'Show them' }).click();
        await page.waitForURL(/from=/);
        await until('it is there', async () => (await cells.allInnerTexts()).join() === '33608470636');

        // Of all hours of the week but those of these calls: the hour is let go as well.
        const [day, hour] = weekHourIn(6);
        await page.goto(`/calls?range=7d&cld=33608470636&weekHour=${day}-${hour}`);
        await page.locator('[data-empty] [data-found]').waitFor();
        await page.getByRole('button', { name: 'Show them' }).click();
        await page.waitForURL((url) => !url.searchParams.has('weekHour'));
        await until('it is there', async () => (await cells.allInnerTexts()).join() === '33608470636');

        await page.goto('/calls?range=24h');
        await visit.settled();
        await page.getByRole('button', { name: 'More filters' }).click();
        await page.getByRole('textbox', { name: 'Call-ID' }).fill('written-1@192.0.2.1');
        await page.keyboard.press('Escape');
        await page.locator('[data-chip=callId]').waitFor();
        await until('one is found', async () => (await cells.allInnerTexts()).join() === '33608470636');
      },
    );

    browserTest(
      'one field finds a call by any of its numbers, as it was dialled too, or by its Call-ID',
      async () => {
        const { databases } = world();
        await databases.onPrimary(
          `insert into xdrs (i_account, i_customer, cli, cld, cli_in, cld_in, connect_time, disconnect_time, duration, disconnect_cause, call_id)
           select ${databases.accountId}, 1, '33100000002', cld, '+33100000002', cld_in, now() - age, now() - age, 0, 17, call_id || '@192.0.2.1'
             from (values (interval '2 hours', '33609990001', '0609990001', 'search-1'),
               (interval '3 hours', '18003569377', '0018003569377', 'search-2'),
               (interval '90 days', '33609990009', '0033609990009', 'search-3')) as calls (age, cld, cld_in, call_id)`,
        );
        await using visit = await world().visit({ path: '/calls?range=24h' });
        const { page } = visit;
        await visit.settled();
        const cells = page.locator('[role=gridcell][data-column=cld]');
        for (const [text, found] of [
          ['+33 6 09 99 00 01', '33609990001'],
          ['06 09 99 00', '33609990001'],
          ['0033 6 09 99 00 01', '33609990001'],
          ['tel:+33609990001', '33609990001'],
          ['search-1@192.0.2.1', '33609990001'],
          ['1-800-FLOWERS', '18003569377'],
          ['+33 1 00 00 00 02', '33609990001,18003569377'],
          ['001 800 356 9377', '18003569377'],
        ] as const) {
          await page.fill('#search', text);
          await page.waitForURL(/search=/);
          await until(`${text} is found`, async () => (await cells.allInnerTexts()).join() === found);
          assert.equal(await page.locator('#search').inputValue(), text, 'what was typed stays');
          await page.locator('[data-chip=search]').waitFor();
          await page.fill('#search', '');
          await page.waitForURL((url) => !url.searchParams.has('search'));
        }
        await page.fill('#search', 'search-3@192.0.2.1');
        await page.locator('[data-empty]').getByText('Nor in the 30 days before.').waitFor();
        await page.fill('#search', '06 09 99 00 09');
        await page.locator('[data-empty] [data-found]').waitFor();
        await page.getByRole('button', { name: 'Show them' }).click();
        await page.waitForURL(/from=/);
        await until('it is there', async () => (await cells.allInnerTexts()).join() === '33609990009');
        await page.goto('/calls?range=24h&search=33609990001*,0609990001*');
        await visit.settled();
        assert.equal(await page.locator('#search').inputValue(), '33609990001');
        await page.getByRole('button', { name: /^Remove: Number or Call-ID/ }).click();
        await page.waitForURL((url) => !url.searchParams.has('search'));
        assert.equal(await page.locator('#search').inputValue(), '');
      },
    );

    browserTest('accounts are called by their names, in rows, chips and the picker', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      const cell = page.locator('[data-index="0"] [data-column=accountId]');
      await until('it has a name', async () => /^\D+-\d+$/.test(await cell.innerText()));
      const name = await cell.innerText();
      await page.locator('[data-facet=account] .facet-value').first().click();
      await page.locator('[data-chip=account]', { hasText: /Account: \D+-\d+ \(\d+\)/ }).waitFor();
      await page.locator('#account-button', { hasText: /\D+-\d+ \(\d+\)/ }).waitFor();
      await page.click('#account-button');
      await page.locator('.popup:popover-open .choice-name', { hasText: name }).waitFor();
    });

    browserTest('what was typed last counts, and is not undone by what was typed before', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h&type=ERRORS' });
      const { page } = visit;
      await visit.settled();
      await page.locator('#number-cld').pressSequentially('336');
      await page.getByRole('button', { name: 'Clear filters' }).click();
      await page.waitForURL((url) => !url.searchParams.has('type'));
      // When a number that was typed later is asked for, one that was typed before would have been.
      await page.locator('#number-cli').pressSequentially('331');
      await page.waitForURL((url) => url.searchParams.get('cli') === '331*');
      assert.equal(new URL(page.url()).searchParams.has('cld'), false);
      assert.equal(await page.locator('#number-cld').inputValue(), '');
    });

    browserTest('results are chosen by group or one by one', async () => {
      await using visit = await world().visit({ path: '/calls?range=6h' });
      const { page } = visit;
      await visit.settled();
      await page.click('#filter-button');
      await page.getByRole('checkbox', { name: 'Nobody talked' }).check();
      await page.waitForURL(/outcome=/);
      await page.getByRole('checkbox', { name: 'Cancelled' }).uncheck();
      await picture(page, 'results');
      await page.keyboard.press('Escape');
      await page.waitForURL((url) => url.searchParams.get('outcome') === 'NO_ANSWER,BUSY,REJECTED');
      await until('only those results are shown', async () => {
        const shown = await page.locator('[role=gridcell] .outcome').allInnerTexts();
        return shown.length > 0 && shown.every((text) => /^(No answer|Busy|Rejected)/.test(text));
      });
    });

    browserTest('the meaning of a result is shown on hover, and in the drawer for the keyboard', async () => {
      await using visit = await world().visit({ path: '/calls?range=6h&outcome=BUSY' });
      const { page } = visit;
      await visit.settled();
      const hint = page.locator('.hint:popover-open', { hasText: 'User busy (Q.850 17)' });
      // A table that scrolls, into view as well, closes what was opened before.
      await until('the meaning', async () => {
        await page.mouse.move(0, 0);
        await page.locator('[role=gridcell] .outcome').first().hover();
        return hint.waitFor({ timeout: 2000 }).then(
          () => true,
          () => false,
        );
      });
    });

    browserTest('a click on a value filters by it, or leaves it out', async () => {
      // Until noon: by night no call to France may be among the first rows.
      const noon = new Date(Date.now() - 48 * 3_600_000).setUTCHours(12, 0, 0, 0);
      const [from, to] = [noon - 24 * 3_600_000, noon].map((at) => new Date(at).toISOString());
      await using visit = await world().visit({ path: `/calls?from=${from}&to=${to}` });
      const { page } = visit;
      await visit.settled();
      const all = number((await tiles(page)).calls!);
      const cell = page.locator('[role=gridcell][data-column=country]', { hasText: 'France' }).first();
      await clickOnValue(page, cell, 'Only this value');
      await page.waitForURL(/country=France/);
      await visit.settled();
      const only = number((await tiles(page)).calls!);
      await page.locator('[data-chip=country]').click();
      await page.waitForURL((url) => !url.searchParams.has('country'));
      await visit.settled();
      await clickOnValue(page, cell, 'Without this value');
      await page.waitForURL(/notCountry=France/);
      await page.locator('[data-chip=notCountry]', { hasText: 'Country is not France' }).waitFor();
      await visit.settled();
      await until('no call to France is shown', async () => {
        const shown = await page.locator('[role=gridcell][data-column=country]').allInnerTexts();
        return shown.length > 0 && shown.every((text) => !text.includes('France'));
      });
      const without = number((await tiles(page)).calls!);
      assert.ok(only > 0 && without > 0 && only + without <= all);
      await picture(page, 'without-france');
    });

    browserTest('a click on a row opens it, also where the buttons of a value would come up', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      const cell = page.locator('[data-index="3"] [data-column=country]');
      const { x, y, width, height } = (await cell.boundingBox())!;
      await page.mouse.move(x + width - 20, y + height / 2);
      await page.mouse.down();
      await page.mouse.up();
      await page.locator('.drawer [data-call]').waitFor();
      assert.equal(new URL(page.url()).searchParams.has('country'), false);
    });

    browserTest('two values are left out at once, and calls of which they are unknown stay', async () => {
      const { databases, wire } = world();
      const called = '339900054321';
      await databases.onPrimary(
        `insert into xdrs (i_account, i_customer, cli, cld, connect_time, disconnect_time, duration, country, disconnect_cause)
           select ${databases.accountId}, 1, '33100000001', '${called}', now() - interval '49 hours', now(), 0, country, cause
             from (values (null, null::integer), (null, 16), ('Kenya', null), ('France', 17), ('France', null), ('Kenya', 16), ('Kenya', 17))
               as calls (country, cause)`,
      );
      const before = wire.exchanges.length;
      await using visit = await world().visit({ path: longAgo(24) });
      const { page } = visit;
      await visit.settled();
      const all = number((await tiles(page)).calls!);
      const link = `${longAgo(24)}&notCountry=France&notCause=16`;
      await page.goto(link);
      await visit.settled();
      const some = number((await tiles(page)).calls!);
      assert.ok(some > 0 && some < all, `${some} of ${all}`);
      const causes = page.locator('[data-facet=cause] li[data-off]');
      await causes.filter({ hasText: '16' }).waitFor();
      await page.goto(`${link}&cld=${called}`);
      await visit.settled();
      await until('the three that are neither are left', async () => {
        await page.reload();
        await visit.settled();
        return (await visit.loaded()) === 3;
      });
      assert.equal((await tiles(page)).calls, '3');
      const operations = wire.exchanges.slice(before).map(({ operation }) => operation);
      assert.equal(operations.includes('Facet'), false, 'the list waits for nothing');
    });

    browserTest('the sums and the counts beside them are one answer: they add up', async () => {
      const { wire } = world();
      const before = wire.exchanges.length;
      await using visit = await world().visit({ path: '/calls?range=24h&type=ERRORS' });
      const { page } = visit;
      await visit.settled();
      await page.locator('[data-facet=account] li').first().waitFor();
      const answers: Promise<
        Record<string, { rows: { attempts: string }[]; totals: { attempts: string } }>
      >[] = [];
      page.on('response', (response) => {
        if (new URL(response.url()).searchParams.get('variables')?.includes('"hasFacets":true'))
          answers.push(response.json().then(({ data }) => data));
      });
      await page.reload();
      await visit.settled();
      await page.locator('[data-facet=account] li').first().waitFor();
      const [data] = await Promise.all(answers);
      const counted = data!.outcome!.rows.reduce((sum, { attempts }) => sum + Number(attempts), 0);
      // Although calls are written meanwhile.
      assert.equal(counted, Number(data!.cdrStats!.totals.attempts));
      const operations = wire.exchanges.slice(before).map(({ operation }) => operation);
      assert.equal(operations.includes('Facet'), false);
      await page.selectOption('#call-type', 'COMPLETE');
      await page.locator('.facets[data-old]').waitFor();
      await page.locator('.facets:not([data-old])').waitFor();
    });

    browserTest('facets count the values of the filter, and filter by a click', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      const answered = page.locator('[data-facet=outcome] li', { hasText: 'Answered' });
      await answered.waitFor();
      await answered.locator('.facet-value').click();
      await page.waitForURL(/outcome=ANSWERED/);
      await page.locator('[data-facet=outcome] [aria-pressed=true]').waitFor();
      await page.locator('[data-facet=cause] li').first().waitFor();
      await until(
        'answered calls have one cause',
        async () => (await page.locator('[data-facet=cause] li').count()) === 1,
      );
      assert.ok(
        (await page.locator('[data-facet=outcome] li').count()) > 4,
        'other results can still be chosen',
      );
      await page.getByRole('button', { name: 'Counts by value' }).click();
      await page.locator('.facets').waitFor({ state: 'detached' });
    });

    browserTest('quick ranges, the window before and after, and any two times', async () => {
      await using visit = await world().visit({ path: '/calls' });
      const { page } = visit;
      await visit.settled();
      await page.locator('#quick-ranges label', { hasText: '6 h' }).click();
      await page.waitForURL(/range=6h/);
      await page.getByRole('button', { name: 'The 6 hours before' }).click();
      await page.waitForURL(/from=.*to=/);
      const { searchParams } = new URL(page.url());
      assert.equal(
        Date.parse(searchParams.get('to')!) - Date.parse(searchParams.get('from')!),
        6 * 3_600_000,
      );
      await page.locator('[data-chip=range]').waitFor();
      await page.click('#range-button');
      await page.getByLabel('From').fill('2026-01-05T09:00:00');
      await page.getByLabel('To (not included)').fill('2026-01-05T08:00:00');
      await page.locator('.custom-range .problem').waitFor();
      await page.getByLabel('To (not included)').fill('2026-01-05T10:30:00');
      await page.getByRole('button', { name: 'Show this range' }).click();
      await page.waitForURL(/from=2026-01-05T09:00:00.000Z&to=2026-01-05T10:30:00.000Z/);
      await page.locator('[data-chip=range]').click();
      await page.waitForURL((url) => !url.searchParams.has('from'));
    });

    browserTest('dragging over the picture zooms the list in, and going back zooms out', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d' });
      const { page } = visit;
      await visit.settled();
      const all = number((await tiles(page)).calls!);
      const frame = (await page.locator('.histogram-frame').boundingBox())!;
      await page.mouse.move(frame.x + frame.width * 0.5, frame.y + 40);
      await page.mouse.down();
      await page.mouse.move(frame.x + frame.width * 0.75, frame.y + 40, { steps: 5 });
      await picture(page, 'zooming');
      await page.mouse.up();
      await page.waitForURL(/from=/);
      const { searchParams } = new URL(page.url());
      const days = (Date.parse(searchParams.get('to')!) - Date.parse(searchParams.get('from')!)) / 86_400_000;
      assert.ok(Math.abs(days - 1.75) < 0.05, `${days} days`);
      await visit.settled();
      await until('the sums are those of the part', async () => number((await tiles(page)).calls!) < all);
      await page.goBack();
      await page.waitForURL((url) => !url.searchParams.has('from'));
    });

    browserTest('a bar is chosen and zoomed into by keyboard', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      await page.locator('.histogram-frame').focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      const said = await page.locator('.histogram-frame').getAttribute('aria-valuetext');
      assert.match(said!, /answered, .* failed/);
      await page.keyboard.press('Enter');
      await page.waitForURL(/from=/);
    });

    browserTest('a short range is cut into minutes', async () => {
      await using visit = await world().visit({ path: '/calls?range=15m' });
      await visit.settled();
      const bars = await visit.page.locator('.histogram svg g').count();
      assert.ok(bars >= 8 && bars <= 18, `${bars} bars`);
    });

    browserTest('times are shown in UTC, in the zone of this computer, or in any other', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const { page } = visit;
      await visit.settled();
      const shown = () => page.locator('[data-index="0"] time').first().innerText();
      const utc = await shown();
      await page.keyboard.press('u');
      await page.waitForURL(/zone=Europe\/Paris/);
      const paris = await shown();
      const hour = (text: string) => Number(/(\d\d):\d\d:\d\d/.exec(text)![1]);
      assert.ok([1, 2, -22, -23].includes(hour(paris) - hour(utc)), `${utc} is ${paris}`);
      await page.click('#zone-button');
      await page.getByLabel('Another time zone').fill('Asia/Kolkata');
      await page.getByRole('button', { name: 'Use', exact: true }).click();
      await page.waitForURL(/zone=Asia\/Kolkata/);
      await page.locator('.status-zone', { hasText: 'Asia/Kolkata (GMT+5:30)' }).waitFor();
    });

    browserTest('duration and remote address narrow the list', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      await page.getByRole('button', { name: 'Columns', exact: true }).click();
      await page.getByRole('checkbox', { name: 'Remote IP' }).check();
      await page.keyboard.press('Escape');
      const ip = await page.locator('[role=gridcell][data-column=remoteIp] .number').first().innerText();
      await page.getByRole('button', { name: 'More filters' }).click();
      await page.getByLabel('Seconds at least').fill('30');
      await page.getByRole('textbox', { name: 'Remote IP' }).fill(ip);
      await page.keyboard.press('Escape');
      await page.waitForURL(/min=30/);
      await page.locator('[data-chip=ip]').waitFor();
      await until('only long calls of the address are shown', async () => {
        const durations = await page.locator('[role=gridcell][data-column=durationSeconds]').allInnerTexts();
        const seconds = durations.map((text) =>
          text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0),
        );
        const addresses = new Set(
          await page.locator('[role=gridcell][data-column=remoteIp]').allInnerTexts(),
        );
        return addresses.size <= 1 && seconds.every((value) => value >= 30);
      });
      await page.getByRole('button', { name: 'Clear filters' }).first().click();
      await page.waitForURL((url) => !url.searchParams.has('min') && !url.searchParams.has('ip'));
    });
  });
}

/** The buttons of a value come up under the pointer, and go when the table scrolls: into view as well. */
async function clickOnValue(page: Page, cell: Locator, name: string): Promise<void> {
  const button = page.locator('.cell-actions').getByRole('button', { name });
  await until(`the button "${name}"`, async () => {
    await page.mouse.move(0, 0);
    await cell.hover();
    return button.isVisible();
  });
  await button.click();
}

/** The hour of the week that clocks in UTC show so many hours from now. */
function weekHourIn(hours: number): readonly [day: string, hour: number] {
  const at = new Date(Date.now() + hours * 3_600_000);
  return [['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][at.getUTCDay()]!, at.getUTCHours()];
}
