'use client';

import { useEffect, useState } from 'react';
import { Icon } from '../chrome/icon.tsx';
import { useView } from '../chrome/view.tsx';

export interface Copyable {
  readonly name: 'json' | 'graphql' | 'curl' | 'link' | 'fixedLink';
  /** Made when it is asked for. */
  text(): string | Promise<string>;
}

const SAID_MILLIS = 2000;

/** Buttons that copy, and say that they did. */
export default function CopyButtons({ items }: { readonly items: readonly Copyable[] }) {
  const { words } = useView();
  const [copied, setCopied] = useState<Copyable['name']>();
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(undefined), SAID_MILLIS);
    return () => clearTimeout(timer);
  }, [copied]);

  return (
    <div className="copies">
      <span className="copies-title">
        <Icon name="copy" />
        {words.copy.title}
      </span>
      {items.map(({ name, text }) => (
        <button
          key={name}
          type="button"
          className="button button-small"
          data-copy={name}
          onClick={async () => {
            await navigator.clipboard.writeText(await text());
            setCopied(name);
          }}
        >
          {copied === name ? words.copy.done : words.copy[name]}
        </button>
      ))}
      <span role="status" className="for-ears">
        {copied ? `${words.copy.done}: ${words.copy[copied]}` : ''}
      </span>
    </div>
  );
}
