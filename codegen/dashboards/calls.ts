import { choiceVariable, type Variable } from './dashboard.ts';
import { type Columns, callsVariable, gatewayVariable, graphql, RANGE } from './infinity.ts';
import { type ColumnView, type Panel, type QueryTarget, table } from './panels.ts';

/** What both dashboards about calls can be narrowed to, and how time is cut. */
export const callVariables: readonly Variable[] = [
  gatewayVariable,
  choiceVariable('bucket', 'Per', { hour: 'HOUR', day: 'DAY', week: 'WEEK', month: 'MONTH' }),
  {
    name: 'zone',
    label: 'Time zone',
    type: 'textbox',
    query: 'UTC',
    current: { selected: true, text: 'UTC', value: 'UTC' },
    options: [{ selected: true, text: 'UTC', value: 'UTC' }],
    hide: 0,
    skipUrlSync: false,
  },
  callsVariable('account', 'Account', 'account'),
  callsVariable('country', 'Country', 'country'),
];

/** A variable that means all is null, which restricts nothing. */
const FILTER = `{ ${RANGE}, accountIds: \${account:json}, countries: \${country:json} }`;
const ZONE = `timeZone: "\${zone}"`;

/** The measures of `cdrStats`, and what their columns are called here. */
const measures = {
  attempts: { title: 'Attempts', unit: 'short', decimals: 0, width: 90 },
  answered: { title: 'Answered', unit: 'short', decimals: 0, width: 90 },
  failed: { title: 'Failed', unit: 'short', decimals: 0, width: 90 },
  asr: { title: 'ASR', unit: 'percent', decimals: 1, width: 80 },
  ner: { title: 'NER', unit: 'percent', decimals: 1, width: 80 },
  acdSeconds: { title: 'ACD', unit: 's', decimals: 0, width: 80 },
  pddSeconds: { title: 'PDD', unit: 's', decimals: 1, width: 80 },
  minutes: { title: 'Minutes', unit: 'locale', decimals: 1, width: 110 },
  billedMinutes: { title: 'Billed minutes', unit: 'locale', decimals: 1, width: 120 },
  chargedAmount: { title: 'Charged', unit: 'none', decimals: 4, width: 110 },
  shortCalls: { title: 'Short calls', unit: 'short', decimals: 0, width: 100 },
} satisfies Readonly<Record<string, Omit<ColumnView, 'name'>>>;
export type Measure = keyof typeof measures;

const numbers = (names: readonly Measure[]): Columns =>
  Object.fromEntries(names.map((name) => [name, 'number' as const]));

/** Measures of all calls over time, one line each. */
export function overTime(...names: readonly Measure[]): QueryTarget {
  return graphql({
    query: `{ cdrStats(filter: ${FILTER}, groupBy: [\${bucket}], ${ZONE}) { rows { bucket ${names.join(' ')} } } }`,
    root: 'cdrStats.rows',
    columns: { bucket: 'timestamp', ...numbers(names) },
    format: 'timeseries',
  });
}

/** A measure over time, one line for each value of a dimension that has few. */
export function overTimeBy(
  dimension: 'OUTCOME' | 'CURRENCY',
  field: 'outcome' | 'currency',
  measure: Measure,
): QueryTarget {
  return graphql({
    query: `{ cdrStats(filter: ${FILTER}, groupBy: [\${bucket}, ${dimension}], ${ZONE}) { rows { bucket ${field} ${measure} } } }`,
    root: 'cdrStats.rows',
    columns: { bucket: 'timestamp', [field]: 'string', [measure]: 'number' },
    format: 'timeseries',
  });
}

/** Measures of all calls of the time range, in one row. */
export function totals(names: readonly Measure[]): QueryTarget {
  return graphql({
    query: `{ cdrStats(filter: ${FILTER}) { totals { ${names.join(' ')} } } }`,
    root: 'cdrStats.totals',
    columns: numbers(names),
    format: 'table',
  });
}

export interface Top {
  readonly dimension: 'ACCOUNT' | 'COUNTRY' | 'PREFIX' | 'DISCONNECT_CAUSE' | 'OUTCOME' | 'CURRENCY';
  readonly field: 'accountId' | 'country' | 'prefix' | 'disconnectCause' | 'outcome' | 'currency';
  /** A row for each currency of a group: amounts of different ones cannot be added. */
  readonly isByCurrency?: boolean;
  readonly title: string;
  readonly first: number;
  readonly orderBy: Measure;
  readonly direction?: 'ASC' | 'DESC';
  readonly atLeastAttempts?: number;
  readonly measures: readonly Measure[];
}

/** The groups that come first by one measure. */
export function topGroups(top: Top): QueryTarget {
  const { dimension, field, first, orderBy, direction = 'DESC', atLeastAttempts, measures: names } = top;
  const fields = top.isByCurrency ? [field, 'currency'] : [field];
  const groupBy = top.isByCurrency ? `${dimension}, CURRENCY` : dimension;
  const having =
    atLeastAttempts === undefined ? '' : `having: [{ measure: ATTEMPTS, atLeast: ${atLeastAttempts} }], `;
  const order = `orderBy: { measure: ${enumNameOf(orderBy)}, direction: ${direction} }, first: ${first}`;
  return graphql({
    query: `{ cdrStats(filter: ${FILTER}, groupBy: [${groupBy}], ${having}${order}) { rows { ${fields.join(' ')} ${names.join(' ')} } } }`,
    root: 'cdrStats.rows',
    columns: { ...Object.fromEntries(fields.map((name) => [name, 'string'])), ...numbers(names) },
    format: 'table',
  });
}

/** How measures are called and written. */
export const measureColumns = (names: readonly Measure[]): readonly ColumnView[] =>
  names.map((name) => ({ name, ...measures[name] }));

/** As GraphQL names it: chargedAmount becomes CHARGED_AMOUNT. */
function enumNameOf(measure: Measure): string {
  return measure.replaceAll(/[A-Z]/g, '_$&').toUpperCase();
}

/** The columns of a table of groups. */
function groupColumns({ field, title, isByCurrency, measures: names }: Top): readonly ColumnView[] {
  const currency = { name: 'currency', title: 'Currency', unit: 'none', width: 80 };
  return [
    { name: field, title, unit: 'none' },
    ...measureColumns(names.filter((name) => name !== 'chargedAmount')),
    ...measureColumns(names.filter((name) => name === 'chargedAmount')),
    ...(isByCurrency ? [currency] : []),
  ];
}

/** A table of the groups that come first, in their order. */
export function topTable(top: Top, { title, description }: { title: string; description: string }): Panel {
  return table({
    title,
    description,
    targets: [topGroups(top)],
    columns: groupColumns(top),
    sortBy: { title: measures[top.orderBy].title, isDescending: top.direction !== 'ASC' },
  });
}
