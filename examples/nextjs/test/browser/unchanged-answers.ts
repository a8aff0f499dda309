import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { callPage, histogram } from '../../src/generated/operations.ts';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { startExplorer } from './explorer-process.ts';
import { signedByExplorer, startGateway } from './gateway-process.ts';
import { visit as visitExplorer } from './visit.ts';
import { startWire } from './wire.ts';
import type { World } from './world.ts';

const MAX_SECONDS = 60;

export function unchanged(world: () => World): void {
  describe('what has not changed', () => {
    browserTest('is not sent again to a page that asks again and again; what has changed is', async () => {
      const { databases, browser } = world();
      // Where nobody is told of calls, a live page asks for its list every few seconds, and for the sums less often.
      const gateway = await startGateway(databases, { ...signedByExplorer, MAX_SUBSCRIPTIONS: '0' });
      const wire = await startWire(gateway.url);
      const explorer = await startExplorer({ gatewayUrl: wire.url, accountId: databases.accountId });
      try {
        await using visit = await visitExplorer(browser, explorer, {
          path: '/calls?range=1h&callId=unchanged',
          // That calls cannot be told is an error to the browser itself.
          expectedErrors: /Failed to load resource/,
        });
        const { page } = visit;
        await visit.settled();
        const asOf = async () => /as of ([\d:]+)/.exec(await page.locator('.badge').innerText())?.[1];
        await page.click('#live-button');
        await page.locator('.notes[data-live=polled]').waitFor();
        const begun = wire.exchanges.length;
        const statuses = (name: string) =>
          wire.exchanges.slice(begun).flatMap((one) => (one.operation === name && one.status ? [one] : []));
        for (const name of ['CallPage', 'Tiles', 'Histogram']) {
          await until(
            `${name} is answered that nothing has changed`,
            () => statuses(name).some(({ status }) => status === 304),
            MAX_SECONDS,
          );
          for (const { method, documentId, bytes, status } of statuses(name)) {
            assert.deepEqual([method, documentId !== undefined], ['GET', true]);
            if (status === 304) assert.equal(bytes, 0);
          }
        }
        const before = await asOf();
        await until('it holds until later', async () => (await asOf()) !== before, MAX_SECONDS);
        assert.equal(await visit.loaded(), 0);
        await databases.onPrimary(
          `insert into xdrs (i_account, i_customer, cld, connect_time, disconnect_time, duration, disconnect_cause, call_id)
           values (1, 1, '33655507001', now(), now(), 5, 16, 'unchanged')`,
        );
        await page.locator('[role=gridcell][data-column=cld]', { hasText: '33655507001' }).waitFor();
      } finally {
        await databases.onPrimary(`delete from xdrs where call_id = 'unchanged'`);
        await explorer.stop();
        await wire.stop();
        await gateway.stop();
      }
    });

    browserTest('is of one user: the tag of another brings nothing', async () => {
      const { explorer } = world();
      const variables = { filter: { countries: ['none'] }, unit: 'DAY', timeZone: 'UTC' };
      const search = new URLSearchParams({ documentId: histogram, variables: JSON.stringify(variables) });
      const get = async (cookie: string, tag?: string | null) => {
        const response = await fetch(`${explorer.url}/api/graphql?${search}`, {
          headers: { cookie, ...(tag && { 'if-none-match': tag }) },
        });
        assert.equal(response.headers.get('cache-control'), 'no-store');
        return { status: response.status, tag: response.headers.get('etag'), text: await response.text() };
      };
      const [admin, other, customer] = await Promise.all(
        ['admin', 'admin', 'customer'].map((user) => explorer.signIn(user)),
      );
      const tag = await until('there is a tag', async () => (await get(admin!)).tag);
      await until('it holds', async () => (await get(admin!, tag)).status === 304, MAX_SECONDS);
      // There are no such calls, so that the answer stays the same, for everybody with the same rights.
      assert.deepEqual(await get(other!, tag), { status: 304, tag, text: '' });
      const theirs = await get(customer!, tag);
      assert.equal(theirs.status, 200);
      assert.notEqual(theirs.tag, tag);
      assert.equal((await get('session=nobody', tag)).status, 401);
    });

    browserTest('telephone numbers stand in no URL', async () => {
      const { wire } = world();
      const begun = wire.exchanges.length;
      await using visit = await world().visit({ path: '/calls?range=1h&search=33612345678' });
      await visit.settled();
      const sent = wire.exchanges.slice(begun);
      assert.ok(sent.some(({ operation }) => operation === 'CallPage'));
      for (const { operation, method, variables } of sent) {
        if (JSON.stringify(variables).includes('33612345678')) assert.equal(method, 'POST', operation);
      }
    });

    browserTest('a request that is none is refused, in the URL as in the body', async () => {
      const { explorer } = world();
      const cookie = await explorer.signIn('customer');
      for (const [search, status] of [
        ['', 400],
        ['documentId=x&variables={}', 400],
        [`documentId=${encodeURIComponent(callPage)}`, 400],
        [`documentId=${encodeURIComponent(callPage)}&variables=%7B%22first`, 400],
      ] as const) {
        const response = await fetch(`${explorer.url}/api/graphql?${search}`, { headers: { cookie } });
        assert.equal(response.status, status, search);
      }
    });
  });
}
