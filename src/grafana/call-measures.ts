import { cdrMeasure, type StatsMeasure, statsMeasures } from '../db/calls/cdr-measures.ts';
import type { CdrStatsRow } from '../db/calls/cdr-stats.ts';
import type { Column } from './frames.ts';
import { units } from './units.ts';

/** A measure of calls as Grafana shows it. */
interface MeasureView {
  /** The metric of that name draws it over time. */
  readonly metric: string;
  /** A table's column. */
  readonly column: string;
  readonly label: string;
  readonly unit?: string | undefined;
  /** False: it must sort the calls, and a table shows it only when it is ordered by it. */
  readonly isInTables: boolean;
  /** Of a bucket without calls. */
  readonly withoutCalls: 0 | null;
}

export const measures = statsMeasures;

export const measureViews = Object.fromEntries(
  measures.map((name) => [name, describeMeasure(name)]),
) as Readonly<Record<StatsMeasure, MeasureView>>;

/** acdSeconds: calls_acd_seconds. asr, in per cent: calls_asr_percent. shortCalls: calls_short. */
function describeMeasure(name: StatsMeasure): MeasureView {
  const { label, unit, withoutCalls, mergeable } = cdrMeasure(name);
  const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const column = unit === 'percent' ? `${snake}_percent` : snake;
  return {
    metric: `calls_${column.replace(/_calls$/, '')}`,
    column,
    label,
    unit: unit && units[unit],
    isInTables: mergeable,
    withoutCalls,
  };
}

/** The measure that is called so: its column, its metric or its name in GraphQL, in either case. */
export function findMeasure(text: string): StatsMeasure | undefined {
  const wanted = text.toLowerCase();
  return measures.find((measure) => {
    const { column, metric } = measureViews[measure];
    return [column, metric, measure.toLowerCase()].includes(wanted);
  });
}

/** Amounts mean nothing without their currency. */
export const isMoney = (measure: StatsMeasure) => measure === 'chargedAmount';

/** A panel draws; money to the last decimal is for GraphQL. */
export function readMeasure(row: CdrStatsRow, measure: StatsMeasure): number | null {
  const value = row[measure];
  return value === null ? null : Number(value);
}

export function measureColumn(measure: StatsMeasure): Column<CdrStatsRow> {
  const { column, unit } = measureViews[measure];
  return { name: column, type: 'number', ...(unit && { unit }), of: (row) => readMeasure(row, measure) };
}
