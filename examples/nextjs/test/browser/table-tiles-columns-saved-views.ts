import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { picture } from './visit.ts';
import type { World } from './world.ts';

export function list(world: () => World): void {
  describe('the list and its sums', () => {
    browserTest('the first rows come with the document: the page asks for none of them', async () => {
      const { wire } = world();
      const before = wire.exchanges.length;
      await using visit = await world().visit({ path: '/calls?range=7d' });
      await visit.settled();
      const pages = wire.exchanges.slice(before).filter(({ operation }) => operation === 'CallPage');
      assert.equal(pages.length, 1);
      assert.equal(await visit.loaded(), 100);
    });

    browserTest(
      'tiles follow the filter: calls, success rate, average duration, minutes and cost',
      async () => {
        await using visit = await world().visit({ user: 'customer', path: '/calls?range=7d' });
        const { page } = visit;
        await visit.settled();
        const all = await tiles(page);
        assert.match(all.success!, /^\d+(\.\d)?%$/);
        assert.match(all.duration!, / s$/);
        await page.locator('[data-tile=cost] .tile-value', { hasText: '€' }).waitFor();
        await page.selectOption('#call-type', 'ERRORS');
        await page.waitForURL(/type=ERRORS/);
        await page.locator('[data-tile=success] .tile-value', { hasText: /^0%$/ }).waitFor();
        const errors = await tiles(page);
        assert.ok(number(errors.calls!) > 0 && number(errors.calls!) < number(all.calls!));
      },
    );

    browserTest(
      'amounts of several currencies stay apart: in the tile, whatever else fails, in the table and in copies',
      async () => {
        const { wire } = world();
        wire.cut(/Groups|AccountNames/);
        try {
          await using visit = await world().visit({
            path: '/calls?range=7d',
            expectedErrors: /Failed to load resource/,
          });
          const { page } = visit;
          await visit.settled();
          const tile = page.locator('[data-tile=cost]');
          const amount = /[€$£]\d[\d,]*\.\d\d/;
          assert.match(await tile.locator('.tile-value').innerText(), amount);
          const below = (await tile.locator('.tile-below').innerText()).split(' · ');
          assert.ok(below.length > 0 && below.every((one) => amount.test(one)), below.join());
          const cells = await page.locator('[role=gridcell][data-column=chargedAmount]').allInnerTexts();
          assert.ok(cells.length > 5);
          for (const cell of cells) assert.match(cell, /^[€$£]\d/);
          await page.getByRole('button', { name: 'Share' }).click();
          await page.locator('[data-copy=json]').click();
          await page.locator('[data-copy=json]', { hasText: 'Copied' }).waitFor();
          const copied: { currency: string }[] = JSON.parse(
            await page.evaluate(() => navigator.clipboard.readText()),
          );
          assert.ok(copied.every(({ currency }) => /^[A-Z]{3}$/.test(currency)));
        } finally {
          wire.heal();
        }
      },
    );

    browserTest('each of the six call types narrows the list as the older screens did', async () => {
      const counts: Record<string, number> = {};
      await using visit = await world().visit({ path: longAgo(6) });
      const { page } = visit;
      for (const type of ['ALL', 'NON_ZERO', 'NON_ZERO_AND_ERRORS', 'COMPLETE', 'INCOMPLETE', 'ERRORS']) {
        await page.selectOption('#call-type', type);
        await visit.settled();
        counts[type] = number((await tiles(page)).calls!);
      }
      assert.equal(counts.ALL, counts.COMPLETE! + counts.INCOMPLETE!);
      assert.ok(counts.ERRORS! > 0 && counts.ERRORS! <= counts.INCOMPLETE!);
      assert.ok(counts.NON_ZERO! > 0 && counts.NON_ZERO_AND_ERRORS! >= counts.NON_ZERO!);
      assert.ok(counts.NON_ZERO! <= counts.COMPLETE! + counts.INCOMPLETE!);
    });

    browserTest(
      'scrolling loads page after page, of the size that is chosen, and each call is there once',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=7d&size=200' });
        const { page } = visit;
        await visit.settled();
        assert.equal(await visit.loaded(), 200);
        await until('a thousand calls are loaded', async () => {
          await page.locator('[role=grid]').evaluate((grid) => grid.scrollBy(0, 3000));
          return (await visit.loaded()) >= 1000;
        });
        await page.locator('[role=grid]').evaluate((grid) => grid.scrollTo(0, 0));
        const ids = new Map<string, string>();
        await until('every call was seen', async () => {
          const rows = await visit
            .rows()
            .evaluateAll((all) => all.map((row) => [row.dataset.index!, row.dataset.id!] as const));
          for (const [index, id] of rows) ids.set(index, id);
          await page.locator('[role=grid]').evaluate((grid) => grid.scrollBy(0, 400));
          return ids.size >= 1000;
        });
        assert.equal(new Set(ids.values()).size, ids.size, 'no call is there twice');
        await page.selectOption('.status-size select', '500');
        await page.waitForURL(/size=500/);
        await until('500 calls are loaded', async () => (await visit.loaded()) === 500);
      },
    );

    browserTest(
      'the grid says how many rows there are, and only some of them are in the document',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=7d&size=500' });
        const { page } = visit;
        await visit.settled();
        const grid = page.getByRole('grid', { name: 'Calls' });
        const total = number((await tiles(page)).calls!);
        assert.equal(Number(await grid.getAttribute('aria-rowcount')), total + 1);
        assert.ok((await visit.rows().count()) < 60);
        assert.equal(await page.locator('[role=row][data-index="3"]').getAttribute('aria-rowindex'), '5');
        assert.equal(
          await page.locator('[role=columnheader][data-column=connectTime]').getAttribute('aria-sort'),
          'descending',
        );
      },
    );

    browserTest('connect time sorts both ways', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d' });
      const { page } = visit;
      await visit.settled();
      const first = () => page.locator('[data-index="0"] time').first().getAttribute('datetime');
      const newest = await first();
      await page.locator('.head-sort').click();
      await page.waitForURL(/order=oldest/);
      await page.locator('[role=columnheader][aria-sort=ascending]').waitFor();
      await until('the oldest call is first', async () => (await first())! < newest!);
    });

    browserTest('columns are hidden, moved and widened, by mouse or keyboard, and remembered', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const { page } = visit;
      await visit.settled();
      const heads = () =>
        page
          .locator('[role=columnheader]')
          .evaluateAll((cells) => cells.map((cell) => (cell as HTMLElement).dataset.column));
      await page.getByRole('button', { name: 'Columns', exact: true }).click();
      await page.getByRole('checkbox', { name: 'Country' }).uncheck();
      await page.getByRole('checkbox', { name: 'PDD' }).check();
      await page.keyboard.press('Escape');
      assert.equal((await heads()).includes('country'), false);
      assert.equal((await heads()).includes('pddSeconds'), true);
      await page.locator('[role=columnheader][data-column=cld]').click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Move left' }).click();
      const order = await heads();
      assert.ok(order.indexOf('cld') < order.indexOf('cli'));
      const width = () =>
        page
          .locator('[role=columnheader][data-column=cld]')
          .evaluate((cell) => cell.getBoundingClientRect().width);
      const before = await width();
      await page.locator('[role=columnheader][data-column=cld] .head-menu').focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menuitem', { name: 'Hide' }).and(page.locator(':focus')).waitFor();
      for (let press = 0; press < 3; press++) await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await until('the column is wider', async () => (await width()) > before);
      const edge = await page.locator('[data-column=cld] .head-edge').boundingBox();
      await page.mouse.move(edge!.x + 3, edge!.y + 5);
      await page.mouse.down();
      await page.mouse.move(edge!.x + 83, edge!.y + 5, { steps: 4 });
      await page.mouse.up();
      await until('the column was dragged wider', async () => (await width()) > before + 60);
      const chosen = await heads();
      await page.reload();
      await visit.settled();
      assert.deepEqual(await heads(), chosen);
      assert.ok((await width()) > before + 60);
      await page.getByRole('button', { name: 'Columns', exact: true }).click();
      await page.getByRole('button', { name: 'As at first' }).click();
      assert.equal((await heads()).includes('country'), true);
    });

    browserTest('a view is saved under a name, opened again and removed', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d&type=ERRORS&cld=336*' });
      const { page } = visit;
      await visit.settled();
      await page.getByRole('button', { name: 'Views' }).click();
      await page.getByPlaceholder('Name of this view').fill('Failed mobiles');
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.goto('/calls');
      await visit.settled();
      await page.getByRole('button', { name: 'Views' }).click();
      await picture(page, 'saved-views');
      await page.getByRole('button', { name: 'Failed mobiles', exact: true }).click();
      await page.waitForURL(/type=ERRORS/);
      assert.match(page.url(), /cld=336\*/);
      await visit.settled();
      await page.getByRole('button', { name: 'Views' }).click();
      await page.getByRole('button', { name: 'Remove: Failed mobiles' }).click();
      await page.getByText('No saved views yet.').waitFor();
    });

    browserTest('a list of nothing says so, and how to get out', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h&cld=000000000000' });
      const { page } = visit;
      await page.locator('[data-empty]').waitFor();
      await picture(page, 'empty');
      await page.locator('[data-empty]').getByRole('button', { name: 'Clear filters' }).click();
      await until('calls are there again', async () => (await visit.loaded()) > 0);
    });

    browserTest(
      'the query is copied as a link, as GraphQL, as cURL and the rows as JSON, without a token',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=1h&cld=336*' });
        const { page } = visit;
        await visit.settled();
        await page.getByRole('button', { name: 'Share' }).click();
        const copied = async (name: string) => {
          await page.locator(`[data-copy=${name}]`).click();
          await page.locator(`[data-copy=${name}]`, { hasText: 'Copied' }).waitFor();
          return page.evaluate(() => navigator.clipboard.readText());
        };
        assert.equal(await copied('link'), page.url());
        assert.match(await copied('graphql'), /^query CallPage[\s\S]+"startsWith": "336"/);
        const curl = await copied('curl');
        assert.match(curl, /Bearer \$GATEWAY_TOKEN/);
        for (const token of Object.values(world().databases.tokens))
          assert.equal(curl.includes(token), false);
        assert.equal(JSON.parse(await copied('json')).length, await visit.loaded());
      },
    );
  });
}

export function number(text: string): number {
  return Number(text.replaceAll(/[^\d.-]/g, ''));
}

export async function tiles(page: import('playwright-core').Page): Promise<Record<string, string>> {
  await page.locator('[data-tile=calls]:not([data-old])').waitFor();
  const pairs = await page
    .locator('[data-tile]')
    .evaluateAll((all) =>
      all.map((tile) => [(tile as HTMLElement).dataset.tile, tile.querySelector('.tile-value')?.textContent]),
    );
  return Object.fromEntries(pairs);
}

/** A window that ended two days ago: no call ends any more that began in it, so its numbers stay. */
export function longAgo(hours: number): string {
  const at = (ago: number) => new Date(Date.now() - ago * 3_600_000).toISOString();
  return `/calls?from=${at(48 + hours)}&to=${at(48)}`;
}
