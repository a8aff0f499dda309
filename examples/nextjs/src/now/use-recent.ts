'use client';

import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { Freshness } from '../asking/execute.ts';
import { useOwned } from '../asking/use-owned.ts';
import type { CdrFilter, RecentFeedSubscription } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { followFeed } from '../live/follow-feed.ts';
import { Paced } from '../live/paced.ts';
import { freshnessOf } from '../live/told-age.ts';
import type { LiveState } from '../live/use-told.ts';
import { askRecent } from './ask-recent.ts';
import { CallWindow, type Figures, WINDOW_MILLIS } from './call-window.ts';

type FeedMessage = RecentFeedSubscription['cdrs'];

/** The last minutes, as far as they are known. */
export interface RecentState {
  readonly state: LiveState;
  /** Undefined until something is known. */
  readonly figures: Figures | undefined;
  readonly freshness: Freshness | undefined;
  readonly error: unknown;
}

export interface Recent extends RecentState {
  /** Begins anew, at once. */
  retry(): void;
}

const nothingKnown: RecentState = {
  state: 'beginning',
  figures: undefined,
  freshness: undefined,
  error: null,
};

/** Figures change no more often, however often something is told. */
const CHANGE_MILLIS = 500;
const POLL_MILLIS = 5000;

/**
 * The calls of the last minutes that pass the filter, which names no time: read once where the feed begins, and kept from what
 * it tells since. Nobody is told while nobody looks.
 */
export function useRecent(filter: CdrFilter, maxPage: number): Recent {
  const key = JSON.stringify([filter, maxPage]);
  const [recent, setRecent] = useOwned(key, nothingKnown);
  const [tries, setTries] = useState(0);
  const isSeen = useSyncExternalStore(onVisibility, () => !document.hidden);
  const asked = useRef({ filter, maxPage });
  asked.current = { filter, maxPage };

  // biome-ignore lint/correctness/useExhaustiveDependencies: another try begins anew
  useEffect(() => {
    if (!isSeen) return;
    const leaving = new AbortController();
    const { signal } = leaving;
    const { filter, maxPage } = asked.current;
    const calls = new CallWindow();
    let to = 0;
    const note = (known: Partial<RecentState>) => setRecent(key, (before) => ({ ...before, ...known }));
    const changes = new Paced<Freshness>(CHANGE_MILLIS, signal, (all) => {
      note({ state: 'told', error: null, figures: calls.figures(to), freshness: all.at(-1)! });
    });
    const look = async (message?: FeedMessage) => {
      const until = timeOf(message?.asOf);
      const from = (until ?? Date.now()) - WINDOW_MILLIS;
      const readAfter = message?.position;
      const { since, freshness, ...read } = await askRecent(filter, { from, readAfter, maxPage, signal });
      if (signal.aborted) return;
      calls.replace(read.calls, since);
      // By the clock of the databases, where it is known.
      to = Math.max(to, until ?? timeOf(freshness.replica?.asOf) ?? Date.now());
      note({ figures: calls.figures(to), freshness });
    };
    void followFeed<FeedMessage>({
      operation: operations.recentFeed,
      filter,
      signal,
      pollMillis: POLL_MILLIS,
      look,
      async onMessage(message, sentAt) {
        // What could not be told is read again.
        if (message.gap) await look(message);
        calls.put([...message.inserted, ...message.corrected].filter((call) => call !== null));
        calls.remove(message.deletedIds);
        to = Math.max(to, timeOf(message.asOf) ?? to);
        changes.push(freshnessOf(message, sentAt));
      },
      onLost(error) {
        changes.flush();
        note({ state: 'lost', error });
      },
      onRefused: (error) => note({ state: 'polled', error }),
    });
    return () => leaving.abort();
  }, [key, isSeen, tries, setRecent]);

  const retry = useCallback(() => setTries((before) => before + 1), []);
  return { ...recent, retry };
}

function timeOf(instant: string | null | undefined): number | undefined {
  return instant ? Date.parse(instant) : undefined;
}

function onVisibility(listener: () => void): () => void {
  document.addEventListener('visibilitychange', listener);
  return () => document.removeEventListener('visibilitychange', listener);
}
