'use client';

import { useMemo, useRef } from 'react';
import { errorAt } from '../asking/execute.ts';
import { type Asked, useAnswer } from '../asking/use-answer.ts';
import { rangeWithin } from '../filter/gateway-limits.ts';
import { previousRange, type Shift, shiftOf } from '../filter/period.ts';
import type { MovingRange, TimeRange, TimeUnit } from '../filter/time-range.ts';
import type { CdrFilter, QualityQuery } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { lineUnitOf, type Step } from './buckets.ts';
import { type QualityPoint, type QualityValues, qualityPoints, valuesOf } from './quality-points.ts';

export interface QualityOptions {
  /** Of a time range. */
  filterOf(range: TimeRange): CdrFilter;
  readonly range: TimeRange;
  /** What the range is called, or was before it was narrowed. */
  readonly rangeName: MovingRange;
  readonly step: Step;
  readonly zone: string;
}

/** What is drawn, all of one answer. */
export interface DrawnQuality {
  readonly range: TimeRange;
  readonly previous: TimeRange;
  readonly unit: TimeUnit;
  readonly points: readonly QualityPoint[];
  readonly total: QualityValues;
  /** Undefined: the period before could not be read, or there was none. */
  readonly totalBefore: QualityValues | undefined;
  readonly attempts: number;
  /** Why the period before is not there. */
  readonly previousError: unknown;
}

export interface Quality extends Omit<Asked<unknown>, 'answer'> {
  readonly drawn: DrawnQuality | undefined;
}

/** Quality over time beside that of the period before. What was drawn stays until the next answer is there. */
export function useQuality({ filterOf, range, rangeName, step, zone }: QualityOptions): Quality {
  const unit = lineUnitOf(range, step);
  const shift = useMemo(() => shiftOf(range, rangeName, zone), [range, rangeName, zone]);
  const previous = useMemo(() => previousRange(range, shift, zone), [range, shift, zone]);
  // Before 1970 there are no calls, and the gateway takes no such time.
  const previousPart = rangeWithin(previous);
  const asked = useAnswer(operations.quality, {
    filter: filterOf(range),
    previousFilter: previousPart ? filterOf(previousPart) : null,
    hasPrevious: previousPart !== undefined,
    unit,
    timeZone: zone,
  });
  const drawn = useRef<{ readonly answer: unknown; readonly quality: DrawnQuality }>(undefined);
  if (asked.answer && !asked.isOld && drawn.current?.answer !== asked.answer) {
    const { data } = asked.answer;
    const cause = data.previous === null ? errorAt(asked.answer, 'previous') : null;
    const quality = drawnOf(data, { range, previous, shift, unit, zone });
    drawn.current = { answer: asked.answer, quality: { ...quality, previousError: cause } };
  }
  return { ...asked, drawn: drawn.current?.quality };
}

type Data = { readonly cdrStats: NonNullable<QualityQuery['cdrStats']> } & Pick<QualityQuery, 'previous'>;

function drawnOf(
  { cdrStats: now, previous: before }: Data,
  how: {
    readonly range: TimeRange;
    readonly previous: TimeRange;
    readonly shift: Shift;
    readonly unit: TimeUnit;
    readonly zone: string;
  },
): Omit<DrawnQuality, 'previousError'> {
  const { range, previous, unit } = how;
  return {
    range,
    previous,
    unit,
    points: qualityPoints(
      { range, rows: now.rows },
      before ? { range: previous, rows: before.rows } : undefined,
      how,
    ),
    total: valuesOf(now.totals, range.to - range.from),
    totalBefore: before ? valuesOf(before.totals, previous.to - previous.from) : undefined,
    attempts: Number(now.totals.attempts),
  };
}
