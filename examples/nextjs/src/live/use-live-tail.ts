'use client';

import { useCallback, useEffect, useState } from 'react';
import type { Freshness } from '../asking/execute.ts';
import type { Listed } from '../calls/ask-page.ts';
import type { Calls } from '../calls/use-calls.ts';
import type { LiveRows } from './live-rows.ts';
import { type LiveState, useTold } from './use-told.ts';

export interface LiveTail extends Pick<LiveRows, 'waiting' | 'hasGap' | 'fresh'> {
  readonly isLive: boolean;
  readonly state: LiveState;
  /** It ended by itself, because nobody looked. */
  readonly wasPaused: boolean;
  /** Of the list that is shown, as far as it was told; undefined until it was. */
  readonly freshness: Freshness | undefined;
  readonly error: unknown;
  toggle(): void;
  /** Puts those that wait into the list. */
  take(): void;
}

export interface LiveTailOptions {
  readonly listed: Listed;
  readonly calls: Calls;
  readonly isAtTop: boolean;
  /** Something new can appear at the top of the list; else it ends by itself. */
  readonly canBeLive: boolean;
  onChange(isLive: boolean): void;
}

/**
 * Calls as they arrive, are corrected and go. While the reader is at the top they go into the list, else they wait: rows never
 * move under a reader's eyes. Ends by itself when the tab is hidden.
 */
export function useLiveTail({ listed, calls, isAtTop, canBeLive, onChange }: LiveTailOptions): LiveTail {
  const [isLive, setLive] = useState(false);
  const [wasPaused, setPaused] = useState(false);
  // Until the list itself is there, nothing can have happened to it.
  const isThere = calls.key === JSON.stringify(listed);
  const isFollowed = isLive && canBeLive && isThere;
  const { told, take, forget } = useTold({ listed, calls, isAtTop, isFollowed });

  const stop = useCallback(
    (paused: boolean) => {
      setLive(false);
      setPaused(paused);
      forget();
      onChange(false);
    },
    [forget, onChange],
  );
  useEffect(() => {
    if (!isLive) return;
    const hidden = () => document.hidden && stop(true);
    document.addEventListener('visibilitychange', hidden);
    return () => document.removeEventListener('visibilitychange', hidden);
  }, [isLive, stop]);

  useEffect(() => {
    if (isLive && !canBeLive) stop(false);
  }, [isLive, canBeLive, stop]);

  const toggle = useCallback(() => {
    if (isLive) return stop(false);
    setPaused(false);
    setLive(true);
    onChange(true);
  }, [isLive, stop, onChange]);

  const { rows, state, error, freshness } = told;
  return {
    isLive,
    state,
    wasPaused,
    waiting: rows.waiting,
    hasGap: rows.hasGap,
    fresh: rows.fresh,
    freshness: isFollowed ? freshness : undefined,
    error: isLive ? error : null,
    toggle,
    take,
  };
}
