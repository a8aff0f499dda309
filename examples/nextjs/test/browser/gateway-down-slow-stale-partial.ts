import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

/** What the browser itself says of answers that are not 200. */
const failedLoads = /Failed to load resource|ERR_/;

export function trouble(world: () => World): void {
  describe('when something is wrong', () => {
    browserTest(
      'a slow gateway is said to be slow; the old rows stay, and waiting can be ended',
      async () => {
        const { wire } = world();
        await using visit = await world().visit({ path: '/calls?range=24h', expectedErrors: failedLoads });
        const { page } = visit;
        await visit.settled();
        const rows = await visit.loaded();
        wire.slowDown(/CallPage/, 12);
        await page.selectOption('#call-type', 'ERRORS');
        await page.locator('[data-trouble=waiting]').waitFor({ timeout: 10_000 });
        assert.equal(await visit.loaded(), rows, 'the old rows stay');
        assert.equal(await page.locator('.table-frame[data-old]').count(), 1, 'and are shown as old');
        await assertAccessible(page, 'a slow gateway');
        await picture(page, 'trouble-slow');
        wire.heal();
        await page.locator('[data-trouble=waiting]').getByRole('button', { name: 'Cancel' }).click();
        await page.locator('[data-trouble=waiting]').waitFor({ state: 'detached' });
        await page.selectOption('#call-type', 'COMPLETE');
        await page.locator('.table-frame:not([data-old])').waitFor();
      },
    );

    browserTest('a gateway that takes too long is given up, and asked again by Retry', async () => {
      const { wire } = world();
      await using visit = await world().visit({ path: '/calls?range=24h', expectedErrors: failedLoads });
      const { page } = visit;
      await visit.settled();
      wire.slowDown(/CallPage/, 60);
      await page.selectOption('#call-type', 'ERRORS');
      const banner = page.locator('.notes [data-trouble=slow]');
      // Twice the server's own limit: it is tried once more by itself.
      await banner.waitFor({ timeout: 60_000 });
      await picture(page, 'trouble-timeout');
      assert.ok((await visit.loaded()) > 0);
      wire.heal();
      await banner.getByRole('button', { name: 'Retry' }).click();
      await page.locator('.table-frame:not([data-old])').waitFor();
      assert.equal(await page.locator('.notes [data-trouble]').count(), 0);
    });

    browserTest('sums that fail say so in their place, while the list is there', async () => {
      const { wire } = world();
      wire.slowDown(/Tiles|Histogram/, 60);
      await using visit = await world().visit({ path: '/calls?range=24h', expectedErrors: failedLoads });
      const { page } = visit;
      await page.locator('[data-index="0"]').waitFor();
      await page.locator('.tiles-frame [data-trouble=slow]').waitFor({ timeout: 60_000 });
      await page.locator('.histogram [data-trouble=slow]').waitFor({ timeout: 60_000 });
      assert.ok((await visit.loaded()) > 0);
      await picture(page, 'trouble-sums');
      wire.heal();
      await page.locator('.tiles-frame').getByRole('button', { name: 'Retry' }).click();
      await page.locator('.histogram').getByRole('button', { name: 'Retry' }).click();
      await visit.settled();
    });

    browserTest(
      'a standby that falls behind turns the badge amber, then red; who insists on fresh data is told, and keeps the rows',
      async () => {
        const { databases } = world();
        await using visit = await world().visit({ path: '/calls?range=24h', expectedErrors: failedLoads });
        const { page } = visit;
        await visit.settled();
        await page.locator('.badge-good').waitFor();
        await databases.onStandbys('select pg_wal_replay_pause()');
        try {
          await page.locator('.badge-amber').waitFor({ timeout: 30_000 });
          await picture(page, 'freshness-amber');
          await page.locator('.badge-red').waitFor({ timeout: 30_000 });
          await page.locator('.badge').click();
          await page.locator('.freshness tbody tr').nth(1).waitFor();
          await page
            .locator('.freshness tr[data-primary=AVAILABLE]', { hasText: /Primary.*heard .* ago/ })
            .waitFor();
          await assertAccessible(page, 'the freshness of the standbys');
          await picture(page, 'freshness-red');
          const rows = await visit.loaded();
          await page.locator('.freshness select').selectOption('1');
          await page.waitForURL((url) => url.searchParams.get('fresh') === '1');
          await page.keyboard.press('Escape');
          const banner = page.locator('.notes [data-trouble=stale]');
          await banner.waitFor();
          assert.match(await banner.innerText(), /The freshest standby is .* behind/);
          assert.equal(await visit.loaded(), rows, 'the old rows stay');
          await picture(page, 'trouble-stale');
          await databases.onStandbys('select pg_wal_replay_resume()');
          // By themselves, and soon: nobody touches anything.
          await page.locator('.badge-good').waitFor({ timeout: 5000 });
          await banner.waitFor({ state: 'detached', timeout: 5000 });
          await page.locator('.table-frame:not([data-old])').waitFor();
        } finally {
          await databases.onStandbys('select pg_wal_replay_resume()');
        }
      },
    );

    browserTest(
      'the age beside the time is that of the calls shown, and grows while the page is left alone',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=24h' });
        const { page } = visit;
        await visit.settled();
        const read = async () => {
          const text = await page.locator('.badge').innerText();
          const [, time, age] = /as of ([\d:]+) · at most (.+) old/.exec(text) ?? assert.fail(text);
          const [seconds, minutes] = [/([\d.]+) s/, /(\d+) min/].map((unit) =>
            Number(unit.exec(age!)?.[1] ?? 0),
          );
          const shown = seconds! + 60 * minutes!;
          const [hour, minute, second] = time!.split(':').map(Number);
          const now = new Date();
          const since = (now.getTime() - now.setUTCHours(hour!, minute!, second!, 0)) / 1000;
          return { time, shown, since: since < 0 ? since + 86_400 : since };
        };
        const first = await read();
        assert.ok(first.shown < 60, `${first.shown} s`);
        const later = await until('it has grown', async () => {
          const now = await read();
          return now.shown >= first.shown + 6 && now;
        });
        assert.equal(later.time, first.time, 'the calls are still those');
        // The time has no fractions, and the age changes once a second.
        assert.ok(
          later.shown >= later.since - 2.1,
          `${later.since} s since then, at most ${later.shown} s old`,
        );
        assert.equal(await page.locator('.badge-good').count(), 1, 'the standbys are well');
        await page.click('#refresh-button');
        await until('a new list is younger', async () => (await read()).shown < later.shown);
      },
    );

    browserTest('a call that cannot be read in full is shown in part, and said to be', async () => {
      const { databases } = world();
      await databases.onPrimary(
        `insert into xdrs (i_account, i_customer, cli, cld, connect_time, disconnect_time, duration, disconnect_cause)
         values (${databases.accountId}, 1, '33100000001', '33699999999', now(), 'infinity', 0, 17)`,
      );
      await using visit = await world().visit({ user: 'customer', path: '/calls?range=15m&cld=33699999999' });
      const { page } = visit;
      await until('the call has reached the standby', async () => {
        await page.reload();
        await visit.settled();
        return (await visit.loaded()) > 0;
      });
      await page.locator('.notes [data-trouble=partial]').waitFor();
      assert.match(
        await page.locator('.notes').innerText(),
        /One value could not be read; everything else is here/,
      );
      await page.locator('[role=gridcell]', { hasText: '33699999999' }).waitFor();
      await picture(page, 'trouble-partial');
      await page.keyboard.press('Enter');
      await page.locator('.drawer [data-trouble=partial]').waitFor();
    });

    browserTest('counts that failed alone come by themselves, where they may', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      // As the gateway answers when a standby cancels the statement of one part.
      let spoilt = 0;
      await page.route('**/api/graphql?*', async (route) => {
        const response = await route.fetch();
        const answer = response.headers()['content-type']?.includes('json')
          ? await response.json()
          : undefined;
        if (spoilt > 0 || !answer?.data?.country) return route.fulfill({ response });
        spoilt++;
        const error = {
          message: 'The standby had to cancel it.',
          path: ['country'],
          extensions: { code: 'REPLICA_CONFLICT', retryable: true },
        };
        // Which therefore has no tag.
        const { etag: _, ...headers } = response.headers();
        return route.fulfill({
          response,
          headers,
          json: { ...answer, data: { ...answer.data, country: null }, errors: [error] },
        });
      });
      await page.selectOption('#call-type', 'ERRORS');
      const facet = page.locator('[data-facet=country]');
      await facet.locator('[data-trouble]').waitFor();
      await facet.locator('[data-trouble]').waitFor({ state: 'detached', timeout: 60_000 });
      await facet.locator('li').first().waitFor();
      assert.equal(spoilt, 1);
      await page.unrouteAll({ behavior: 'ignoreErrors' });
    });

    browserTest(
      'a session that ended leads back to the sign-in, and from there to the same view',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=24h', expectedErrors: failedLoads });
        const { page } = visit;
        await visit.settled();
        const cookies = await visit.context.cookies();
        await visit.context.clearCookies({ name: 'session' });
        // Also when nothing is asked for any more.
        const banner = page.locator('.notes [data-trouble=signedOut]');
        await banner.waitFor();
        await page.selectOption('#call-type', 'ERRORS');
        await page.locator('.tile[data-old]').first().waitFor();
        await page.locator('.badge', { hasText: 'signed out' }).waitFor();
        await page.locator('.toolbar label', { hasText: 'Pictures' }).click();
        await page.locator('[data-picture=causes]').waitFor();
        // Beside it, at most that a value of the list could not be read.
        const said = page.locator('[data-trouble]:not([data-trouble=partial])');
        await until('it is said once', async () => (await said.count()) === 1);
        assert.match(await banner.innerText(), /You are signed out\. Sign in again to go on\./);
        assert.equal(await page.getByText('gateway unreachable').count(), 0);
        await picture(page, 'trouble-signed-out');
        await page.locator('.toolbar label', { hasText: 'Calls' }).click();
        assert.ok((await visit.loaded()) > 0);
        assert.match(
          (await banner.getByRole('link').getAttribute('href'))!,
          /^\/sign-in\?next=%2Fcalls%3F.*type%3DERRORS/,
        );
        // Signed in again, as in another tab.
        await visit.context.addCookies(cookies);
        await banner.waitFor({ state: 'detached', timeout: 10_000 });
        await page.locator('.table-frame:not([data-old])').waitFor();
        await visit.settled();
      },
    );

    browserTest('when somebody else signs in, their calls do not get into this page', async () => {
      const { explorer } = world();
      await using visit = await world().visit({ path: '/calls?range=24h', expectedErrors: failedLoads });
      const { page } = visit;
      await visit.settled();
      const rows = await visit.loaded();
      const [name, value] = (await explorer.signIn('customer')).split('=') as [string, string];
      await visit.context.addCookies([{ name, value, url: explorer.url, httpOnly: true, sameSite: 'Lax' }]);
      await page.locator('.notes [data-trouble=signedOut]').waitFor();
      await page.click('#refresh-button');
      await page.locator('.table-frame[data-old]').waitFor();
      assert.equal(await visit.loaded(), rows);
      await page.reload();
      await page.locator('.role', { hasText: 'Customer' }).waitFor();
      await visit.settled();
      assert.equal(await page.locator('[data-trouble=signedOut]').count(), 0);
    });

    browserTest(
      'a gateway that is killed in the middle of a stream, a file and a list: what came stays, and it goes on when it is back',
      async () => {
        const { gateway, wire } = world();
        await using visit = await world().visit({ path: '/calls?range=7d', expectedErrors: failedLoads });
        const { page } = visit;
        await visit.settled();
        wire.throttle(/CallStream|CallExport/, 300_000);
        await page.getByRole('button', { name: /^Load all/ }).click();
        await until('some calls came', async () => (await visit.loaded()) > 300);
        await gateway.kill();
        wire.heal(); // What is on the cable arrives at once.
        const broken = page.locator('.notes .trouble', { hasText: 'came before it broke off' });
        await broken.waitFor({ timeout: 30_000 });
        const kept = await visit.loaded();
        assert.ok(kept > 300, 'what came stays');
        await page.locator('.badge-red', { hasText: 'gateway unreachable' }).waitFor({ timeout: 30_000 });
        await picture(page, 'trouble-killed-stream');

        await page.getByRole('button', { name: 'Export' }).click();
        await page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
        await page.locator('.dialog footer').getByRole('button', { name: 'Export' }).click();
        await page.locator('[data-export=failed]').waitFor({ timeout: 30_000 });
        await page.locator('.dialog [data-trouble=down]').waitFor();
        await picture(page, 'trouble-killed-export');
        await page.keyboard.press('Escape');

        await page.selectOption('#call-type', 'ERRORS');
        const banner = page.locator('.notes [data-trouble=down]').first();
        await banner.waitFor({ timeout: 30_000 });
        assert.ok((await visit.loaded()) > 0, 'the old rows stay');
        await assertAccessible(page, 'a gateway that is gone');
        await picture(page, 'trouble-down');

        wire.heal();
        await gateway.startAgain();
        // By itself: the badge notices, and what failed is asked again.
        await page.locator('.badge:not(.badge-red)').waitFor({ timeout: 30_000 });
        await page.locator('.table-frame:not([data-old])').waitFor({ timeout: 30_000 });
        assert.equal(await page.locator('.notes [data-trouble=down]').count(), 0);
        await picture(page, 'trouble-over');
      },
    );

    browserTest('a file whose gateway is killed midway counts as failed, not as a short file', async () => {
      const { gateway, wire } = world();
      await using visit = await world().visit({ path: '/calls?range=7d', expectedErrors: failedLoads });
      const { page } = visit;
      await page.addInitScript(() => {
        Reflect.deleteProperty(window, 'showSaveFilePicker');
      });
      await page.reload();
      await visit.settled();
      wire.throttle(/CallExport/, 300_000);
      let downloads = 0;
      page.on('download', () => downloads++);
      await page.getByRole('button', { name: 'Export' }).click();
      await page.locator('.dialog footer').getByRole('button', { name: 'Export' }).click();
      await until(
        'some rows came',
        async () => Number(await page.locator('[data-export=running]').getAttribute('data-rows')) > 200,
      );
      await gateway.kill();
      wire.heal(); // What is on the cable arrives at once.
      await page.locator('[data-export=failed]').waitFor({ timeout: 30_000 });
      assert.equal(downloads, 0);
      await gateway.startAgain();
      await page.locator('.dialog [data-trouble]').getByRole('button', { name: 'Retry' }).click();
      await page.locator('[data-export=done]').waitFor({ timeout: 60_000 });
      await until('the file is there', () => downloads === 1);
    });
  });
}
