import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Page } from 'playwright-core';
import { readXlsx, type Sheet } from '../read-xlsx.ts';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { chooseFile, savedName } from './chosen-file.ts';
import { longAgo, number, tiles } from './table-tiles-columns-saved-views.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

/** A task that blocks the page for so long is felt; where the machine is slow, so much of the time that all of it takes. */
const MAX_TASK_MILLIS = 200;
const MAX_TASK_SHARE = 0.05;

const openExport = (page: Page) =>
  page
    .getByRole('button', { name: /^(Export|Exporter)$/ })
    .first()
    .click();

const choose = (page: Page, text: string) =>
  page.locator('.dialog label', { has: page.getByText(text, { exact: true }) }).click();

/** Starts it, and waits for its end. */
async function finish(page: Page): Promise<number> {
  await page.locator('.dialog footer .button-main').click();
  const done = page.locator('[data-export=done], [data-export=failed]');
  await done.waitFor({ timeout: 120_000 });
  assert.equal(await done.getAttribute('data-export'), 'done', await done.innerText());
  return Number(await done.getAttribute('data-rows'));
}

/** The letters of columns, by what is written above them. */
function columnsOf(sheet: Sheet): Map<string, string> {
  return new Map([...sheet.row(1)].map(([letter, { value }]) => [value, letter]));
}

/** The longest task of the page from now on. */
async function watchTasks(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const tasks: number[] = [];
    Object.assign(window, { tasks });
    new PerformanceObserver((list) =>
      tasks.push(...list.getEntries().map(({ duration }) => duration)),
    ).observe({
      type: 'longtask',
    });
  });
  return () => page.evaluate(() => Math.max(0, ...(window as unknown as { tasks: number[] }).tasks));
}

