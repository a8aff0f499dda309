import { AGGREGATION_POINTS } from '../graphql/cost.ts';
import type { Target } from './body.ts';
import { bucketNames } from './buckets.ts';
import { measures, measureViews } from './call-measures.ts';
import { canNarrow, choices, dimensions } from './call-query.ts';
import { answerSeries } from './call-series.ts';
import { answerTable } from './call-table.ts';
import { findCallValues } from './call-values.ts';
import type { Frame } from './frames.ts';
import { resolvePatterns } from './matching-values.ts';
import type { MetricGroup } from './metric-group.ts';
import type { PayloadField, PayloadOption } from './payload.ts';

const TABLE = 'calls_table';
const MONEY = measureViews.chargedAmount.metric;
/** For the choices that the query builder shows; it sends no range when it fetches them. */
const OPTIONS_DAYS = 7;

const plain = (values: readonly string[]): readonly PayloadOption[] =>
  values.map((value) => ({ label: value, value }));

const bucketField = (first: string): PayloadField => ({
  name: 'bucket',
  label: 'Per',
  type: 'select',
  placeholder: first,
  options: plain([first, ...bucketNames]),
});

const groupField = (names: readonly { readonly name: string; readonly label: string }[]): PayloadField => ({
  name: 'groupBy',
  label: 'Group by',
  type: 'select',
  placeholder: 'NONE',
  options: [{ label: 'Nothing', value: 'NONE' }, ...names.map(({ name, label }) => ({ label, value: name }))],
});

const input = (name: string, label: string, placeholder: string): PayloadField => ({
  name,
  label,
  type: 'input',
  placeholder,
});

const filterFields: readonly PayloadField[] = [
  ...dimensions.flatMap(({ choice, label }) =>
    choice ? [{ name: choice.key, label, type: 'multi-select', placeholder: 'Every one' } as const] : [],
  ),
  input('cld', 'Called number begins with', '4420'),
  input('timeZone', 'Time zone', "The dashboard's, or UTC"),
];

const seriesFields = [
  bucketField('AUTO'),
  groupField(dimensions.filter(canNarrow)),
  input('top', 'At most so many lines', '10'),
  ...filterFields,
];

const tableFields: readonly PayloadField[] = [
  groupField(dimensions),
  bucketField('NONE'),
  {
    name: 'orderBy',
    label: 'Largest first by',
    type: 'select',
    placeholder: 'attempts',
    options: measures.map((measure) => ({
      label: measureViews[measure].label,
      value: measureViews[measure].column,
    })),
  },
  input('top', 'At most so many rows', '20'),
  ...filterFields,
];

/** The statistics of `cdrStats`, over the calls that the principal of the request may see. */
export const callMetrics: MetricGroup = {
  metrics: [
    ...measures.map((measure) => {
      const { metric, label } = measureViews[measure];
      return { value: metric, label, payloads: seriesFields };
    }),
    { value: TABLE, label: 'Calls by group (table)', payloads: tableFields },
  ],
  /** Lines that differ in nothing but their measure are read together, but for amounts, which are read by currency. */
  cost(targets) {
    const isTable = ({ metric }: Target) => metric === TABLE;
    const series = new Set(
      targets
        .filter((target) => !isTable(target))
        .map(({ metric, payload }) => JSON.stringify([metric === MONEY, payload])),
    );
    return AGGREGATION_POINTS * (series.size + targets.filter(isTable).length);
  },
  async answer(targets, given, grafana) {
    const request = { ...given, filters: await resolvePatterns(given.filters, given.span, grafana) };
    const series = targets.filter(({ metric }) => metric !== TABLE);
    const answered = new Map(zip(series, await answerSeries(series, request, grafana)));
    for (const target of targets) {
      if (!answered.has(target)) answered.set(target, await answerTable(target, request, grafana));
    }
    return targets.map((target) => answered.get(target)!);
  },
  async options(field, grafana) {
    const choice = choices.find(({ key }) => key === field);
    const span = { from: grafana.now - OPTIONS_DAYS * 86_400_000, to: grafana.now };
    const values = choice ? await findCallValues(choice, span, {}, grafana) : [];
    return values.map(({ label, value }) => ({ label, value }));
  },
} satisfies MetricGroup;

function zip(targets: readonly Target[], frames: readonly (readonly Frame[])[]) {
  return targets.map((target, index): [Target, readonly Frame[]] => [target, frames[index]!]);
}
