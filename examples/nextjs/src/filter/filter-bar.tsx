'use client';

import dynamic from 'next/dynamic';
import { useEffect, useRef, useState } from 'react';
import { Popup } from '../chrome/popup.tsx';
import { useView } from '../chrome/view.tsx';
import { AccountPicker } from './account-picker.tsx';
import { type MatchKind, parsePattern, printPattern } from './number-pattern.ts';
import { callTypes, type PageQuery } from './page-query.ts';
import { SearchField } from './search-field.tsx';
import type { TimeRange } from './time-range.ts';

const OutcomeChoices = dynamic(() => import('./outcome-choices.tsx'), { ssr: false });
const RareFilters = dynamic(() => import('./rare-filters.tsx'), { ssr: false });

export interface FilterBarProps {
  readonly query: PageQuery;
  readonly range: TimeRange;
  /** In a narrow window they are folded until they are wanted. */
  readonly isOpen: boolean;
  onChange(change: Partial<PageQuery>): void;
}

/** So long after the last key a number is asked for. */
const TYPING_MILLIS = 350;
const matchKinds: readonly MatchKind[] = ['startsWith', 'is', 'endsWith', 'contains'];

/** What the old screens could filter by, and what the gateway can on top of it. */
export function FilterBar({ query, range, isOpen, onChange }: FilterBarProps) {
  const { words, user } = useView();
  return (
    <div className="filters" id="filters" role="search" data-open={isOpen || undefined}>
      {!user.masked && <SearchField texts={query.search} onChange={(search) => onChange({ search })} />}
      <NumberField name="cld" value={query.cld} onChange={(cld) => onChange({ cld })} />
      <NumberField name="cli" value={query.cli} onChange={(cli) => onChange({ cli })} />
      <label className="field">
        <span>{words.filters.type}</span>
        <select
          id="call-type"
          value={query.type}
          onChange={(event) => onChange({ type: event.target.value as PageQuery['type'] })}
        >
          {callTypes.map((type) => (
            <option key={type} value={type}>
              {words.types[type]}
            </option>
          ))}
        </select>
      </label>
      <OutcomePicker query={query} onChange={onChange} />
      {user.role === 'admin' && <AccountPicker query={query} range={range} onChange={onChange} />}
      <MoreFilters query={query} onChange={onChange} />
    </div>
  );
}

interface NumberFieldProps {
  readonly name: 'cli' | 'cld';
  readonly value: string;
  onChange(value: string): void;
}

/** A number, and how it is compared. A `*` that is typed means what it means in a link. */
function NumberField({ name, value, onChange }: NumberFieldProps) {
  const { words, user, countryCode } = useView();
  const given = parsePattern(value);
  const [text, setText] = useState(given?.digits ?? '');
  const [kind, setKind] = useState<MatchKind>(given?.kind ?? 'startsWith');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const sent = useRef(value);
  /** Of the typing that counts: how numbers are read is loaded on the way, and may come after another key. */
  const turn = useRef(0);

  // From outside: a link, a click on a value, "clear".
  useEffect(() => {
    if (value === sent.current) return;
    turn.current++;
    clearTimeout(timer.current);
    sent.current = value;
    const pattern = parsePattern(value);
    setText(pattern?.digits ?? '');
    if (pattern) setKind(pattern.kind);
  }, [value]);
  useEffect(() => {
    // Whoever goes back does not want what they were typing.
    const forget = () => {
      turn.current++;
      clearTimeout(timer.current);
      setText(parsePattern(sent.current)?.digits ?? '');
    };
    window.addEventListener('popstate', forget);
    return () => {
      turn.current++;
      clearTimeout(timer.current);
      window.removeEventListener('popstate', forget);
    };
  }, []);

  const send = (typed: string, how: MatchKind, wait: number) => {
    clearTimeout(timer.current);
    const mine = ++turn.current;
    const now = async () => {
      const pattern = parsePattern(typed);
      const asTyped = pattern && !typed.includes('*') ? { ...pattern, kind: how } : pattern;
      const { storedPattern } = await import('./stored-number.ts');
      if (mine !== turn.current) return;
      const next = asTyped ? printPattern(storedPattern(asTyped, countryCode)) : '';
      sent.current = next;
      onChange(next);
    };
    timer.current = setTimeout(now, wait);
  };

  return (
    <div className="field field-number">
      <label htmlFor={`number-${name}`}>{words.columns[name]}</label>
      <div className="joined">
        <select
          aria-label={`${words.columns[name]}: ${words.filters.how}`}
          value={kind}
          disabled={user.masked}
          onChange={(event) => {
            setKind(event.target.value as MatchKind);
            send(text, event.target.value as MatchKind, 0);
          }}
        >
          {matchKinds.map((how) => (
            <option key={how} value={how}>
              {words.filters.match[how]}
            </option>
          ))}
        </select>
        <input
          id={`number-${name}`}
          type="search"
          inputMode="tel"
          autoComplete="off"
          spellCheck={false}
          placeholder={name === 'cld' ? '336…' : '331…'}
          value={text}
          disabled={user.masked}
          onChange={(event) => {
            setText(event.target.value);
            send(event.target.value, kind, TYPING_MILLIS);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') send(text, kind, 0);
            else if (event.key === 'Escape') event.currentTarget.blur();
          }}
        />
      </div>
    </div>
  );
}

interface PickerProps {
  readonly query: PageQuery;
  onChange(change: Partial<PageQuery>): void;
}

function OutcomePicker({ query, onChange }: PickerProps) {
  const { words } = useView();
  const { outcome } = query;
  const face =
    outcome.length === 0 ? words.filters.anyResult : outcome.map((name) => words.outcomes[name]).join(', ');
  return (
    <div className="field">
      <span aria-hidden="true">{words.filters.result}</span>
      <Popup
        label={`${words.filters.result}: ${face}`}
        className="button button-select"
        buttonId="filter-button"
        face={<span className="select-face">{face}</span>}
      >
        {() => <OutcomeChoices query={query} onChange={onChange} />}
      </Popup>
    </div>
  );
}

/** The rarer ones. */
function MoreFilters({ query, onChange }: PickerProps) {
  const { words } = useView();
  const count = [query.min, query.max, query.ip || null, query.callId || null].filter(
    (value) => value !== null,
  ).length;
  return (
    <Popup
      label={count > 0 ? `${words.filters.more} (${count})` : words.filters.more}
      icon="filter"
      className={`button button-bottom${count > 0 ? ' button-on' : ''}`}
    >
      {() => <RareFilters query={query} onChange={onChange} />}
    </Popup>
  );
}
