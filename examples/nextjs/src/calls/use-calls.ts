'use client';

import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo, useRef, useState } from 'react';
import type { AnswerError, ReplicaInfo } from '../asking/execute.ts';
import { askPage, estimateOf, type Listed, nextCursor, type Page } from './ask-page.ts';
import { type Call, type CallList, joinLists, mergeNewest, noCalls } from './call-list.ts';
import { type StreamState, useStream } from './use-stream.ts';

/** The list, as the table and the drawer see it. */
export interface Calls {
  readonly list: CallList;
  /** How many there are, by the planner's statistics; null when it was not told. */
  readonly estimated: number | null;
  /** More can be read by scrolling on. */
  readonly hasMore: boolean;
  /** Nothing is left to read. */
  readonly isWhole: boolean;
  /** The rows belong to an earlier question: the present one has no answer yet, or failed. */
  readonly isOld: boolean;
  readonly isFirstLoad: boolean;
  readonly isLoading: boolean;
  readonly isLoadingMore: boolean;
  readonly error: unknown;
  /** What the answers could not hold, each with its reason. */
  readonly partial: readonly AnswerError[];
  /** Which standby answered last, and when the answer was here by the browser's clock. */
  readonly replica: ReplicaInfo | null;
  readonly receivedAt: number | null;
  readonly stream: StreamState | null;
  loadMore(): void;
  /** Everything that is left, up to `most` calls in all, in one streamed answer. */
  loadAll(most: number): void;
  cancel(): void;
  retry(): void;
  /** Puts calls that appeared meanwhile into the list. */
  add(appeared: readonly Call[]): void;
}

const noPages: readonly Page[] = [];

/** Pages by cursor, the rest as a stream when asked for, and what live tail adds. */
export function useCalls(
  listed: Listed | undefined,
  first?: { readonly key: string; readonly page: Page },
): Calls {
  const client = useQueryClient();
  const key = listed ? JSON.stringify(listed) : '';
  const queryKey = useMemo(() => ['calls', key], [key]);
  const query = useInfiniteQuery({
    queryKey,
    enabled: listed !== undefined,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => askPage(listed!, pageParam, signal),
    getNextPageParam: nextCursor,
    placeholderData: keepPreviousData,
    ...(first?.key === key && { initialData: { pages: [first.page], pageParams: [null] } }),
  });

  // A question that failed has no data, not even those of the one before: the old rows are kept here.
  const lastGood = useRef({ key: '', pages: noPages });
  if (query.data && !query.isPlaceholderData) lastGood.current = { key, pages: query.data.pages };
  const { key: shownKey, pages } = lastGood.current;
  const isOld = shownKey !== key && pages.length > 0;

  const { streamed, start, cancel: cancelStream } = useStream();
  const stream = streamed?.key === shownKey ? streamed : undefined;
  const [appeared, setAppeared] = useState<{ key: string; calls: readonly Call[] }>({ key: '', calls: [] });

  const paged = useMemo(() => {
    const calls = pages.flatMap(({ data }) => data.cdrs.nodes.filter((call) => call !== null));
    return appeared.key === shownKey && appeared.calls.length > 0
      ? mergeNewest(calls, appeared.calls)
      : calls;
  }, [pages, appeared, shownKey]);
  // The stream grows in place; a new `stream` says that it has.
  const list = useMemo(() => joinLists(paged, stream?.calls ?? noCalls), [paged, stream]);

  const { fetchNextPage, hasNextPage, isFetching, isFetchingNextPage, isFetchNextPageError, refetch } = query;
  const canPage = stream === undefined && !isOld && hasNextPage;
  const loadMore = useCallback(() => {
    if (!isFetching && !isFetchNextPageError) fetchNextPage();
  }, [isFetching, isFetchNextPageError, fetchNextPage]);
  const loadAll = useCallback(
    (most: number) => {
      const last = pages.at(-1);
      if (listed && last) start(listed, nextCursor(last) ?? null, Math.max(0, most - paged.length));
    },
    [listed, pages, paged.length, start],
  );
  const retry = useCallback(() => {
    if (isFetchNextPageError) fetchNextPage();
    else refetch();
  }, [isFetchNextPageError, fetchNextPage, refetch]);
  const cancel = useCallback(() => {
    cancelStream();
    client.cancelQueries({ queryKey });
  }, [cancelStream, client, queryKey]);
  const add = useCallback(
    (calls: readonly Call[]) =>
      setAppeared((known) => ({ key, calls: known.key === key ? mergeNewest(known.calls, calls) : calls })),
    [key],
  );

  const last = pages.at(-1);
  return {
    list,
    estimated: estimateOf(pages[0]),
    hasMore: canPage,
    isWhole: stream
      ? stream.state.kind === 'whole' && stream.state.rows < stream.state.wanted
      : query.data !== undefined && !isOld && !hasNextPage,
    isOld,
    isFirstLoad: pages.length === 0 && query.isPending,
    isLoading: isFetching && !isFetchingNextPage,
    isLoadingMore: isFetchingNextPage,
    error: query.error,
    partial: useMemo(() => pages.flatMap(({ errors }) => errors), [pages]),
    replica: last?.replica ?? null,
    receivedAt: last?.receivedAt ?? null,
    stream: stream?.state ?? null,
    loadMore,
    loadAll,
    cancel,
    retry,
    add,
  };
}
