'use client';

import { useSyncExternalStore } from 'react';

/** As in globals.css. */
const QUERY = '(max-width: 600px)';

/** Whether the window is as narrow as a phone. */
export function useIsSmall(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => matchMedia(QUERY).matches,
    () => false,
  );
}

function subscribe(listener: () => void): () => void {
  const media = matchMedia(QUERY);
  media.addEventListener('change', listener);
  return () => media.removeEventListener('change', listener);
}
