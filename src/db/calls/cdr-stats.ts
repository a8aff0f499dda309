import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { type Relations, Statement } from '../statement.ts';
import {
  type CdrDimension,
  type GroupValues,
  groupField,
  groupKey,
  groupShown,
  isTimeDimension,
} from './cdr-dimensions.ts';
import { type CdrFilter, hasTimeRange, matchesFilter } from './cdr-filter.ts';
import {
  type Aggregate,
  cdrMeasure,
  type MeasuredValues,
  type StatsMeasure,
  statsMeasures,
} from './cdr-measures.ts';
import { type TimeZone, UTC } from './time-zones.ts';

/** A bound on a measure. All given parts must hold; a measure that is null fulfils none. Decimal texts. */
export interface StatsCondition {
  readonly measure: StatsMeasure;
  readonly is?: string | null;
  readonly atLeast?: string | null;
  readonly atMost?: string | null;
  readonly moreThan?: string | null;
  readonly lessThan?: string | null;
}

const comparisons = { is: '=', atLeast: '>=', atMost: '<=', moreThan: '>', lessThan: '<' } as const;

export interface CdrStatsQuery {
  readonly filter: CdrFilter;
  readonly groupBy: readonly CdrDimension[];
  readonly timeZone: TimeZone;
  readonly having: readonly StatsCondition[];
  /** Undefined: by time, then by the other dimensions in the order in which they are given. */
  readonly orderBy?: { readonly measure: StatsMeasure; readonly descending: boolean } | undefined;
  readonly limit: number;
}

/** Of what is not grouped by, and of measures that were not wanted, there is nothing. */
export type CdrStatsRow = GroupValues & MeasuredValues;

/** One row per group that has calls and fulfils every condition; ties are broken by the dimensions, time first. */
export function selectCdrStats(
  reader: Reader,
  query: CdrStatsQuery,
  wanted: readonly StatsMeasure[],
): Promise<CdrStatsRow[]> {
  const { groupBy, timeZone, having, orderBy, limit } = query;
  const order = groupBy.toSorted(
    (one, other) => Number(isTimeDimension(other)) - Number(isTimeDimension(one)),
  );
  const measures = neededMeasures(query, wanted);
  const statement = Statement.build(reader, 'cdrStats', (relations) =>
    relations
      .selectFrom(selectGroups(relations, query, measures).as('groups'))
      .select([
        ...groupBy.map((name) =>
          groupShown(name, sql.ref(`groups.${groupField(name)}`), timeZone).as(groupField(name)),
        ),
        ...measures.map((name) => sql.ref(`groups.${name}`).as(name)),
      ])
      .where(() => sql`${sql.join([sql`true`, ...having.flatMap(conditionsOf)], sql` and `)}`)
      .$if(orderBy !== undefined, (q) =>
        q.orderBy(sql.ref(`groups.${orderBy!.measure}`), (order) =>
          orderBy!.descending ? order.desc().nullsLast() : order.asc().nullsLast(),
        ),
      )
      .$call((q) =>
        order.reduce((ordered, name) => ordered.orderBy(sql.ref(`groups.${groupField(name)}`)), q),
      )
      .limit(limit),
  );
  return run(reader, statement) as never;
}

/** All calls of the filter as one group. */
export async function selectCdrTotals(
  reader: Reader,
  filter: CdrFilter,
  wanted: readonly StatsMeasure[],
): Promise<CdrStatsRow> {
  const query = { filter, groupBy: [], timeZone: UTC, having: [], limit: 1 };
  const [row] = await selectCdrStats(reader, query, wanted);
  return row!;
}

/** A row per group: what it is grouped by, and its measures. */
function selectGroups(relations: Relations, query: CdrStatsQuery, measures: readonly StatsMeasure[]) {
  const partials = partialColumns(measures);
  const finished = measures.map((name) => {
    const declared = cdrMeasure(name);
    const columns = declared.partials.map(({ sql }) => `partials.${partials.get(sql)!.column}`);
    return sql.raw(declared.finish(columns)).as(name);
  });
  return relations
    .selectFrom(selectPartials(relations, query, [...partials.values()]).as('partials'))
    .select([...groupColumns(query, 'partials'), ...finished]);
}

interface PartialColumn extends Aggregate {
  readonly column: string;
}

