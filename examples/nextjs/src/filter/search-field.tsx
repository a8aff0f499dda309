'use client';

import { useEffect, useRef, useState } from 'react';
import { useView } from '../chrome/view.tsx';

export interface SearchFieldProps {
  readonly texts: readonly string[];
  onChange(texts: string[]): void;
}

/** So long after the last key it is looked for. */
const TYPING_MILLIS = 350;
/** Longer is no Call-ID. */
const MAX_CHARACTERS = 256;

/** One field for whatever somebody has of a call: its number, however it is written, or its Call-ID. */
export function SearchField({ texts, onChange }: SearchFieldProps) {
  const { words, countryCode } = useView();
  const [text, setText] = useState(shownText(texts));
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const sent = useRef(texts.join());
  /** Of the typing that counts: how numbers are read is loaded on the way, and may come after another key. */
  const turn = useRef(0);
  const joined = texts.join();

  // From outside: a link, "clear", a step back.
  useEffect(() => {
    if (joined === sent.current) return;
    turn.current++;
    clearTimeout(timer.current);
    sent.current = joined;
    setText(shownText(texts));
  }, [joined, texts]);
  useEffect(() => {
    const forget = () => {
      turn.current++;
      clearTimeout(timer.current);
    };
    window.addEventListener('popstate', forget);
    return () => {
      forget();
      window.removeEventListener('popstate', forget);
    };
  }, []);

  const send = (typed: string, wait: number) => {
    clearTimeout(timer.current);
    const mine = ++turn.current;
    timer.current = setTimeout(async () => {
      const { searchTexts } = await import('./search-texts.ts');
      if (mine !== turn.current) return;
      const next = searchTexts(typed, countryCode);
      sent.current = next.join();
      onChange(next);
    }, wait);
  };

  return (
    <div className="field field-search">
      <label htmlFor="search">{words.filters.search}</label>
      <input
        id="search"
        type="search"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        maxLength={MAX_CHARACTERS}
        placeholder={words.filters.searchExample}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          send(event.target.value, TYPING_MILLIS);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') send(text, 0);
          else if (event.key === 'Escape') event.currentTarget.blur();
        }}
      />
    </div>
  );
}

/** Of a link: the number as it is stored, without the star of a beginning, which is how it is read again. */
function shownText(texts: readonly string[]): string {
  const [first = ''] = texts;
  if (/^\+?\d+$/.test(first)) return `"${first}"`;
  return first.replace(/^(\+?\d+)\*$/, '$1');
}
