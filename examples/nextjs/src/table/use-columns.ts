'use client';

import {
  type ColumnOrderState,
  type ColumnSizingState,
  type ColumnVisibilityState,
  columnOrderingFeature,
  columnResizingFeature,
  columnSizingFeature,
  columnVisibilityFeature,
  createColumnHelper,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { useCallback, useState } from 'react';
import type { Call } from '../calls/call-list.ts';
import { useStored } from '../chrome/use-stored.ts';
import {
  type CallColumn,
  type ColumnId,
  callColumns,
  columnById,
  defaultColumns,
  smallWidths,
} from './columns.tsx';

const features = tableFeatures({
  columnVisibilityFeature,
  columnOrderingFeature,
  columnSizingFeature,
  columnResizingFeature,
});

const helper = createColumnHelper<typeof features, Call>();
const definitions = helper.columns(
  callColumns.map(({ id, width }) => helper.display({ id, size: width, minSize: 60, maxSize: 600 })),
);
/** The rows are not the table's: it knows the columns, and the list knows the rows, a million of them at times. */
const noRows: Call[] = [];
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
  readonly startResize: (event: unknown) => void;
  readonly isResizing: boolean;
}

export interface Columns {
  readonly shown: readonly ShownColumn[];
  /** All of them, in the reader's order. */
  readonly all: readonly { readonly column: CallColumn; readonly isShown: boolean }[];
  toggle(id: ColumnId): void;
  /** One place to the left (-1) or right (1) among those shown. */
  move(id: ColumnId, places: -1 | 1): void;
  widen(id: ColumnId, steps: -1 | 1): void;
  reset(): void;
}

/** Which columns, in which order and how wide: the reader's choice, kept in the browser. */
export function useColumns(role: 'customer' | 'admin', userName: string, isSmall: boolean): Columns {
  const name = `columns ${isSmall ? 'small ' : ''}${role} ${userName}`;
  const [stored, setStored] = useStored<Stored>(name, initial(role, isSmall));
  const columnOrder: ColumnOrderState = completeOrder(stored.order);
  const columnVisibility: ColumnVisibilityState = Object.fromEntries(
    callColumns.map(({ id }) => [id, stored.shown.includes(id)]),
  );
  const [columnSizing, setSizing] = useState<ColumnSizingState>({ ...stored.widths });
  const table = useTable({
    features,
    columns: definitions,
    data: noRows,
    state: { columnOrder, columnVisibility, columnSizing },
    onColumnSizingChange: (change) => {
      const next = typeof change === 'function' ? change(columnSizing) : change;
      setSizing(next);
      setStored((now) => ({ ...now, widths: next }));
    },
    columnResizeMode: 'onChange',
  });

  const headers = table.getHeaderGroups()[0]?.headers ?? [];
  const shown = headers.map((header) => ({
    column: columnById[header.column.id as ColumnId],
    width: (isSmall && smallWidths[header.column.id as ColumnId]) || header.getSize(),
    startResize: header.getResizeHandler(),
    isResizing: header.column.getIsResizing(),
  }));
  const all = table.getAllLeafColumns().map((column) => ({
    column: columnById[column.id as ColumnId],
    isShown: column.getIsVisible(),
  }));

  const toggle = useCallback(
    (id: ColumnId) =>
      setStored((now) => {
        const next = now.shown.includes(id) ? now.shown.filter((other) => other !== id) : [...now.shown, id];
        return next.length > 0 ? { ...now, shown: next } : now;
      }),
    [setStored],
  );
  const move = useCallback(
    (id: ColumnId, places: -1 | 1) => setStored((now) => ({ ...now, order: moved(now, id, places) })),
    [setStored],
  );
  const widen = (id: ColumnId, steps: -1 | 1) => {
    const width = (columnSizing[id] ?? columnById[id].width) + steps * STEP_PIXELS;
    table.setColumnSizing((now) => ({ ...now, [id]: Math.min(600, Math.max(60, width)) }));
  };
  const reset = useCallback(() => {
    setStored(initial(role, isSmall));
    setSizing({});
  }, [setStored, role, isSmall]);
  return { shown, all, toggle, move, widen, reset };
}

function initial(role: 'customer' | 'admin', isSmall: boolean): Stored {
  return { shown: defaultColumns(role, isSmall), order: callColumns.map(({ id }) => id), widths: {} };
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
