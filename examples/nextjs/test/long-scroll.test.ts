import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LongScroll, TALLEST } from '../src/table/long-scroll.ts';

const ROW = 32;
const VIEW = 600;

function scrollOver(rows: number): LongScroll {
  const scroll = new LongScroll();
  scroll.resize(rows * ROW, VIEW);
  return scroll;
}

test('a list that fits is scrolled as it is', () => {
  const scroll = scrollOver(1000);
  for (const top of [0, 1, 4000, 31_400]) {
    scroll.scrolledTo(top);
    assert.deepEqual([scroll.offset, scroll.shift], [top, 0]);
  }
});

test('a million rows are no taller than any browser can draw', () => {
  assert.equal(scrollOver(1_000_000).height, TALLEST);
});

test('small steps move a long list pixel by pixel, down and up again', () => {
  const scroll = scrollOver(1_000_000);
  let top = 0;
  for (let step = 0; step < 500; step++) {
    top += 120;
    scroll.scrolledTo(top);
  }
  assert.equal(scroll.offset, 60_000);
  for (let step = 0; step < 100; step++) {
    top -= 120;
    scroll.scrolledTo(top);
  }
  assert.equal(scroll.offset, 48_000);
});

test('the ends of the scrollbar are the ends of the list', () => {
  const scroll = scrollOver(1_000_000);
  scroll.scrolledTo(TALLEST - VIEW);
  assert.equal(scroll.offset, 1_000_000 * ROW - VIEW);
  scroll.scrolledTo(0);
  assert.equal(scroll.offset, 0);
});

test('a jump of the scrollbar goes to the same part of the list', () => {
  const scroll = scrollOver(1_000_000);
  scroll.scrolledTo((TALLEST - VIEW) / 2);
  assert.equal(Math.round(scroll.offset / ROW / 1000), 500);
});

test('the scrollbar is put back to its part of the list without moving a row', () => {
  const scroll = scrollOver(1_000_000);
  let top = 0;
  for (let step = 0; step < 3000; step++) {
    top += 500;
    scroll.scrolledTo(top);
  }
  const { offset } = scroll;
  const settled = scroll.settle();
  assert.equal(scroll.offset, offset);
  assert.ok(Math.abs(settled / TALLEST - offset / (1_000_000 * ROW)) < 0.001);
  scroll.scrolledTo(settled);
  assert.equal(scroll.offset, offset);
});

test('every row can be gone to', () => {
  const scroll = scrollOver(1_000_000);
  for (const row of [0, 1, 499_999, 999_999]) {
    scroll.scrolledTo(scroll.goTo(row * ROW - VIEW / 2));
    const from = scroll.offset / ROW;
    assert.ok(row >= Math.floor(from) && row <= from + VIEW / ROW, `row ${row} is seen`);
  }
});
