'use client';

import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import type { Listed } from '../calls/ask-page.ts';
import type { CallList } from '../calls/call-list.ts';
import type { TableHandle } from './call-table.tsx';

export interface PlaceOptions {
  readonly list: CallList;
  readonly listed: Listed;
  /** The call that the address names; it may not be among the rows. */
  readonly openId: string | null;
  readonly table: RefObject<TableHandle | null>;
  setQuery(
    change: { readonly call: string | null },
    options: { readonly history: 'push' | 'replace' },
  ): unknown;
}

export interface Place {
  readonly focused: number;
  /** Of the open call; -1 when there is none, or it is not among the rows. */
  readonly openIndex: number;
  focus(index: number): void;
  moveTo(index: number): void;
  moveBy(rows: number | 'screen' | 'screen up'): void;
  open(index: number): void;
  /** From the open call to its neighbour, without closing. */
  step(places: -1 | 1): void;
}

/** So far a linked call is looked for among the rows. */
const SEARCHED_ROWS = 5000;

/** Where the reader is in the list, and which call is open. */
export function usePlace({ list, listed, openId, table, setQuery }: PlaceOptions): Place {
  const [focused, setFocused] = useState(0);

  // Another list begins at its top.
  const listKey = JSON.stringify(listed.filter) + listed.order;
  const lastKey = useRef(listKey);
  useEffect(() => {
    if (lastKey.current === listKey) return;
    lastKey.current = listKey;
    setFocused(0);
    table.current?.show(0);
  }, [listKey, table]);

  const openIndex = useMemo(() => {
    if (!openId) return -1;
    if (list.at(focused)?.id === openId) return focused;
    for (let index = 0; index < Math.min(list.length, SEARCHED_ROWS); index++) {
      if (list.at(index)?.id === openId) return index;
    }
    return -1;
  }, [openId, list, focused]);

  const open = (index: number) => {
    const call = list.at(index);
    if (call) setQuery({ call: call.id }, { history: openId ? 'replace' : 'push' });
  };
  const show = (index: number) => {
    setFocused(index);
    table.current?.show(index);
  };
  const moveTo = (index: number) => {
    if (list.length === 0) return;
    show(Math.min(list.length - 1, Math.max(0, index)));
    table.current?.focus();
  };
  return {
    focused,
    openIndex,
    focus: setFocused,
    moveTo,
    moveBy(rows) {
      const screen = table.current?.perScreen ?? 10;
      moveTo(focused + (rows === 'screen' ? screen : rows === 'screen up' ? -screen : rows));
    },
    open,
    step(places) {
      const next = openIndex + places;
      if (next < 0 || next >= list.length) return;
      show(next);
      open(next);
    },
  };
}
