'use client';

/** One bar: its length is its value, beside the words that say it. */
export interface BarItem {
  readonly key: string;
  readonly name: string;
  readonly value: number;
  readonly said: string;
  readonly detail?: string;
  readonly tone?: 'good' | 'bad';
  /** What a click means; undefined where it means nothing. */
  readonly onChoose: (() => void) | undefined;
}

/** Bars under one another, longest first as they come. A list to a screen reader, with all its numbers. */
export function BarList({ label, items }: { readonly label: string; readonly items: readonly BarItem[] }) {
  const most = Math.max(...items.map(({ value }) => value), Number.MIN_VALUE);
  return (
    <ol className="bars" aria-label={label}>
      {items.map(({ key, name, value, said, detail, tone, onChoose }) => {
        const inside = (
          <>
            <span className="bars-name">{name}</span>
            <span className="bars-track" aria-hidden="true">
              <span
                className={`bars-fill${tone ? ` bars-${tone}` : ''}`}
                style={{ width: `${(100 * value) / most}%` }}
              />
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
