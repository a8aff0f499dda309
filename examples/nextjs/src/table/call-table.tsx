'use client';

import dynamic from 'next/dynamic';
import {
  type CSSProperties,
  type MouseEvent,
  memo,
  type ReactNode,
  type Ref,
  useEffect,
  useImperativeHandle,
  useRef,
  useState,
} from 'react';
import type { Call, CallList } from '../calls/call-list.ts';
import { Icon } from '../chrome/icon.tsx';
import { useView, type View } from '../chrome/view.tsx';
import { CellActions, type HoveredCell, hoveredCellOf } from './cell-actions.tsx';
import type { CellFilter } from './cell-filter.ts';
import type { ColumnMenuAt } from './column-menu.tsx';
import type { ColumnId } from './columns.tsx';
import { ROW_HEIGHT } from './row-window.ts';
import type { Columns } from './use-columns.ts';
import { useRows } from './use-rows.ts';

const ColumnMenu = dynamic(() => import('./column-menu.tsx'), { ssr: false });

export interface CallTableProps {
  readonly list: CallList;
  readonly columns: Columns;
  readonly focused: number;
  readonly order: 'newest' | 'oldest';
  /** How many calls there are in all; -1 when nobody knows. */
  readonly rowCount: number;
  readonly isOld: boolean;
  readonly isBusy: boolean;
  /** The columns share the width there is: nothing is scrolled sideways. */
  readonly isSmall: boolean;
  /** Calls that appeared a moment ago. */
  readonly fresh: ReadonlySet<string>;
  readonly ref: Ref<TableHandle>;
  onFocus(index: number): void;
  onOpen(index: number): void;
  onOrder(): void;
  /** The reader has come near the end. */
  onNearEnd(): void;
  onTop(isAtTop: boolean): void;
  onFilter(filter: CellFilter, isExcluded: boolean): void;
  /** Below the rows: loading, the end, or how to go on. */
  readonly end: ReactNode;
}

export interface TableHandle {
  show(index: number): void;
  focus(): void;
  readonly perScreen: number;
}

const HEADER_HEIGHT = 34;
/** So many rows before the end the next page is asked for. */
const NEAR_END = 40;
/** More than are ever drawn at once, on the highest of screens. */
const ROWS_IN_USE = 256;

/** The calls as a grid: of a million rows some fifty are in the document. */
export function CallTable(props: CallTableProps) {
  const { list, columns, focused, isOld, fresh, onNearEnd, onTop, ref } = props;
  const view = useView();
  const { words } = view;
  const grid = useRef<HTMLDivElement>(null);
  const rows = useRows(grid, list.length, HEADER_HEIGHT);
  const [hovered, setHovered] = useState<HoveredCell>();
  const [menu, setMenu] = useState<ColumnMenuAt>();

  useImperativeHandle(
    ref,
    () => ({ show: rows.show, focus: () => grid.current?.focus(), perScreen: rows.perScreen }),
    [rows.show, rows.perScreen],
  );
  const lastDrawn = rows.last - 1;
  useEffect(() => {
    if (lastDrawn >= list.length - NEAR_END) onNearEnd();
  }, [lastDrawn, list.length, onNearEnd]);
  useEffect(() => onTop(rows.isAtTop), [rows.isAtTop, onTop]);

  const shown = columns.shown.map(({ column }) => column);
  const least = (width: number) => (props.isSmall ? 0 : width);
  const template = columns.shown.map(({ width }) => `minmax(${least(width)}px, ${width}fr)`).join(' ');
  const width = columns.shown.reduce((sum, column) => sum + least(column.width), 0);
  const isFocusedDrawn = focused >= rows.first && focused < rows.last;
  const drawn = Array.from({ length: Math.max(0, rows.last - rows.first) }, (_, at) => rows.first + at);

  const rowOf = (event: MouseEvent) => {
    const row = (event.target as Element).closest<HTMLElement>('[data-index]');
    return row ? Number(row.dataset.index) : undefined;
  };

  return (
    <div className="table-frame" data-old={isOld || undefined}>
      <div
        ref={grid}
        id="calls"
        className="grid"
        role="grid"
        tabIndex={0}
        aria-label={words.table.title}
        aria-rowcount={props.rowCount < 0 ? -1 : props.rowCount + 1}
        aria-colcount={shown.length}
        aria-busy={props.isBusy}
        // Only a row that is in the document can be named.
        aria-activedescendant={isFocusedDrawn ? `row-${focused}` : undefined}
        style={{ '--columns': template, '--width': `${width}px` } as CSSProperties}
        onClick={(event) => {
          const index = rowOf(event);
          if (index === undefined) return;
          props.onFocus(index);
          props.onOpen(index);
        }}
        onPointerOver={(event) => setHovered(hoveredCellOf(event, hovered, list, shown, view.user))}
        onPointerLeave={(event) => {
          if (!(event.relatedTarget as Element | null)?.closest?.('.cell-actions')) setHovered(undefined);
        }}
        onScroll={() => setHovered(undefined)}
      >
        <div role="rowgroup" className="grid-head">
          <div role="row" aria-rowindex={1} className="grid-row">
            {columns.shown.map((column, index) => (
              <Header
                key={column.column.id}
                index={index}
                shown={column}
                order={props.order}
                onOrder={props.onOrder}
                onMenu={(id, button) => setMenu({ id, button })}
              />
            ))}
          </div>
        </div>
        <div role="rowgroup" className="grid-body" style={{ height: rows.height }}>
          {drawn.map((index) => {
            const call = list.at(index);
            return (
              <Row
                // Not the call: a row that leaves at one end is used again at the other, and nothing is made or thrown away.
                key={index % ROWS_IN_USE}
                call={call}
                index={index}
                top={index * ROW_HEIGHT - rows.shift}
                columns={columns.shown}
                isFocused={index === focused}
                isFresh={call !== undefined && fresh.has(call.id)}
                view={view}
              />
            );
          })}
        </div>
      </div>
      <div className="grid-end">{props.end}</div>
      {hovered && (
        <CellActions cell={hovered} onFilter={props.onFilter} onLeave={() => setHovered(undefined)} />
      )}
      {menu && <ColumnMenu at={menu} columns={columns} onClose={() => setMenu(undefined)} />}
    </div>
  );
}

