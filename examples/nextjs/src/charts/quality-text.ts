import type { View } from '../chrome/view.tsx';
import type { TimeUnit } from '../filter/time-range.ts';
import { fill } from '../words/fill.ts';
import type { QualityMeasure, QualityPoint } from './quality-points.ts';

export const measureKinds = {
  asr: 'percent',
  ner: 'percent',
  acdSeconds: 'seconds',
  pddSeconds: 'seconds',
  callsPerSecond: 'rate',
} as const satisfies Record<QualityMeasure, string>;

export function sayQuality(measure: QualityMeasure, value: number | null, { formats }: View): string {
  if (value === null) return formats.percent(null);
  if (measureKinds[measure] === 'percent') return formats.percent(value);
  if (measureKinds[measure] === 'seconds') return formats.seconds(value);
  return formats.decimal(String(Number(value.toPrecision(3))), 6);
}

export function sayTick(measure: QualityMeasure, value: number, view: View): string {
  if (measureKinds[measure] === 'seconds' && value >= 60) return view.formats.clock(value);
  return sayQuality(measure, value, view);
}

export function sayPoint(
  measure: QualityMeasure,
  { from, now, before }: QualityPoint,
  unit: TimeUnit,
  view: View,
): string {
  const { words } = view;
  const say = (value: number | null | undefined) =>
    value == null ? words.quality.noCalls : sayQuality(measure, value, view);
  return fill(words.quality.point, {
    time: timeOf(from, unit, view),
    value: say(now[measure]),
    before: say(before?.[measure]),
  });
}

/** The time that a bucket is called by. */
export function timeOf(at: number, unit: TimeUnit, { formats }: View): string {
  return unit === 'MINUTE' || unit === 'QUARTER_HOUR' || unit === 'HOUR'
    ? formats.minute(at)
    : formats.day(at);
}
