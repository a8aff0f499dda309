import type { Stage } from './stage.ts';
import { median } from './statistics.ts';
import type { Workload } from './workload.ts';

export type Verdict = 'pass' | 'FAIL' | 'not run' | '';

/** One line of the table. */
export interface Line {
  /** What was measured. */
  readonly title: string;
  /** Empty for a line that is only shown. */
  readonly target: string;
  readonly measured: string;
  readonly verdict: Verdict;
  /** How it came about: medians with their spread, one per line of the report. */
  readonly notes: readonly string[];
  /** An SVG that shows it. */
  readonly picture?: string;
}

/** One of the targets, or several that are measured together. */
export interface Row {
  /** For `--rows`. */
  readonly name: string;
  /** What it measures, for progress, and for the table when nothing could be measured. */
  readonly title: string;
  /** Throws SideMissingError when a side is missing without which there is nothing to say. */
  measure(stage: Stage): Promise<readonly Line[]>;
  /** The gateway's part of it, for `--against`; missing where that is not a matter of time. */
  workloads?(stage: Stage): readonly Workload[] | Promise<readonly Workload[]>;
}

export const judge = (isMet: boolean): Verdict => (isMet ? 'pass' : 'FAIL');

/** "283 ms (270–301)": the median, then the smallest and the largest. */
export function millis(sample: readonly number[]): string {
  return `${shortMillis(median(sample))} ms (${shortMillis(Math.min(...sample))}–${shortMillis(Math.max(...sample))})`;
}

export function shortMillis(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export const times = (ratio: number): string => `${ratio.toFixed(ratio >= 10 ? 1 : 2)}×`;

/** Of the medians; then the ratios of the runs that followed one another, smallest to largest. */
export function computeRatio(
  measured: readonly number[],
  reference: readonly number[],
): { ratio: number; spread: string } {
  const pairs = measured.map((value, index) => value / (reference[index] ?? Number.NaN));
  return {
    ratio: median(measured) / median(reference),
    spread: `run by run ${times(Math.min(...pairs))}–${times(Math.max(...pairs))}`,
  };
}

export const count = (number: number): string => number.toLocaleString('en');
