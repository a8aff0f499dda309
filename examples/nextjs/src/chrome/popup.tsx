'use client';

import { type ReactNode, type ToggleEvent, useEffect, useId, useRef, useState } from 'react';
import { Icon, type IconName } from './icon.tsx';

export interface PopupProps {
  /** Read aloud, and shown unless `iconOnly`. */
  readonly label: string;
  readonly icon?: IconName;
  readonly iconOnly?: boolean;
  readonly className?: string;
  /** What the button shows instead of the label. */
  readonly face?: ReactNode;
  readonly hint?: string;
  /** The keyboard shortcut's way in. */
  readonly buttonId?: string;
  /** Only made when it is open. */
  readonly children: (close: () => void) => ReactNode;
}

const MARGIN = 8;

/** A button and what it opens: the browser's own popover, so Escape and a click elsewhere close it, and focus returns. */
export function Popup({
  label,
  icon,
  iconOnly,
  className = 'button',
  face,
  hint,
  buttonId,
  children,
}: PopupProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);

  const toggled = (event: ToggleEvent<HTMLDivElement>) => {
    setOpen(event.newState === 'open');
  };

  // What is in it may come later: it is placed again, and gets the focus, when it does.
  useEffect(() => {
    const element = panel.current;
    if (!isOpen || !element) return;
    const observer = new ResizeObserver(() => {
      place(button.current, element);
      if (!element.contains(document.activeElement)) firstControlOf(element)?.focus();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [isOpen]);

  return (
    <>
      <button
        ref={button}
        id={buttonId}
        type="button"
        className={className}
        popoverTarget={id}
        aria-expanded={isOpen}
        aria-label={iconOnly || face ? label : undefined}
        data-hint={hint ?? (iconOnly ? label : undefined)}
      >
        {icon && <Icon name={icon} />}
        {face ?? (!iconOnly && <span className="word">{label}</span>)}
        {!iconOnly && <Icon name="down" />}
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        className="popup"
        role="dialog"
        aria-label={label}
        onToggle={toggled}
      >
        {isOpen && children(() => panel.current?.hidePopover())}
      </div>
    </>
  );
}

/** Below the button, or above it where there is no room; never beyond the window. */
function place(button: HTMLElement | null, panel: HTMLElement | null): void {
  if (!button || !panel) return;
  const from = button.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const left = Math.min(from.left, window.innerWidth - width - MARGIN);
  const below = from.bottom + 4;
  const fits = below + height <= window.innerHeight - MARGIN;
  panel.style.left = `${Math.max(MARGIN, left)}px`;
  panel.style.top = `${Math.max(MARGIN, fits ? below : Math.min(below, window.innerHeight - height - MARGIN))}px`;
}

function firstControlOf(panel: HTMLElement): HTMLElement | null {
  return panel.querySelector<HTMLElement>('input, select, button, a[href]');
}
