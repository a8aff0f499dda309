'use client';

import { useView } from '../chrome/view.tsx';
import type { PageQuery } from './page-query.ts';

interface RareFiltersProps {
  readonly query: PageQuery;
  onChange(change: Partial<PageQuery>): void;
}

export default function RareFilters({ query, onChange }: RareFiltersProps) {
  const { words } = useView();
  const number = (text: string) => (text === '' ? null : Math.max(0, Math.floor(Number(text))));
  return (
    <div className="more-filters">
      <label className="field">
        <span>{words.filters.min}</span>
        <input
          type="number"
          min={0}
          defaultValue={query.min ?? ''}
          onChange={(event) => onChange({ min: number(event.target.value) })}
        />
      </label>
      <label className="field">
        <span>{words.filters.max}</span>
        <input
          type="number"
          min={0}
          defaultValue={query.max ?? ''}
          onChange={(event) => onChange({ max: number(event.target.value) })}
        />
      </label>
      <label className="field">
        <span>{words.columns.remoteIp}</span>
        <input
          type="text"
          inputMode="decimal"
          spellCheck={false}
          defaultValue={query.ip}
          onChange={(event) => onChange({ ip: event.target.value.trim() })}
        />
      </label>
      <label className="field">
        <span>{words.columns.callId}</span>
        <input
          type="text"
          spellCheck={false}
          defaultValue={query.callId}
          onChange={(event) => onChange({ callId: event.target.value.trim() })}
        />
      </label>
    </div>
  );
}
