'use client';

import { useEffect, useRef } from 'react';
import type { Call } from '../calls/call-list.ts';
import { asJson } from '../drawer/copies.ts';

/** Ctrl+C copies the row in focus as JSON, unless the reader has selected something else. */
export function useCopiedRow(call: Call | undefined): void {
  const latest = useRef(call);
  latest.current = call;
  useEffect(() => {
    const onCopy = (event: ClipboardEvent) => {
      const isInGrid = document.activeElement?.getAttribute('role') === 'grid';
      if (!isInGrid || !latest.current || !document.getSelection()?.isCollapsed) return;
      event.clipboardData?.setData('text/plain', asJson(latest.current));
      event.preventDefault();
    };
    document.addEventListener('copy', onCopy);
    return () => document.removeEventListener('copy', onCopy);
  }, []);
}
