import { dataSourceVariable } from './dashboard.ts';
import type { DataSource, QueryTarget } from './panels.ts';

const datasource: DataSource = { type: 'prometheus', uid: `\${prometheus}` };

export const prometheusVariable = dataSourceVariable('prometheus', 'Prometheus', {
  type: 'prometheus',
  uid: 'prometheus',
});

const LETTERS = 'ABCDEFGHIJ';

type Line = readonly [expr: string, legend: string];
type Targets = readonly [QueryTarget, ...QueryTarget[]];

/** Expressions as the lines of one panel, each with its legend. */
export const promql = (...lines: readonly Line[]): Targets => targets(lines, { range: true, instant: false });

/** Their values now: what is not known any more must not be shown as it was. */
export const promqlNow = (...lines: readonly Line[]): Targets =>
  targets(lines, { range: false, instant: true });

function targets(lines: readonly Line[], when: { range: boolean; instant: boolean }): Targets {
  const made = lines.map(([expr, legendFormat], index) => ({
    refId: LETTERS[index]!,
    datasource,
    editorMode: 'code',
    expr,
    legendFormat,
    ...when,
  }));
  return made as unknown as Targets;
}
