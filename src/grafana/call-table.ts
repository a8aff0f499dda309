import type { CdrDimension } from '../db/calls/cdr-dimensions.ts';
import type { StatsMeasure } from '../db/calls/cdr-measures.ts';
import type { CdrStatsRow } from '../db/calls/cdr-stats.ts';
import { microsOfPostgres } from '../db/timestamps.ts';
import { findCdrStats } from '../resolvers/cdr-stats.ts';
import type { QueryRequest, Target } from './body.ts';
import { bucketNames } from './buckets.ts';
import { measureColumn, measures, measureViews } from './call-measures.ts';
import { buildFilter, type Dimension, dimensions } from './call-query.ts';
import type { GrafanaContext } from './context.ts';
import { type Column, type Frame, type Notice, tableFrame } from './frames.ts';
import { parseChoice, parseCount, parseText } from './payload.ts';

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
  const columns = measures.map((measure) => measureViews[measure].column);
  const orderBy = findMeasure(parseChoice(payload, 'orderBy', columns, 'attempts'));
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
  const rows = await stats.rows(shownMeasures);
  const dimension = dimensions.find(({ name }) => name === groupBy);
  const shown = await addLabels(rows.slice(0, top), dimension, context);
  return [
    tableFrame(
      refId,
      buildColumns(bucket !== 'NONE', dimension, shownMeasures),
      shown,
      buildNotices(rows.length > top, top),
    ),
  ];
}

function findMeasure(column: string): StatsMeasure {
  return measures.find((measure) => measureViews[measure].column === column)!;
}

function buildColumns(
  hasBucket: boolean,
  dimension: Dimension | undefined,
  shown: readonly StatsMeasure[],
): readonly Column<TableRow>[] {
  const columns: Column<TableRow>[] = shown.map(measureColumn);
  if (dimension) columns.unshift(...dimensionColumns(dimension));
  if (hasBucket) columns.unshift({ name: 'time', type: 'time', of: ({ bucket }) => parseMillis(bucket) });
  return columns;
}

function dimensionColumns({ field, name }: Dimension): readonly Column<TableRow>[] {
  const id: Column<TableRow> = {
    name: name.toLowerCase(),
    type: 'string',
    of: (row) => toText(row[field]),
  };
  if (name === 'ACCOUNT') return [id, { name: 'username', type: 'string', of: ({ label }) => label ?? null }];
  if (name === 'CUSTOMER')
    return [id, { name: 'customer_name', type: 'string', of: ({ label }) => label ?? null }];
  return [id];
}

const toText = (value: string | number | null | undefined) =>
  value === null || value === undefined ? null : String(value);

const parseMillis = (bucket: string | null | undefined): number | null => {
  const micros = microsOfPostgres(bucket ?? '');
  return micros === undefined ? null : Number(micros / 1000n);
};

async function addLabels(
  rows: readonly CdrStatsRow[],
  dimension: Dimension | undefined,
  { loaders }: GrafanaContext['context'],
): Promise<readonly TableRow[]> {
  const loadLabel = async ({ accountId, customerId }: CdrStatsRow): Promise<string | null> => {
    if (accountId) return (await loaders().account.load(accountId)).username;
    return customerId ? (await loaders().customer.load(customerId)).name : null;
  };
  if (dimension?.name !== 'ACCOUNT' && dimension?.name !== 'CUSTOMER') return rows;
  return Promise.all(rows.map(async (row) => ({ ...row, label: await loadLabel(row) })));
}

function buildNotices(isCut: boolean, top: number): readonly Notice[] {
  return isCut ? [{ severity: 'info', text: `The first ${top} are shown; there are more.` }] : [];
}
