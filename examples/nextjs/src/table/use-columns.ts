'use client';

import { type PointerEvent, useCallback, useState } from 'react';
import { useStored } from '../chrome/use-stored.ts';
import {
  type CallColumn,
  type ColumnId,
  callColumns,
  columnById,
  defaultColumns,
  smallWidths,
} from './columns.tsx';

const MIN_WIDTH_PIXELS = 60;
const MAX_WIDTH_PIXELS = 600;
const STEP_PIXELS = 24;

interface Stored {
  readonly shown: readonly ColumnId[];
  readonly order: readonly ColumnId[];
  readonly widths: Readonly<Record<string, number>>;
}

export interface ShownColumn {
  readonly column: CallColumn;
  readonly width: number;
  /** Of a drag at the edge of the header. */
  readonly startResize: (event: PointerEvent<HTMLElement>) => void;
  readonly isResizing: boolean;
}

/** The columns of a link: those of the reader where it has none. */
export interface LinkedColumns {
  readonly linked: readonly string[];
  onLink(columns: readonly ColumnId[]): void;
}

export interface Columns {
  readonly shown: readonly ShownColumn[];
  /** All of them, in the reader's order. */
  readonly all: readonly { readonly column: CallColumn; readonly isShown: boolean }[];
  /** Those shown, for a link; none where they are those of the start. */
  readonly chosen: readonly ColumnId[];
  toggle(id: ColumnId): void;
  /** One place to the left (-1) or right (1) among those shown. */
  move(id: ColumnId, places: -1 | 1): void;
  widen(id: ColumnId, steps: -1 | 1): void;
  reset(): void;
}

/**
 * Which columns, in which order and how wide: the reader's choice, kept in the browser, or that of the link that was opened.
 * A phone has columns of its own, whatever a link says.
 */
export function useColumns(
  role: 'customer' | 'admin',
  userName: string,
  isSmall: boolean,
  { linked, onLink }: LinkedColumns,
): Columns {
  const name = `columns ${isSmall ? 'small ' : ''}${role} ${userName}`;
  const [stored, setStored] = useStored<Stored>(name, initial(role, isSmall));
  const used = isSmall ? stored : withLinked(stored, linked);
  /** While an edge is dragged; kept when it is let go. */
  const [dragged, setDragged] = useState<{ readonly id: ColumnId; readonly width: number }>();
  const widthOf = (id: ColumnId) => (dragged?.id === id ? dragged.width : widthIn(stored, id));

  const startResize = (id: ColumnId) => (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    const edge = event.currentTarget;
    const from = event.clientX;
    const before = widthOf(id);
    const widthAt = ({ clientX }: { readonly clientX: number }) => limited(before + clientX - from);
    const drag = (moved: globalThis.PointerEvent) => setDragged({ id, width: widthAt(moved) });
    const letGo = new AbortController();
    const { signal } = letGo;
    const stop = (last: globalThis.PointerEvent) => {
      letGo.abort();
      setDragged(undefined);
      if (last.type === 'pointerup') setStored((now) => withWidth(now, id, widthAt(last)));
    };
    // The edge hears of the pointer wherever it is.
    edge.setPointerCapture(event.pointerId);
    edge.addEventListener('pointermove', drag, { signal });
    edge.addEventListener('pointerup', stop, { signal });
    edge.addEventListener('pointercancel', stop, { signal });
  };

  const order = completeOrder(used.order);
  const shown = order
    .filter((id) => used.shown.includes(id))
    .map((id) => ({
      column: columnById[id],
      width: (isSmall && smallWidths[id]) || widthOf(id),
      startResize: startResize(id),
      isResizing: dragged?.id === id,
    }));
  const all = order.map((id) => ({ column: columnById[id], isShown: used.shown.includes(id) }));

  const choose = (next: Stored) => {
    setStored(next);
    if (!isSmall) onLink(chosenOf(next, role));
  };
  const toggle = (id: ColumnId) => {
    const next = used.shown.includes(id) ? used.shown.filter((other) => other !== id) : [...used.shown, id];
    if (next.length > 0) choose({ ...used, shown: next });
  };
  const move = (id: ColumnId, places: -1 | 1) => choose({ ...used, order: moved(used, id, places) });
  const widen = useCallback(
    (id: ColumnId, steps: -1 | 1) =>
      setStored((now) => withWidth(now, id, widthIn(now, id) + steps * STEP_PIXELS)),
    [setStored],
  );
  const reset = () => choose(initial(role, isSmall));
  return { shown, all, chosen: isSmall ? [] : chosenOf(used, role), toggle, move, widen, reset };
}

/** The columns of a link come first, in its order; what it names and nobody knows is left out. */
function withLinked(stored: Stored, linked: readonly string[]): Stored {
  const shown = [...new Set(linked)].filter((id): id is ColumnId => Object.hasOwn(columnById, id));
  return shown.length > 0
    ? { ...stored, shown, order: [...shown, ...stored.order.filter((id) => !shown.includes(id))] }
    : stored;
}

function chosenOf({ shown, order }: Stored, role: 'customer' | 'admin'): ColumnId[] {
  const visible = completeOrder(order).filter((id) => shown.includes(id));
  const first = initial(role, false);
  const usual = first.order.filter((id) => first.shown.includes(id));
  return visible.join() === usual.join() ? [] : visible;
}

function initial(role: 'customer' | 'admin', isSmall: boolean): Stored {
  return { shown: defaultColumns(role, isSmall), order: callColumns.map(({ id }) => id), widths: {} };
}

function widthIn({ widths }: Stored, id: ColumnId): number {
  return widths[id] ?? columnById[id].width;
}

function withWidth(stored: Stored, id: ColumnId, width: number): Stored {
  return { ...stored, widths: { ...stored.widths, [id]: limited(width) } };
}

function limited(width: number): number {
  return Math.min(MAX_WIDTH_PIXELS, Math.max(MIN_WIDTH_PIXELS, width));
}

/** A column that a newer version of the app has is at the end of what an older one stored. */
function completeOrder(order: readonly ColumnId[]): ColumnId[] {
  const known = order.filter((id) => id in columnById);
  return [...known, ...callColumns.map(({ id }) => id).filter((id) => !known.includes(id))];
}

/** Past the hidden columns between it and its next neighbour that is shown. */
function moved({ shown, order }: Stored, id: ColumnId, places: -1 | 1): ColumnId[] {
  const complete = completeOrder(order);
  const visible = complete.filter((other) => shown.includes(other));
  const neighbour = visible[visible.indexOf(id) + places];
  if (!neighbour) return complete;
  const without = complete.filter((other) => other !== id);
  const at = without.indexOf(neighbour) + (places > 0 ? 1 : 0);
  return [...without.slice(0, at), id, ...without.slice(at)];
}
