import type { Principal } from '../access/principals.ts';
import { checkPermission } from '../access/roles.ts';
import { selectBucketStarts } from '../db/calls/bucket-starts.ts';
import {
  type CdrDimension,
  isNumberDimension,
  isTimeDimension,
  type TimeDimensionName,
  timeDimensionNames,
} from '../db/calls/cdr-dimensions.ts';
import type { StatsMeasure, StatsValue } from '../db/calls/cdr-measures.ts';
import {
  type CdrStatsQuery,
  type CdrStatsRow,
  keptQueryOfStats,
  type StatsCondition,
  selectCdrStats,
  selectCdrStatsOfKept,
  totalsQuery,
} from '../db/calls/cdr-stats.ts';
import type { KeptAnswer, KeptQuery, KeptRefusal } from '../db/calls/kept-stats.ts';
import { findTimeZone, type TimeZone } from '../db/calls/time-zones.ts';
import type { Reader } from '../db/reader.ts';
import { postgresOfMicros } from '../db/timestamps.ts';
import { InvalidArgumentError, UnknownTimeZoneError } from '../errors.ts';
import { type CdrFilterArgument, parseFilter } from './cdr-filter.ts';

/** Groups in one answer: more than a picture or a table can show. Clients with more give `first` or a filter. */
export const MAX_GROUPS = 50_000;
const MAX_CONDITIONS = 20;

export interface CdrStatsArguments {
  readonly filter?: CdrFilterArgument | null;
  readonly groupBy?: readonly CdrDimension[] | null;
  readonly timeZone: string;
  readonly having?: readonly StatsCondition[] | null;
  readonly orderBy?: { readonly measure: StatsMeasure; readonly direction: 'ASC' | 'DESC' } | null;
  readonly first?: number | null;
}

export interface CdrStatsDeps {
  readonly principal: Principal;
  reader(requirement?: { readonly isHeavy?: boolean }): Promise<Reader>;
  /** What was kept of the calls answers all of these, of one moment, or why it does not. */
  readKept?(reader: Reader, wanted: readonly KeptQuery[]): readonly KeptAnswer[] | KeptRefusal;
  /** Statistics are answered from there, or read from the calls themselves for this reason. */
  noteStats?(refusal: KeptRefusal | undefined): void;
}

/** What is selected of statistics, where nothing else of the operation reads calls. */
export interface SelectedStats {
  readonly parts: readonly ('rows' | 'totals')[];
  /** Of any of them. */
  readonly values: readonly StatsValue[];
}

/** The statistics of one filter. Nothing is computed before `rows` or `totals` is called, and only the given values. */
export interface CdrStats {
  rows(values: readonly StatsValue[]): Promise<CdrStatsRow[]>;
  totals(values: readonly StatsValue[]): Promise<CdrStatsRow>;
}

/**
 * Throws InvalidArgumentError, InvalidTimeRangeError or UnknownTimeZoneError. `selected`: what is kept of the calls may
 * answer; without it they are read, so that all that the operation shows is of one moment.
 */
export async function findCdrStats(
  deps: CdrStatsDeps,
  args: CdrStatsArguments,
  selected?: SelectedStats,
): Promise<CdrStats> {
  const { principal } = deps;
  checkPermission(principal, 'STATISTICS', 'Query.cdrStats');
  const filter = parseFilter(args.filter, principal);
  const groupBy = parseDimensions(args.groupBy ?? [], principal);
  const limit = parseFirst(args.first);
  const having = parseConditions(args.having ?? []);
  const { orderBy } = args;
  const reader = await deps.reader({ isHeavy: true });
  // By the same reader: while one list waits for its zone, the moment of the others stays open for it.
  const timeZone = await parseTimeZone(reader, args.timeZone);
  const order = orderBy ? { measure: orderBy.measure, descending: orderBy.direction === 'DESC' } : undefined;

  const queries = {
    rows: { filter, groupBy, timeZone, having, orderBy: order, limit: limit ?? MAX_GROUPS + 1 },
    totals: totalsQuery(filter),
  };
  const found = selected ? await findKept(deps, reader, queries, selected) : 'operation';
  deps.noteStats?.(typeof found === 'string' ? found : undefined);
  const kept = typeof found === 'string' ? undefined : found;
  return {
    async rows(values) {
      const rows = kept?.rows ?? (await selectCdrStats(reader, queries.rows, values));
      if (limit === undefined && rows.length > MAX_GROUPS) {
        throw new InvalidArgumentError(
          `More than ${MAX_GROUPS} groups. Give "first" for the top ones, narrow the filter, or group more coarsely.`,
        );
      }
      return [...rows];
    },
    async totals(values) {
      const [row] = kept?.totals ?? (await selectCdrStats(reader, queries.totals, values));
      return row!;
    },
  };
}

