import type { TimeDimensionName } from '../db/calls/cdr-dimensions.ts';
import type { StatsMeasure } from '../db/calls/cdr-measures.ts';
import type { CdrStatsRow } from '../db/calls/cdr-stats.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { TimeSpan } from '../replicas/sample-history.ts';
import type { CdrFilterArgument } from '../resolvers/cdr-filter.ts';
import { findBucketStarts, findCdrStats } from '../resolvers/cdr-stats.ts';
import type { QueryRequest, Target } from './body.ts';
import { bucketFor, bucketNames, checkPoints, timeOfBucket } from './buckets.ts';
import { isMoney, measures, measureViews, readMeasure } from './call-measures.ts';
import {
  buildFilter,
  canNarrow,
  type Dimension,
  dimensions,
  narrowToValues,
  takesOneByOne,
} from './call-query.ts';
import type { GrafanaContext } from './context.ts';
import { type Frame, type Notice, seriesFrame } from './frames.ts';
import { loadName, nameFields } from './owner-names.ts';
import { parseChoice, parseCount, parseText } from './payload.ts';
import { currencyUnit } from './units.ts';

/** What is drawn, whichever of its measures: targets that differ in the measure alone share one statement. */
interface SeriesQuery {
  readonly filter: CdrFilterArgument;
  readonly bucket: TimeDimensionName;
  readonly timeZone: string;
  /** One line for each of its values; one line for all calls when missing. */
  readonly dimension: Dimension | undefined;
  readonly top: number;
  /** Each line once for each currency of its calls: amounts of several are not added. */
  readonly isByCurrency: boolean;
}

