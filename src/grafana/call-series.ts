import type { CdrStatsRow, StatsMeasure, TimeDimension } from '../db/calls/cdr-stats.ts';
import { microsOfPostgres } from '../db/timestamps.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { CdrFilterArgument } from '../resolvers/cdr-filter.ts';
import { findCdrStats } from '../resolvers/cdr-stats.ts';
import { MAX_POINTS, type Question, type Target } from './body.ts';
import { bucketFor, bucketNames, bucketStarts } from './buckets.ts';
import { measureOf, measures, measureViews } from './call-measures.ts';
import { type Dimension, dimensions, filterOf, narrowTo } from './call-query.ts';
import { type Frame, type Notice, seriesFrame } from './frames.ts';
import type { Inquiry } from './metric-group.ts';
import { choiceOf, countOf, textOf } from './payload.ts';

/** What is drawn, whichever of its measures: targets that differ in nothing else are answered by one statement. */
interface SeriesQuestion {
  readonly filter: CdrFilterArgument;
  readonly bucket: TimeDimension;
  readonly timeZone: string;
  /** One line for each of its values; one line for all calls when missing. */
  readonly dimension: Dimension | undefined;
  readonly top: number;
}

interface Answered {
  readonly rows: readonly CdrStatsRow[];
  /** When each bucket begins; undefined when only those with calls are known. */
  readonly starts: readonly number[] | undefined;
  /** The lines, most calls first; a single undefined for all calls. */
  readonly values: readonly (string | undefined)[];
  readonly notices: readonly Notice[];
}

const MAX_LINES = 100;
const USUAL_LINES = 10;

/** Lines of a measure over time. */
export async function answerSeries(
  targets: readonly Target[],
  question: Question,
  inquiry: Inquiry,
): Promise<readonly (readonly Frame[])[]> {
  const asked = targets.map((target) => ({
    target,
    measure: measures.find((measure) => measureViews[measure].metric === target.metric)!,
    about: parseSeries(target, question),
  }));
  const byQuestion = Map.groupBy(asked, ({ about }) => JSON.stringify(about));
  const answers = new Map<Target, readonly Frame[]>();
  for (const alike of byQuestion.values()) {
    const { about } = alike[0]!;
    const wanted = alike.map(({ measure }) => measure);
    const answered = await readSeries(about, wanted, question, inquiry);
    for (const { target, measure } of alike) answers.set(target, framesOf(target, measure, about, answered));
  }
  return targets.map((target) => answers.get(target)!);
}

function parseSeries({ payload }: Target, { span, mostPoints, timeZone, filters }: Question): SeriesQuestion {
  const bucket = choiceOf(payload, 'bucket', ['AUTO', ...bucketNames], 'AUTO');
  const groupBy = choiceOf(payload, 'groupBy', ['NONE', ...dimensions.map(({ name }) => name)], 'NONE');
  const dimension = dimensions.find(({ name }) => name === groupBy);
  if (dimension && !dimension.key) {
    throw new InvalidArgumentError(`${groupBy} has too many values for lines; use the metric calls_table.`);
  }
  return {
    filter: filterOf(payload, filters),
    bucket: bucket === 'AUTO' ? bucketFor(span, mostPoints) : bucket,
    timeZone: textOf(payload, 'timeZone') ?? timeZone ?? 'UTC',
    dimension,
    top: countOf(payload, 'top', { most: MAX_LINES, fallback: USUAL_LINES }),
  };
}

async function readSeries(
  about: SeriesQuestion,
  wanted: readonly StatsMeasure[],
  { span }: Question,
  { context, now }: Inquiry,
): Promise<Answered> {
  const { bucket, timeZone, dimension } = about;
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
    ? await topValues({ ...about, dimension }, { from, to }, context)
    : { values: [undefined], notices: [] };
  if (values.length === 0) return { rows: [], starts, values, notices };
  const filter = {
    ...about.filter,
    ...(dimension && narrowTo(dimension.key!, values as readonly string[])),
    from,
    to,
  };
  const groupBy = dimension ? [bucket, dimension.name] : [bucket];
  const stats = await findCdrStats(context, { filter, groupBy, timeZone });
  return { rows: await stats.rows(wanted), starts, values, notices };
}

/** The values with the most calls, and a word about those left out. */
async function topValues(
  { filter, dimension, top, timeZone }: SeriesQuestion & { readonly dimension: Dimension },
  span: { readonly from: bigint; readonly to: bigint },
  context: Inquiry['context'],
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

function framesOf(
  { refId }: Target,
  measure: StatsMeasure,
  { dimension }: SeriesQuestion,
  { rows, starts, values, notices }: Answered,
): readonly Frame[] {
  const { label, unit, isSum } = measureViews[measure];
  return values.map((value) => {
    const ours = dimension ? rows.filter((row) => String(row[dimension.field]) === value) : rows;
    const measured = new Map(ours.map((row) => [millisOfBucket(row), measureOf(row, measure)]));
    const times = [...new Set([...(starts ?? []), ...measured.keys()])].sort((a, b) => a - b);
    return seriesFrame(
      refId,
      {
        name: value ?? label,
        labels: value === undefined || !dimension ? {} : { [dimension.key!]: value },
        unit,
        times,
        values: times.map((time) => measured.get(time) ?? (isSum ? 0 : null)),
      },
      notices,
    );
  });
}

function millisOfBucket({ bucket }: CdrStatsRow): number {
  return Number((microsOfPostgres(bucket ?? '') ?? 0n) / 1000n);
}

const microsOfMillis = (millis: number): bigint => BigInt(Math.floor(millis)) * 1000n;
