import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Page } from 'playwright-core';
import { createFormats } from '../../src/formats.ts';
import { groups } from '../../src/generated/operations.ts';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

const formats = createFormats('en', 'UTC');

/** What the browser itself says of an answer that broke off. */
const brokenAnswers = /Failed to load resource|ERR_/;

export function now(world: () => World): void {
  describe('now', () => {
    for (const user of ['admin', 'customer'] as const) {
      browserTest(`the figures are those of cdrStats over the same time: ${user}`, async () => {
        const { databases, explorer } = world();
        await using visit = await world().visit({ user, path: '/calls?view=now' });
        const { page } = visit;
        await page.locator('[data-now=told]').waitFor();
        const begun = await windowOf(page);
        // So that nothing changes while both are read.
        await using _ = await databases.holdWrites();
        const held = Date.now();
        const shown = await until('it stands for a time after that', async () => {
          // Of a primary that commits nothing its standbys hear every few seconds only.
          await databases.onPrimary('select txid_current()');
          const now = await windowOf(page);
          return now.to > held && now;
        });
        assert.ok(shown.from > begun.from && shown.to - shown.from === 900_000);
        const cookie = await explorer.signIn(user);
        const statsBy = async (groupBy: readonly string[]) => {
          const filter = { from: new Date(shown.from).toISOString(), to: new Date(shown.to).toISOString() };
          const variables = {
            filter,
            groupBy,
            orderBy: { measure: 'ATTEMPTS' },
            first: 1000,
            timeZone: 'UTC',
          };
          const response = await fetch(`${explorer.url}/api/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', cookie },
            body: JSON.stringify({ documentId: groups, variables }),
          });
          return (await response.json()).data.cdrStats;
        };
        const outcomes = await statsBy(['OUTCOME']);
        const attempts = Number(outcomes.totals.attempts);
        const answered = Number(outcomes.rows.find((row: Row) => row.outcome === 'ANSWERED').attempts);
        assert.ok(attempts > 50, `${attempts} calls`);
        assert.deepEqual(shown.tiles, [
          formats.decimal(String(attempts / 900), 2),
          formats.count(attempts),
          `${formats.shortCount(answered)} answered · ${formats.shortCount(attempts - answered)} failed`,
          formats.percent((100 * answered) / attempts),
        ]);
        const countries = await statsBy(['COUNTRY']);
        assert.deepEqual(
          shown.destinations.toSorted(),
          topOf(countries.rows, ({ country }) => country ?? 'Unknown'),
        );
        const accounts = await statsBy(['ACCOUNT']);
        assert.deepEqual(
          shown.accounts
            .map(([name, ...rest]) => [/\((\d+)\)$/.exec(name!)?.[1] ?? name, ...rest])
            .toSorted(),
          topOf(accounts.rows, ({ accountId }) => accountId!),
        );
        if (user === 'customer') {
          assert.equal(shown.accounts.length, 1, 'own calls alone');
          assert.equal(accounts.rows[0].accountId, databases.accountId);
        }
      });
    }

    browserTest(
      'a failed call is among the latest at once, leads to everything of it, and goes',
      async (t) => {
        const { databases, gateway } = world();
        const insert = (number: string) =>
          databases.onPrimary(`insert into xdrs (i_account, i_customer, cli, cld, connect_time, disconnect_time,
          duration, disconnect_cause) values (1, 1, '33100000001', '${number}', now(), now(), 0, 17)`);
        await using visit = await world().visit({
          path: '/calls?view=now&cld=336555*',
          expectedErrors: brokenAnswers,
        });
        const { page } = visit;
        await page.locator('[data-now=told]').waitFor();
        assert.equal(await page.locator('.failures li').count(), 0);
        const failed = (number: string) => page.locator('.failures li', { hasText: number });
        try {
          const begun = performance.now();
          await insert('33655511001');
          await failed('33655511001').waitFor();
          t.diagnostic(`INSERT to the page: ${Math.round(performance.now() - begun)} ms`);
          await failed('33655511001').getByRole('button').click();
          await page.locator('.drawer [data-call]').waitFor();
          await page.keyboard.press('Escape');
          await page.locator('.drawer').waitFor({ state: 'detached' });

          await gateway.kill();
          await page.locator('[data-now=lost]').waitFor();
          await assertAccessible(page, 'now, while the gateway is away');
          await insert('33655511002');
          await gateway.startAgain();
          await failed('33655511002').waitFor();
          await page.locator('[data-now=told]').waitFor();
          assert.equal(await page.locator('.now [data-tile=calls] .tile-value').innerText(), '2');

          await databases.onPrimary(
            `update xdrs set disconnect_cause = 16, duration = 9 where cld = '33655511002'`,
          );
          await failed('33655511002').waitFor({ state: 'detached' });
          assert.equal(await page.locator('.now [data-tile=success] .tile-value').innerText(), '50%');
        } finally {
          await databases.onPrimary(`delete from xdrs where cld like '33655511%'`);
        }
        await failed('33655511001').waitFor({ state: 'detached' });
        await page.locator('[data-picture=failures] .empty').waitFor();
      },
    );

    browserTest('it moves on though no call comes, and nobody is told while nobody looks', async () => {
      const { wire } = world();
      await using visit = await world().visit({ path: '/calls?view=now&cld=336555*' });
      const { page } = visit;
      await page.locator('[data-now=told]').waitFor();
      const before = await windowOf(page);
      await until('the window has moved', async () => (await windowOf(page)).to > before.to);
      const follows = () => wire.exchanges.filter(({ operation }) => operation === 'RecentFeed');
      const look = (hidden: boolean) =>
        page.evaluate((value) => {
          Object.defineProperty(document, 'hidden', { value, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }, hidden);
      await look(true);
      await until('the gateway is told', () => follows().at(-1)!.end === 'left');
      const { length } = follows();
      await look(false);
      await until('it goes on', () => follows().length === length + 1);
      await page.locator('[data-now=told]').waitFor();
    });

    browserTest('a picture leads to its calls, by the keyboard too', async () => {
      await using visit = await world().visit({ path: '/calls?view=now' });
      const { page } = visit;
      await page.locator('[data-now=told]').waitFor();
      await page.locator('[data-picture=destinations] .bars button').first().focus();
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.searchParams.has('country'));
      await page.locator('[data-now=told]').waitFor();
      await page.locator('.now .histogram-frame').focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.searchParams.has('from') && !url.searchParams.has('view'));
      await visit.settled();
      await picture(page, 'now-zoomed');
    });
  });
}

interface Row {
  readonly accountId: string | null;
  readonly country: string | null;
  readonly outcome: string | null;
  readonly attempts: number | string;
  readonly asr: number | null;
}

/** What the page shows, all of one moment. */
function windowOf(page: Page) {
  return page.locator('[data-now]').evaluate((now) => {
    const textsOf = (selector: string) => [...now.querySelectorAll(selector)].map((one) => one.textContent);
    const barsOf = (name: string) =>
      [...now.querySelectorAll(`[data-picture=${name}] .bars-row`)].map((bar) =>
        ['.bars-name', '.bars-value', '.bars-detail'].map((part) => bar.querySelector(part)!.textContent),
      );
    const [perSecond, calls, asr] = textsOf('.tile-value');
    return {
      from: Number((now as HTMLElement).dataset.from),
      to: Number((now as HTMLElement).dataset.to),
      tiles: [perSecond, calls, textsOf('[data-tile=calls] .tile-below')[0], asr],
      accounts: barsOf('accounts'),
      destinations: barsOf('destinations'),
    };
  });
}

/** As the page shows them; of those with as many calls as the last it may show others. */
function topOf(rows: readonly Row[], nameOf: (row: Row) => string): string[][] {
  return rows
    .toSorted(
      (one, other) => Number(other.attempts) - Number(one.attempts) || keyOf(one).localeCompare(keyOf(other)),
    )
    .slice(0, 10)
    .map((row) => [nameOf(row), formats.shortCount(Number(row.attempts)), `ASR ${formats.percent(row.asr)}`])
    .toSorted();
}

function keyOf({ country, accountId }: Row): string {
  return String(country ?? accountId);
}
