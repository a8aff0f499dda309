import type { Terms } from './billing.ts';
import type { FailureName } from './failures.ts';

/** Ways of using a switch that look different in every statistic. */
export type AccountKind = 'dialler' | 'conversational' | 'wholesale';

/** One lognormal part of a mixture of durations. */
export interface DurationPart {
  readonly weight: number;
  readonly medianSeconds: number;
  readonly sigma: number;
}

/** Figures of one kind of account. Assumptions, tuned to published totals of real accounts. */
export interface Preset {
  /** Answered share of attempts: one figure, or a range from which every route draws its own. */
  readonly answerRatio: number | readonly [least: number, most: number];
  readonly durations: readonly DurationPart[];
  readonly failures: readonly (readonly [FailureName, weight: number])[];
  /** Seconds from the attempt to the first ringing. */
  readonly postDialDelay: { readonly median: number; readonly sigma: number };
  /** Share of answered calls that the called side ends. */
  readonly endedByCallee: number;
  /** Relative traffic per local hour, 0 to 23. */
  readonly hours: readonly number[];
  /** Relative traffic per weekday, Sunday first. */
  readonly weekdays: readonly number[];
  readonly terms: Terms;
}

export const presets: Readonly<Record<AccountKind, Preset>> = {
  dialler: {
    answerRatio: 0.66,
    durations: [
      { weight: 0.82, medianSeconds: 2.5, sigma: 0.7 },
      { weight: 0.155, medianSeconds: 9, sigma: 0.6 },
      { weight: 0.025, medianSeconds: 60, sigma: 1 },
    ],
    failures: [
      ['noAnswer', 20],
      ['notResponding', 15],
      ['busy', 20],
      ['cancelled', 15],
      ['unallocated', 10],
      ['declined', 6],
      ['noCircuit', 3],
      ['temporaryFailure', 2],
      ['noRoutes', 2],
      ['noRate', 2],
      ['tooManyCalls', 3],
      ['noBalance', 2],
    ],
    postDialDelay: { median: 1.5, sigma: 0.5 },
    endedByCallee: 0.65,
    hours: [0, 0, 0, 0, 0, 0, 0, 0.2, 4, 8, 12, 12, 8, 5, 10, 12, 12, 10, 6, 3, 0.3, 0, 0, 0],
    weekdays: [0.005, 1, 1, 1, 1, 1, 0.25],
    terms: { interval1: 1, intervalN: 1, connectFee: 0, priceFactor: 1000 },
  },
  conversational: {
    answerRatio: 0.55,
    durations: [
      { weight: 0.15, medianSeconds: 4, sigma: 0.8 },
      { weight: 0.85, medianSeconds: 75, sigma: 1.2 },
    ],
    failures: [
      ['cancelled', 40],
      ['noAnswer', 16],
      ['notResponding', 6],
      ['busy', 18],
      ['unallocated', 8],
      ['declined', 4],
      ['noCircuit', 2],
      ['temporaryFailure', 2],
      ['timeout', 1],
      ['noRoutes', 1],
      ['noBalance', 1],
      ['tooManyCalls', 1],
    ],
    postDialDelay: { median: 2, sigma: 0.5 },
    endedByCallee: 0.5,
    hours: [0.4, 0.2, 0.1, 0.1, 0.2, 0.5, 1, 3, 6, 8, 9, 9.5, 7, 6, 7, 8, 9, 10, 10.5, 8, 6, 4, 2, 1],
    weekdays: [0.45, 1, 1, 1, 1, 1, 0.6],
    terms: { interval1: 60, intervalN: 1, connectFee: 15_000, priceFactor: 1450 },
  },
  wholesale: {
    answerRatio: [0.06, 0.45],
    durations: [
      { weight: 0.25, medianSeconds: 5, sigma: 0.8 },
      { weight: 0.75, medianSeconds: 120, sigma: 1.3 },
    ],
    failures: [
      ['noCircuit', 16],
      ['congestion', 8],
      ['temporaryFailure', 8],
      ['outOfOrder', 2],
      ['timeout', 3],
      ['unallocated', 18],
      ['noAnswer', 9],
      ['notResponding', 6],
      ['cancelled', 12],
      ['busy', 8],
      ['translatorRefused', 4],
      ['noRoutes', 3],
      ['noRate', 1.5],
      ['tooManyCalls', 1.5],
    ],
    postDialDelay: { median: 3.5, sigma: 0.6 },
    endedByCallee: 0.45,
    hours: [3, 2.5, 2, 2, 2, 2.5, 3, 4, 4.5, 5, 5, 5, 5, 5, 5, 5, 5.5, 5.5, 5.5, 5.5, 5.5, 5, 4.5, 4],
    weekdays: [0.9, 1, 1, 1, 1, 0.8, 0.95],
    terms: { interval1: 1, intervalN: 1, connectFee: 0, priceFactor: 820 },
  },
};
