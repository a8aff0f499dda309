import type { LongScroll } from './long-scroll.ts';

/** In the style sheet too. */
export const ROW_HEIGHT = 32;

/** The rows that are drawn. */
export interface RowWindow {
  readonly first: number;
  /** Not included. */
  readonly last: number;
  /** What to take from a row's place in the list to get its place in the element. */
  readonly shift: number;
  readonly isAtTop: boolean;
  /** Rows that fit. */
  readonly perScreen: number;
}

/** Drawn above and below what is seen. */
const OVERSCAN = 8;
/** The window moves by so many rows at a time: between its steps scrolling costs nothing at all. */
const STEP = 4;

export function windowOf(scroll: LongScroll, count: number, view: number): RowWindow {
  const { offset, shift } = scroll;
  const top = Math.floor(offset / ROW_HEIGHT / STEP) * STEP;
  const bottom = Math.ceil((offset + view) / ROW_HEIGHT / STEP) * STEP;
  return {
    first: Math.max(0, top - OVERSCAN),
    last: Math.min(count, bottom + OVERSCAN),
    shift,
    isAtTop: offset < ROW_HEIGHT,
    perScreen: Math.max(1, Math.floor(view / ROW_HEIGHT)),
  };
}
