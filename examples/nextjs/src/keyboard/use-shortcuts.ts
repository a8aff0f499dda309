'use client';

import { useEffect, useRef } from 'react';

/** Keys, separated by spaces, and what each of them does. */
export type Shortcuts = readonly (readonly [keys: string, act: () => void])[];

/** Keys that move in a control that has the focus: there they are the control's. */
const moving = /^(Arrow|Page|Home|End|Enter)/;

/**
 * Listens on the whole page, whatever has the focus, but for fields, modal dialogs and popups, and keys with Ctrl, Alt or
 * Meta. Single letters can be switched off, for those who speak to their computer.
 */
export function useShortcuts(shortcuts: Shortcuts, lettersWork: boolean): void {
  const latest = useRef({ shortcuts, lettersWork });
  latest.current = { shortcuts, lettersWork };

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      const now = latest.current;
      const found = now.shortcuts.find(([keys]) => keys.split(' ').includes(event.key));
      if (!found) return;
      if (event.key.length === 1 && !now.lettersWork) return;
      const target = targetOf(event);
      if (target.closest('input, select, textarea, [contenteditable]')) return;
      if (moving.test(event.key) && !target.closest('[role=grid]') && target !== document.body) return;
      if (moving.test(event.key) && target.closest('button, a[href]')) return;
      if (document.querySelector('dialog:modal, [popover]:popover-open:not(.hint)')) return;
      event.preventDefault();
      found[1]();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

/** A popup that closes takes its field away, and for a moment that still has the focus: such a key is for the page. */
function targetOf({ target }: KeyboardEvent): Element {
  return target instanceof Element && target.checkVisibility() ? target : document.body;
}
