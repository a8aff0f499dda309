'use client';

import { useCallback, useEffect, useMemo, useState } from 'react';
import { troubleKind } from './asking/ask-error.ts';
import { useAnswer } from './asking/use-answer.ts';
import { listedOf, type Page } from './calls/ask-page.ts';
import { useCalls } from './calls/use-calls.ts';
import { useHistogram } from './charts/use-histogram.ts';
import { type FacetPart, useSums } from './charts/use-sums.ts';
import { useView } from './chrome/view.tsx';
import { type PageQuery, rangeOf } from './filter/page-query.ts';
import { endsNow } from './filter/time-range.ts';
import { useFreshness } from './freshness/freshness-badge.tsx';
import { useRecovery } from './freshness/use-recovery.ts';
import * as operations from './generated/operations.ts';
import { useLiveTail } from './live/use-live-tail.ts';

/** More than this the page does not hold, whatever the gateway would give. */
const MAX_ROWS = 1_000_000;
/** While the list is live, its sums follow so often. */
const LIVE_SUMS_MILLIS = 15_000;

/** Everything the page knows: what is asked, and the answers. */
export function useExplorer(
  query: PageQuery,
  {
    firstNow,
    first,
    hasFacets,
  }: {
    readonly firstNow: number;
    readonly first: { readonly key: string; readonly page: Page } | undefined;
    readonly hasFacets: boolean;
  },
) {
  const { formats } = useView();
  const [now, setNow] = useState(firstNow);
  const [sumsNow, setSumsNow] = useState(firstNow);
  const [isAtTop, setAtTop] = useState(true);
  const [isListLive, setListLive] = useState(false);
  const [opened, setOpened] = useState<readonly FacetPart[]>([]);
  // What appears now is in no range of the past, and not at the end of a list that begins with its oldest call.
  const canBeLive =
    query.order === 'newest' && query.from === null && query.to === null && endsNow(query.range);
  const isOpen = isListLive && canBeLive;

  const maxStaleness = query.fresh;
  const range = useMemo(() => rangeOf(query, now), [query, now]);
  const listed = useMemo(
    () => listedOf(query, range, { maxStaleness, isOpen }),
    [query, range, maxStaleness, isOpen],
  );
  // While the list is live, the sums are of the same calls: from where it begins, without an end. So the same is requested
  // again, which costs nothing as long as nothing has changed.
  const everyMillis: number | false = isOpen ? LIVE_SUMS_MILLIS : false;
  const sumsRange = useMemo(
    () => (isOpen ? { from: range.from, to: Math.max(range.to, sumsNow) } : range),
    [range, isOpen, sumsNow],
  );

  const calls = useCalls(listed, first);
  const tiles = useSums({
    query,
    range: { from: range.from, to: isOpen ? null : range.to },
    hasFacets,
    opened,
    maxStaleness,
    everyMillis,
  });
  const histogram = useHistogram(listed.filter, sumsRange, { zone: formats.zone, everyMillis });
  const freshness = useFreshness();
  const viewer = useAnswer(operations.viewer, {} as never);
  useRecovery(freshness, maxStaleness, calls);

  const refresh = useCallback(() => {
    const at = Date.now();
    setNow(at);
    setSumsNow(at);
  }, []);
  const changeLive = useCallback(
    (isLive: boolean) => {
      setListLive(isLive);
      // Up to now in either case: what appeared while it was live stays in the range.
      refresh();
    },
    [refresh],
  );
  const live = useLiveTail({ listed, calls, isAtTop, canBeLive, onChange: changeLive });
  useEffect(() => {
    if (!isListLive) return;
    const timer = setInterval(() => setSumsNow(Date.now()), LIVE_SUMS_MILLIS);
    return () => clearInterval(timer);
  }, [isListLive]);

  const errors = [freshness, calls, tiles, histogram, viewer, live].map(({ error }) => error);
  const total = tiles.isOld ? null : Number(tiles.answer?.data.cdrStats.totals.attempts ?? 0);
  return {
    range,
    sumsRange,
    everyMillis,
    /** Facets of which more values are wanted. */
    opened,
    openFacet: (part: FacetPart, isOpen: boolean) =>
      setOpened((now) => [...now.filter((other) => other !== part), ...(isOpen ? [part] : [])]),
    listed,
    calls,
    tiles,
    /** Of the filter, by currency; of an earlier one until its sums are there. */
    amounts: tiles.answer?.data.cdrStats.totals.amountsByCurrency ?? [],
    histogram,
    freshness,
    live,
    /** Of the calls that are shown: while the list is live, of the last look at it. */
    shownFreshness: live.freshness ?? calls.freshness,
    /** Said once for the whole page: whatever is asked for, the answer is the same. */
    signedOut: errors.find((error) => error !== null && troubleKind(error) === 'signedOut') ?? null,
    /** Exact where the sums are there, else by the planner's statistics. */
    expected: total ?? calls.estimated,
    isEstimate: total === null,
    most: Math.min(MAX_ROWS, viewer.answer?.data.viewer.maxPage ?? MAX_ROWS),
    maxPage: viewer.answer?.data.viewer.maxPage ?? MAX_ROWS,
    maxStaleness,
    setAtTop,
    refresh,
  };
}
