'use client';

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useAnswer } from './asking/use-answer.ts';
import { listedOf, type Page } from './calls/ask-page.ts';
import { useCalls } from './calls/use-calls.ts';
import { useCost } from './charts/use-cost.ts';
import { useHistogram } from './charts/use-histogram.ts';
import { useView } from './chrome/view.tsx';
import { cdrFilterOf } from './filter/cdr-filter.ts';
import { type Question, rangeOf } from './filter/question.ts';
import { useKnownValues } from './filter/use-known-values.ts';
import { useFreshness } from './freshness/freshness-badge.tsx';
import * as operations from './generated/operations.ts';
import { useLiveTail } from './live/use-live-tail.ts';

/** More than this the page does not hold, whatever the gateway would give. */
const MOST_ROWS = 1_000_000;
/** While the list is live, its sums follow so often. */
const LIVE_SUMS_MILLIS = 15_000;

/** Everything the page knows: what is asked, and the answers. */
export function useExplorer(
  question: Question,
  firstNow: number,
  first: { readonly key: string; readonly page: Page } | undefined,
) {
  const { formats } = useView();
  const [now, setNow] = useState(firstNow);
  const [sumsNow, setSumsNow] = useState(firstNow);
  const [maxStaleness, setMaxStaleness] = useState<number | null>(null);
  const [isAtTop, setAtTop] = useState(true);
  const [isListLive, setListLive] = useState(false);

  const range = useMemo(() => rangeOf(question, now), [question, now]);
  const sumsRange = useMemo(() => rangeOf(question, sumsNow), [question, sumsNow]);
  const { known, ...knowing } = useKnownValues(question, range);
  const listed = useMemo(
    () => (known ? listedOf(question, range, { known, maxStaleness, isOpen: isListLive }) : undefined),
    [question, range, known, maxStaleness, isListLive],
  );
  const sumsFilter = useMemo(
    () => known && cdrFilterOf(question, sumsRange, known),
    [question, sumsRange, known],
  );

  const calls = useCalls(listed, first);
  const tiles = useAnswer(
    operations.tiles,
    { filter: sumsFilter ?? {} },
    { enabled: sumsFilter !== undefined, maxStaleness },
  );
  const cost = useCost(tiles, sumsFilter);
  const histogram = useHistogram(sumsFilter, sumsRange, formats.zone);
  const freshness = useFreshness();
  const viewer = useAnswer(operations.viewer, {} as never);
  const live = useLiveTail(listed, calls, isAtTop, setListLive);

  const refresh = useCallback(() => {
    const at = Date.now();
    setNow(at);
    setSumsNow(at);
  }, []);
  useEffect(() => {
    if (!isListLive) return;
    const timer = setInterval(() => setSumsNow(Date.now()), LIVE_SUMS_MILLIS);
    return () => clearInterval(timer);
  }, [isListLive]);

  // The gateway is back: what failed meanwhile is asked again by itself.
  const wasDown = useRef(false);
  const isDown = freshness.error !== null;
  const retryAll = useRef(() => {});
  retryAll.current = () => {
    for (const asked of [calls, tiles, histogram, viewer]) if (asked.error !== null) asked.retry();
  };
  useEffect(() => {
    if (wasDown.current && !isDown) retryAll.current();
    wasDown.current = isDown;
  }, [isDown]);

  const total = tiles.isOld ? null : Number(tiles.answer?.data.cdrStats.totals.attempts ?? 0);
  return {
    range,
    sumsFilter,
    listed,
    known,
    knowing,
    calls,
    tiles,
    cost,
    histogram,
    freshness,
    live,
    /** Exact where the sums are there, else by the planner's statistics. */
    expected: total ?? calls.estimated,
    isEstimate: total === null,
    most: Math.min(MOST_ROWS, viewer.answer?.data.viewer.maxPage ?? MOST_ROWS),
    maxPage: viewer.answer?.data.viewer.maxPage ?? MOST_ROWS,
    maxStaleness,
    setMaxStaleness,
    setAtTop,
    refresh,
  };
}
