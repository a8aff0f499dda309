import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

export function drawer(world: () => World): void {
  describe('the drawer', () => {
    browserTest('a row opens in full, and the neighbours follow without closing it', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      const row = page.locator('[data-index="2"]');
      const id = await row.getAttribute('data-id');
      await row.click();
      const opened = page.locator('.drawer [data-call]');
      await opened.waitFor();
      assert.equal(await opened.getAttribute('data-call'), id);
      await page.locator('.drawer dt', { hasText: 'Call-ID' }).waitFor();
      await until('what the row did not have is there', async () =>
        /@|\w{8}/.test(await page.locator('.fact:has(dt:text-is("Call-ID")) dd').innerText()),
      );
      const neighbour = await page.locator('[data-index="3"]').getAttribute('data-id');
      await page.keyboard.press('ArrowRight');
      await page.waitForURL((url) => url.searchParams.get('call') === neighbour);
      await page.keyboard.press('j');
      await page.keyboard.press('k');
      await page.keyboard.press('ArrowLeft');
      await page.waitForURL((url) => url.searchParams.get('call') === id);
      await assertAccessible(page, 'the drawer');
      await picture(page, 'drawer');
      await page.keyboard.press('Escape');
      await page.locator('.drawer').waitFor({ state: 'detached' });
      await page.waitForURL((url) => !url.searchParams.has('call'));
      assert.equal(
        await page.evaluate(() => document.activeElement?.id),
        'calls',
        'the grid has the focus again',
      );
    });

    browserTest('the list goes on working beside an open call', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      const idAt = (index: number) => page.locator(`[data-index="${index}"]`).getAttribute('data-id');
      await page.locator('[data-index="2"]').click();
      await page.locator('.drawer[open] [data-call]').waitFor();
      assert.equal(await page.locator('.drawer').evaluate((drawer) => drawer.matches(':modal')), false);
      const [table, drawer] = [
        (await page.locator('.table-frame').boundingBox())!,
        (await page.locator('.drawer').boundingBox())!,
      ];
      assert.ok(table.x + table.width <= drawer.x, 'nothing of the list is covered');
      const other = await idAt(4);
      await page.locator('[data-index="4"]').click();
      await page.locator(`.drawer [data-call="${other}"]`).waitFor();
      await page.keyboard.press('j');
      await page.locator('[data-index="5"][data-focused]').waitFor();
      await page.keyboard.press('Enter');
      await page.locator(`.drawer [data-call="${await idAt(5)}"]`).waitFor();
      await page.selectOption('#call-type', 'ERRORS');
      await page.waitForURL(/type=ERRORS/);
      await page.locator('.drawer[open]').waitFor();
      await assertAccessible(page, 'the list beside a call');
      await page.getByRole('grid').focus();
      await page.keyboard.press('Escape');
      await page.locator('.drawer').waitFor({ state: 'detached' });
    });

    browserTest('a link to a call opens it, also when it is not among the rows', async () => {
      await using visit = await world().visit({ path: '/calls?range=7d&order=oldest' });
      await visit.settled();
      const id = await visit.page.locator('[data-index="0"]').getAttribute('data-id');
      await using linked = await world().visit({ path: `/calls?range=15m&call=${id}` });
      await linked.page.locator(`.drawer [data-call="${id}"]`).waitFor();
      await linked.page.locator('.drawer .route strong').first().waitFor();
      assert.equal(await linked.page.getByRole('button', { name: 'Next call' }).isDisabled(), true);
    });

    browserTest('a link to a call that is not there says so', async () => {
      await using visit = await world().visit({ path: '/calls?range=15m&call=999999999999' });
      await visit.page.getByText('There is no such call').waitFor();
    });

    browserTest('values are filtered by, or left out, with the keyboard alone', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      await page.keyboard.press('Enter');
      const exclude = page.getByRole('button', { name: 'Without this value: Result' });
      await exclude.focus();
      await page.keyboard.press('Enter');
      await page.waitForURL(/notOutcome=/);
      await page.locator('.drawer').waitFor({ state: 'detached' });
      await page.locator('[data-chip=notOutcome]').waitFor();
    });

    browserTest('a call is copied as JSON, GraphQL, cURL and link', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      const id = await page.locator('[data-index="0"]').getAttribute('data-id');
      await page.keyboard.press('Enter');
      await page.locator('.drawer .copies').waitFor();
      const copied = async (name: string) => {
        await page.locator(`.drawer [data-copy=${name}]`).click();
        await page.locator(`.drawer [data-copy=${name}]`, { hasText: 'Copied' }).waitFor();
        return page.evaluate(() => navigator.clipboard.readText());
      };
      assert.equal(JSON.parse(await copied('json')).id, id);
      assert.match(await copied('graphql'), /^query CallDetail/);
      assert.match(await copied('curl'), /^curl "\$GATEWAY_URL\/graphql"/);
      assert.equal(new URL(await copied('link')).searchParams.get('call'), id);
    });

    browserTest('the row in focus is copied as JSON by Ctrl+C', async () => {
      await using visit = await world().visit({ path: '/calls?range=24h' });
      const { page } = visit;
      await visit.settled();
      await page.keyboard.press('j');
      await page.keyboard.press('Control+c');
      const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
      assert.equal(copied.id, await page.locator('[data-index="1"]').getAttribute('data-id'));
    });

    browserTest('the calls before and after of the same number are shown, and opened', async () => {
      const { databases } = world();
      const cli = '33188887777';
      await databases.onPrimary(
        `insert into xdrs (i_account, i_customer, cli, cld, connect_time, disconnect_time, duration, disconnect_cause)
         select ${databases.accountId}, 1, '${cli}', '3369999000' || n, now() - n * interval '5 min',
           now() - n * interval '5 min', 0, 17 from generate_series(1, 3) n`,
      );
      await using visit = await world().visit({ user: 'customer', path: `/calls?range=1h&cli=${cli}` });
      const { page } = visit;
      await until('the calls have reached the standby', async () => {
        await page.reload();
        await visit.settled();
        return (await visit.loaded()) === 3;
      });
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.getByText('No other call of this number').waitFor();
      await page.locator('.context label', { hasText: 'Calling number' }).click();
      const around = page.locator('.context-list li');
      await around.nth(2).waitFor();
      assert.deepEqual(await around.locator('.number').allInnerTexts(), [
        '33699990003',
        '33699990002',
        '33699990001',
      ]);
      assert.equal(
        await page.locator('.context-list [aria-current=true] .number').innerText(),
        '33699990002',
      );
      await around.nth(2).locator('button').click();
      await page.locator('.context-list [aria-current=true]', { hasText: '33699990001' }).waitFor();
      assert.equal(
        new URL(page.url()).searchParams.get('call'),
        await page.locator('[data-index="0"]').getAttribute('data-id'),
      );
    });
  });
}