interface HeaderProps {
  readonly index: number;
  readonly shown: Columns['shown'][number];
  readonly order: 'newest' | 'oldest';
  onOrder(): void;
  onMenu(id: ColumnId, button: HTMLElement): void;
}

/** Connect time sorts; every header has a menu, by its button or the right mouse button, and an edge to drag. */
function Header({ index, shown: { column, startResize, isResizing }, order, onOrder, onMenu }: HeaderProps) {
  const { words } = useView();
  const isSorted = column.id === 'connectTime';
  const name = words.columns[column.id];
  return (
    <div
      role="columnheader"
      aria-colindex={index + 1}
      aria-sort={isSorted ? (order === 'newest' ? 'descending' : 'ascending') : undefined}
      className={`cell head${column.isNumeric ? ' numeric' : ''}`}
      data-column={column.id}
      onContextMenu={(event) => {
        event.preventDefault();
        onMenu(column.id, event.currentTarget.querySelector<HTMLElement>('.head-menu')!);
      }}
    >
      {isSorted ? (
        <button type="button" className="head-sort" onClick={onOrder} data-hint={words.table[order]}>
          {name}
          <Icon name={order === 'newest' ? 'down' : 'up'} />
        </button>
      ) : (
        <span className="head-name">{name}</span>
      )}
      <button
        type="button"
        className="head-menu"
        aria-label={`${words.table.columnMenu}: ${name}`}
        aria-haspopup="menu"
        onClick={(event) => {
          event.stopPropagation();
          onMenu(column.id, event.currentTarget);
        }}
      >
        <Icon name="more" />
      </button>
      {/* The menu widens by keyboard. */}
      <span
        className="head-edge"
        data-resizing={isResizing || undefined}
        onPointerDown={startResize}
        onClick={(event) => event.stopPropagation()}
        aria-hidden="true"
      />
    </div>
  );
}

interface RowProps {
  readonly call: Call | undefined;
  readonly index: number;
  readonly top: number;
  readonly columns: Columns['shown'];
  readonly isFocused: boolean;
  readonly isFresh: boolean;
  readonly view: View;
}

/** Drawn again only when something of it changed: scrolling moves rows, it does not draw them. */
const Row = memo(function Row({ call, index, top, columns, isFocused, isFresh, view }: RowProps) {
  return (
    <div
      role="row"
      id={`row-${index}`}
      className="grid-row"
      data-index={index}
      data-id={call?.id}
      data-focused={isFocused || undefined}
      data-fresh={isFresh || undefined}
      data-answered={call?.outcome === 'ANSWERED' || undefined}
      aria-rowindex={index + 2}
      aria-selected={isFocused}
      style={{ top }}
    >
      {columns.map(({ column }, at) => (
        <div
          key={column.id}
          role="gridcell"
          aria-colindex={at + 1}
          className={column.isNumeric ? 'cell numeric' : 'cell'}
          data-column={column.id}
        >
          {call ? column.cell(call, view) : null}
        </div>
      ))}
    </div>
  );
}, isSameRow);

function isSameRow(before: RowProps, after: RowProps): boolean {
  return (
    before.call === after.call &&
    before.index === after.index &&
    before.top === after.top &&
    before.isFocused === after.isFocused &&
    before.isFresh === after.isFresh &&
    before.view === after.view &&
    before.columns.length === after.columns.length &&
    before.columns.every(({ column }, at) => column === after.columns[at]?.column)
  );
}
