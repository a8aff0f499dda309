'use client';

import { useView } from './view.tsx';

/** What the gateway says in its own language. To readers of another it is a hint: what it means is said in theirs beside it. */
export function GatewayWords({ text }: { readonly text: string | null | undefined }) {
  const { formats } = useView();
  if (!text) return null;
  const isTheirs = formats.locale.startsWith('en');
  return (
    <span className="aside" lang="en" data-hint={isTheirs ? undefined : text}>
      {isTheirs ? text : '…'}
    </span>
  );
}