/** By their SQL: measures that are worked out from the same partial share it. */
function partialColumns(measures: readonly StatsMeasure[]): ReadonlyMap<string, PartialColumn> {
  const aggregates = new Map(
    measures.flatMap((name) => cdrMeasure(name).partials.map((one) => [one.sql, one])),
  );
  const entries = [...aggregates].map(([text, aggregate], index): [string, PartialColumn] => [
    text,
    { ...aggregate, column: `partial_${index + 1}` },
  ]);
  return new Map(entries);
}

/** A row per group: what it is grouped by, and its partials. */
function selectPartials(relations: Relations, query: CdrStatsQuery, partials: readonly PartialColumn[]) {
  const ofCalls = selectOfCalls(relations, query, partials);
  if (partials.every(({ over }) => over === 'calls')) return ofCalls;
  // Of each partial one of the two rows of a group has the value, and the other null.
  const both = ofCalls.unionAll(selectOfSeconds(relations, query, partials));
  return relations
    .selectFrom(both.as('parts'))
    .select([
      ...groupColumns(query, 'parts'),
      ...partials.map(({ column }) => sql`max(${sql.ref(`parts.${column}`)})`.as(column)),
    ])
    .$call((q) => byGroup(q, query));
}

function selectOfCalls(relations: Relations, query: CdrStatsQuery, partials: readonly PartialColumn[]) {
  return relations
    .cdrs()
    .select([...groupKeys(query), ...valuesOver('calls', partials)])
    .where(matchesFilter(query.filter))
    .$call((q) => byGroup(q, query));
}

/** Of calls whose setup time is not known nothing is counted. */
function selectOfSeconds(relations: Relations, query: CdrStatsQuery, partials: readonly PartialColumn[]) {
  const seconds = relations
    .cdrs()
    .select([...groupKeys(query), sql`count(*)`.as('attempts')])
    .where(matchesFilter(query.filter))
    .where(sql<SqlBool>`isfinite(xdrs.setup_time)`)
    .$call((q) => byGroup(q, query))
    .groupBy(sql`date_bin('1 second', xdrs.setup_time, '2000-01-01 00:00:00+00')`);
  return relations
    .selectFrom(seconds.as('seconds'))
    .select([...groupColumns(query, 'seconds'), ...valuesOver('seconds', partials)])
    .$call((q) => byGroup(q, query));
}

/** The partials over one relation; null in the place of those over another. */
function valuesOver(over: Aggregate['over'], partials: readonly PartialColumn[]) {
  return partials.map((partial) =>
    (partial.over === over ? sql.raw(partial.sql) : sql`null`).as(partial.column),
  );
}

function groupKeys({ groupBy, timeZone, filter }: CdrStatsQuery) {
  const isWithinRange = hasTimeRange(filter);
  return groupBy.map((name) => groupKey(name, { timeZone, isWithinRange }).as(groupField(name)));
}

function groupColumns({ groupBy }: CdrStatsQuery, relation: string) {
  return groupBy.map((name) => sql.ref(`${relation}.${groupField(name)}`).as(groupField(name)));
}

/** By the first columns, which are those of the group. */
function byGroup<Query extends { groupBy(columns: RawBuilder<unknown>[]): Query }>(
  query: Query,
  { groupBy }: CdrStatsQuery,
): Query {
  const columns = groupBy.map((_, index) => sql.raw(String(index + 1)));
  return columns.length > 0 ? query.groupBy(columns) : query;
}

function neededMeasures({ having, orderBy }: CdrStatsQuery, wanted: readonly StatsMeasure[]): StatsMeasure[] {
  const needed = new Set<StatsMeasure>(['attempts', ...wanted, ...having.map(({ measure }) => measure)]);
  if (orderBy) needed.add(orderBy.measure);
  return statsMeasures.filter((name) => needed.has(name));
}

function conditionsOf(condition: StatsCondition): RawBuilder<unknown>[] {
  return (Object.keys(comparisons) as (keyof typeof comparisons)[])
    .filter((name) => condition[name] != null)
    .map((name) => {
      const left = sql.ref(`groups.${condition.measure}`);
      return sql`${left} ${sql.raw(comparisons[name])} ${condition[name]}::numeric`;
    });
}
