'use client';

import { useRef } from 'react';
import { type Asked, useAnswer } from '../asking/use-answer.ts';
import { cutRange, MAX_SLICES, type TimeRange } from '../filter/time-range.ts';
import type { CdrFilter, HistogramSlicesQuery, HistogramSlicesQueryVariables } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';

/** One bar: the calls that connected in its time. */
export interface Bar extends TimeRange {
  readonly answered: number;
  readonly failed: number;
}

export interface Histogram extends Omit<Asked<unknown>, 'answer'> {
  readonly bars: readonly Bar[];
  /** What the bars stand for: the range before, until the present one is answered. */
  readonly range: TimeRange;
}

/** Calls over time, answered and failed. The whole range is asked for apart from the list: it may take longer, or fail. */
export function useHistogram(filter: CdrFilter, range: TimeRange, zone: string): Histogram {
  const cut = cutRange(range);
  const isSliced = 'slices' in cut;
  const byUnit = useAnswer(
    operations.histogram,
    { filter, unit: isSliced ? 'HOUR' : cut.unit, timeZone: zone },
    { enabled: !isSliced },
  );
  const bySlice = useAnswer(operations.histogramSlices, sliceVariables(filter, isSliced ? cut.slices : []), {
    enabled: isSliced,
  });
  const asked = isSliced ? bySlice : byUnit;
  const drawn = useRef<{ bars: readonly Bar[]; range: TimeRange }>(undefined);
  if (asked.answer && !asked.isOld) {
    const bars = isSliced
      ? barsOfSlices(cut.slices, bySlice.answer!.data)
      : barsOfUnits(byUnit.answer!.data.cdrStats.rows, cut.unit, range);
    drawn.current = { bars, range };
  }
  return { ...asked, bars: drawn.current?.bars ?? [], range: drawn.current?.range ?? range };
}

function sliceVariables(filter: CdrFilter, slices: readonly TimeRange[]): HistogramSlicesQueryVariables {
  const pairs = Array.from({ length: MAX_SLICES }, (_, index) => {
    const slice = slices[index];
    const given = slice && {
      ...filter,
      from: new Date(slice.from).toISOString(),
      to: new Date(slice.to).toISOString(),
    };
    return [
      [`filter${index}`, given ?? null],
      [`is${index}`, slice !== undefined],
    ];
  });
  return Object.fromEntries(pairs.flat()) as HistogramSlicesQueryVariables;
}

function barsOfSlices(slices: readonly TimeRange[], data: HistogramSlicesQuery): Bar[] {
  return slices.map((slice, index) => {
    const totals = data[`slice${index}` as keyof HistogramSlicesQuery]?.totals;
    return { ...slice, ...countsOf(totals ?? { attempts: 0, answered: 0 }) };
  });
}

/** What a unit lasts, but for the days when clocks change. */
const unitMillis = {
  HOUR: 3_600_000,
  DAY: 86_400_000,
  WEEK: 7 * 86_400_000,
  MONTH: 30 * 86_400_000,
} as const;

/** Buckets without calls are absent from the answer, and from the picture. */
function barsOfUnits(
  rows: readonly { bucket: string | null; attempts: number | string; answered: number | string }[],
  unit: keyof typeof unitMillis,
  range: TimeRange,
): Bar[] {
  const starts = rows.map(({ bucket }) => Date.parse(bucket!));
  return rows.map((row, index) => {
    const from = starts[index]!;
    const to = Math.min(starts[index + 1] ?? Number.POSITIVE_INFINITY, from + unitMillis[unit]);
    return { from: Math.max(from, range.from), to: Math.min(to, range.to), ...countsOf(row) };
  });
}

function countsOf(counts: { attempts: number | string; answered: number | string }) {
  const answered = Number(counts.answered);
  return { answered, failed: Number(counts.attempts) - answered };
}
