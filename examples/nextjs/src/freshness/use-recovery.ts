'use client';

import { type QueryState, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { isPassing, mayPass } from '../asking/ask-error.ts';
import type { Answer } from '../asking/execute.ts';
import type { Asked } from '../asking/use-answer.ts';
import type { Calls } from '../calls/use-calls.ts';
import type { FreshnessQuery } from '../generated/graphql.ts';
import { canAnswer } from './age.ts';

/** A part that failed is requested again that much later: it may have failed because there is too much to do. */
const AGAIN_AFTER_MILLIS = 5000;

/**
 * While the standbys are well, whatever failed because they were not, or because nobody was signed in, is asked again: its
 * warning then goes by itself. So is an answer of which a part failed alone, where that may pass. Requests that failed for another reason are left to the reader.
 */
export function useRecovery(status: Asked<FreshnessQuery>, maxStaleness: number | null, calls: Calls): void {
  const client = useQueryClient();
  const latest = useRef({ calls, maxStaleness });
  latest.current = { calls, maxStaleness };
  const { answer, error } = status;
  useEffect(() => {
    const now = latest.current;
    if (error !== null || !answer || !canAnswer(answer.data.replicationStatus, now.maxStaleness)) return;
    client.refetchQueries({
      type: 'active',
      predicate: ({ queryKey, state }) =>
        queryKey[0] !== 'calls' && state.fetchStatus === 'idle' && isWorthAgain(state, Date.now()),
    });
    // Not all its pages again, but the one that failed.
    const isIdle = !now.calls.isLoading && !now.calls.isLoadingMore;
    if (now.calls.error !== null && isIdle && isPassing(now.calls.error)) now.calls.retry();
  }, [client, answer, error]);
}

/** Exported for its test. */
export function isWorthAgain(
  { status, error, data, dataUpdatedAt }: Pick<QueryState, 'status' | 'error' | 'data' | 'dataUpdatedAt'>,
  now: number,
): boolean {
  if (status === 'error') return isPassing(error);
  const { errors = [] } = (data ?? {}) as Partial<Answer<unknown>>;
  return errors.some(mayPass) && now - dataUpdatedAt >= AGAIN_AFTER_MILLIS;
}
