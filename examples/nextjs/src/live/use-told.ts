'use client';

import { useCallback, useEffect, useRef } from 'react';
import type { Freshness } from '../asking/execute.ts';
import { useOwned } from '../asking/use-owned.ts';
import { askPage, type Listed } from '../calls/ask-page.ts';
import type { CallStep } from '../calls/call-changes.ts';
import type { Call } from '../calls/call-list.ts';
import type { Calls } from '../calls/use-calls.ts';
import type { LiveCallsSubscription } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import {
  afterAWhile,
  afterLook,
  afterMessage,
  afterTake,
  type LiveRows,
  noLiveRows,
  type Reading,
} from './live-rows.ts';
import { Paced } from './paced.ts';
import { freshnessOf, tooOld } from './told-age.ts';

/**
 * How a list is kept up to date: `told` by the gateway as calls come, `polled` every few seconds where they cannot be told,
 * or not at all while the connection is `lost`.
 */
export type LiveState = 'beginning' | 'told' | 'polled' | 'lost';

/** What is known of a list since it is followed. */
export interface ToldList {
  readonly rows: LiveRows;
  readonly state: LiveState;
  readonly error: unknown;
  /** Undefined until something was told. */
  readonly freshness: Freshness | undefined;
}

const nothingTold: ToldList = { rows: noLiveRows, state: 'beginning', error: null, freshness: undefined };

/** Calls looked at each time; when all of them are new, others were missed in between. */
const LOOK_AT = 200;
const POLL_MILLIS = 2500;
/** So long a call counts as just appeared. */
const FRESH_MILLIS = 4000;
/** The list changes no more often, however often something is told: a reader could not follow. */
const CHANGE_MILLIS = 250;

type FeedMessage = LiveCallsSubscription['cdrs'];

export interface ToldOptions {
  readonly listed: Listed;
  readonly calls: Calls;
  readonly isAtTop: boolean;
  readonly isFollowed: boolean;
}

/** Follows what happens to the calls of the list that is shown. A list that is shown no more is told nothing. */
export function useTold({ listed, calls, isAtTop, isFollowed }: ToldOptions) {
  const key = JSON.stringify(listed);
  const [told, setTold] = useOwned(key, nothingTold);
  const present = useRef({ key, rows: noLiveRows, listed, calls, isAtTop });
  const rows = present.current.key === key ? present.current.rows : noLiveRows;
  present.current = { key, rows, listed, calls, isAtTop };

  /** Notes what has become of the rows of the list with the key, and of the list itself. */
  const act = useCallback(
    (of: string, next: Next) => {
      const now = present.current;
      if (now.key !== of) return;
      const { rows, step } = next(now.rows);
      const appeared = new Set([...rows.fresh].filter((id) => !now.rows.fresh.has(id)));
      now.rows = rows;
      setTold(of, (known) => ({ ...known, rows }));
      if (step && !isEmpty(step)) now.calls.change(of, step);
      if (appeared.size === 0) return;
      setTimeout(() => act(of, (later) => ({ rows: afterAWhile(later, appeared) })), FRESH_MILLIS);
    },
    [setTold],
  );

  useEffect(() => {
    if (!isFollowed) return;
    const leaving = new AbortController();
    void followList({
      listed: present.current.listed,
      signal: leaving.signal,
      reading() {
        const { calls, isAtTop } = present.current;
        return { list: calls.list, hasMore: calls.hasMore, isAtTop };
      },
      act: (next) => act(key, next),
      note: (known) => setTold(key, (before) => ({ ...before, ...known })),
    });
    return () => leaving.abort();
  }, [isFollowed, key, act, setTold]);

  const take = useCallback(() => act(key, afterTake), [act, key]);
  const forget = useCallback(() => {
    present.current.rows = noLiveRows;
    setTold(key, () => nothingTold);
  }, [key, setTold]);
  return { told, take, forget };
}

/** What follows for the rows, and for the list itself. */
type Next = (rows: LiveRows) => { readonly rows: LiveRows; readonly step?: CallStep };

interface Following {
  readonly listed: Listed;
  readonly signal: AbortSignal;
  reading(): Reading;
  act(next: Next): void;
  note(known: Partial<ToldList>): void;
}

async function followList({ listed, signal, reading, act, note }: Following): Promise<void> {
  const messages = new Paced<ToldMessage>(CHANGE_MILLIS, signal, (all) => {
    for (const { message } of all) act((rows) => afterMessage(rows, { ...callsOf(message), ...reading() }));
    const { message, sentAt } = all.at(-1)!;
    const error = tooOld(message, listed.maxStaleness);
    note({ state: 'told', error, freshness: freshnessOf(message, sentAt) });
  });
  const { followFeed } = await import('./follow-feed.ts');
  await followFeed<FeedMessage>({
    operation: operations.liveCalls,
    filter: listed.filter,
    signal,
    pollMillis: POLL_MILLIS,
    async look(begin) {
      const page = await askPage({ ...listed, size: LOOK_AT }, null, signal, begin?.position);
      if (signal.aborted) return;
      const found = page.data.cdrs.nodes.filter((call) => call !== null);
      act((rows) => afterLook(rows, { found, size: LOOK_AT, ...reading() }));
      if (!begin) note({ freshness: page });
    },
    onMessage: (message, sentAt) => messages.push({ message, sentAt }),
    onGap: () => act((rows) => ({ rows: { ...rows, hasGap: true } })),
    onLost(error) {
      messages.flush();
      note({ state: 'lost', error });
    },
    onRefused: (error) => note({ state: 'polled', error }),
  });
}

interface ToldMessage {
  readonly message: FeedMessage;
  readonly sentAt: number;
}

/** A call that cannot be shown is a gap. */
function callsOf({ inserted, corrected, deletedIds, gap }: FeedMessage) {
  const isThere = (call: Call | null) => call !== null;
  return {
    inserted: inserted.filter(isThere),
    corrected: corrected.filter(isThere),
    deletedIds,
    hasGap: gap !== null || !inserted.every(isThere) || !corrected.every(isThere),
  };
}

function isEmpty({ appeared, corrected, gone }: CallStep): boolean {
  return appeared.length + corrected.length + gone.length === 0;
}
