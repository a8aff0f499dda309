'use client';

import { type SetStateAction, useCallback, useState } from 'react';

/** State that the browser remembers. What was stored by another version and does not fit is as good as nothing. */
export function useStored<T>(name: string, initial: T): [T, (change: SetStateAction<T>) => void] {
  const [value, setValue] = useState<T>(() => read(name, initial));
  const store = useCallback(
    (change: SetStateAction<T>) =>
      setValue((now) => {
        const next = typeof change === 'function' ? (change as (now: T) => T)(now) : change;
        write(name, next);
        return next;
      }),
    [name],
  );
  return [value, store];
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