export function spreadsheets(world: () => World): void {
  describe('files for spreadsheets', () => {
    browserTest('a workbook is written while the page goes on', async (t) => {
      await using visit = await world().visit({ path: '/calls?range=24h&zone=Europe/Paris' });
      const { page } = visit;
      const read = await chooseFile(page);
      await visit.settled();
      await openExport(page);
      await choose(page, 'Excel (XLSX)');
      await page.getByText('times in Europe/Paris that can be computed with').waitFor();
      await assertAccessible(page, 'the choice of a format');
      await picture(page, 'export-xlsx');
      const longest = await watchTasks(page);
      const startedAt = performance.now();
      const rows = await finish(page);
      const seconds = (performance.now() - startedAt) / 1000;
      const millis = await longest();
      const bytes = await read();
      t.diagnostic(
        `${rows} calls, ${(bytes.length / 1e6).toFixed(1)} MB in ${seconds.toFixed(1)} s, longest task ${millis} ms`,
      );
      const allowed = Math.max(MAX_TASK_MILLIS, seconds * 1000 * MAX_TASK_SHARE);
      assert.ok(millis < allowed, `a task took ${millis} ms`);
      assert.match(await savedName(page), /^calls-.*\.xlsx$/);
      const [sheet] = readXlsx(bytes);
      const columns = columnsOf(sheet!);
      const at = (name: string, row: number) => sheet!.row(row).get(columns.get(name)!);
      assert.equal(sheet!.name, 'Calls');
      assert.equal(sheet!.rows, rows + 1, 'a header and the calls');
      assert.ok(at('Id', rows + 1));
      const when = at('Connect time (Europe/Paris)', 2)!;
      assert.deepEqual([when.type, when.format], ['number', 'yyyy-mm-dd hh:mm:ss']);
      for (const name of ['Called number', 'Account', 'Account name', 'Currency', 'Id'])
        assert.equal(at(name, 2)?.type, 'text', name);
      assert.equal(at('Cost', 2)?.type, 'number');
    });

    browserTest('CSV for Excel speaks the language of the page', async () => {
      await using visit = await world().visit({
        user: 'customer',
        path: `${longAgo(24)}&zone=Europe/Paris`,
        locale: 'fr-FR',
      });
      const { page } = visit;
      const read = await chooseFile(page);
      await visit.settled();
      const total = number((await tiles(page)).calls!);
      await openExport(page);
      await choose(page, 'CSV pour Excel');
      await choose(page, 'Affichées');
      await page.getByText('Excel en français, heures en Europe/Paris').waitFor();
      assert.equal(await finish(page), total);
      const [header, first, ...others] = (await read()).toString('utf8').split('\r\n');
      assert.match(header!, /^\ufeff"[^"]+ \(Europe\/Paris\)";"/);
      assert.match(first!, /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d;"=""\d+"""|^20.*;"/);
      assert.match(first!, /;\d+(?:,\d+)?;"[A-Z]{3}";/, 'amounts have a comma');
      assert.equal(others.length, total, 'the other calls, and the end of the last line');
    });

    browserTest('the choices fit a phone', async () => {
      await using visit = await world().visit({
        path: '/calls?range=1h&zone=Europe/Paris',
        locale: 'fr-FR',
        theme: 'dark',
        viewport: { width: 390, height: 844 },
      });
      const { page } = visit;
      await page.locator('[role=row][data-index="0"], [data-empty]').first().waitFor();
      await page.keyboard.press('e');
      await page.locator('.dialog').waitFor();
      for (const subject of ['Statistiques', 'Appels']) {
        await choose(page, subject);
        await choose(page, 'CSV pour Excel');
        const overflow = await page
          .locator('.dialog')
          .evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth);
        assert.equal(overflow, 0, `${subject}: nothing lies beside the dialog`);
        await assertAccessible(page, `the export of ${subject} on a phone`);
      }
      await picture(page, 'export-phone-fr-dark');
    });

    browserTest('statistics are files too', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d' });
      const { page } = visit;
      const read = await chooseFile(page);
      await visit.settled();
      const total = number((await tiles(page)).calls!);
      await openExport(page);
      await choose(page, 'Statistics');
      await page.locator('.export-groups select').last().selectOption('ACCOUNT');
      await picture(page, 'export-statistics');
      const groups = await finish(page);
      const [header, ...lines] = (await read()).toString('utf8').trimEnd().split('\r\n');
      assert.match(header!, /^bucket,accountId,account\.username,attempts,answered,/);
      assert.equal(lines.length, groups);
      await choose(page, 'Excel (XLSX)');
      await page.locator('.export-groups select').first().selectOption('ALL');
      const accounts = await finish(page);
      const [sheet] = readXlsx(await read());
      const columns = columnsOf(sheet!);
      const calls = Array.from({ length: accounts }, (_, index) =>
        Number(sheet!.row(index + 2).get(columns.get('Calls')!)!.value),
      );
      const sum = calls.reduce((one, other) => one + other, 0);
      // Calls go on coming.
      assert.ok(sum >= total && sum < total * 1.1 + 1000, `${sum} of ${total}`);
      assert.equal(sheet!.row(2).get(columns.get('Account name')!)?.type, 'text');
    });

    browserTest('a workbook that is cancelled leaves no file', async () => {
      const { wire } = world();
      wire.throttle(/CallExport/, 200_000);
      await using visit = await world().visit({ path: '/calls?range=7d' });
      const { page } = visit;
      const read = await chooseFile(page);
      await visit.settled();
      await openExport(page);
      await choose(page, 'Excel (XLSX)');
      await page.locator('.dialog footer .button-main').click();
      await until(
        'some rows are written',
        async () => Number(await page.locator('[data-export=running]').getAttribute('data-rows')) > 200,
      );
      await page.locator('.dialog footer').getByRole('button', { name: 'Cancel' }).click();
      await page.locator('[data-export=cancelled]').waitFor();
      const exchange = wire.exchanges.findLast(({ operation }) => operation === 'CallExport')!;
      await until('the gateway knows that the reader left', () => exchange.end === 'left');
      wire.heal();
      assert.equal((await read()).length, 0);
    });

    browserTest('a file that is not whole says so, in the page and in its last row', async () => {
      const { databases } = world();
      await databases.onPrimary(
        "update xdrs set disconnect_time = 'infinity' where i_xdr = (select max(i_xdr) from xdrs where connect_time < now() - interval '10 min')",
      );
      try {
        await using visit = await world().visit({ path: '/calls?range=24h' });
        const { page } = visit;
        const read = await chooseFile(page);
        await visit.settled();
        await openExport(page);
        await choose(page, 'Excel (XLSX)');
        const rows = await finish(page);
        await page.locator('[data-incomplete]').getByText('Values that are missing: 1.').waitFor();
        await assertAccessible(page, 'an export that is not whole');
        await picture(page, 'export-incomplete');
        const [sheet] = readXlsx(await read());
        assert.match(sheet!.row(rows + 2).get('A')!.value, /^INCOMPLETE\. .*: 0\. .*: 1\.$/);
      } finally {
        await databases.onPrimary(
          "update xdrs set disconnect_time = connect_time + make_interval(secs => duration::float8) where disconnect_time = 'infinity'",
        );
      }
    });
  });
}
