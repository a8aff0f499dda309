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

    browserTest('a bar of a prefix filters by the prefix', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d&view=pictures' });
      const { page } = visit;
      const bars = page.locator('[data-picture=destinations]:not([data-old]) .bars-row');
      await bars.first().waitFor();
      await page.locator('[data-picture=destinations] label', { hasText: 'Prefix' }).click();
      const bar = bars.filter({ hasText: /^\d+ \w/ }).first();
      await bar.waitFor();
      const prefix = /^\d+/.exec(await bar.innerText())![0];
      await bar.click();
      await page.waitForURL((url) => url.searchParams.get('prefix') === prefix);
      assert.equal(new URL(page.url()).searchParams.has('country'), false);
      await page.locator('[data-chip=prefix]', { hasText: `Prefix: ${prefix}` }).waitFor();
      await until('only that bar is left', async () => (await bars.count()) === 1);
    });

    browserTest('why calls end is told in parts of all calls, and in the colour of each result', async () => {
      const { databases } = world();
      // Fourteen causes, more than are drawn, and cause 16 for a call that was answered and three that were cancelled.
      const number = '339900012345';
      const causes = [17, 18, 19, 20, 21, 22, 27, 28, 29, 34, 38, 41, 42, ...[16, 16, 16, 16]];
      await databases.onPrimary(
        `insert into xdrs (i_account, i_customer, cli, cld, connect_time, disconnect_time, duration, disconnect_cause)
         select ${databases.accountId}, 1, '33100000001', '${number}', now() - interval '2 minutes', now(),
                case when place = ${causes.length} then 5 else 0 end, cause
           from unnest(array[${causes}]) with ordinality as causes (cause, place)`,
      );
      await using visit = await world().visit({ path: `/calls?range=15m&view=pictures&cld=${number}` });
      const { page } = visit;
      const picture = page.locator('[data-picture=causes]');
      await until('the calls have reached the standby', async () => {
        await page.locator('#refresh-button').click();
        await page.locator('[data-tile=calls]:not([data-old])').waitFor();
        return /^17$/m.test(await page.locator('[data-tile=calls]').innerText());
      });
      const bars = picture.locator('.bars-row');
      await bars.nth(11).waitFor();
      assert.equal(await bars.count(), 12);
      assert.equal(await bars.first().locator('.bars-detail').innerText(), '23.5%', '4 of 17');
      assert.equal(await bars.last().locator('.bars-detail').innerText(), '5.9%', '1 of 17');
      const parts = bars.first().locator('.bars-part');
      const drawn = await parts.evaluateAll((all) =>
        all.map((part) => [part.className, (part as HTMLElement).style.flexGrow]),
      );
      assert.deepEqual(drawn, [
        ['bars-part outcome-ANSWERED', '1'],
        ['bars-part outcome-CANCELLED', '3'],
      ]);
      const [green, other] = await parts.evaluateAll((all) =>
        all.map((part) => getComputedStyle(part).backgroundColor),
      );
      assert.notEqual(green, other);
    });

    browserTest('by cost, the pictures are of one currency, which is chosen', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d&view=pictures' });
      const { page } = visit;
      await page.locator('[data-picture=destinations] .bars li').first().waitFor();
      await page.locator('.pictures > .segments label', { hasText: 'Cost' }).click();
      const choices = page.locator('[data-currencies] label');
      const symbols: Readonly<Record<string, string>> = { EUR: '€', USD: '$', GBP: '£' };
      await until('there are several', async () => (await choices.count()) > 1);
      const sums = new Set<string>();
      for (const choice of await choices.all()) {
        const currency = (await choice.innerText()).trim();
        await choice.click();
        for (const [name, value] of [
          ['destinations', '.bars-value'],
          ['accounts', '.bars-value'],
          ['week', 'tbody td'],
        ] as const) {
          const values = page.locator(`[data-picture=${name}]:not([data-old]) ${value}`);
          await until(`${name} are in ${currency}`, async () => {
            const texts = await values.allInnerTexts();
            return texts.length > 0 && texts.every((text) => text.startsWith(symbols[currency]!));
          });
        }
        sums.add(await page.locator('[data-picture=destinations] .bars-value').first().innerText());
      }
      assert.equal(sums.size, await choices.count());
      await assertAccessible(page, 'the pictures by cost');
      await picture(page, 'pictures-cost');
    });

    browserTest('by cost, no other currency is in the way, however much there is in it', async () => {
      const { databases } = world();
      // Six thousand prefixes that cost a thousand dollars each, and three that cost a euro.
      await databases.onPrimary(
        `insert into xdrs (i_account, i_customer, cli, cld, connect_time, disconnect_time, duration, charged_amount, prefix, disconnect_cause)
         select account.i_account, account.i_customer, '33100000001', '339900077', now() - interval '2 minutes', now(), 1,
                case account.currency when 'EUR' then 1 else 1000 end, account.currency || number, 16
           from (select distinct on (currency) i_account, i_customer, currency from accounts where currency in ('EUR', 'USD')
                  order by currency, i_account) as account,
                generate_series(1, case account.currency when 'EUR' then 3 else 6000 end) as number`,
      );
      const path =
        '/calls?range=15m&view=pictures&cld=339900077&measure=chargedAmount&currency=EUR&by=prefix';
      await using visit = await world().visit({ path });
      const { page } = visit;
      await until('the calls have reached the standby', async () => {
        await page.locator('#refresh-button').click();
        await page.locator('[data-tile=calls]:not([data-old])').waitFor();
        return /6,003/.test(await page.locator('[data-tile=calls]').innerText());
      });
      const bars = page.locator('[data-picture=destinations]:not([data-old]) .bars-row');
      await until('there are three', async () => (await bars.count()) === 3);
      assert.match((await bars.allInnerTexts()).join(' '), /EUR1[\s\S]*EUR2[\s\S]*EUR3/);
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
