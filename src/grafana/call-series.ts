import type { TimeDimensionName } from '../db/calls/cdr-dimensions.ts';
import type { StatsMeasure } from '../db/calls/cdr-measures.ts';
import type { CdrStatsRow } from '../db/calls/cdr-stats.ts';
import { microsOfPostgres } from '../db/timestamps.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { CdrFilterArgument } from '../resolvers/cdr-filter.ts';
import { findCdrStats } from '../resolvers/cdr-stats.ts';
import { MAX_POINTS, type QueryRequest, type Target } from './body.ts';
import { bucketFor, bucketNames, bucketStarts } from './buckets.ts';
import { measures, measureViews, readMeasure } from './call-measures.ts';
import { buildFilter, type Dimension, dimensions, narrowTo } from './call-query.ts';
import type { GrafanaContext } from './context.ts';
import { type Frame, type Notice, seriesFrame } from './frames.ts';
import { parseChoice, parseCount, parseText } from './payload.ts';

/** What is drawn, whichever of its measures: targets that differ in the measure alone share one statement. */
interface SeriesQuery {
  readonly filter: CdrFilterArgument;
  readonly bucket: TimeDimensionName;
  readonly timeZone: string;
  /** One line for each of its values; one line for all calls when missing. */
  readonly dimension: Dimension | undefined;
  readonly top: number;
}

/** What one statement found, of which every measure is drawn. */
interface SeriesData {
  readonly rows: readonly CdrStatsRow[];
  /** When each bucket begins; undefined when only those with calls are known. */
  readonly starts: readonly number[] | undefined;
  /** The lines, most calls first; a single undefined for all calls. */
  readonly values: readonly (string | undefined)[];
  readonly notices: readonly Notice[];
}

const MAX_LINES = 100;
const DEFAULT_LINES = 10;

/** Lines of a measure over time. */
export async function answerSeries(
  targets: readonly Target[],
  request: QueryRequest,
  grafana: GrafanaContext,
): Promise<readonly (readonly Frame[])[]> {
  const parsed = targets.map((target) => ({
    target,
    measure: measures.find((measure) => measureViews[measure].metric === target.metric)!,
    query: parseSeries(target, request),
  }));
  const byQuery = Map.groupBy(parsed, ({ query }) => JSON.stringify(query));
  const frames = new Map<Target, readonly Frame[]>();
  for (const alike of byQuery.values()) {
    const { query } = alike[0]!;
    const selected = alike.map(({ measure }) => measure);
    const data = await readSeries(query, selected, request, grafana);
    for (const { target, measure } of alike) frames.set(target, buildFrames(target, measure, query, data));
  }
  return targets.map((target) => frames.get(target)!);
}

function parseSeries({ payload }: Target, { span, maxPoints, timeZone, filters }: QueryRequest): SeriesQuery {
  const bucket = parseChoice(payload, 'bucket', ['AUTO', ...bucketNames], 'AUTO');
  const groupBy = parseChoice(payload, 'groupBy', ['NONE', ...dimensions.map(({ name }) => name)], 'NONE');
  const dimension = dimensions.find(({ name }) => name === groupBy);
  if (dimension && !dimension.choice) {
    throw new InvalidArgumentError(`${groupBy} has too many values for lines; use the metric calls_table.`);
  }
  return {
    filter: buildFilter(payload, filters),
    bucket: bucket === 'AUTO' ? bucketFor(span, maxPoints) : bucket,
    timeZone: parseText(payload, 'timeZone') ?? timeZone ?? 'UTC',
    dimension,
    top: parseCount(payload, 'top', { max: MAX_LINES, fallback: DEFAULT_LINES }),
  };
}

async function readSeries(
  query: SeriesQuery,
  selected: readonly StatsMeasure[],
  { span }: QueryRequest,
  { context, now }: GrafanaContext,
): Promise<SeriesData> {
  const { bucket, timeZone, dimension } = query;
  const end = Math.min(span.to, now);
  const starts = bucketStarts({ from: span.from, to: end }, bucket, timeZone);
  if (starts && starts.length > MAX_POINTS) {
    throw new InvalidArgumentError(
      `That is more than ${MAX_POINTS} points; choose a longer bucket than ${bucket}.`,
    );
  }
  // The first bucket whole: a part of it would look like a dip.
  const from = microsOfMillis(starts?.[0] ?? span.from);
  const to = microsOfMillis(span.to);
  const { values, notices } = dimension
    ? await findTopValues({ ...query, dimension }, { from, to }, context)
    : { values: [undefined], notices: [] };
  if (values.length === 0) return { rows: [], starts, values, notices };
  const filter = {
    ...query.filter,
    ...(dimension && narrowTo(dimension.choice!, values as readonly string[])),
    from,
    to,
  };
  const groupBy = dimension ? [bucket, dimension.name] : [bucket];
  const stats = await findCdrStats(context, { filter, groupBy, timeZone });
  return { rows: await stats.rows(selected), starts, values, notices };
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
  { dimension }: SeriesQuery,
  { rows, starts, values, notices }: SeriesData,
): readonly Frame[] {
  const { label, unit, withoutCalls } = measureViews[measure];
  return values.map((value) => {
    const ours = dimension ? rows.filter((row) => String(row[dimension.field]) === value) : rows;
    const measured = new Map(ours.map((row) => [parseBucket(row), readMeasure(row, measure)]));
    const times = [...new Set([...(starts ?? []), ...measured.keys()])].sort((a, b) => a - b);
    return seriesFrame(
      refId,
      {
        name: value ?? label,
        labels: value === undefined || !dimension ? {} : { [dimension.choice!.key]: value },
        unit,
        times,
        values: times.map((time) => measured.get(time) ?? withoutCalls),
      },
      notices,
    );
  });
}

function parseBucket({ bucket }: CdrStatsRow): number {
  return Number((microsOfPostgres(bucket ?? '') ?? 0n) / 1000n);
}

const microsOfMillis = (millis: number): bigint => BigInt(Math.floor(millis)) * 1000n;
