'use client';

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useRef } from 'react';
import type { Operation } from '../generated/operations.ts';
import { type Answer, ask } from './execute.ts';

export interface Asked<Result, Variables = unknown> {
  /** The latest answer there was, perhaps to an earlier query. */
  readonly answer: Answer<Result> | undefined;
  /** What the answer was asked with: what it means is to be read from these, never from what is asked for now. */
  readonly variables: Variables | undefined;
  /** The answer belongs to an earlier query. */
  readonly isOld: boolean;
  readonly isLoading: boolean;
  readonly error: unknown;
  retry(): void;
}

export interface AnswerOptions {
  readonly enabled?: boolean;
  readonly maxStaleness?: number | null;
  /** Ask again so often, while the tab is visible. */
  readonly everyMillis?: number | false;
}

/** One operation's answer; the one before stays until the next is there, also when that fails. */
export function useAnswer<Result, Variables>(
  operation: Operation<Result, Variables>,
  variables: Variables,
  { enabled = true, maxStaleness = null, everyMillis = false }: AnswerOptions = {},
): Asked<Result, Variables> {
  const key = JSON.stringify([variables, maxStaleness]);
  const query = useQuery({
    queryKey: [operation, key],
    queryFn: ({ signal }) => ask(operation, variables, { signal, maxStaleness }),
    enabled,
    placeholderData: keepPreviousData,
    refetchInterval: everyMillis,
  });
  const lastGood = useRef<{ key: string; variables: Variables; answer: Answer<Result> }>(undefined);
  if (query.data && !query.isPlaceholderData) lastGood.current = { key, variables, answer: query.data };
  return {
    answer: lastGood.current?.answer,
    variables: lastGood.current?.variables,
    isOld: lastGood.current?.key !== key,
    isLoading: query.isFetching,
    error: query.error,
    retry: () => void query.refetch(),
  };
}
