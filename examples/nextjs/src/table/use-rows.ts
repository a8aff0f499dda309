'use client';

import { useVirtualizer, type VirtualItem } from '@tanstack/react-virtual';
import { type RefObject, useCallback, useEffect, useRef } from 'react';
import { LongScroll } from './long-scroll.ts';

/** Of a row; in the style sheet too. */
export const ROW_HEIGHT = 32;
const OVERSCAN = 8;
/** After so long without scrolling the scrollbar is put to its part of the list. */
const SETTLE_MILLIS = 160;

export interface Rows {
  readonly items: readonly VirtualItem[];
  /** Of the element that holds them. */
  readonly height: number;
  /** Pixels from the top of the holding element to the row. */
  topOf(item: VirtualItem): number;
  /** Scrolls no further than needed. */
  show(index: number): void;
  readonly isAtTop: boolean;
  /** Rows that fit. */
  readonly perScreen: number;
}

/** Which rows are drawn, of as many as there are. `headerHeight` of the element is covered by the sticky header. */
export function useRows(element: RefObject<HTMLElement | null>, count: number, headerHeight: number): Rows {
  const scroll = useRef<LongScroll>(undefined);
  scroll.current ??= new LongScroll();
  const long = scroll.current;
  const notify = useRef<(offset: number, isScrolling: boolean) => void>(undefined);
  const total = count * ROW_HEIGHT;

  const virtualizer = useVirtualizer<HTMLElement, HTMLElement>({
    count,
    getScrollElement: () => element.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: OVERSCAN,
    observeElementOffset: (_instance, tell) => {
      const target = element.current;
      if (!target) return undefined;
      notify.current = tell;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const settle = () => {
        const top = long.settle();
        if (Math.abs(target.scrollTop - top) > 1) target.scrollTop = top;
        tell(long.offset, false);
      };
      const onScroll = () => {
        long.scrolledTo(target.scrollTop);
        tell(long.offset, true);
        clearTimeout(timer);
        timer = setTimeout(settle, SETTLE_MILLIS);
      };
      onScroll();
      target.addEventListener('scroll', onScroll, { passive: true });
      return () => {
        clearTimeout(timer);
        target.removeEventListener('scroll', onScroll);
      };
    },
  });

  const view = Math.max(0, (virtualizer.scrollRect?.height ?? 0) - headerHeight);
  long.resize(total, view);

  const show = useCallback(
    (index: number) => {
      const target = element.current;
      if (!target) return;
      const height = target.clientHeight - headerHeight;
      const from = index * ROW_HEIGHT;
      const isBelow = from + ROW_HEIGHT > long.offset + height;
      if (from >= long.offset && !isBelow) return;
      target.scrollTop = long.goTo(isBelow ? from + ROW_HEIGHT - height : from);
      notify.current?.(long.offset, false);
    },
    [element, headerHeight, long],
  );

  // A shorter list may leave the scrollbar where no list is any more.
  useEffect(() => {
    const target = element.current;
    if (target && long.offset === 0 && target.scrollTop > 0 && count === 0) target.scrollTop = 0;
  }, [element, long, count]);

  return {
    items: virtualizer.getVirtualItems(),
    height: long.height,
    topOf: ({ start }) => start - long.shift,
    show,
    isAtTop: long.offset < ROW_HEIGHT,
    perScreen: Math.max(1, Math.floor(view / ROW_HEIGHT)),
  };
}
