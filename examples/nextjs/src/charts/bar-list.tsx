'use client';

import type { CallOutcome } from '../generated/graphql.ts';

/** One bar: its length is its value, beside the words that say it. */
export interface BarItem {
  readonly key: string;
  readonly name: string;
  readonly value: number;
  readonly said: string;
  readonly detail?: string;
  /** What the value is made of, each in its colour; undefined where it has none. */
  readonly parts?: readonly BarPart[];
  /** What a click means; undefined where it means nothing. */
  readonly onChoose: (() => void) | undefined;
}

export interface BarPart {
  readonly outcome: CallOutcome | null;
  readonly value: number;
  readonly hint: string;
}

/** Bars under one another, longest first as they come. A list to a screen reader, with all its numbers. */
export function BarList({ label, items }: { readonly label: string; readonly items: readonly BarItem[] }) {
  const most = Math.max(...items.map(({ value }) => value), Number.MIN_VALUE);
  return (
    <ol className="bars" aria-label={label}>
      {items.map(({ key, name, value, said, detail, parts, onChoose }) => {
        const inside = (
          <>
            <span className="bars-name">{name}</span>
            <span className="bars-track" aria-hidden="true">
              <span className="bars-fill" style={{ width: `${(100 * value) / most}%` }}>
                {parts?.map((part) => (
                  <span
                    key={part.outcome}
                    className={`bars-part outcome-${part.outcome ?? 'UNKNOWN'}`}
                    style={{ flexGrow: part.value }}
                    data-hint={part.hint}
                  />
                ))}
              </span>
            </span>
            <span className="bars-value">{said}</span>
            <span className="bars-detail aside">{detail}</span>
          </>
        );
        return (
          <li key={key}>
            {onChoose ? (
              <button type="button" className="bars-row" onClick={onChoose}>
                {inside}
              </button>
            ) : (
              <div className="bars-row">{inside}</div>
            )}
          </li>
        );
      })}
    </ol>
  );
}
