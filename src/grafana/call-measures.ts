import type { CdrStatsRow, StatsMeasure } from '../db/calls/cdr-stats.ts';
import type { Column } from './frames.ts';

/** A measure of calls as Grafana shows it. */
interface MeasureView {
  /** The metric of that name draws it over time. */
  readonly metric: string;
  /** A table's column. */
  readonly column: string;
  readonly label: string;
  readonly unit?: string;
  /** Without calls it is 0; anything else is then unknown. */
  readonly isSum: boolean;
}

export const measureViews: Readonly<Record<StatsMeasure, MeasureView>> = {
  attempts: { metric: 'calls_attempts', column: 'attempts', label: 'Call attempts', isSum: true },
  answered: { metric: 'calls_answered', column: 'answered', label: 'Answered calls', isSum: true },
  failed: { metric: 'calls_failed', column: 'failed', label: 'Failed calls', isSum: true },
  asr: {
    metric: 'calls_asr_percent',
    column: 'asr_percent',
    label: 'ASR, answered of attempts',
    unit: 'percent',
    isSum: false,
  },
  ner: {
    metric: 'calls_ner_percent',
    column: 'ner_percent',
    label: 'NER, network effectiveness',
    unit: 'percent',
    isSum: false,
  },
  acdSeconds: {
    metric: 'calls_acd_seconds',
    column: 'acd_seconds',
    label: 'ACD, average duration of answered calls',
    unit: 's',
    isSum: false,
  },
  pddSeconds: {
    metric: 'calls_pdd_seconds',
    column: 'pdd_seconds',
    label: 'PDD, average post-dial delay',
    unit: 's',
    isSum: false,
  },
  minutes: { metric: 'calls_minutes', column: 'minutes', label: 'Minutes', unit: 'm', isSum: true },
  billedMinutes: {
    metric: 'calls_billed_minutes',
    column: 'billed_minutes',
    label: 'Billed minutes',
    unit: 'm',
    isSum: true,
  },
  chargedAmount: {
    metric: 'calls_charged_amount',
    column: 'charged_amount',
    label: "Charged amount, in each account's own currency",
    isSum: true,
  },
  shortCalls: {
    metric: 'calls_short',
    column: 'short_calls',
    label: 'Answered calls of 6 seconds or less',
    isSum: true,
  },
};

export const measures = Object.keys(measureViews) as StatsMeasure[];

/** A panel draws; money to the last decimal is for GraphQL. */
export function readMeasure(row: CdrStatsRow, measure: StatsMeasure): number | null {
  const value = row[measure];
  return value === null ? null : Number(value);
}

export const measureColumns: readonly Column<CdrStatsRow>[] = measures.map((measure) => {
  const { column, unit } = measureViews[measure];
  return { name: column, type: 'number', ...(unit && { unit }), of: (row) => readMeasure(row, measure) };
});