type StatsQueries = Readonly<Record<SelectedStats['parts'][number], CdrStatsQuery>>;

/** All that is selected, from what was kept of the calls, or why some of it cannot be had from there. */
async function findKept(
  deps: CdrStatsDeps,
  reader: Reader,
  queries: StatsQueries,
  { parts, values }: SelectedStats,
): Promise<Partial<Record<keyof StatsQueries, readonly CdrStatsRow[]>> | KeptRefusal> {
  const wanted = parts
    .map((part) => keptQueryOfStats(reader, queries[part], values))
    .filter((query) => query !== undefined);
  if (wanted.length < parts.length) return 'question';
  const answers = deps.readKept?.(reader, wanted) ?? 'file';
  if (typeof answers === 'string') return answers;
  const rows = await Promise.all(
    parts.map((part, index) => selectCdrStatsOfKept(reader, queries[part], values, answers[index]!)),
  );
  if (!rows.every((each) => each !== undefined)) return 'clocks';
  return Object.fromEntries(parts.map((part, index) => [part, rows[index]]));
}

/** A span of time and how it is cut. */
export interface BucketArguments {
  readonly bucket: TimeDimensionName;
  readonly timeZone: string;
  /** Microseconds since 1970. */
  readonly from: bigint;
  readonly to: bigint;
}

/** When the buckets of a span begin, with or without calls: the values of `bucket`. Throws UnknownTimeZoneError. */
export async function findBucketStarts(
  deps: Pick<CdrStatsDeps, 'reader'>,
  { bucket, timeZone, from, to }: BucketArguments,
): Promise<readonly string[]> {
  const reader = await deps.reader();
  const zone = await parseTimeZone(reader, timeZone);
  return selectBucketStarts(reader, bucket, { from: postgresOfMicros(from), to: postgresOfMicros(to) }, zone);
}

function parseDimensions(groupBy: readonly CdrDimension[], principal: Principal): readonly CdrDimension[] {
  const dimensions = [...new Set(groupBy)];
  for (const name of dimensions) {
    if (isNumberDimension(name)) checkPermission(principal, 'NUMBERS', `groupBy: ${name}`);
  }
  if (dimensions.filter(isTimeDimension).length > 1) {
    throw new InvalidArgumentError(
      `groupBy: only one of ${timeDimensionNames.join(', ')} at once; they share "bucket".`,
    );
  }
  return dimensions;
}

function parseConditions(having: readonly StatsCondition[]): readonly StatsCondition[] {
  if (having.length > MAX_CONDITIONS)
    throw new InvalidArgumentError(`having: at most ${MAX_CONDITIONS} conditions.`);
  return having;
}

function parseFirst(first: number | null | undefined): number | undefined {
  if (first == null) return undefined;
  if (first < 0) throw new InvalidArgumentError('"first" must not be negative.');
  if (first > MAX_GROUPS) throw new InvalidArgumentError(`"first" may be at most ${MAX_GROUPS} groups.`);
  return first;
}

async function parseTimeZone(reader: Reader, name: string): Promise<TimeZone> {
  const isPlausible = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name);
  const timeZone = isPlausible ? await findTimeZone(reader, name) : undefined;
  if (!timeZone) throw new UnknownTimeZoneError(name);
  return timeZone;
}
