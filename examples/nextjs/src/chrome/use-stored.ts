'use client';

import { type SetStateAction, useCallback, useState } from 'react';

/** State that the browser remembers. What was stored by another version and does not fit is as good as nothing. */
export function useStored<T>(name: string, initial: T): [T, (change: SetStateAction<T>) => void] {
  const [stored, setStored] = useState(() => ({ name, value: read(name, initial) }));
  // Another name is another state.
  if (stored.name !== name) setStored({ name, value: read(name, initial) });
  const store = useCallback(
    (change: SetStateAction<T>) =>
      setStored((now) => {
        const value = typeof change === 'function' ? (change as (now: T) => T)(now.value) : change;
        write(name, value);
        return { name, value };
      }),
    [name],
  );
  return [stored.value, store];
}

function read<T>(name: string, initial: T): T {
  if (typeof window === 'undefined') return initial;
  try {
    const value: unknown = JSON.parse(localStorage.getItem(name) ?? 'null');
    if (value === null || typeof value !== typeof initial || Array.isArray(value) !== Array.isArray(initial))
      return initial;
    if (typeof value !== 'object' || Array.isArray(value)) return value as T;
    const hasAll = Object.keys(initial as object).every((key) => key in value);
    return hasAll ? (value as T) : initial;
  } catch {
    return initial;
  }
}

/** A full or forbidden storage is no reason to stop. */
function write(name: string, value: unknown): void {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {}
}
