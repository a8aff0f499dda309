import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Page } from 'playwright-core';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { assertAccessible, picture } from './visit.ts';
import type { World } from './world.ts';

const CEILING = 1_000_000;
/** Of a frame, in milliseconds: sixty a second, with the clock's own inaccuracy. */
const FRAME = 1000 / 60 + 1.5;

export function million(world: () => World, cdrs: number): void {
  describe('a million calls', () => {
    browserTest(
      'come in one streamed answer, are scrolled at 60 frames a second, and are reached by key and scrollbar',
      async (t) => {
        await using visit = await world().visit({ path: '/calls?range=30d' });
        const { page } = visit;
        await visit.settled();
        const expected = Math.min(CEILING, cdrs);
        const before = world().wire.exchanges.length;
        const began = performance.now();
        await page.getByRole('button', { name: /^Load all/ }).click();
        await page.locator('[data-stream=running]').waitFor();
        await picture(page, 'million-loading');
        await until('all calls are loaded', async () => (await visit.loaded()) >= expected, 180);
        t.diagnostic(
          `loaded ${await visit.loaded()} calls in ${((performance.now() - began) / 1000).toFixed(1)} s`,
        );
        const streams = world()
          .wire.exchanges.slice(before)
          .filter(({ operation }) => operation === 'CallStream');
        assert.equal(streams.length, 1, 'one answer');
        t.diagnostic(`${(streams[0]!.bytes / 1e6).toFixed(0)} MB over the wire`);

        const idle = describeFrames(await framesOf(page, 0));
        const frames = await framesOf(page, 90);
        t.diagnostic(`frames while nothing moves: ${idle}`);
        t.diagnostic(`frames while scrolling:     ${describeFrames(frames)}`);
        const median = frames.toSorted((one, other) => one - other)[Math.floor(frames.length / 2)]!;
        assert.ok(median <= FRAME, `half of the frames are ready within 1/60 s: ${median} ms`);
        assert.ok((await visit.rows().count()) < 60, 'only what is seen is in the document');

        await page.keyboard.press('End');
        await page.locator(`[data-index="${(await visit.loaded()) - 1}"]`).waitFor();
        await picture(page, 'million-end');
        await assertAccessible(page, 'a million rows');
        await page.keyboard.press('Home');
        await page.locator('[data-index="0"]').waitFor();
        await page.getByRole('grid').evaluate((grid) => {
          grid.scrollTop = grid.scrollHeight / 2;
        });
        await until('the middle is shown', async () => {
          const indexes = await visit
            .rows()
            .evaluateAll((rows) => rows.map((row) => Number(row.dataset.index)));
          return Math.abs(indexes[0]! / (await visit.loaded()) - 0.5) < 0.01;
        });
        await visit.rows().nth(20).click();
        await page.locator('.drawer [data-call]').waitFor();
      },
    );

    browserTest('a stream whose connection is cut goes on by itself: each call is there once', async () => {
      const { wire } = world();
      const day = (count: number) => new Date(Date.now() - count * 86_400_000).toISOString();
      const path = `/calls?from=${day(30)}&to=${day(1)}`;
      const loadAll = async () => {
        // The browser itself tells of a connection that was cut.
        const expectedErrors = /ERR_INCOMPLETE_CHUNKED_ENCODING/;
        await using visit = await world().visit({ path, expectedErrors });
        await visit.settled();
        const before = wire.exchanges.length;
        await visit.page.getByRole('button', { name: /^Load all/ }).click();
        await visit.page.locator('[data-stream=running]').waitFor();
        await visit.page.locator('[data-stream=running]').waitFor({ state: 'detached', timeout: 180_000 });
        const streams = wire.exchanges.slice(before).filter(({ operation }) => operation === 'CallStream');
        return { calls: await visit.loaded(), streams };
      };
      const whole = await loadAll();
      assert.equal(whole.streams.length, 1);
      wire.cutOnce(/CallStream/, 3_000_000);
      const cut = await loadAll();
      assert.deepEqual(
        cut.streams.map(({ variables }) => variables.after === null),
        [false, false],
      );
      assert.notEqual(cut.streams[0]!.variables.after, cut.streams[1]!.variables.after);
      assert.equal(cut.calls, whole.calls);
    });

    browserTest('a stream is cancelled midway at the gateway too, and what came stays', async () => {
      const { wire } = world();
      wire.throttle(/CallStream/, 400_000);
      await using visit = await world().visit({ path: '/calls?range=30d' });
      const { page } = visit;
      await visit.settled();
      await page.getByRole('button', { name: /^Load all/ }).click();
      await until('some calls came', async () => (await visit.loaded()) > 300);
      await page.locator('[data-stream=running]').getByRole('button', { name: 'Cancel' }).click();
      const exchange = wire.exchanges.findLast(({ operation }) => operation === 'CallStream')!;
      await until('the gateway knows that the reader left', () => exchange.end === 'left');
      wire.heal();
      assert.ok((await visit.loaded()) > 300);
      await page.getByRole('button', { name: /^Load all/ }).waitFor();
    });
  });
}

/** Milliseconds of each of 180 frames: a steady roll, with a jump of the scrollbar now and then. */
function framesOf(page: Page, step: number): Promise<number[]> {
  return page.getByRole('grid').evaluate(async (grid, pixels) => {
    const times: number[] = [];
    let last = await new Promise<number>(requestAnimationFrame);
    for (let frame = 0; frame < 180; frame++) {
      if (pixels > 0) grid.scrollTop += frame % 45 === 44 ? 900_000 : pixels;
      const now = await new Promise<number>(requestAnimationFrame);
      times.push(now - last);
      last = now;
    }
    return times;
  }, step);
}

function describeFrames(frames: readonly number[]): string {
  const sorted = frames.toSorted((one, other) => one - other);
  const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))]!.toFixed(1);
  const fluent = frames.filter((frame) => frame <= FRAME).length / frames.length;
  return `median ${at(0.5)} ms, 95 % ${at(0.95)} ms, longest ${at(1)} ms, ${(100 * fluent).toFixed(0)} % within 1/60 s`;
}
