'use client';

import { useRef } from 'react';
import { type Asked, useAnswer } from '../asking/use-answer.ts';
import { barUnitOf, type TimeRange, type TimeUnit } from '../filter/time-range.ts';
import type { CdrFilter } from '../generated/graphql.ts';
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
export function useHistogram(
  filter: CdrFilter,
  present: TimeRange,
  { zone, everyMillis }: { readonly zone: string; readonly everyMillis: number | false },
): Histogram {
  const unit = barUnitOf(present);
  const asked = useAnswer(operations.histogram, { filter, unit, timeZone: zone }, { everyMillis });
  const drawn = useRef<{ bars: readonly Bar[]; range: TimeRange }>(undefined);
  if (asked.answer && !asked.isOld) {
    const { data, receivedAt } = asked.answer;
    const { rows } = data.cdrStats;
    // What has no end goes on until it was answered, or its last call was made by another clock.
    const end = Math.max(receivedAt, Date.parse(rows.at(-1)?.bucket ?? '1970') + 1);
    const range = filter.to ? present : { from: present.from, to: end };
    drawn.current = { bars: barsOf(rows, unit, range), range };
  }
  return { ...asked, bars: drawn.current?.bars ?? [], range: drawn.current?.range ?? present };
}

/** What a unit lasts, but for the days when clocks change. */
const unitMillis: Readonly<Record<TimeUnit, number>> = {
  MINUTE: 60_000,
  QUARTER_HOUR: 900_000,
  HOUR: 3_600_000,
  DAY: 86_400_000,
  WEEK: 7 * 86_400_000,
  MONTH: 30 * 86_400_000,
};

/** Buckets without calls are absent from the answer, and from the picture. */
function barsOf(
  rows: readonly { bucket: string | null; attempts: number | string; answered: number | string }[],
  unit: TimeUnit,
  range: TimeRange,
): Bar[] {
  const starts = rows.map(({ bucket }) => Date.parse(bucket!));
  return rows.map((row, index) => {
    const from = starts[index]!;
    const to = Math.min(starts[index + 1] ?? Number.POSITIVE_INFINITY, from + unitMillis[unit]);
    const answered = Number(row.answered);
    return {
      from: Math.max(from, range.from),
      to: Math.min(to, range.to),
      answered,
      failed: Number(row.attempts) - answered,
    };
  });
}
