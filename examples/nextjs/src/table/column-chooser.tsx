'use client';

import { useView } from '../chrome/view.tsx';
import type { Columns } from './use-columns.ts';

export default function ColumnChooser({ columns }: { readonly columns: Columns }) {
  const { words } = useView();
  return (
    <div className="choices">
      <div className="choices-list">
        {columns.all.map(({ column, isShown }) => (
          <label key={column.id} className="choice">
            <input type="checkbox" checked={isShown} onChange={() => columns.toggle(column.id)} />
            {words.columns[column.id]}
          </label>
        ))}
      </div>
      <button type="button" className="button" onClick={columns.reset}>
        {words.toolbar.resetColumns}
      </button>
    </div>
  );
}
