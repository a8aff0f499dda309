'use client';

import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import type { AnswerError } from 'cdr-gateway-client';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import type { Freshness } from '../asking/execute.ts';
import { useOwned } from '../asking/use-owned.ts';
import { askPage, estimateOf, type Listed, nextCursor, type Page } from './ask-page.ts';
import { type CallStep, changePages, changeStreamed, noChanges, withStep } from './call-changes.ts';
import { type CallList, joinLists, noCalls } from './call-list.ts';
import { type StreamState, useStream } from './use-stream.ts';

/** The list, as the table and the drawer see it. */
export interface Calls {
  /** Of the request that the rows belong to. */
  readonly key: string;
  readonly list: CallList;
  /** How many there are, by the planner's statistics; null when it was not told, or only of an earlier query. */
  readonly estimated: number | null;
  /** More can be read by scrolling on. */
  readonly hasMore: boolean;
  /** Nothing is left to read. */
  readonly isWhole: boolean;
  /** The rows belong to an earlier query: the present one has no answer yet, or failed. */
  readonly isOld: boolean;
  readonly isFirstLoad: boolean;
  readonly isLoading: boolean;
  readonly isLoadingMore: boolean;
  readonly error: unknown;
  /** What the answers could not hold, each with its reason. */
  readonly partial: readonly AnswerError[];
  /** Of the first page: what is listed is not newer than it, however late the pages behind it came. */
  readonly freshness: Freshness | undefined;
  readonly receivedAt: number | null;
  readonly stream: StreamState | null;
  loadMore(): void;
  /** Everything that is left, up to `most` calls in all, in one streamed answer. */
  loadAll(most: number): void;
  cancel(): void;
  retry(): void;
  /** Changes the list of the request with the key, where it is the present one. */
  change(of: string, step: CallStep): void;
}

const noPages: readonly Page[] = [];

/** Pages by cursor, the rest as a stream when asked for, and what live tail changes. */
export function useCalls(listed: Listed, first?: { readonly key: string; readonly page: Page }): Calls {
  const client = useQueryClient();
  const key = JSON.stringify(listed);
  const queryKey = useMemo(() => ['calls', key], [key]);
  const query = useInfiniteQuery({
    queryKey,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => askPage(listed, pageParam, signal),
    getNextPageParam: nextCursor,
    placeholderData: keepPreviousData,
    ...(first?.key === key && { initialData: { pages: [first.page], pageParams: [null] } }),
  });

  // A query that failed has no data, not even those of the one before: the old rows are kept here.
  const lastGood = useRef({ key: '', pages: noPages });
  if (query.data && !query.isPlaceholderData) lastGood.current = { key, pages: query.data.pages };
  const { key: shownKey, pages } = lastGood.current;
  const isOld = shownKey !== key && pages.length > 0;

  const { streamed, start, cancel: cancelStream } = useStream();
  const stream = streamed?.key === shownKey ? streamed : undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another request ends the stream of the one before
  useEffect(() => cancelStream, [key, cancelStream]);
  const [changes, setChanges] = useOwned(shownKey, noChanges);

  const { fetchNextPage, hasNextPage, isFetching, isFetchingNextPage, isFetchNextPageError, refetch } = query;
  const canPage = stream === undefined && !isOld && hasNextPage;
  const last = pages.at(-1);
  const hasNextBehind = stream === undefined && last !== undefined && nextCursor(last) !== undefined;
  const paged = useMemo(() => {
    const calls = pages.flatMap(({ data }) => data.cdrs.nodes.filter((call) => call !== null));
    return changePages(calls, changes, hasNextBehind);
  }, [pages, changes, hasNextBehind]);
  // The stream grows in place; a new `stream` says that it has.
  const list = useMemo(
    () => joinLists(paged, stream ? changeStreamed(stream.calls, changes) : noCalls),
    [paged, stream, changes],
  );

  const loadMore = useCallback(() => {
    if (!isFetching && !isFetchNextPageError) fetchNextPage();
  }, [isFetching, isFetchNextPageError, fetchNextPage]);
  const loadAll = useCallback(
    (most: number) => {
      // Behind the rows of an earlier request there is nothing of this one.
      if (last && shownKey === key) start(listed, nextCursor(last) ?? null, Math.max(0, most - paged.length));
    },
    [listed, key, shownKey, last, paged.length, start],
  );
  const retry = useCallback(() => {
    if (isFetchNextPageError) fetchNextPage();
    else refetch();
  }, [isFetchNextPageError, fetchNextPage, refetch]);
  const cancel = useCallback(() => {
    cancelStream();
    client.cancelQueries({ queryKey });
  }, [cancelStream, client, queryKey]);
  const change = useCallback(
    (of: string, step: CallStep) => setChanges(of, (known) => withStep(known, step)),
    [setChanges],
  );

  return {
    key: shownKey,
    list,
    estimated: isOld ? null : estimateOf(pages[0]),
    hasMore: canPage,
    isWhole:
      !isOld &&
      (stream
        ? stream.state.kind === 'whole' && stream.state.rows < stream.state.wanted
        : query.data !== undefined && !hasNextPage),
    isOld,
    isFirstLoad: pages.length === 0 && query.isPending,
    isLoading: isFetching && !isFetchingNextPage,
    isLoadingMore: isFetchingNextPage,
    error: query.error,
    partial: useMemo(() => pages.flatMap(({ errors }) => errors), [pages]),
    freshness: pages[0],
    receivedAt: last?.receivedAt ?? null,
    stream: stream?.state ?? null,
    loadMore,
    loadAll,
    cancel,
    retry,
    change,
  };
}
