'use client';

import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Freshness } from '../asking/execute.ts';
import { useOwned } from '../asking/use-owned.ts';
import { askPage, type Listed } from '../calls/ask-page.ts';
import type { Calls } from '../calls/use-calls.ts';
import { afterLook, afterTake, type LiveRows, noLiveRows } from './live-rows.ts';

const EVERY_MILLIS = 2500;
/** Calls looked at each time; when all of them are new, others were missed in between. */
const LOOK_AT = 200;
/** So long a call counts as just appeared. */
const FRESH_MILLIS = 4000;

export interface LiveTail extends Pick<LiveRows, 'waiting' | 'hasGap' | 'fresh'> {
  readonly isLive: boolean;
  /** It ended by itself, because nobody looked. */
  readonly wasPaused: boolean;
  /** Of the last look at the list that is shown; undefined until there was one. */
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
 * Looks for new calls every few seconds. While the reader is at the top they go into the list, else they wait: rows never
 * move under a reader's eyes. Ends by itself when the tab is hidden.
 */
export function useLiveTail({ listed, calls, isAtTop, canBeLive, onChange }: LiveTailOptions): LiveTail {
  const [isLive, setLive] = useState(false);
  const [wasPaused, setPaused] = useState(false);
  const key = JSON.stringify(listed);
  const [rows, setRows] = useOwned(key, noLiveRows);

  const look = useQuery({
    queryKey: ['live', key],
    queryFn: ({ signal }) => askPage({ ...listed, size: LOOK_AT }, null, signal),
    enabled: isLive && canBeLive,
    refetchInterval: EVERY_MILLIS,
    gcTime: 0,
    retry: false,
  });

  const { add } = calls;
  const state = useRef({ calls, isAtTop, rows });
  state.current = { calls, isAtTop, rows };

  const { data } = look;
  // Until the list itself is there, nothing can have appeared in it.
  const canLook = isLive && calls.key === key;
  useEffect(() => {
    if (!canLook || !data) return;
    const now = state.current;
    const found = data.data.cdrs.nodes.filter((call) => call !== null);
    const { list, hasMore } = now.calls;
    const after = afterLook(now.rows, { found, size: LOOK_AT, list, hasMore, isAtTop: now.isAtTop });
    if (after.shown.length > 0) add(key, after.shown);
    setRows(key, () => after.rows);
  }, [canLook, data, key, add, setRows]);

  const { fresh, waiting } = rows;
  useEffect(() => {
    if (fresh.size === 0) return;
    const timer = setTimeout(
      () => setRows(key, (now) => ({ ...now, fresh: noLiveRows.fresh })),
      FRESH_MILLIS,
    );
    return () => clearTimeout(timer);
  }, [fresh, key, setRows]);

  const stop = useCallback(
    (paused: boolean) => {
      setLive(false);
      setPaused(paused);
      setRows(key, () => noLiveRows);
      onChange(false);
    },
    [key, onChange, setRows],
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
  const take = useCallback(() => {
    add(key, waiting);
    setRows(key, afterTake);
  }, [add, key, setRows, waiting]);

  return {
    isLive,
    wasPaused,
    waiting,
    hasGap: rows.hasGap,
    fresh,
    freshness: canLook && data ? data : undefined,
    error: isLive ? look.error : null,
    toggle,
    take,
  };
}
