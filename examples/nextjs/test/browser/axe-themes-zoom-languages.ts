import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { gzipSync } from 'node:zlib';
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
