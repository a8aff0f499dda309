import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe } from 'node:test';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { chooseFile } from './chosen-file.ts';
import { longAgo, number, tiles } from './table-tiles-columns-saved-views.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

export function exporting(world: () => World): void {
  describe('the export', () => {
    browserTest('the whole list is written as it comes, and its rows are counted', async () => {
      await using visit = await world().visit({ user: 'customer', path: longAgo(168) });
      const { page } = visit;
      const read = await chooseFile(page);
      await visit.settled();
      const total = number((await tiles(page)).calls!);
      await page.getByRole('button', { name: 'Export' }).click();
      await page.getByText(`The filter has ${total.toLocaleString('en')} calls.`).waitFor();
      await assertAccessible(page, 'the export');
      await picture(page, 'export');
      await page.locator('.dialog footer').getByRole('button', { name: 'Export' }).click();
      await page.locator('[data-export=done]').waitFor({ timeout: 60_000 });
      const text = (await read()).toString('utf8');
      const lines = text.split('\r\n');
      assert.equal(
        lines[0],
        'id,connectTime,setupTime,disconnectTime,cli,cld,cliIn,cldIn,country,region,prefix,durationSeconds,billedSeconds,chargedAmount,currency,outcome,disconnectCause,disconnectReason,pddSeconds,releaseSource,accountId,customerId,remoteIp,userAgent,callId,blockHolder,blockHolderCode,lineKind',
      );
      assert.match(lines[1]!, /,"[A-Z]{3}","[A-Z_]+",\d+,/, 'every amount says in which currency it is');
      assert.equal(lines.length - 2, total, 'a header, the calls, and the end of the last line');
      assert.equal(Number(await page.locator('[data-export]').getAttribute('data-rows')), total);
      assert.equal(
        lines.some((line) => line.includes('INCOMPLETE')),
        false,
      );
    });

    browserTest(
      'only the columns that are shown, as a download where the browser has no file dialog',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=1h&cld=336*' });
        const { page } = visit;
        await page.addInitScript(() => {
          Reflect.deleteProperty(window, 'showSaveFilePicker');
        });
        await page.reload();
        await visit.settled();
        await page.getByRole('button', { name: 'Export' }).click();
        await page.locator('.dialog label', { hasText: 'As shown' }).click();
        const downloading = page.waitForEvent('download');
        await page.locator('.dialog footer').getByRole('button', { name: 'Export' }).click();
        const download = await downloading;
        assert.match(download.suggestedFilename(), /^calls-\d{8}T\d{6}Z-\d{8}T\d{6}Z\.csv$/);
        const text = readFileSync(await download.path(), 'utf8');
        assert.match(
          text,
          /^id,connectTime,cli,cld,country,region,durationSeconds,chargedAmount,currency,outcome,accountId,blockHolder,blockHolderCode,lineKind\r\n/,
        );
      },
    );

    browserTest('the browser downloads it by itself, by a plain link', async () => {
      await using visit = await world().visit({ path: longAgo(6) });
      const { page } = visit;
      await visit.settled();
      await page.getByRole('button', { name: 'Export' }).click();
      const downloading = page.waitForEvent('download');
      await page.getByRole('link', { name: 'Let the browser download it' }).click();
      const text = readFileSync(await (await downloading).path(), 'utf8');
      assert.equal(text.split('\r\n').length - 2, number((await tiles(page)).calls!));
    });

    browserTest('an export that is cancelled midway stops at the gateway, and leaves no file', async () => {
      const { wire } = world();
      wire.throttle(/CallExport/, 200_000);
      await using visit = await world().visit({ path: '/calls?range=7d' });
      const { page } = visit;
      const read = await chooseFile(page);
      await visit.settled();
      await page.getByRole('button', { name: 'Export' }).click();
      await page.locator('.dialog footer').getByRole('button', { name: 'Export' }).click();
      await until(
        'some rows are written',
        async () => Number(await page.locator('[data-export=running]').getAttribute('data-rows')) > 200,
      );
      await picture(page, 'export-running');
      await page.locator('.dialog footer').getByRole('button', { name: 'Cancel' }).click();
      await page.locator('[data-export=cancelled]').waitFor();
      const exchange = wire.exchanges.findLast(({ operation }) => operation === 'CallExport')!;
      await until('the gateway knows that the reader left', () => exchange.end === 'left');
      wire.heal();
      assert.equal((await read()).length, 0, 'what was written of the file is thrown away');
      await picture(page, 'export-cancelled');
    });

    browserTest('leaving the page ends the export at the gateway too', async () => {
      const { wire } = world();
      wire.throttle(/CallExport/, 200_000);
      await using visit = await world().visit({ path: '/calls?range=7d' });
      const { page } = visit;
      await chooseFile(page);
      await visit.settled();
      await page.getByRole('button', { name: 'Export' }).click();
      await page.locator('.dialog footer').getByRole('button', { name: 'Export' }).click();
      await page.locator('[data-export=running]').waitFor();
      const exchange = await until('the export is under way', () =>
        wire.exchanges.findLast(({ operation, end }) => operation === 'CallExport' && end === 'open'),
      );
      await page.goto('/sign-in');
      await until('the gateway knows that the reader left', () => exchange.end === 'left');
      wire.heal();
    });
  });
}
