import type { CdrDimension } from '../db/calls/cdr-dimensions.ts';
import type { StatsMeasure } from '../db/calls/cdr-measures.ts';
import type { CdrStatsRow } from '../db/calls/cdr-stats.ts';
import { UNREADABLE_TEXT } from '../db/wire/transcoding.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import { findCdrStats } from '../resolvers/cdr-stats.ts';
import type { QueryRequest, Target } from './body.ts';
import { bucketNames, timeOfBucket } from './buckets.ts';
import { findMeasure, isMoney, measureColumn, measures, measureViews } from './call-measures.ts';
import { buildFilter, type Dimension, dimensions } from './call-query.ts';
import type { GrafanaContext } from './context.ts';
import { type Column, type Frame, type Notice, tableFrame } from './frames.ts';
import { loadName, nameFields } from './owner-names.ts';
import { type Payload, parseChoice, parseCount, parseText } from './payload.ts';

const MAX_ROWS = 10_000;
const DEFAULT_ROWS = 20;

/** A row of statistics with the name of its account or customer, where there is one. */
type TableRow = CdrStatsRow & { readonly label?: string | null };

/** Measures of the groups that are first by one of them. */
export async function answerTable(
  { refId, payload }: Target,
  { span, timeZone: zone, filters }: QueryRequest,
  { context }: GrafanaContext,
): Promise<readonly Frame[]> {
  const groupBy = parseChoice(payload, 'groupBy', ['NONE', ...dimensions.map(({ name }) => name)], 'NONE');
  const bucket = parseChoice(payload, 'bucket', ['NONE', ...bucketNames], 'NONE');
  const orderBy = parseMeasure(payload);
  const top = parseCount(payload, 'top', { max: MAX_ROWS, fallback: DEFAULT_ROWS });
  const timeZone = parseText(payload, 'timeZone') ?? zone ?? 'UTC';
  const filter = {
    ...buildFilter(payload, filters),
    from: BigInt(span.from) * 1000n,
    to: BigInt(span.to) * 1000n,
  };
  const stats = await findCdrStats(context, {
    filter,
    groupBy: [bucket, groupBy].filter((name): name is CdrDimension => name !== 'NONE'),
    timeZone,
    orderBy: { measure: orderBy, direction: 'DESC' },
    first: top + 1,
  });
  const shownMeasures = measures.filter((name) => measureViews[name].isInTables || name === orderBy);
  const rows = await stats.rows([...shownMeasures, 'amountsByCurrency']);
  const dimension = dimensions.find(({ name }) => name === groupBy);
  const shown = await addLabels(rows.slice(0, top), dimension, context);
  return [
    tableFrame(
      refId,
      buildColumns(bucket === 'NONE' ? undefined : span, dimension, shownMeasures),
      shown,
      buildNotices(rows.length > top, top, shown),
    ),
  ];
}

/** By its column, as its metric, or by its name in GraphQL: a variable may offer any of them. */
function parseMeasure(payload: Payload): StatsMeasure {
  const text = parseText(payload, 'orderBy');
  if (text === undefined) return 'attempts';
  const columns = measures.map((measure) => measureViews[measure].column);
  return findMeasure(text) ?? findMeasure(parseChoice(payload, 'orderBy', columns, 'attempts'))!;
}

function buildColumns(
  bucketsOf: TimeSpan | undefined,
  dimension: Dimension | undefined,
  shown: readonly StatsMeasure[],
): readonly Column<TableRow>[] {
  const columns: Column<TableRow>[] = shown.flatMap((measure) =>
    isMoney(measure) ? [measureColumn(measure), amountsColumn] : [measureColumn(measure)],
  );
  if (dimension) columns.unshift(...dimensionColumns(dimension));
  if (bucketsOf) {
    columns.unshift({ name: 'time', type: 'time', of: ({ bucket }) => timeOfBucket(bucket, bucketsOf) });
  }
  return columns;
}

/** "12.5 EUR, 3 USD": the one column of amounts that is whole in rows of several currencies. */
const amountsColumn: Column<TableRow> = {
  name: 'charged_by_currency',
  type: 'string',
  of: ({ amountsByCurrency }) =>
    amountsByCurrency()
      .map(({ chargedAmount, currency }) => `${chargedAmount} ${nameCurrency(currency)}`)
      .join(', '),
};

function nameCurrency(currency: string | null): string {
  if (currency === null) return 'of unknown currency';
  return currency === UNREADABLE_TEXT ? 'of unreadable currency' : currency;
}

function dimensionColumns({ field, name }: Dimension): readonly Column<TableRow>[] {
  const id: Column<TableRow> = {
    name: name.toLowerCase(),
    type: 'string',
    of: (row) => toText(row[field]),
  };
  const nameField = nameFields[name];
  return nameField ? [id, { name: nameField, type: 'string', of: ({ label }) => label ?? null }] : [id];
}

const toText = (value: string | number | null | undefined) =>
  value === null || value === undefined ? null : String(value);

async function addLabels(
  rows: readonly CdrStatsRow[],
  dimension: Dimension | undefined,
  context: GrafanaContext['context'],
): Promise<readonly TableRow[]> {
  if (!dimension || !nameFields[dimension.name]) return rows;
  return Promise.all(
    rows.map(async (row) => {
      const id = row[dimension.field];
      return id == null ? row : { ...row, label: await loadName(dimension.name, String(id), context) };
    }),
  );
}

function buildNotices(isCut: boolean, top: number, rows: readonly TableRow[]): readonly Notice[] {
  const isMixed = rows.some(({ chargedAmount }) => chargedAmount === null);
  const texts = [
    ...(isCut ? [`The first ${top} are shown; there are more.`] : []),
    ...(isMixed ? ['Amounts of several currencies are not added; group by CURRENCY to compare them.'] : []),
  ];
  return texts.map((text) => ({ severity: 'info', text }));
}
