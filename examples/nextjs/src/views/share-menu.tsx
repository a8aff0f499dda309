'use client';

import { useView } from '../chrome/view.tsx';
import CopyButtons, { type Copyable } from '../drawer/copy-buttons.tsx';
import type { PageQuery } from '../filter/page-query.ts';
import type { TimeRange } from '../filter/time-range.ts';
import { fill } from '../words/fill.ts';
import { isMoving, searchOf } from './links.ts';
import { rangeNameOf } from './range-name.ts';

export interface ShareMenuProps {
  readonly query: PageQuery;
  /** What is listed. */
  readonly range: TimeRange;
  readonly columns: readonly string[];
  /** What can be copied beside links. */
  readonly items: readonly Copyable[];
}

/** A link that moves with the time or one that stays, by choice; and the operation and its rows. */
export default function ShareMenu({ query, range, columns, items }: ShareMenuProps) {
  const { words, formats } = useView();
  const moves = isMoving(query);
  const link = (fixedTo?: TimeRange) =>
    `${window.location.origin}/calls${searchOf(query, { columns, fixedTo })}`;
  return (
    <div className="share">
      <CopyButtons
        items={[
          { name: 'link', text: () => link() },
          ...(moves ? [{ name: 'fixedLink', text: () => link(range) } as const] : []),
          ...items,
        ]}
      />
      {moves && (
        <p className="aside">
          {fill(words.views.linkHint, {
            name: rangeNameOf(query.range, words),
            from: formats.minute(range.from),
            to: formats.minute(range.to),
          })}
        </p>
      )}
    </div>
  );
}
