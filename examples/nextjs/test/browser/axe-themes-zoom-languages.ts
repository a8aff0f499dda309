import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { gzipSync } from 'node:zlib';
import { en } from '../../src/words/en.ts';
import { fr } from '../../src/words/fr.ts';
import { wordsIn, wordsOfBoth } from '../words-of-both.ts';
import { browserTest } from './browser-test.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

export function looks(world: () => World): void {
  describe('how it looks and speaks', () => {
    for (const user of ['customer', 'admin'] as const) {
      for (const theme of ['light', 'dark'] as const) {
        browserTest(
          `axe finds nothing in the ${theme} view of ${user === 'admin' ? 'an administrator' : 'a customer'}`,
          async () => {
            await using visit = await world().visit({ user, theme, path: '/calls?range=7d' });
            const { page } = visit;
            await visit.settled();
            await page.locator('[data-facet=cause] li').first().waitFor();
            await assertAccessible(page, `${user}, ${theme}`);
            await picture(page, `calls-${user}-${theme}`);
          },
        );
      }
    }

    for (const width of [1440, 1024, 390]) {
      for (const theme of ['light', 'dark'] as const) {
        browserTest(`axe finds nothing in any view, ${width} pixels wide, ${theme}`, async () => {
          const viewport = { width, height: width === 390 ? 844 : 900 };
          await using visit = await world().visit({ theme, path: '/calls?range=24h', viewport });
          const { page } = visit;
          const look = async (name: string) => {
            await assertAccessible(page, `${name}, ${width}, ${theme}`);
            await picture(page, `view-${name}-${width}-${theme}`);
          };
          await visit.settled();
          await page.locator('[data-index="0"] [data-column=outcome]').waitFor();
          await look('calls');
          await page.locator('[data-index="1"]').click();
          await page.locator('.drawer .copies').waitFor();
          await page.locator('.drawer .context').waitFor();
          await look('call');
          await page.keyboard.press('Escape');
          await page.locator('.drawer').waitFor({ state: 'detached' });
          await page.getByRole('button', { name: 'Export', exact: true }).click();
          await page.locator('dialog[open]').waitFor();
          await look('export');
          await page.keyboard.press('Escape');
          await page.goto('/calls?range=15m&search=99999999*');
          await page.locator('[data-empty]').waitFor();
          await look('nothing');
          await page.goto('/calls?view=now');
          await page.locator('[data-now] .failures li').first().waitFor();
          await look('now');
          await page.goto('/calls?range=7d&view=pictures&zone=Europe/Paris');
          await page.locator('[data-picture=week] tbody td').first().waitFor();
          await page.locator('[data-picture=destinations] .bars li').first().waitFor();
          await look('pictures');
          // A page would ask on, and be refused.
          await page.goto('about:blank');
          await page.request.post('/api/sign-out');
          await page.goto('/sign-in');
          await look('sign-in');
        });
      }
    }

    browserTest('axe finds nothing in a list of nothing', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h&cld=000000000000' });
      await visit.page.locator('[data-empty]').waitFor();
      await visit.settled();
      await assertAccessible(visit.page, 'the empty list');
    });

    browserTest('at 200 % everything is still there, and nothing is cut off to the side', async () => {
      await using visit = await world().visit({
        path: '/calls?range=24h',
        viewport: { width: 640, height: 400 },
        scale: 2,
      });
      const { page } = visit;
      await visit.settled();
      const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
      assert.ok(widths[0]! <= widths[1]!, `${widths[0]} of ${widths[1]} pixels`);
      await page.locator('[data-index="0"]').scrollIntoViewIfNeeded();
      await page.locator('[data-index="0"]').click();
      await page.locator('.drawer [data-call]').waitFor();
      await assertAccessible(page, 'the drawer at 200 %');
      await page.keyboard.press('Escape');
      await page.locator('.drawer').waitFor({ state: 'detached' });
      await assertAccessible(page, 'the page at 200 %');
      await picture(page, 'zoomed');
    });

    browserTest('it speaks French to those who prefer it, and English when told', async () => {
      await using visit = await world().visit({ user: 'customer', path: '/calls?range=7d', locale: 'fr-FR' });
      const { page } = visit;
      await visit.settled();
      assert.equal(await page.locator('html').getAttribute('lang'), 'fr');
      assert.equal(await page.title(), 'Appels');
      await page.locator('h2', { hasText: 'Taux de succès (ASR)' }).waitFor();
      assert.match(await page.locator('[data-tile=success] .tile-value').innerText(), /^\d+(,\d)?\s%$/);
      await picture(page, 'calls-fr');
      await page.locator('.compact-select select').selectOption('en');
      await page.locator('h2', { hasText: 'Success rate (ASR)' }).waitFor();
      await page.reload();
      assert.equal(await page.locator('html').getAttribute('lang'), 'en');
    });

    browserTest('no English is left in the French pages', async () => {
      const english = new Set(textsOf(en).flatMap(wordsIn));
      for (const word of [...wordsOfBoth, ...textsOf(fr).flatMap(wordsIn)]) english.delete(word);
      const left: string[] = [];
      await using visit = await world().visit({ path: '/calls?range=7d', locale: 'fr-FR' });
      const { page } = visit;
      const look = async (where: string) => {
        const texts = await page.evaluate(saidOnPage);
        assert.ok(texts.length > 3, where);
        for (const text of texts) {
          // Accounts of the demo have such names.
          const words = wordsIn(text.replaceAll(/\b[a-z]+-\d{3}\b/g, '')).filter((word) => english.has(word));
          if (words.length > 0) left.push(`${where}: ${words.join(' ')} in "${text}"`);
        }
      };
      await visit.settled();
      await page.locator('[data-facet=account] li').first().waitFor();
      await look('the calls');
      await page.locator('[data-index="0"]').click();
      await page.locator('.drawer .copies').waitFor();
      await page.locator('.drawer .context').waitFor();
      await look('a call');
      await page.keyboard.press('Escape');
      for (const [button, opened] of [
        ['Exporter', 'dialog[open]'],
        ['Colonnes', '.popup:popover-open'],
        ['Plus de filtres', '.popup:popover-open'],
        ['Partager', '.popup:popover-open'],
        ['Vues', '.popup:popover-open'],
        ['Clavier', 'dialog[open]'],
      ] as const) {
        await page.getByRole('button', { name: button, exact: true }).click();
        await page.locator(opened).waitFor();
        await look(button);
        await page.keyboard.press('Escape');
        await page
          .locator(opened)
          .waitFor({ state: 'detached' })
          .catch(() => {});
      }
      for (const id of ['range-button', 'filter-button', 'account-button', 'zone-button', 'user-button']) {
        await page.click(`#${id}`);
        await page.locator('.popup:popover-open').waitFor();
        await look(id);
        await page.keyboard.press('Escape');
      }
      await page.click('button.badge');
      await page.locator('.popup:popover-open').waitFor();
      await look('freshness');
      await page.goto('/calls?range=1h&cld=000000000000');
      await page.locator('[data-empty]').waitFor();
      await look('a list of nothing');
      await page.goto('/calls?view=now');
      await page.locator('[data-now] .failures li').first().waitFor();
      await look('now');
      await page.goto('/calls?range=7d&view=pictures');
      await page.locator('[data-picture=week] tbody td').first().waitFor();
      await page.locator('[data-picture=causes] .bars li').first().waitFor();
      await page.locator('[data-picture=destinations] .bars li').first().waitFor();
      await look('the pictures');
      // A page would ask on, and be refused.
      await page.goto('about:blank');
      await page.request.post('/api/sign-out');
      await page.goto('/sign-in');
      await look('the sign-in');
      assert.deepEqual(left, []);
    });

    browserTest('the theme is chosen, remembered, and there from the first byte', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h', theme: 'light' });
      const { page } = visit;
      await visit.settled();
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await ground();
      await page.locator('[data-theme-button]').click();
      await page.locator('[data-theme-button]').click();
      assert.equal(await page.locator('[data-theme-button]').getAttribute('data-theme-button'), 'dark');
      const dark = await ground();
      assert.notEqual(dark, light);
      const html = await (await page.request.get('/calls')).text();
      assert.match(html, /<html[^>]+data-theme="dark"/);
      await page.reload();
      assert.equal(await ground(), dark);
    });

    browserTest(
      'the first load brings at most 200 kB of JavaScript, with all that is loaded unasked',
      async (t) => {
        await using visit = await world().visit({ path: '/calls?range=1h' });
        const { page } = visit;
        // Nothing is under way any more: the body of an answer that is navigated away from cannot be read.
        await visit.settled();
        await page.locator('[data-facet=cause] li').first().waitFor();
        const scripts = new Map<string, Promise<Buffer>>();
        page.on('response', (response) => {
          if (response.request().resourceType() === 'script') scripts.set(response.url(), response.body());
        });
        await page.reload();
        await visit.settled();
        await page.locator('[data-facet=cause] li').first().waitFor();
        const sizes = (await Promise.all(scripts.values())).map((body) => gzipSync(body).length);
        const total = sizes.reduce((sum, size) => sum + size, 0);
        t.diagnostic(`${sizes.length} scripts, ${(total / 1000).toFixed(1)} kB gzip`);
        assert.ok(sizes.length > 5 && total <= 200_000, `${total} bytes`);
      },
    );

    browserTest('only our own scripts run, and no other site may frame the page', async () => {
      await using visit = await world().visit({ path: '/calls?range=1h' });
      const response = await visit.page.request.get('/calls');
      const policy = response.headers()['content-security-policy']!;
      assert.match(policy, /script-src 'self' 'nonce-[^']+' 'strict-dynamic'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.equal(policy.includes('unsafe-eval'), false);
    });
  });
}

/** Every text of a dictionary. */
function textsOf(words: object): string[] {
  return Object.values(words).flatMap((value) => (typeof value === 'string' ? [value] : textsOf(value)));
}

/** Every text that is seen or read out, but for what is not to be translated: what the switch wrote, names, code. */
function saidOnPage(): string[] {
  const kept =
    ':not([translate=no], [translate=no] *, [lang=en], [lang=en] *, script, style, option[value*="/"])';
  const elements = [...document.querySelectorAll<HTMLElement>(`body *${kept}`)];
  return elements
    .flatMap((element) => [
      ...[...element.childNodes]
        .filter((node) => node.nodeType === Node.TEXT_NODE)
        .map((node) => node.textContent),
      ...['aria-label', 'data-hint', 'title', 'placeholder', 'alt'].map((name) => element.getAttribute(name)),
    ])
    .filter((text): text is string => text !== null && /\p{L}/u.test(text));
}
