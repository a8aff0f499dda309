import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { callDetail, callPage } from '../../src/generated/operations.ts';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

export function access(world: () => World): void {
  describe('who sees what', () => {
    browserTest(
      'nobody sees calls without signing in, and comes back to the same view after it',
      async () => {
        const { browser, explorer } = world();
        const context = await browser.newContext({ baseURL: explorer.url, locale: 'en-GB' });
        const page = await context.newPage();
        await page.goto('/calls?range=1h&type=ERRORS');
        assert.equal(new URL(page.url()).pathname, '/sign-in');
        await assertAccessible(page, 'the sign-in page');
        await picture(page, 'sign-in');
        await page.fill('[name=name]', 'admin');
        await page.fill('[name=password]', 'wrong');
        await page.click('button[type=submit]');
        assert.match(await page.locator('.problem').innerText(), /wrong/);
        await page.fill('[name=name]', 'admin');
        await page.fill('[name=password]', 'admin');
        await page.click('button[type=submit]');
        await page.locator('[role=grid]').waitFor();
        assert.equal(new URL(page.url()).search, '?range=1h&type=ERRORS');
        const [cookie] = (await context.cookies()).filter(({ name }) => name === 'session');
        assert.equal(cookie?.httpOnly, true);
        assert.equal(cookie?.sameSite, 'Lax');
        await page.click('#user-button');
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.waitForURL('**/sign-in');
        await page.goto('/calls');
        assert.equal(new URL(page.url()).pathname, '/sign-in');
        await context.close();
      },
    );

    browserTest('a customer sees own calls only, whatever the address and the browser ask for', async () => {
      const { databases, explorer, wire } = world();
      await using visit = await world().visit({
        user: 'customer',
        path: '/calls?range=7d&account=2,3&customer=2',
      });
      await visit.settled();
      assert.ok((await visit.loaded()) > 0);
      assert.equal(await visit.page.locator('.chips').count(), 0, 'nor does it say what is not so');
      const asked = wire.exchanges.filter(
        ({ authorization }) => authorization === `Bearer ${databases.tokens.account}`,
      );
      assert.ok(asked.length > 0);
      for (const { operation, variables } of asked) {
        for (const [name, filter] of Object.entries(variables)) {
          if (!/^(filter\d*|before|after)$/.test(name) || filter === null) continue;
          const { accountIds, customerIds } = filter as { accountIds: string[]; customerIds: null };
          assert.deepEqual(
            [accountIds, customerIds],
            [[databases.accountId], null],
            `${operation}, $${name}`,
          );
        }
      }
      const variables = { filter: { accountIds: ['2'] }, orderBy: 'NEWEST_FIRST', first: 50, counted: false };
      const answer = await askAs(explorer, 'customer', { documentId: callPage, variables });
      const accounts = new Set(
        answer.data.cdrs.nodes.map(({ accountId }: { accountId: string }) => accountId),
      );
      assert.deepEqual([...accounts], [databases.accountId]);
    });

    browserTest('a call of somebody else is not there for a customer, even by its id', async () => {
      const { explorer } = world();
      const variables = { filter: { accountIds: ['2'] }, orderBy: 'NEWEST_FIRST', first: 1, counted: false };
      const theirs = await askAs(explorer, 'admin', { documentId: callPage, variables });
      const { id } = theirs.data.cdrs.nodes[0];
      const found = await askAs(explorer, 'customer', { documentId: callDetail, variables: { id } });
      assert.equal(found.data.cdr, null);
    });

    browserTest(
      'the browser cannot ask in GraphQL of its own, nor from another site, nor without a session',
      async () => {
        const { explorer } = world();
        const post = (body: unknown, headers: Record<string, string>) =>
          fetch(`${explorer.url}/api/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', cookie: explorer.cookieOf('admin'), ...headers },
            body: JSON.stringify(body),
          });
        const own = await post({ query: '{ viewer { name } }', variables: {} }, {});
        assert.equal(own.status, 400);
        const unknown = await post({ documentId: 'sha256:0', variables: {} }, {});
        assert.equal((await unknown.json()).errors[0].extensions.code, 'UNKNOWN_DOCUMENT');
        const foreign = await post(
          { documentId: callPage, variables: {} },
          { origin: 'http://elsewhere.example' },
        );
        assert.equal(foreign.status, 403);
        const anonymous = await post({ documentId: callPage, variables: {} }, { cookie: '' });
        assert.equal(anonymous.status, 401);
      },
    );

    browserTest('nothing that the browser gets holds a token or the address of the gateway', async () => {
      const { databases, gateway, wire } = world();
      await using visit = await world().visit({ user: 'admin', path: '/calls?range=1h' });
      const texts: Promise<string>[] = [];
      visit.page.on('response', (response) => texts.push(response.text().catch(() => '')));
      await visit.page.reload();
      await visit.settled();
      const everything =
        (await Promise.all(texts)).join('\n') + JSON.stringify(await visit.context.storageState());
      assert.ok(everything.length > 100_000);
      for (const secret of [
        ...Object.values(databases.tokens),
        new URL(gateway.url).host,
        new URL(wire.url).host,
      ]) {
        assert.equal(everything.includes(secret), false);
      }
    });

    browserTest('support staff see masked numbers, and can download nothing', async () => {
      await using visit = await world().visit({
        user: 'support',
        path: '/calls?range=7d&account=1&cld=0000*',
      });
      await visit.settled();
      await visit.page.locator('[data-chip=account]').waitFor();
      assert.equal(
        await visit.page.locator('[data-chip=cld]').count(),
        0,
        'nobody finds out a masked number',
      );
      const numbers = await visit.page.locator('[data-column=cld] .number').allInnerTexts();
      assert.ok(numbers.length > 5);
      for (const number of numbers) assert.match(number, /^.{0,4}•+.{0,2}$/);
      assert.equal(await visit.page.getByRole('button', { name: 'Export' }).isDisabled(), true);
      await picture(visit.page, 'support-masked');
    });

    browserTest('an administrator picks accounts and customers, by name or id', async () => {
      await using visit = await world().visit({ user: 'admin', path: '/calls?range=7d' });
      const { page } = visit;
      await visit.settled();
      await page.click('#account-button');
      await page.locator('.choices .choice-name .aside:not(:empty)').first().waitFor();
      await picture(page, 'admin-accounts');
      await page.fill('.choices input[type=search]', 'pbx-002');
      await page.locator('.choices .choice', { hasText: 'pbx-002' }).locator('input').check();
      await page.keyboard.press('Escape');
      await page.waitForURL(/account=2/);
      await page.locator('.table-frame:not([data-old]) [data-column=accountId]').nth(1).waitFor();
      await until('only its calls are shown, by its name', async () => {
        const accounts = await page.locator('[role=gridcell][data-column=accountId]').allInnerTexts();
        return [...new Set(accounts)].join() === 'pbx-002';
      });
      await page.click('#customer-button');
      await page
        .locator('.choices .choice', { hasText: /Telecom|Voix/ })
        .first()
        .waitFor();
    });
  });
}

// biome-ignore lint/suspicious/noExplicitAny: the tests look at answers as they come
async function askAs(explorer: World['explorer'], user: string, body: unknown): Promise<any> {
  const response = await fetch(`${explorer.url}/api/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: explorer.cookieOf(user) },
    body: JSON.stringify(body),
  });
  return response.json();
}
