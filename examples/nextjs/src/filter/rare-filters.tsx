'use client';

import { useView } from '../chrome/view.tsx';
import type { Question } from './question.ts';

interface RareFiltersProps {
  readonly question: Question;
  onChange(change: Partial<Question>): void;
}

export default function RareFilters({ question, onChange }: RareFiltersProps) {
  const { words } = useView();
  const number = (text: string) => (text === '' ? null : Math.max(0, Math.floor(Number(text))));
  return (
    <div className="more-filters">
      <label className="field">
        <span>{words.filters.min}</span>
        <input
          type="number"
          min={0}
          defaultValue={question.min ?? ''}
          onChange={(event) => onChange({ min: number(event.target.value) })}
        />
      </label>
      <label className="field">
        <span>{words.filters.max}</span>
        <input
          type="number"
          min={0}
          defaultValue={question.max ?? ''}
          onChange={(event) => onChange({ max: number(event.target.value) })}
        />
      </label>
      <label className="field">
        <span>{words.columns.remoteIp}</span>
        <input
          type="text"
          inputMode="decimal"
          spellCheck={false}
          defaultValue={question.ip}
          onChange={(event) => onChange({ ip: event.target.value.trim() })}
        />
      </label>
      <label className="field">
        <span>{words.columns.callId}</span>
        <input
          type="text"
          spellCheck={false}
          defaultValue={question.callId}
          onChange={(event) => onChange({ callId: event.target.value.trim() })}
        />
      </label>
    </div>
  );
}