/** One line: the calls of a value, or all calls. */
interface Line {
  /** As rows of statistics have it; undefined for all calls. */
  readonly value?: string;
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface DrawnLine extends Line {
  readonly unit: string | undefined;
  readonly rows: readonly CdrStatsRow[];
}

/** What was found, of which every measure is drawn. */
interface SeriesData {
  readonly rows: readonly CdrStatsRow[];
  /** When each bucket is drawn, those without calls too. */
  readonly times: readonly number[];
  /** Most calls first. */
  readonly lines: readonly Line[];
  readonly notices: readonly Notice[];
}

const MAX_LINES = 100;
/** Of dimensions whose values are parts of the filter. */
const MAX_SINGLE_LINES = 20;
const DEFAULT_LINES = 10;

const maxLines = (dimension: Dimension | undefined) =>
  dimension && takesOneByOne(dimension) ? MAX_SINGLE_LINES : MAX_LINES;

/** Lines of a measure over time. */
export async function answerSeries(
  targets: readonly Target[],
  request: QueryRequest,
  grafana: GrafanaContext,
): Promise<readonly (readonly Frame[])[]> {
  const parsed = targets.map((target) => {
    const measure = measures.find((name) => measureViews[name].metric === target.metric)!;
    return { target, measure, query: parseSeries(target, measure, request) };
  });
  const byQuery = Map.groupBy(parsed, ({ query }) => JSON.stringify(query));
  const times = createTimes(request.span, grafana);
  const frames = new Map<Target, readonly Frame[]>();
  for (const alike of byQuery.values()) {
    const { query } = alike[0]!;
    const selected = alike.map(({ measure }) => measure);
    const data = await readSeries(query, selected, times, request, grafana);
    for (const { target, measure } of alike) {
      frames.set(target, buildFrames(target, measure, query, request, data));
    }
  }
  return targets.map((target) => frames.get(target)!);
}

type Times = (query: Pick<SeriesQuery, 'bucket' | 'timeZone'>) => Promise<readonly number[]>;

/** When the buckets of the span are drawn, but for those that have not begun: found once for all lines cut alike. */
function createTimes(span: TimeSpan, { context, now }: GrafanaContext): Times {
  const found = new Map<string, Promise<readonly number[]>>();
  const find: Times = async ({ bucket, timeZone }) => {
    const to = Math.min(span.to, now);
    if (to <= span.from) return [];
    checkPoints({ ...span, to }, bucket);
    const micros = { from: microsOfMillis(span.from), to: microsOfMillis(to) };
    const starts = await findBucketStarts(context, { bucket, timeZone, ...micros });
    return starts.map((start) => timeOfBucket(start, span));
  };
  return (query) => {
    const key = `${query.bucket} ${query.timeZone}`;
    const times = found.get(key) ?? find(query);
    found.set(key, times);
    return times;
  };
}

function parseSeries(
  { payload }: Target,
  measure: StatsMeasure,
  { span, maxPoints, timeZone, filters }: QueryRequest,
): SeriesQuery {
  const bucket = parseChoice(payload, 'bucket', ['AUTO', ...bucketNames], 'AUTO');
  const groupBy = parseChoice(payload, 'groupBy', ['NONE', ...dimensions.map(({ name }) => name)], 'NONE');
  const dimension = dimensions.find(({ name }) => name === groupBy);
  if (dimension && !canNarrow(dimension)) {
    throw new InvalidArgumentError(`${groupBy} cannot be drawn as lines; use the metric calls_table.`);
  }
  return {
    filter: buildFilter(payload, filters),
    bucket: bucket === 'AUTO' ? bucketFor(span, maxPoints) : bucket,
    timeZone: parseText(payload, 'timeZone') ?? timeZone ?? 'UTC',
    dimension,
    top: parseCount(payload, 'top', { max: maxLines(dimension), fallback: DEFAULT_LINES }),
    isByCurrency: isMoney(measure) && groupBy !== 'CURRENCY',
  };
}

async function readSeries(
  query: SeriesQuery,
  selected: readonly StatsMeasure[],
  findTimes: Times,
  { span }: QueryRequest,
  { context }: GrafanaContext,
): Promise<SeriesData> {
  const { bucket, timeZone, dimension, isByCurrency } = query;
  const times = await findTimes(query);
  const range = { from: microsOfMillis(span.from), to: microsOfMillis(span.to) };
  const filter = { ...query.filter, ...range };
  const groupBy = [bucket, ...(dimension ? [dimension.name] : []), ...(isByCurrency ? currencyOnly : [])];
  if (!dimension) {
    const stats = await findCdrStats(context, { filter, groupBy, timeZone });
    return { rows: await stats.rows(selected), times, lines: [{ labels: {} }], notices: [] };
  }
  const { values, notices } = await findTopValues({ ...query, dimension }, range, context);
  if (values.length === 0) return { rows: [], times, lines: [], notices };
  const narrowed = narrowToValues(filter, dimension, values);
  const stats = await findCdrStats(context, { filter: narrowed, groupBy, timeZone });
  const rows = await stats.rows(selected);
  return { rows, times, lines: await nameLines(dimension, values, context), notices };
}

const currencyOnly = ['CURRENCY'] as const;

/** Accounts and customers are called by their names, with the id where two have the same. */
async function nameLines(
  { name, choice }: Dimension,
  values: readonly string[],
  context: GrafanaContext['context'],
): Promise<readonly Line[]> {
  const key = choice?.key ?? name.toLowerCase();
  const nameField = nameFields[name];
  if (!nameField) return values.map((value) => ({ value, name: value, labels: { [key]: value } }));
  const names = await Promise.all(values.map((value) => loadName(name, value, context)));
  return values.map((value, index) => {
    const found = names[index] ?? value;
    const isShared = names.indexOf(found) !== names.lastIndexOf(found);
    return {
      value,
      name: isShared ? `${found} (${value})` : found,
      labels: { [key]: value, [nameField]: found },
    };
  });
}

/** The values with the most calls, and a note about those left out. */
async function findTopValues(
  { filter, dimension, top, timeZone }: SeriesQuery & { readonly dimension: Dimension },
  span: { readonly from: bigint; readonly to: bigint },
  context: GrafanaContext['context'],
): Promise<{ values: readonly string[]; notices: readonly Notice[] }> {
  const orderBy = { measure: 'attempts', direction: 'DESC' } as const;
  // One of them may be the calls without a value, and one tells that there are more.
  const stats = await findCdrStats(context, {
    filter: { ...filter, ...span },
    groupBy: [dimension.name],
    timeZone,
    orderBy,
    first: top + 2,
  });
  const rows = await stats.rows(['attempts']);
  const all = rows.map((row) => row[dimension.field] ?? null);
  const known = all.filter((value) => value !== null).map(String);
  const notices = [
    ...(known.length > top ? [`The ${top} with the most calls are drawn; there are more.`] : []),
    ...(known.length < all.length ? [`Calls without a value for ${dimension.label} are not drawn.`] : []),
  ];
  return {
    values: known.slice(0, top),
    notices: notices.map((text) => ({ severity: 'info', text })),
  };
}

function buildFrames(
  { refId }: Target,
  measure: StatsMeasure,
  { dimension, isByCurrency }: SeriesQuery,
  { span }: QueryRequest,
  { rows, times, lines, notices }: SeriesData,
): readonly Frame[] {
  const { label, unit, withoutCalls } = measureViews[measure];
  const drawnLines = lines.flatMap((line): readonly DrawnLine[] => {
    const ours = dimension ? rows.filter((row) => String(row[dimension.field]) === line.value) : rows;
    return isByCurrency ? splitByCurrency(line, ours) : [{ ...line, unit, rows: ours }];
  });
  return drawnLines.map(({ name = label, labels, unit: ownUnit, rows: ours }) => {
    const measured = new Map(ours.map((row) => [timeOfBucket(row.bucket, span), readMeasure(row, measure)]));
    // Calls may have come after the buckets that have begun were looked up.
    const drawn = [...new Set([...times, ...measured.keys()])].sort((a, b) => a - b);
    // What is unknown of calls that there are is not what is said of no calls.
    const values = drawn.map((time) => (measured.has(time) ? measured.get(time)! : withoutCalls));
    return seriesFrame(refId, { name, labels, unit: ownUnit, times: drawn, values }, notices);
  });
}

/** A line for each currency of its calls, by name, the unknown one last. Its own, where there are no calls. */
function splitByCurrency(line: Line, rows: readonly CdrStatsRow[]): readonly DrawnLine[] {
  const byCurrency = Map.groupBy(rows, ({ currency }) => (currency == null ? UNKNOWN : String(currency)));
  if (byCurrency.size === 0) return [{ ...line, unit: undefined, rows }];
  const currencies = [...byCurrency.keys()].sort(
    (a, b) => Number(a === UNKNOWN) - Number(b === UNKNOWN) || (a < b ? -1 : 1),
  );
  return currencies.map((currency) => {
    const names = [line.name, currency].filter((name) => name !== undefined);
    const isKnown = currency !== UNKNOWN;
    return {
      ...line,
      ...(currencies.length > 1 && { name: names.join(', ') }),
      labels: isKnown ? { ...line.labels, currency } : line.labels,
      unit: isKnown ? currencyUnit(currency) : undefined,
      rows: byCurrency.get(currency)!,
    };
  });
}

const UNKNOWN = 'unknown currency';

const microsOfMillis = (millis: number): bigint => BigInt(Math.floor(millis)) * 1000n;
