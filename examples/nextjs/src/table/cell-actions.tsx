'use client';

import type { CallList } from '../calls/call-list.ts';
import { Icon } from '../chrome/icon.tsx';
import { useView, type View } from '../chrome/view.tsx';
import { type CellFilter, canFilter, excludable } from './cell-filter.ts';
import type { CallColumn } from './columns.tsx';

/** A cell under the pointer whose value can be filtered by. */
export interface HoveredCell {
  readonly filter: CellFilter;
  readonly right: number;
  readonly top: number;
  readonly height: number;
}

/** Where the buttons stand, in pixels from the right edge of a cell. */
const BUTTONS_WIDTH = 56;

/**
 * Undefined over anything else, and where the buttons themselves would come up: what was meant as a click on the row must
 * not meet a button that was not there before.
 */
export function hoveredCellOf(
  { target, clientX }: { readonly target: EventTarget; readonly clientX: number },
  before: HoveredCell | undefined,
  list: CallList,
  columns: readonly CallColumn[],
  user: View['user'],
): HoveredCell | undefined {
  const cell = (target as Element).closest<HTMLElement>('[role=gridcell]');
  const row = cell?.closest<HTMLElement>('[data-index]');
  const column = columns.find(({ id }) => id === cell?.dataset.column);
  const call = row ? list.at(Number(row.dataset.index)) : undefined;
  const filter = call && column?.filter?.(call);
  if (!cell || !filter || !canFilter(filter, user)) return undefined;
  const { right, top, width, height } = cell.getBoundingClientRect();
  const isThere = before?.right === right && before.top === top;
  if (!isThere && clientX > right - Math.min(BUTTONS_WIDTH, 0.4 * width)) return undefined;
  return { filter, right, top, height };
}

export interface CellActionsProps {
  readonly cell: HoveredCell;
  onFilter(filter: CellFilter, isExcluded: boolean): void;
  onLeave(): void;
}

/** One pair of buttons for the whole table, beside the value under the pointer. By keyboard the drawer has the same. */
export function CellActions({ cell, onFilter, onLeave }: CellActionsProps) {
  const { words } = useView();
  const { filter, right, top, height } = cell;
  const act = (isExcluded: boolean) => {
    onFilter(filter, isExcluded);
    onLeave();
  };
  return (
    <div className="cell-actions" style={{ left: right, top, height }} onPointerLeave={onLeave}>
      <button
        type="button"
        tabIndex={-1}
        aria-label={words.table.only}
        data-hint={words.table.only}
        onClick={() => act(false)}
      >
        <Icon name="include" />
      </button>
      {filter.part in excludable && (
        <button
          type="button"
          tabIndex={-1}
          aria-label={words.table.without}
          data-hint={words.table.without}
          onClick={() => act(true)}
        >
          <Icon name="exclude" />
        </button>
      )}
    </div>
  );
}
