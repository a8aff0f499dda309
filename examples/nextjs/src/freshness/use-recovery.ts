'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { isPassing } from '../asking/ask-error.ts';
import type { Asked } from '../asking/use-answer.ts';
import type { Calls } from '../calls/use-calls.ts';
import type { FreshnessQuery } from '../generated/graphql.ts';
import { canAnswer } from './age.ts';

/**
 * While the standbys are well, whatever failed because they were not, or because nobody was signed in, is asked again: its
 * warning then goes by itself. Requests that failed for another reason are left to the reader.
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
        queryKey[0] !== 'calls' &&
        state.status === 'error' &&
        state.fetchStatus === 'idle' &&
        isPassing(state.error),
    });
    // Not all its pages again, but the one that failed.
    const isIdle = !now.calls.isLoading && !now.calls.isLoadingMore;
    if (now.calls.error !== null && isIdle && isPassing(now.calls.error)) now.calls.retry();
  }, [client, answer, error]);
}
