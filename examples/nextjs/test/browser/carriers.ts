import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe } from 'node:test';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { longAgo } from './table-tiles-columns-saved-views.ts';
import { picture } from './visit.ts';
import type { World } from './world.ts';

/** As in the sample plan. */
const HOLDER = /\(sample\)/;

export function carriers(world: () => World): void {
  describe('carriers', () => {
    browserTest(
      'the holder of the called number’s block is in its column, with what to know about it on hover',
      async () => {
        const { wire } = world();
        const before = wire.exchanges.length;
        await using visit = await world().visit({ path: '/calls?range=24h&cld=336*' });
        const { page } = visit;
        await visit.settled();
        const cell = page.locator('[role=gridcell][data-column=carrier]').first();
        await until('the first is there', async () => HOLDER.test(await cell.innerText()));
        assert.match(await cell.innerText(), /mobile/);
        await cell.locator('[data-hint]').hover();
        const hint = page.locator('.hint:popover-open');
        await hint.waitFor();
        assert.match(await hint.innerText(), /was given the block .+ ported/);
        await picture(page, 'carriers');

        const exchanges = wire.exchanges.slice(before);
        const asked = exchanges.filter(({ operation }) => operation === 'Carriers');
        const numbers = asked.flatMap(({ variables }) => variables.numbers as string[]);
        assert.equal(new Set(numbers).size, numbers.length, 'each number is asked for once');
        assert.ok(numbers.length < (await visit.loaded()), 'and only those of rows that are seen');
      },
    );

    browserTest(
      'elsewhere the country and the kind of line are shown, and the drawer has the same',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=7d&cld=44*', locale: 'fr-FR' });
        const { page } = visit;
        await visit.settled();
        // A number that is no valid one has neither.
        const cells = page.locator('[role=gridcell][data-column=carrier]', { hasText: 'Royaume-Uni' });
        await cells.first().click();
        await page
          .locator('.fact:has(dt:text-is("Opérateur (attributaire)"))', { hasText: 'Royaume-Uni' })
          .waitFor();
      },
    );

    browserTest('a look-up that fails leaves the cells empty, and nothing else', async () => {
      const { wire } = world();
      const before = wire.exchanges.length;
      wire.cut(/^Carriers$/);
      try {
        await using visit = await world().visit({
          path: '/calls?range=24h&cld=336*',
          expectedErrors: /Failed to load resource/,
        });
        const { page } = visit;
        await visit.settled();
        const isAsked = () => wire.exchanges.slice(before).some(({ operation }) => operation === 'Carriers');
        await until('it was tried', isAsked);
        const cells = await page.locator('[role=gridcell][data-column=carrier]').allInnerTexts();
        assert.ok(cells.length > 5);
        assert.deepEqual([...new Set(cells)], ['']);
        assert.equal(await page.locator('[data-trouble]').count(), 0);
      } finally {
        wire.heal();
      }
    });

    browserTest('they are in the file, behind the called number’s other columns', async () => {
      await using visit = await world().visit({ path: longAgo(6) });
      const { page } = visit;
      await page.addInitScript(() => {
        Reflect.deleteProperty(window, 'showSaveFilePicker');
      });
      await page.reload();
      await visit.settled();
      await page.getByRole('button', { name: 'Export' }).click();
      const downloading = page.waitForEvent('download');
      await page.locator('.dialog footer').getByRole('button', { name: 'Export' }).click();
      const lines = readFileSync(await (await downloading).path(), 'utf8')
        .trimEnd()
        .split('\r\n');
      assert.match(lines[0]!, /,callId,blockHolder,blockHolderCode,lineKind$/);
      assert.ok(lines.some((line) => /\(sample\)"?,EX\d\d,MOBILE$/.test(line)));
      assert.equal(
        await page.locator('[data-export=done]').innerText(),
        `Done: ${(lines.length - 1).toLocaleString('en')} calls.`,
      );
    });

    browserTest('of masked numbers no carrier is asked for', async () => {
      const { wire } = world();
      const before = wire.exchanges.length;
      await using visit = await world().visit({ user: 'support', path: '/calls?range=24h' });
      await visit.settled();
      await visit.page.getByRole('grid').evaluate((grid) => grid.scrollTo(0, 600));
      await visit.page.locator('[data-index="20"]').waitFor();
      assert.equal(
        wire.exchanges.slice(before).some(({ operation }) => operation === 'Carriers'),
        false,
      );
    });
  });
}
