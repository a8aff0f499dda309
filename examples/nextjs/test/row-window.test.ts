import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LongScroll } from '../src/table/long-scroll.ts';
import { ROW_HEIGHT, windowOf } from '../src/table/row-window.ts';

const VIEW = 600;

function scrolledTo(rows: number, top: number): LongScroll {
  const scroll = new LongScroll();
  scroll.resize(rows * ROW_HEIGHT, VIEW);
  scroll.scrolledTo(top);
  return scroll;
}

test('what is seen is drawn, wherever the reader is, and little more', () => {
  for (const rows of [0, 1, 30, 10_000, 1_000_000]) {
    for (let top = 0; top < Math.min(rows * ROW_HEIGHT, 8_000_000); top += 1777) {
      const scroll = scrolledTo(rows, top);
      const { first, last } = windowOf(scroll, rows, VIEW);
      const seen = {
        from: Math.floor(scroll.offset / ROW_HEIGHT),
        to: Math.min(rows, Math.ceil((scroll.offset + VIEW) / ROW_HEIGHT)),
      };
      assert.ok(
        first <= seen.from && last >= seen.to,
        `${rows} rows, ${top}: ${first}–${last} holds ${seen.from}–${seen.to}`,
      );
      assert.ok(last - first < 60);
    }
  }
});

test('a drawn row lies where the scrollbar shows it', () => {
  for (const top of [0, 5_000, 4_000_000]) {
    const scroll = scrolledTo(1_000_000, top);
    const { first, shift } = windowOf(scroll, 1_000_000, VIEW);
    const place = first * ROW_HEIGHT - shift;
    assert.ok(place <= top && place > top - 20 * ROW_HEIGHT);
  }
});

test('scrolling by a few pixels draws nothing new', () => {
  const before = windowOf(scrolledTo(10_000, 4 * ROW_HEIGHT * 100), 10_000, VIEW - 16);
  const after = windowOf(scrolledTo(10_000, 4 * ROW_HEIGHT * 100 + 8), 10_000, VIEW - 16);
  assert.deepEqual(before, after);
});
