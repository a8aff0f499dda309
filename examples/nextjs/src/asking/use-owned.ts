'use client';

import { useCallback, useRef, useState } from 'react';

/** A value that belongs to the request with the key. */
export interface Owned<T> {
  readonly key: string;
  readonly value: T;
}

/** The value, where it belongs to the request with the key; of every other request it is nobody's, and the initial one. */
export function ownedBy<T>(owned: Owned<T>, key: string, initial: T): T {
  return owned.key === key ? owned.value : initial;
}

/** What `change` makes of it, on behalf of the request `of`; unchanged where another request is the present one. */
export function changeOwned<T>(
  owned: Owned<T>,
  { of, present, initial }: { readonly of: string; readonly present: string; readonly initial: T },
  change: (now: T) => T,
): Owned<T> {
  return of === present ? { key: present, value: change(ownedBy(owned, present, initial)) } : owned;
}

/**
 * State that lives as long as one request is the present one. Whoever writes says on behalf of which request: what was
 * read for an earlier one can then never reach a later one, however late it comes. `initial` must not change.
 */
export function useOwned<T>(
  key: string,
  initial: T,
): readonly [T, (of: string, change: (now: T) => T) => void] {
  const [owned, setOwned] = useState<Owned<T>>({ key, value: initial });
  const present = useRef({ key, initial });
  present.current.key = key;
  const change = useCallback((of: string, next: (now: T) => T) => {
    setOwned((now) => {
      const { key: presentKey, initial: first } = present.current;
      return changeOwned(now, { of, present: presentKey, initial: first }, next);
    });
  }, []);
  return [ownedBy(owned, key, initial), change];
}
