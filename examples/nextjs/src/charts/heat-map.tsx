'use client';

import { type CSSProperties, type KeyboardEvent, useRef, useState } from 'react';

export interface HeatCell {
  /** 0 to 1: how strong its colour is, or where it is between two. Null has none: there is nothing to say. */
  readonly part: number | null;
  /** In the cell, where there is room. */
  readonly short?: string;
  /** Read aloud; its row and column are said before. */
  readonly said: string;
  readonly hint: string;
  /** It says little: of few calls. */
  readonly isFaint?: boolean;
  /** What a click means; undefined where it means nothing. */
  readonly onChoose?: (() => void) | undefined;
}

export interface HeatMapProps {
  readonly label: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  cellOf(row: number, column: number): HeatCell;
  /** Of one colour, the stronger the more; or between two colours, low to high. */
  readonly scale: 'amount' | 'quality';
  readonly isTransposed?: boolean;
  /** Of so many names of columns one is shown: there is no room for all. */
  readonly namedColumns?: number;
}

/**
 * A table of colours, in which every number can be read. One stop of the tab key: the arrow keys go from cell to cell.
 */
export function HeatMap({
  label,
  rows,
  columns,
  cellOf,
  scale,
  isTransposed = false,
  namedColumns = 1,
}: HeatMapProps) {
  const table = useRef<HTMLTableElement>(null);
  const [stop, setStop] = useState({ row: 0, column: 0 });
  const [down, across] = isTransposed ? [columns, rows] : [rows, columns];
  const cellAt = (row: number, column: number) => (isTransposed ? cellOf(column, row) : cellOf(row, column));
  const focused = {
    row: Math.min(stop.row, down.length - 1),
    column: Math.min(stop.column, across.length - 1),
  };

  const key = (event: KeyboardEvent) => {
    const next = moved(event.key, focused, { rows: down.length, columns: across.length });
    if (!next) return;
    event.preventDefault();
    setStop(next);
    table.current?.querySelector<HTMLElement>(`[data-place="${next.row} ${next.column}"]`)?.focus();
  };

  return (
    <div className="heat-scroll" data-transposed={isTransposed || undefined}>
      <table
        ref={table}
        className={`heat heat-${scale}`}
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: cells that arrow keys go through are a grid
        role="grid"
        aria-label={label}
        style={{ '--columns': across.length } as CSSProperties}
        onKeyDown={key}
      >
        <thead>
          <tr>
            <td />
            {across.map((name, column) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: an hour that comes twice has its name twice
              <th key={column} scope="col">
                <span className={column % namedColumns === 0 ? undefined : 'for-ears'}>{name}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {down.map((name, row) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {across.map((_, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: as in the head
                <td key={column}>
                  <Cell
                    cell={cellAt(row, column)}
                    place={`${row} ${column}`}
                    isStop={focused.row === row && focused.column === column}
                    onFocus={() => setStop({ row, column })}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CellProps {
  readonly cell: HeatCell;
  readonly place: string;
  readonly isStop: boolean;
  onFocus(): void;
}

function Cell({ cell, place, isStop, onFocus }: CellProps) {
  return (
    <button
      type="button"
      className="heat-cell"
      data-place={place}
      data-empty-cell={cell.part === null || undefined}
      data-faint={cell.isFaint || undefined}
      data-hint={cell.hint}
      tabIndex={isStop ? 0 : -1}
      aria-disabled={!cell.onChoose || undefined}
      style={{ '--part': cell.part ?? 0 } as CSSProperties}
      onFocus={onFocus}
      onClick={cell.onChoose}
    >
      {cell.short && (
        <span className="heat-short" aria-hidden="true">
          {cell.short}
        </span>
      )}
      <span className="for-ears">{cell.said}</span>
    </button>
  );
}

interface Place {
  readonly row: number;
  readonly column: number;
}

function moved(
  key: string,
  { row, column }: Place,
  { rows, columns }: { rows: number; columns: number },
): Place | undefined {
  if (key === 'ArrowLeft') return { row, column: Math.max(0, column - 1) };
  if (key === 'ArrowRight') return { row, column: Math.min(columns - 1, column + 1) };
  if (key === 'ArrowUp') return { row: Math.max(0, row - 1), column };
  if (key === 'ArrowDown') return { row: Math.min(rows - 1, row + 1), column };
  if (key === 'Home') return { row, column: 0 };
  if (key === 'End') return { row, column: columns - 1 };
  return undefined;
}
