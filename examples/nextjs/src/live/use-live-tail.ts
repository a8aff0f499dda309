'use client';

import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { askPage, type Listed } from '../calls/ask-page.ts';
import type { Call, CallList } from '../calls/call-list.ts';
import type { Calls } from '../calls/use-calls.ts';

const EVERY_MILLIS = 2500;
/** Calls looked at each time; when all of them are new, others were missed in between. */
const LOOK_AT = 200;
/** So long a call counts as just appeared. */
const FRESH_MILLIS = 4000;

export interface LiveTail {
  readonly isLive: boolean;
  /** It ended by itself, because nobody looked. */
  readonly wasPaused: boolean;
  /** Appeared, and not in the list yet: the reader is further down. */
  readonly waiting: readonly Call[];
  /** More came than one look can see: the list has a gap. */
  readonly hasGap: boolean;
  readonly fresh: ReadonlySet<string>;
  readonly error: unknown;
  toggle(): void;
  /** Puts those that wait into the list. */
  take(): void;
}

const none: ReadonlySet<string> = new Set();

/**
 * Looks for new calls every few seconds. While the reader is at the top they go into the list, else they wait: rows never
 * move under a reader's eyes. Ends by itself when the tab is hidden.
 */
export function useLiveTail(
  listed: Listed | undefined,
  calls: Calls,
  isAtTop: boolean,
  onChange: (isLive: boolean) => void,
): LiveTail {
  const [isLive, setLive] = useState(false);
  const [wasPaused, setPaused] = useState(false);
  const [waiting, setWaiting] = useState<readonly Call[]>([]);
  const [hasGap, setGap] = useState(false);
  const [fresh, setFresh] = useState(none);
  const seen = useRef(new Set<string>());

  const look = useQuery({
    queryKey: ['live', listed ? JSON.stringify(listed) : ''],
    queryFn: ({ signal }) => askPage({ ...listed!, size: LOOK_AT }, null, signal),
    enabled: isLive && listed !== undefined,
    refetchInterval: EVERY_MILLIS,
    gcTime: 0,
    retry: false,
  });

  const { list, add } = calls;
  const show = useCallback(
    (appeared: readonly Call[]) => {
      add(appeared);
      setFresh(new Set(appeared.map(({ id }) => id)));
    },
    [add],
  );
  const state = useRef({ list, isAtTop, waiting, show });
  state.current = { list, isAtTop, waiting, show };

  const { data } = look;
  useEffect(() => {
    if (!isLive || !data) return;
    const now = state.current;
    const found = data.data.cdrs.nodes.filter((call) => call !== null);
    for (const id of firstIds(now.list, found.length + LOOK_AT)) seen.current.add(id);
    const appeared = found.filter(({ id }) => !seen.current.has(id));
    if (found.length === LOOK_AT && appeared.length === LOOK_AT && now.list.length > 0) setGap(true);
    for (const { id } of appeared) seen.current.add(id);
    if (appeared.length === 0) return;
    if (now.isAtTop) now.show([...now.waiting, ...appeared]);
    setWaiting(now.isAtTop ? [] : [...now.waiting, ...appeared]);
  }, [isLive, data]);

  useEffect(() => {
    if (fresh.size === 0) return;
    const timer = setTimeout(() => setFresh(none), FRESH_MILLIS);
    return () => clearTimeout(timer);
  }, [fresh]);

  const stop = useCallback(
    (paused: boolean) => {
      setLive(false);
      setPaused(paused);
      setWaiting([]);
      setGap(false);
      onChange(false);
    },
    [onChange],
  );
  useEffect(() => {
    if (!isLive) return;
    const hidden = () => document.hidden && stop(true);
    document.addEventListener('visibilitychange', hidden);
    return () => document.removeEventListener('visibilitychange', hidden);
  }, [isLive, stop]);

  const toggle = useCallback(() => {
    if (isLive) return stop(false);
    seen.current = new Set();
    setPaused(false);
    setLive(true);
    onChange(true);
  }, [isLive, stop, onChange]);
  const take = useCallback(() => {
    show(waiting);
    setWaiting([]);
  }, [show, waiting]);

  return { isLive, wasPaused, waiting, hasGap, fresh, error: isLive ? look.error : null, toggle, take };
}

function firstIds(list: CallList, count: number): string[] {
  const ids: string[] = [];
  for (let index = 0; index < Math.min(count, list.length); index++) {
    const call = list.at(index);
    if (call) ids.push(call.id);
  }
  return ids;
}
