'use client';

import { useEffect, useRef } from 'react';
import { Icon } from '../chrome/icon.tsx';
import { useView } from '../chrome/view.tsx';

/** Keys, and which words of `words.keys` say what they do. */
const keys = [
  ['j ↓', 'down'],
  ['k ↑', 'up'],
  ['PgUp PgDn', 'page'],
  ['Home End', 'ends'],
  ['Enter', 'open'],
  ['← →', 'step'],
  ['Esc', 'close'],
  ['/', 'search'],
  ['f', 'filter'],
  ['t', 'time'],
  ['u', 'zone'],
  ['r', 'refresh'],
  ['l', 'live'],
  ['e', 'export'],
  ['Ctrl C', 'copy'],
  ['?', 'help'],
] as const;

export interface HelpDialogProps {
  readonly lettersWork: boolean;
  onLetters(work: boolean): void;
  onClose(): void;
}

export default function HelpDialog({ lettersWork, onLetters, onClose }: HelpDialogProps) {
  const { words } = useView();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    if (!element.open) element.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="help-title" onClose={onClose}>
      <header>
        <h2 id="help-title">{words.keys.title}</h2>
        <button
          type="button"
          className="button button-icon"
          aria-label={words.close}
          onClick={() => dialog.current?.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      <dl className="keys">
        {keys.map(([key, name]) => (
          <div key={name}>
            <dt>
              {key.split(' ').map((part) => (
                <kbd key={part}>{words.keys.names[part as keyof typeof words.keys.names] ?? part}</kbd>
              ))}
            </dt>
            <dd>{words.keys[name]}</dd>
          </div>
        ))}
      </dl>
      <label className="choice">
        <input type="checkbox" checked={lettersWork} onChange={(event) => onLetters(event.target.checked)} />
        {words.keys.letters}
      </label>
      <p className="aside">{words.keys.histogram}</p>
    </dialog>
  );
}
