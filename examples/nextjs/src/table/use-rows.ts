'use client';

import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { LongScroll } from './long-scroll.ts';
import { ROW_HEIGHT, type RowWindow, windowOf } from './row-window.ts';

/** After so long without scrolling the scrollbar is put to its part of the list. */
const SETTLE_MILLIS = 160;

export interface Rows extends RowWindow {
  /** Of the element that holds them. */
  readonly height: number;
  /** Scrolls no further than needed. */
  show(index: number): void;
}

/**
 * Which rows are drawn, of as many as there are: all have the same height, so that the place says it all. The element's
 * first `headerHeight` pixels are covered by the sticky header.
 */
export function useRows(element: RefObject<HTMLElement | null>, count: number, headerHeight: number): Rows {
  const scroll = useRef<LongScroll>(undefined);
  scroll.current ??= new LongScroll();
  const long = scroll.current;
  const [view, setView] = useState(0);
  const [drawn, setDrawn] = useState<RowWindow>(() => windowOf(long, 0, 0));
  const counted = useRef(count);
  counted.current = count;
  long.resize(count * ROW_HEIGHT, view);

  const draw = useCallback(
    (height: number) => {
      const next = windowOf(long, counted.current, height);
      setDrawn((now) => (isSame(now, next) ? now : next));
    },
    [long],
  );

  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const settle = () => {
      const top = long.settle();
      if (Math.abs(target.scrollTop - top) > 1) target.scrollTop = top;
      flushSync(() => draw(view));
    };
    const onScroll = () => {
      long.scrolledTo(target.scrollTop);
      // In the same frame as the scrolling: the reader never sees rows that are not drawn yet.
      flushSync(() => draw(view));
      clearTimeout(timer);
      timer = setTimeout(settle, SETTLE_MILLIS);
    };
    const observer = new ResizeObserver(() => setView(Math.max(0, target.clientHeight - headerHeight)));
    observer.observe(target);
    target.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      clearTimeout(timer);
      observer.disconnect();
      target.removeEventListener('scroll', onScroll);
    };
  }, [element, long, draw, view, headerHeight]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another length is another window
  useLayoutEffect(() => draw(view), [draw, view, count]);

  const show = useCallback(
    (index: number) => {
      const target = element.current;
      if (!target) return;
      const from = index * ROW_HEIGHT;
      const isBelow = from + ROW_HEIGHT > long.offset + view;
      if (from >= long.offset && !isBelow) return;
      target.scrollTop = long.goTo(isBelow ? from + ROW_HEIGHT - view : from);
      draw(view);
    },
    [element, long, draw, view],
  );

  return { ...drawn, height: long.height, show };
}

function isSame(one: RowWindow, other: RowWindow): boolean {
  return (
    one.first === other.first &&
    one.last === other.last &&
    one.shift === other.shift &&
    one.isAtTop === other.isAtTop &&
    one.perScreen === other.perScreen
  );
}
