import { type RawBuilder, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { type Relations, Statement } from '../statement.ts';
import { type CdrDimension, type GroupValues, groupField, groupKey, groupShown } from './cdr-dimensions.ts';
import { type CdrFilter, matchesFilter } from './cdr-filter.ts';
import { cdrMeasure, type MeasuredValues, type StatsMeasure, statsMeasures } from './cdr-measures.ts';

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
  /** An IANA name that PostgreSQL knows. */
  readonly timeZone: string;
  readonly having: readonly StatsCondition[];
  /** Undefined: by the dimensions, in the order in which they are grouped. */
  readonly orderBy?: { readonly measure: StatsMeasure; readonly descending: boolean } | undefined;
  readonly limit: number;
}

/** Of what is not grouped by, and of measures that were not wanted, there is nothing. */
export type CdrStatsRow = GroupValues & MeasuredValues;

/** One row per group that has calls and fulfils every condition; ties are broken by the dimensions. */
export function selectCdrStats(
  reader: Reader,
  query: CdrStatsQuery,
  wanted: readonly StatsMeasure[] = statsMeasures,
): Promise<CdrStatsRow[]> {
  const { groupBy, timeZone, having, orderBy, limit } = query;
  const fields = groupBy.map(groupField);
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
      .$call((q) => fields.reduce((ordered, field) => ordered.orderBy(sql.ref(`groups.${field}`)), q))
      .limit(limit),
  );
  return run(reader, statement) as never;
}

/** All calls of the filter as one group. */
export async function selectCdrTotals(
  reader: Reader,
  filter: CdrFilter,
  wanted?: readonly StatsMeasure[],
): Promise<CdrStatsRow> {
  const query = { filter, groupBy: [], timeZone: 'UTC', having: [], limit: 1 };
  const [row] = await selectCdrStats(reader, query, wanted);
  return row!;
}

/** Files beside the zones of some systems: whatever zone the server happens to be in. */
const nobodysZones = ['localtime', 'posixrules'];

/** Whether PostgreSQL knows the zone by this name, as an IANA name: no abbreviation, no POSIX rule. */
export async function isTimeZone(reader: Reader, name: string): Promise<boolean> {
  if (nobodysZones.includes(name)) return false;
  const statement = Statement.ofServer(
    'isTimeZone',
    sql<{ known: boolean }>`select exists (select from pg_timezone_names where name = ${name}) as known`,
  );
  const [row] = await run(reader, statement);
  return row!.known;
}

/** A row per group: what it is grouped by, and its measures. */
function selectGroups(relations: Relations, query: CdrStatsQuery, measures: readonly StatsMeasure[]) {
  const columns = partialColumns(measures);
  const finished = measures.map((name) => {
    const { partials, finish } = cdrMeasure(name);
    return sql.raw(finish(partials.map((partial) => `partials.${columns.get(partial.sql)}`))).as(name);
  });
  return relations
    .selectFrom(selectPartials(relations, query, columns).as('partials'))
    .select([
      ...query.groupBy.map((name) => sql.ref(`partials.${groupField(name)}`).as(groupField(name))),
      ...finished,
    ]);
}

/** A row per group: what it is grouped by, and the partials of its calls. */
function selectPartials(
  relations: Relations,
  { filter, groupBy, timeZone }: CdrStatsQuery,
  columns: ReadonlyMap<string, string>,
) {
  return relations
    .cdrs()
    .select([
      ...groupBy.map((name) => groupKey(name, timeZone).as(groupField(name))),
      ...[...columns].map(([aggregate, column]) => sql.raw(aggregate).as(column)),
    ])
    .where(matchesFilter(filter))
    .$if(groupBy.length > 0, (query) => query.groupBy(groupBy.map((_, index) => sql.raw(String(index + 1)))));
}

/** The column of each partial: measures that are worked out from the same one share it. */
function partialColumns(measures: readonly StatsMeasure[]): ReadonlyMap<string, string> {
  const aggregates = new Set(measures.flatMap((name) => cdrMeasure(name).partials.map(({ sql }) => sql)));
  return new Map([...aggregates].map((aggregate, index) => [aggregate, `partial_${index + 1}`]));
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
