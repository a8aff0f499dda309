'use client';

import { useEffect, useRef } from 'react';

const DELAY_MILLIS = 250;

/**
 * Shows the `data-hint` of what the pointer or the focus is on. One for the page: a table of a thousand cells needs no
 * thousand tooltips. What a hint says is also said elsewhere (the drawer, a label), so it is not read aloud twice.
 */
export function HintLayer() {
  const layer = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const hint = layer.current!;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hide = () => {
      clearTimeout(timer);
      if (hint.matches(':popover-open')) hint.hidePopover();
    };
    const show = (target: HTMLElement) => {
      hint.textContent = target.dataset.hint ?? '';
      hint.showPopover();
      const from = target.getBoundingClientRect();
      const { width, height } = hint.getBoundingClientRect();
      const above = from.top - height - 6;
      hint.style.left = `${Math.max(6, Math.min(from.left, window.innerWidth - width - 6))}px`;
      hint.style.top = `${above >= 6 ? above : from.bottom + 6}px`;
    };
    const consider = (event: Event) => {
      const target = (event.target as Element | null)?.closest<HTMLElement>('[data-hint]');
      hide();
      if (!target?.dataset.hint) return;
      if (event.type === 'focusin' && !target.matches(':focus-visible')) return;
      timer = setTimeout(() => target.isConnected && show(target), DELAY_MILLIS);
    };
    const onKey = (event: KeyboardEvent) => event.key === 'Escape' && hide();
    document.addEventListener('pointerover', consider);
    document.addEventListener('focusin', consider);
    document.addEventListener('pointerdown', hide);
    document.addEventListener('scroll', hide, { capture: true, passive: true });
    document.addEventListener('keydown', onKey);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('pointerover', consider);
      document.removeEventListener('focusin', consider);
      document.removeEventListener('pointerdown', hide);
      document.removeEventListener('scroll', hide, { capture: true });
      document.removeEventListener('keydown', onKey);
    };
  }, []);

  return <div ref={layer} popover="manual" className="hint" aria-hidden="true" />;
}
