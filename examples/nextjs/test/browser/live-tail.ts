import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Page } from 'playwright-core';
import { liveCalls } from '../../src/generated/operations.ts';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { startExplorer } from './explorer-process.ts';
import { type Databases, signedByExplorer, startGateway } from './gateway-process.ts';
import { assertAccessible, picture, visit as visitExplorer } from './visit.ts';
import type { World } from './world.ts';

/** What the browser itself says of an answer that broke off. */
const brokenAnswers = /Failed to load resource|ERR_/;
/** Twenty times what it takes where nothing else runs, and more. */
const MAX_SECONDS = 15;

export function live(world: () => World): void {
  describe('live', () => {
    browserTest('new calls appear at the top by themselves, and are marked', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const { page } = visit;
      await visit.settled();
      await page.keyboard.press('l');
      await page.locator('#live-button[aria-pressed=true]').waitFor();
      await page.locator('[data-fresh]').first().waitFor({ timeout: 15_000 });
      const first = () => page.locator('[data-index="0"]').getAttribute('data-id');
      const before = await first();
      await until('another call is on top', async () => (await first()) !== before, 15);
      const times = await page
        .locator('[role=gridcell][data-column=connectTime] time')
        .evaluateAll((all) => all.map((time) => time.getAttribute('datetime')!));
      assert.deepEqual(times, times.toSorted().reverse(), 'newest first, whatever came when');
      await picture(page, 'live');
    });

    browserTest('while the reader is further down, nothing moves: a pill counts what waits', async () => {
      await using visit = await world().visit({ path: '/calls?range=6h&size=200' });
      const { page } = visit;
      await visit.settled();
      await page.click('#live-button');
      await page.locator('#live-button[aria-pressed=true]').waitFor();
      await visit.settled();
      await page.getByRole('grid').evaluate((grid) => grid.scrollTo(0, 1600));
      const seen = () => visit.rows().evaluateAll((rows) => rows.map((row) => row.dataset.id).join());
      await page.locator('.pill').waitFor({ timeout: 15_000 });
      const before = await seen();
      const waiting = Number(await page.locator('.pill').getAttribute('data-waiting'));
      await until(
        'more wait',
        async () => Number(await page.locator('.pill').getAttribute('data-waiting')) > waiting,
        15,
      );
      assert.equal(await seen(), before);
      await picture(page, 'live-waiting');
      await page.locator('.pill').click();
      await page.locator('.pill').waitFor({ state: 'detached' });
      await until(
        'the reader is at the top',
        async () => (await page.getByRole('grid').evaluate((grid) => grid.scrollTop)) === 0,
      );
    });

    browserTest('it stops when nobody looks, and says so', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const { page } = visit;
      await visit.settled();
      await page.click('#live-button');
      await page.locator('#live-button[aria-pressed=true]').waitFor();
      await page.evaluate(() => {
        Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      });
      await page.locator('[data-live=paused]').waitFor();
      assert.equal(await page.locator('#live-button').getAttribute('aria-pressed'), 'false');
      await page.evaluate(() => Reflect.deleteProperty(document, 'hidden'));
      await page.getByRole('button', { name: 'Go on' }).click();
      await page.locator('#live-button[aria-pressed=true]').waitFor();
    });

    browserTest(
      'what waits for one filter never gets into the list of the next, and is not counted there',
      async () => {
        await using visit = await world().visit({ path: '/calls?range=6h&size=200' });
        const { page } = visit;
        await visit.settled();
        await page.click('#live-button');
        await page.locator('#live-button[aria-pressed=true]').waitFor();
        await visit.settled();
        await page.getByRole('grid').evaluate((grid) => grid.scrollTo(0, 1600));
        await page.locator('.pill').waitFor({ timeout: 15_000 });
        await page.selectOption('#call-type', 'ERRORS');
        await page.waitForURL(/type=ERRORS/);
        await page.locator('.table-frame:not([data-old])').waitFor();
        const results = () => page.locator('[role=gridcell] .outcome').allInnerTexts();
        // What waited is gone, and nothing has appeared in this list yet.
        assert.ok((await page.locator('.pill').count()) === 0);
        await page.locator('[data-fresh]').first().waitFor({ timeout: 15_000 });
        const shown = await results();
        assert.deepEqual(
          shown.filter((text) => text.startsWith('Answered')),
          [],
        );
      },
    );

    browserTest('the badge’s time moves with the list, and what appeared stays when live ends', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const { page } = visit;
      await visit.settled();
      const asOf = async () => /as of ([\d:]+)/.exec(await page.locator('.badge').innerText())?.[1];
      await page.click('#live-button');
      await page.locator('#live-button[aria-pressed=true]').waitFor();
      await visit.settled();
      for (const look of ['one', 'another']) {
        const before = await asOf();
        await until(`${look} look moves it`, async () => (await asOf()) !== before, 15);
      }
      const fresh = page.locator('[data-fresh]').first();
      await fresh.waitFor({ timeout: 15_000 });
      const appeared = (await fresh.locator('time').first().getAttribute('datetime'))!;
      await page.click('#live-button');
      await page.locator('#live-button[aria-pressed=false]').waitFor();
      await page.locator('.table-frame:not([data-old])').waitFor();
      await visit.settled();
      const newest = await page.locator('[data-index="0"] time').first().getAttribute('datetime');
      assert.ok(newest! >= appeared, `the list goes to ${newest}, ${appeared} had appeared`);
    });

    browserTest('it begins from any range, and ends with one that is over', async () => {
      const hour = (ago: number) => new Date(Date.now() - ago * 3_600_000).toISOString();
      await using visit = await world().visit({ path: `/calls?from=${hour(3)}&to=${hour(1)}&order=oldest` });
      const { page } = visit;
      await visit.settled();
      await page.keyboard.press('l');
      await page.locator('#live-button[aria-pressed=true]').waitFor();
      await page.waitForURL((url) => !url.searchParams.has('from') && !url.searchParams.has('order'));
      await visit.settled();
      await page.getByRole('button', { name: /^The .* before$/ }).click();
      await page.locator('#live-button[aria-pressed=false]').waitFor();
      const to = Date.parse(new URL(page.url()).searchParams.get('to')!);
      await page.locator('.table-frame:not([data-old])').waitFor();
      const newest = await page.locator('[data-index="0"] time').first().getAttribute('datetime');
      assert.ok(Date.parse(newest!) < to, 'nothing of after the range is listed');
    });

    browserTest(
      'a call appears within a second of its INSERT, is corrected and goes; across a gateway that is killed',
      async (t) => {
        const { databases, gateway, wire } = world();
        await using visit = await visitLive(world(), '33655501');
        const { page } = visit;
        const polls = () => wire.exchanges.filter(({ operation }) => operation === 'CallPage').length;
        const before = polls();
        await insertCall(databases, '33655501001');
        t.diagnostic(`INSERT to row: ${await seenAfter(page, '33655501001')} ms`);
        assert.equal(polls(), before, 'it was told, not asked for');

        await databases.onPrimary(
          `update xdrs set disconnect_cause = 17, duration = 0 where cld = '33655501001'`,
        );
        await page.locator('[data-index="0"] .outcome', { hasText: 'Busy' }).waitFor();

        await gateway.kill();
        await stateOf(page, 'lost');
        await assertAccessible(page, 'live, while the gateway is away');
        await picture(page, 'live-lost');
        await insertCall(databases, '33655501002');
        await databases.onPrimary(`delete from xdrs where cld = '33655501001'`);
        await gateway.startAgain();
        t.diagnostic(`gateway ready to row: ${await seenAfter(page, '33655501002')} ms`);
        await stateOf(page, 'told');
        await cellOf(page, '33655501001').waitFor({ state: 'detached' });
        assert.equal(polls(), before, 'it went on behind the last message');
        assert.equal(await visit.rows().count(), 1);

        await insertCall(databases, '33655501003');
        t.diagnostic(`INSERT to row, after the restart: ${await seenAfter(page, '33655501003')} ms`);
        await databases.onPrimary(`delete from xdrs where cld like '33655501%'`);
        await page.locator('[data-empty]').waitFor();
      },
    );

    browserTest('what comes between the list and the first message is there too', async () => {
      const { databases, wire } = world();
      const follows = () => wire.exchanges.filter(({ operation }) => operation === 'LiveCalls').length;
      await using visit = await world().visit({ path: '/calls?range=1h&cld=33655506*' });
      const { page } = visit;
      await visit.settled();
      const before = follows();
      wire.slowDown(/LiveCalls/, 3);
      try {
        await page.click('#live-button');
        // It is on its way: the list has been read.
        await until('the feed is asked for', () => follows() > before);
        await insertCall(databases, '33655506001');
        await stateOf(page, 'told');
        await cellOf(page, '33655506001').waitFor();
      } finally {
        wire.heal();
        await databases.onPrimary(`delete from xdrs where cld like '33655506%'`);
      }
    });

    browserTest('quiet is proven: the time moves on though no call comes', async () => {
      await using visit = await visitLive(world(), '33655502');
      const { page } = visit;
      const asOf = async () => /as of ([\d:]+)/.exec(await page.locator('.badge').innerText())?.[1];
      for (const message of ['one', 'another']) {
        const before = await asOf();
        await until(`${message} message moves it`, async () => (await asOf()) !== before, MAX_SECONDS);
      }
      assert.equal(await visit.loaded(), 0);
    });

    browserTest(
      'who reads further down sees corrections in place, and deletions when at the top',
      async () => {
        const { databases } = world();
        const numbers = Array.from(
          { length: 90 },
          (_, index) => `336555031${String(index).padStart(2, '0')}`,
        );
        await databases.onPrimary(insertionOf(numbers));
        try {
          await using visit = await visitLive(world(), '33655503', '&size=50');
          const { page } = visit;
          await visit.settled();
          await page.getByRole('grid').evaluate((grid) => grid.scrollTo(0, 900));
          const middle = visit.rows().filter({ hasText: '33655503' }).nth(8);
          await until('it is drawn there', async () => Number(await middle.getAttribute('data-index')) > 15);
          const seen = () => visit.rows().evaluateAll((rows) => rows.map((row) => row.dataset.id).join());
          const before = await seen();
          const id = (await middle.getAttribute('data-id'))!;
          const first = numbers.at(-1)!;
          await databases.onPrimary(`delete from xdrs where cld = '${first}'`);
          await databases.onPrimary(
            `update xdrs set disconnect_cause = 17, duration = 0 where i_xdr = ${id}`,
          );
          await page.locator(`[data-id="${id}"] .outcome`, { hasText: 'Busy' }).waitFor();
          assert.equal(await seen(), before, 'nothing moves');
          await page.getByRole('grid').evaluate((grid) => grid.scrollTo(0, 0));
          await cellOf(page, numbers.at(-2)!).waitFor();
          await cellOf(page, first).waitFor({ state: 'detached' });
        } finally {
          await databases.onPrimary(`delete from xdrs where cld like '33655503%'`);
        }
      },
    );

    browserTest('another filter ends what was told for the one before, and so does leaving', async () => {
      const { wire } = world();
      const follows = () => wire.exchanges.filter(({ operation }) => operation === 'LiveCalls');
      const earlier = follows().length;
      {
        await using visit = await visitLive(world(), '33655504');
        const { page } = visit;
        assert.equal(follows().length, earlier + 1);
        await page.selectOption('#call-type', 'ERRORS');
        await until('the gateway is told', () => follows()[earlier]!.end === 'left');
        await until('the next one goes on', () => follows().length === earlier + 2);
        assert.notDeepEqual(follows().at(-1)!.variables.filter, follows()[earlier]!.variables.filter);
        assert.equal(follows().at(-1)!.end, 'open');
      }
      await until('nobody listens', () => follows().every(({ end }) => end !== 'open'));
    });

    browserTest('messages pass as they come, and end with the session', async () => {
      const { explorer, wire } = world();
      const cookie = await explorer.signIn('customer');
      const follow = () =>
        fetch(`${explorer.url}/api/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'text/event-stream', cookie },
          body: JSON.stringify({ documentId: liveCalls, variables: { filter: {} } }),
        });
      const answer = await follow();
      assert.match(answer.headers.get('content-type')!, /^text\/event-stream/);
      assert.equal(answer.headers.get('content-encoding'), null);
      // Whatever is between here and the browser is told so: it would gather messages to compress them.
      assert.match(answer.headers.get('cache-control')!, /(^|, )no-transform(,|$)/);
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      while (text.split('event: next').length < 4) {
        const { done, value } = await reader.read();
        assert.equal(done, false);
        text += value;
      }
      const exchange = wire.exchanges.findLast(({ operation }) => operation === 'LiveCalls')!;
      await fetch(`${explorer.url}/api/sign-out`, {
        method: 'POST',
        headers: { cookie },
        redirect: 'manual',
      });
      await assert.rejects(async () => {
        while (!(await reader.read()).done);
      });
      await until('the gateway is told', () => exchange.end === 'left');
      assert.equal((await follow()).status, 401);
    });

    browserTest('where the gateway tells nobody it asks every few seconds, and says so', async () => {
      const { databases, browser } = world();
      const gateway = await startGateway(databases, { ...signedByExplorer, MAX_SUBSCRIPTIONS: '0' });
      const explorer = await startExplorer({ gatewayUrl: gateway.url, accountId: databases.accountId });
      try {
        await using visit = await visitExplorer(browser, explorer, {
          path: '/calls?range=1h&cld=33655505*',
          expectedErrors: brokenAnswers,
        });
        const { page } = visit;
        await visit.settled();
        await page.click('#live-button');
        await page.locator('.notes[data-live=polled]', { hasText: 'asked for every few seconds' }).waitFor();
        await assertAccessible(page, 'live, without a feed');
        await insertCall(databases, '33655505001');
        await cellOf(page, '33655505001').waitFor();
      } finally {
        await databases.onPrimary(`delete from xdrs where cld like '33655505%'`);
        await explorer.stop();
        await gateway.stop();
      }
    });
  });
}

/** The calls of the last hour to numbers that begin so, live: told by the gateway. */
async function visitLive(world: World, prefix: string, more = '') {
  const path = `/calls?range=1h&cld=${prefix}*${more}`;
  const visit = await world.visit({ path, expectedErrors: brokenAnswers });
  await visit.settled();
  await visit.page.click('#live-button');
  await stateOf(visit.page, 'told');
  return visit;
}

/** Until the list is kept so. */
function stateOf(page: Page, state: 'told' | 'lost'): Promise<void> {
  return page.locator(`.notes[data-live=${state}]`).waitFor({ state: 'attached' });
}

function cellOf(page: Page, number: string) {
  return page.locator('[role=gridcell][data-column=cld]', { hasText: number });
}

/** Milliseconds until the call is shown, on the screen and not only in the document. */
async function seenAfter(page: Page, number: string): Promise<number> {
  const begun = performance.now();
  await cellOf(page, number).waitFor({ timeout: MAX_SECONDS * 1000 });
  return Math.round(performance.now() - begun);
}

function insertCall(databases: Databases, number: string): Promise<void> {
  return databases.onPrimary(insertionOf([number]));
}

/** Answered calls, each a second later than the one before. */
function insertionOf(numbers: readonly string[]): string {
  const rows = numbers.map(
    (number, index) =>
      `(1, 1, '33100000001', '${number}', now() + interval '${index - numbers.length} s', now(), 5, 16)`,
  );
  return `insert into xdrs (i_account, i_customer, cli, cld, connect_time, disconnect_time, duration, disconnect_cause)
    values ${rows.join()}`;
}
