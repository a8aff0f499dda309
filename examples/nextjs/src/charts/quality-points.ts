import { type Shift, sameTimeBefore } from '../filter/period.ts';
import type { TimeRange, TimeUnit } from '../filter/time-range.ts';
import type { QualityMeasuresFragment } from '../generated/graphql.ts';
import { bucketAt, bucketsOf, rowsByBucket } from './buckets.ts';

export const qualityMeasures = ['asr', 'ner', 'acdSeconds', 'pddSeconds', 'callsPerSecond'] as const;
export type QualityMeasure = (typeof qualityMeasures)[number];

/** Null where there is nothing to measure: a quarter of an hour without calls has no ASR, least of all 0 %. */
export type QualityValues = Readonly<Record<QualityMeasure, number | null>>;

export type QualityRow = QualityMeasuresFragment & { readonly bucket: string | null };

export interface QualityPoint extends TimeRange {
  readonly now: QualityValues;
  /** At the same time of the period before; undefined where it has none. */
  readonly before: QualityValues | undefined;
  readonly beforeFrom: number | undefined;
}

export interface QualityRows {
  readonly range: TimeRange;
  readonly rows: readonly QualityRow[];
}

/** One point for each bucket of the range, and beside it what was measured at the same time of the period before. */
export function qualityPoints(
  now: QualityRows,
  before: QualityRows | undefined,
  { shift, unit, zone }: { readonly shift: Shift; readonly unit: TimeUnit; readonly zone: string },
): QualityPoint[] {
  const buckets = bucketsOf(now.range, unit, zone);
  const rows = rowsByBucket(buckets, now.rows);
  const earlier = before ? bucketsOf(before.range, unit, zone) : [];
  const earlierRows = rowsByBucket(earlier, before?.rows ?? []);
  return buckets.map(({ from, to }, index) => {
    const sameTime = sameTimeBefore(from, shift, zone);
    const place = sameTime === undefined ? -1 : bucketAt(earlier, sameTime);
    const bucket = earlier[place];
    return {
      from,
      to,
      now: valuesOf(rows.get(index), to - from),
      before: bucket && valuesOf(earlierRows.get(place), bucket.to - bucket.from),
      beforeFrom: bucket?.from,
    };
  });
}

/** Of the calls that connected in so many milliseconds. */
export function valuesOf(row: QualityMeasuresFragment | undefined, millis: number): QualityValues {
  return {
    asr: row?.asr ?? null,
    ner: row?.ner ?? null,
    acdSeconds: row?.acdSeconds ?? null,
    pddSeconds: row?.pddSeconds ?? null,
    callsPerSecond: (Number(row?.attempts ?? 0) * 1000) / millis,
  };
}

/** Parts of a line: from a point with a value to the last one before there is none. */
export function runsOf(
  values: readonly (number | null | undefined)[],
): { readonly from: number; readonly to: number }[] {
  const runs: { from: number; to: number }[] = [];
  values.forEach((value, index) => {
    if (value == null) return;
    const last = runs.at(-1);
    if (last?.to === index) last.to = index + 1;
    else runs.push({ from: index, to: index + 1 });
  });
  return runs;
}

const nice = [1, 2, 3, 5, 10];
const niceSeconds = [60, 120, 180, 300, 600, 900, 1800, 3600, 7200];

/**
 * The highest value that an axis is to show. Of lengths a few may be many times all others, one call of two hours at night:
 * the line is cut at the top there, so that the others are not flat.
 */
export function highestShown(
  values: readonly (number | null | undefined)[],
  kind: 'percent' | 'seconds' | 'rate',
): { readonly highest: number; readonly isCut: boolean } {
  const sorted = values.filter((value) => value != null).sort((one, other) => one - other);
  const highest = sorted.at(-1) ?? 0;
  const usual = 1.5 * (sorted[Math.floor(sorted.length * 0.97)] ?? 0);
  const isCut = kind === 'seconds' && usual > 0 && highest > 2 * usual;
  return { highest: isCut ? usual : highest, isCut };
}

/** The top of an axis from 0: a value that people count in, not below the highest. */
export function axisTop(highest: number, kind: 'percent' | 'seconds' | 'rate'): number {
  if (kind === 'percent') return 100;
  if (!(highest > 0)) return 1;
  if (kind === 'seconds' && highest > 30) {
    return niceSeconds.find((top) => top >= highest) ?? Math.ceil(highest / 3600) * 3600;
  }
  const power = 10 ** Math.floor(Math.log10(highest));
  // 3 × 0.1 is a little more than 0.3.
  const top = nice.find((factor) => factor * power >= highest * (1 - 1e-9)) ?? 10;
  return Number((top * power).toPrecision(3));
}
