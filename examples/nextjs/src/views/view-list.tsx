'use client';

import { type FormEvent, useState } from 'react';
import { Icon } from '../chrome/icon.tsx';
import { useStored } from '../chrome/use-stored.ts';
import { useView } from '../chrome/view.tsx';
import type { PageQuery } from '../filter/page-query.ts';
import type { TimeRange } from '../filter/time-range.ts';
import { fill } from '../words/fill.ts';
import { isMoving, searchOf } from './links.ts';
import { rangeNameOf } from './range-name.ts';

/** A view is an address with a name. */
interface SavedView {
  readonly name: string;
  readonly search: string;
}

export interface ViewListProps {
  readonly query: PageQuery;
  readonly range: TimeRange;
  readonly columns: readonly string[];
  onOpen(search: string): void;
  onClose(): void;
}

const none: SavedView[] = [];

/** Named views, kept in this browser. */
export default function ViewList({ query, range, columns, onOpen, onClose }: ViewListProps) {
  const { words, user } = useView();
  const [views, setViews] = useStored(`views ${user.name}`, none);
  const [name, setName] = useState('');
  const [isFixed, setFixed] = useState(false);
  const save = (event: FormEvent) => {
    event.preventDefault();
    const trimmed = name.trim();
    if (!trimmed) return;
    const fixedTo = isFixed ? range : undefined;
    const search = searchOf({ ...query, call: null }, { columns, fixedTo }) || '?';
    setViews((now) => [...now.filter((view) => view.name !== trimmed), { name: trimmed, search }]);
    setName('');
  };
  return (
    <div className="views">
      <ul>
        {views.map((view) => (
          <li key={view.name}>
            <button
              type="button"
              className="menu-item"
              onClick={() => {
                onOpen(view.search);
                onClose();
              }}
            >
              {view.name}
            </button>
            <button
              type="button"
              className="button-bare"
              aria-label={`${words.views.remove}: ${view.name}`}
              onClick={() => setViews((now) => now.filter((other) => other !== view))}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      {views.length === 0 && <p className="aside">{words.views.none}</p>}
      <form onSubmit={save} className="joined">
        <input
          value={name}
          maxLength={60}
          onChange={(event) => setName(event.target.value)}
          placeholder={words.views.name}
          aria-label={words.views.name}
        />
        <button type="submit" className="button button-main" disabled={name.trim() === ''}>
          {words.views.save}
        </button>
      </form>
      {isMoving(query) && (
        <label className="choice">
          <input type="checkbox" checked={isFixed} onChange={(event) => setFixed(event.target.checked)} />
          {fill(words.views.fixed, { name: rangeNameOf(query.range, words) })}
        </label>
      )}
    </div>
  );
}
