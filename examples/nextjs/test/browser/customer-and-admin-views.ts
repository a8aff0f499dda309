import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe } from 'node:test';
import { decodeJwt } from 'jose';
import { callDetail, callPage, viewer } from '../../src/generated/operations.ts';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { jwt, startExplorer } from './explorer-process.ts';
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
      // By a token of their own, which the gateway holds to their account.
      const last = wire.exchanges.findLast(({ operation }) => operation === 'CallPage')!;
      const { authorization, documentId } = last;
      assert.equal(documentId, callPage, 'the gateway is sent the hash alone');
      const claims = decodeJwt(authorization!.replace('Bearer ', ''));
      assert.deepEqual(
        [claims.sub, claims.cdr_role, claims.cdr_accounts],
        ['customer', 'account', [databases.accountId]],
      );
      const rest = { orderBy: 'NEWEST_FIRST', first: 50, counted: false };
      const accountsIn = async (filter: object) => {
        const answer = await askAs(explorer, 'customer', {
          documentId: callPage,
          variables: { filter, ...rest },
        });
        return [...new Set(answer.data.cdrs.nodes.map((node: { accountId: string }) => node.accountId))];
      };
      assert.deepEqual(await accountsIn({}), [databases.accountId]);
      assert.deepEqual(await accountsIn({ accountIds: ['2'] }), []);
      const { data } = await askAs(explorer, 'customer', { documentId: viewer, variables: {} });
      assert.deepEqual(data.viewer.accountIds, [databases.accountId]);
    });

    browserTest(
      'whoever copied a cookie has nothing of it after the sign-out, and a stream ends',
      async () => {
        const { explorer, wire } = world();
        const cookie = await explorer.signIn('admin');
        const variables = { filter: {}, orderBy: 'NEWEST_FIRST', first: 2000, counted: false };
        const ask = () =>
          fetch(`${explorer.url}/api/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', cookie },
            body: JSON.stringify({ documentId: callPage, variables }),
          });
        wire.throttle(/CallPage/, 20_000);
        try {
          const reader = (await ask()).body!.getReader();
          assert.equal((await reader.read()).done, false);
          const exchange = wire.exchanges.at(-1)!;
          const signOut = await fetch(`${explorer.url}/api/sign-out`, {
            method: 'POST',
            headers: { cookie },
            redirect: 'manual',
          });
          assert.equal(signOut.status, 303);
          await assert.rejects(async () => {
            while (!(await reader.read()).done);
          });
          await until('the gateway is told', () => exchange.end === 'left');
        } finally {
          wire.heal();
        }
        assert.equal((await ask()).status, 401);
      },
    );

    browserTest('an answer passes as it comes: nothing of it is held back', async () => {
      const { explorer, wire } = world();
      const variables = { filter: {}, orderBy: 'NEWEST_FIRST', first: 2000, counted: false };
      for (const user of ['customer', 'support']) {
        const cookie = await explorer.signIn(user);
        wire.throttle(/CallPage/, 20_000);
        const leaving = new AbortController();
        const answer = await fetch(`${explorer.url}/api/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', cookie },
          body: JSON.stringify({ documentId: callPage, variables }),
          signal: leaving.signal,
        });
        const { value } = await answer.body!.getReader().read();
        assert.match(new TextDecoder().decode(value), /^\{"data":/);
        assert.equal(wire.exchanges.at(-1)?.end, 'open', 'most of it is still to come');
        leaving.abort();
        await until('it is given up', () => wire.exchanges.at(-1)?.end === 'left');
        wire.heal();
      }
    });

    browserTest('however long an answer is, the server holds little of it', async (t) => {
      const { explorer } = world();
      const variables = { filter: {}, orderBy: 'NEWEST_FIRST', first: 400_000, counted: false };
      const before = memoryOf(explorer.pid);
      const answer = await fetch(`${explorer.url}/api/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie: await explorer.signIn('admin') },
        body: JSON.stringify({ documentId: callPage, variables }),
      });
      assert.equal(answer.status, 200);
      let bytes = 0;
      let most = 0;
      for await (const chunk of answer.body!) {
        // Looked at now and then, a megabyte apart.
        if (Math.floor(bytes / 1e6) !== Math.floor((bytes + chunk.length) / 1e6))
          most = Math.max(most, memoryOf(explorer.pid));
        bytes += chunk.length;
      }
      const held = most - before;
      t.diagnostic(`${(bytes / 1e6).toFixed(0)} MB passed, ${held.toFixed(0)} MB more were held`);
      assert.ok(held < 200, `${held} MB`);
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
        const session = await explorer.signIn('admin');
        const post = (body: unknown, headers: Record<string, string>) =>
          fetch(`${explorer.url}/api/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', cookie: session, ...headers },
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
        jwt.secret,
        // What the user's own tokens begin with.
        'eyJhbGciOiJIUzI1NiJ9',
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
      for (const number of numbers) assert.match(number, /^.{0,4}\*+.{0,2}$/);
      assert.equal(await visit.page.getByRole('button', { name: 'Export' }).isDisabled(), true);
      await picture(visit.page, 'support-masked');
    });

    browserTest('what is masked is not found by searching either, not even by leaving it out', async () => {
      const { explorer } = world();
      const cld = { startsWith: '336' };
      for (const filter of [
        { cld },
        { cliIn: cld },
        { not: { cli: cld } },
        { anyOf: [{ not: { cldIn: cld } }] },
      ]) {
        const variables = { filter, orderBy: 'NEWEST_FIRST', first: 1, counted: false };
        const answer = await askAs(explorer, 'support', { documentId: callPage, variables });
        assert.equal(answer.errors[0].extensions.code, 'FORBIDDEN', JSON.stringify(answer));
      }
      const file = await fetch(`${explorer.url}/api/export?variables=${JSON.stringify({ filter: {} })}`, {
        headers: { cookie: await explorer.signIn('support') },
      });
      assert.equal(file.status, 403);
    });

    browserTest('passwords are guessed at the pace of an address, whatever it says of itself', async () => {
      const explorer = await startExplorer({ gatewayUrl: 'http://127.0.0.1:9/graphql' });
      try {
        const guess = async (forwarded: string, password: string) => {
          const response = await fetch(`${explorer.url}/api/sign-in`, {
            method: 'POST',
            headers: { 'x-forwarded-for': forwarded, 'x-socket-address': forwarded },
            body: new URLSearchParams({ name: 'admin', password }),
            redirect: 'manual',
          });
          return new URL(response.headers.get('location')!, explorer.url).searchParams.get('error');
        };
        for (let count = 0; count < 8; count++) assert.equal(await guess(`192.0.2.${count}`, 'x'), 'wrong');
        assert.equal(await guess('192.0.2.9', 'admin'), 'wait');
      } finally {
        await explorer.stop();
      }
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
    headers: { 'content-type': 'application/json', cookie: await explorer.signIn(user) },
    body: JSON.stringify(body),
  });
  return response.json();
}

/** What a process holds in memory, in megabytes. */
function memoryOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1000;
}
