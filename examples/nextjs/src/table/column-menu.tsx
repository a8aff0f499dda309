'use client';

import { useEffect, useRef } from 'react';
import { useView } from '../chrome/view.tsx';
import type { ColumnId } from './columns.tsx';
import type { Columns } from './use-columns.ts';

export interface ColumnMenuAt {
  readonly id: ColumnId;
  readonly button: HTMLElement;
}

export interface ColumnMenuProps {
  readonly at: ColumnMenuAt;
  readonly columns: Columns;
  onClose(): void;
}

/** What can be done with one column, where its header is. */
export default function ColumnMenu({ at, columns, onClose }: ColumnMenuProps) {
  const { words } = useView();
  const panel = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const menu = panel.current!;
    const { left, bottom } = at.button.getBoundingClientRect();
    menu.showPopover();
    menu.style.left = `${Math.min(left, window.innerWidth - menu.offsetWidth - 8)}px`;
    menu.style.top = `${bottom + 4}px`;
    menu.querySelector('button')?.focus();
  }, [at]);

  const act = (action: () => void) => () => {
    action();
    panel.current?.hidePopover();
    at.button.focus();
  };
  const { id } = at;
  const items = [
    [words.table.hide, () => columns.toggle(id)],
    [words.table.moveLeft, () => columns.move(id, -1)],
    [words.table.moveRight, () => columns.move(id, 1)],
    [words.table.wider, () => columns.widen(id, 1)],
    [words.table.narrower, () => columns.widen(id, -1)],
  ] as const;

  return (
    <div
      ref={panel}
      popover="auto"
      role="menu"
      aria-label={words.table.columnMenu}
      className="popup menu"
      onToggle={(event) => event.newState === 'closed' && onClose()}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
        event.preventDefault();
        const buttons = [...event.currentTarget.querySelectorAll('button')];
        const now = buttons.indexOf(document.activeElement as HTMLButtonElement);
        const next = now + (event.key === 'ArrowDown' ? 1 : -1);
        buttons[(next + buttons.length) % buttons.length]?.focus();
      }}
    >
      {items.map(([label, action]) => (
        <button key={label} type="button" role="menuitem" className="menu-item" onClick={act(action)}>
          {label}
        </button>
      ))}
    </div>
  );
}
