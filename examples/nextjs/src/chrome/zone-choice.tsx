'use client';

import { useState } from 'react';
import { isZone } from '../formats.ts';
import { useView } from './view.tsx';

/** UTC, the reader's own, or any that the browser knows. */
export default function ZoneChoice({ zone, onZone }: { readonly zone: string; onZone(zone: string): void }) {
  const { words } = useView();
  const [text, setText] = useState('');
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const offered = [...new Set(['UTC', local, zone])];
  return (
    <form
      className="choices"
      onSubmit={(event) => {
        event.preventDefault();
        if (isZone(text.trim())) onZone(text.trim());
      }}
    >
      {offered.map((name) => (
        <label key={name} className="choice">
          <input type="radio" name="zone" checked={zone === name} onChange={() => onZone(name)} />
          {name}
          {name === local && <span className="aside"> {words.zone.local}</span>}
        </label>
      ))}
      <div className="joined">
        <input
          list="zones"
          value={text}
          onChange={(event) => setText(event.target.value)}
          placeholder="Europe/Paris"
          aria-label={words.zone.other}
        />
        <button type="submit" className="button" disabled={text === '' || !isZone(text.trim())}>
          {words.zone.use}
        </button>
      </div>
      <datalist id="zones">
        {Intl.supportedValuesOf('timeZone').map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </form>
  );
}
