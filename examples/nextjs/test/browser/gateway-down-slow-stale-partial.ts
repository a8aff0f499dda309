import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
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
          await assertAccessible(page, 'the freshness of the standbys');
          await picture(page, 'freshness-red');
          const rows = await visit.loaded();
          await page.locator('.freshness select').selectOption('1');
          await page.keyboard.press('Escape');
          const banner = page.locator('.notes [data-trouble=stale]');
          await banner.waitFor();
          assert.match(await banner.innerText(), /The freshest standby is .* behind/);
          assert.equal(await visit.loaded(), rows, 'the old rows stay');
          await picture(page, 'trouble-stale');
          await databases.onStandbys('select pg_wal_replay_resume()');
          await until('Retry is answered', async () => {
            if (await banner.isVisible()) await banner.getByRole('button', { name: 'Retry' }).click();
            await delay(500);
            return (
              (await banner.count()) === 0 &&
              (await page.locator('.table-frame:not([data-old])').count()) === 1
            );
          });
          await page.locator('.badge-good').waitFor({ timeout: 30_000 });
        } finally {
          await databases.onStandbys('select pg_wal_replay_resume()');
        }
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

    browserTest(
      'a session that ended leads back to the sign-in, and from there to the same view',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=24h', expectedErrors: failedLoads });
        const { page } = visit;
        await visit.settled();
        await visit.context.clearCookies({ name: 'session' });
        await page.selectOption('#call-type', 'ERRORS');
        const banner = page.locator('.notes [data-trouble=signedOut]');
        await banner.waitFor();
        assert.ok((await visit.loaded()) > 0);
        assert.match(
          (await banner.getByRole('link').getAttribute('href'))!,
          /^\/sign-in\?next=%2Fcalls%3F.*type%3DERRORS/,
        );
      },
    );

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
