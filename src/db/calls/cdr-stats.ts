import { type AliasedExpression, type RawBuilder, type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { shapeOfScope } from '../scope.ts';
import { type Relations, type SlotValues, Statement } from '../statement.ts';
import { StatementCaches } from '../statement-cache.ts';
import { accountOfGroups, amountsByCurrency, type CurrencyAmount, parseAmounts } from './cdr-currencies.ts';
import { type GroupValues, groupField, groupShown, isTimeDimension } from './cdr-dimensions.ts';
import { type CdrFilter, conditionOf, hasTimeRange, slotsOf } from './cdr-filter.ts';
import {
  type Aggregate,
  attempts,
  cdrMeasure,
  chargedAmount,
  type MeasuredValues,
  type StatsMeasure,
  type StatsValue,
  statsValues,
  type Way,
} from './cdr-measures.ts';
import { type GroupQuery, groupColumns, type PartialColumn, selectPartials } from './cdr-stats-parts.ts';
import { isKeptCut, type KeptAnswer, type KeptQuery, keptQuery, keptRows, mergeKept } from './kept-stats.ts';
import { isOverflow, isUnreadableSum } from './readable-numbers.ts';
import { UTC } from './time-zones.ts';

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

export interface CdrStatsQuery extends GroupQuery {
  readonly having: readonly StatsCondition[];
  /** Undefined: by time, then by the other dimensions in the order in which they are given. */
  readonly orderBy?: { readonly measure: StatsMeasure; readonly descending: boolean } | undefined;
  readonly limit: number;
}

/** Of what is not grouped by, and of values that were not wanted, there is nothing. */
export type CdrStatsRow = GroupValues &
  MeasuredValues & {
    /** By currency, the unknown one last. */
    readonly amountsByCurrency: () => CurrencyAmount[];
  };

/** The column of a row that tells whether a group, shown or not, has a value that the quick way cannot add. */
const IS_UNREADABLE = 'is_unreadable';

/** One row per group that has calls and fulfils every condition; ties are broken by the dimensions, time first. */
export async function selectCdrStats(
  reader: Reader,
  query: CdrStatsQuery,
  wanted: readonly StatsValue[],
): Promise<CdrStatsRow[]> {
  const { shape, values } = shapeOfQuery(reader, query);
  const select = (way: Way) => run(reader, statsStatement(reader, query, { wanted, way, shape }), values);
  const rows = await select('quick').catch((error: unknown) => {
    if (isOverflow(error)) return undefined;
    throw error;
  });
  const selected = rows && !rows[0]?.[IS_UNREADABLE] ? rows : await select('careful');
  return shown(reader, selected, wanted);
}

/** What is to be read of what is kept for these statistics; undefined where that does not answer them. */
export function keptQueryOfStats(
  { source, scope }: Pick<Reader, 'source' | 'scope'>,
  query: CdrStatsQuery,
  wanted: readonly StatsValue[],
): KeptQuery | undefined {
  const partials = [...partialColumns(neededValues(query, wanted), 'careful').values()];
  return keptQuery({ source, scope }, query, partials);
}

/** The same rows from what was kept; undefined where a bucket of the zone begins within one that was kept. */
export async function selectCdrStatsOfKept(
  reader: Reader,
  query: CdrStatsQuery,
  wanted: readonly StatsValue[],
  answer: KeptAnswer,
): Promise<CdrStatsRow[] | undefined> {
  const { shape } = shapeOfQuery(reader, query);
  const build = () => buildStatementOfKept(reader, query, wanted);
  const key = ['kept', wanted, shape].join('|');
  const statement = caches.of(reader.source).get(key, build) as Statement<SelectedRow>;
  const rows = await run(reader, statement, new Map([[keptRows, answer.json]]));
  return rows[0]?.[IS_UNREADABLE] ? undefined : shown(reader, rows, wanted);
}

function shown(
  reader: Reader,
  selected: readonly SelectedRow[],
  wanted: readonly StatsValue[],
): CdrStatsRow[] {
  if (!wanted.includes('amountsByCurrency')) return selected as never;
  // Parsed when they are shown: there may be many groups.
  return selected.map((row) => ({
    ...row,
    amountsByCurrency: () => parseAmounts(row.amountsByCurrency as string | null, reader.source.encoding),
  })) as never;
}

type SelectedRow = Readonly<Record<string, unknown>>;

/** Characters of text kept per source: some five hundred shapes of statistics. */
const MAX_CACHE_CHARACTERS = 4 * 1024 * 1024;
const caches = new StatementCaches(MAX_CACHE_CHARACTERS);

/** All that the SQL of a query depends on, as a text; the values of its filter are filled in. */
function shapeOfQuery(
  { scope }: Reader,
  query: CdrStatsQuery,
): { readonly shape: string; readonly values: SlotValues } {
  const { filter, groupBy, timeZone, having, orderBy, limit } = query;
  const { text, values } = conditionOf(filter);
  const isOfOneAccount = accountOfGroups(scope, query) !== undefined;
  const rest = [text, hasTimeRange(filter), isOfOneAccount, groupBy, timeZone, having, orderBy, limit];
  return { shape: `${shapeOfScope(scope)}|${JSON.stringify(rest)}`, values: slotsOf(values) };
}

interface StatementChoice {
  readonly wanted: readonly StatsValue[];
  readonly way: Way;
  /** Of the query. */
  readonly shape: string;
}

/** Queries of one shape share it, and it is built once: to build it costs more than to count an account's quiet day. */
function statsStatement(
  reader: Reader,
  query: CdrStatsQuery,
  { wanted, way, shape }: StatementChoice,
): Statement<SelectedRow> {
  const key = [way, wanted, shape].join('|');
  const build = () => buildStatement(reader, query, wanted, way);
  return caches.of(reader.source).get(key, build) as Statement<SelectedRow>;
}

function buildStatement(reader: Reader, query: CdrStatsQuery, wanted: readonly StatsValue[], way: Way) {
  const values = neededValues(query, wanted);
  const build = (relations: Relations) =>
    selectShown(relations, query, values, groupsOfCalls(relations, query, values, way));
  return Statement.build<SelectedRow>(reader, 'cdrStats', build, { isKept: true });
}

/** The same over what is kept of the calls. */
function buildStatementOfKept(reader: Reader, query: CdrStatsQuery, wanted: readonly StatsValue[]) {
  const values = neededValues(query, wanted);
  const build = (relations: Relations) =>
    selectShown(relations, query, values, groupsOfKept(relations, query, values));
  return Statement.overRows<SelectedRow>(reader, 'cdrStatsOfKept', build);
}

/** The groups that fulfil the conditions, in their order, and as they are shown. */
function selectShown(
  relations: Relations,
  query: CdrStatsQuery,
  values: readonly StatsValue[],
  groups: Groups,
) {
  const { groupBy, timeZone, having, orderBy, limit } = query;
  const { isUnreadable } = groups;
  const order = groupBy.toSorted(
    (one, other) => Number(isTimeDimension(other)) - Number(isTimeDimension(one)),
  );
  const conditions = sql<SqlBool>`${sql.join([sql`true`, ...having.flatMap(conditionsOf)], sql` and `)}`;
  return relations
    .selectFrom(selectGroups(relations, query, values, groups).as('groups'))
    .select([
      ...groupBy.map((name) =>
        groupShown(name, sql.ref(`groups.${groupField(name)}`), timeZone).as(groupField(name)),
      ),
      ...values.map((name) => sql.ref(`groups.${name}`).as(name)),
      ...(isUnreadable ? [sql.ref(`groups.${IS_UNREADABLE}`).as(IS_UNREADABLE)] : []),
    ])
    .where(isUnreadable ? sql<SqlBool>`((${conditions}) or groups.is_unreadable)` : conditions)
    .$if(orderBy !== undefined, (q) =>
      q.orderBy(sql.ref(`groups.${orderBy!.measure}`), (order) =>
        orderBy!.descending ? order.desc().nullsLast() : order.asc().nullsLast(),
      ),
    )
    .$call((q) => order.reduce((ordered, name) => ordered.orderBy(sql.ref(`groups.${groupField(name)}`)), q))
    .limit(limit);
}

/** All calls of the filter as one group. */
export function totalsQuery(filter: CdrFilter): CdrStatsQuery {
  return { filter, groupBy: [], timeZone: UTC, having: [], limit: 1 };
}

/** What groups are worked out from. */
interface Groups {
  readonly partials: ReadonlyMap<string, PartialColumn>;
  /** A row per group: what it is grouped by, and the partials. */
  readonly parts: AliasedExpression<object, 'partials'>;
  /** Over all groups, whether some of them have to be worked out in another way; undefined: they are right. */
  readonly isUnreadable: RawBuilder<unknown> | undefined;
}

const columnIn = (partials: Groups['partials'], { sql }: Aggregate) =>
  `partials.${partials.get(sql)!.column}`;

function groupsOfCalls(
  relations: Relations,
  query: CdrStatsQuery,
  values: readonly StatsValue[],
  way: Way,
): Groups {
  const partials = partialColumns(values, way);
  const doubts = [...partials.values()].filter(({ tells }) => tells);
  const isUnreadable = doubts.map((partial) => sql.raw(isUnreadableSum(columnIn(partials, partial))));
  const isSomeUnreadable = sql.join(isUnreadable, sql` or `);
  // Over all groups: one that is not shown might have to be, or the other way round.
  const ofAll = query.groupBy.length > 0 ? sql`bool_or(${isSomeUnreadable}) over ()` : isSomeUnreadable;
  return {
    partials,
    parts: selectPartials(relations, query, [...partials.values()]).as('partials'),
    isUnreadable: doubts.length > 0 ? ofAll : undefined,
  };
}

function groupsOfKept(relations: Relations, query: CdrStatsQuery, values: readonly StatsValue[]): Groups {
  const partials = partialColumns(values, 'careful');
  return {
    partials,
    parts: mergeKept(relations, query, [...partials.values()]).as('partials'),
    isUnreadable: isKeptCut(query),
  };
}

/** A row per group: what it is grouped by, and its values. */
function selectGroups(
  relations: Relations,
  query: CdrStatsQuery,
  values: readonly StatsValue[],
  { partials, parts, isUnreadable }: Groups,
) {
  const finished = values.map((name) => {
    if (name === 'amountsByCurrency') return sql.raw(columnIn(partials, amountsByCurrency)).as(name);
    const measure = cdrMeasure(name);
    return sql.raw(measure.finish(measure.partials.map((each) => columnIn(partials, each)))).as(name);
  });
  const tells = sql`coalesce(${isUnreadable}, false)`.as(IS_UNREADABLE);
  return relations
    .selectFrom(parts)
    .select([...groupColumns(query, 'partials'), ...finished, ...(isUnreadable ? [tells] : [])]);
}

/** By their SQL: values that are worked out from the same partial share it. */
function partialColumns(values: readonly StatsValue[], way: Way): ReadonlyMap<string, PartialColumn> {
  const needed = values.flatMap((name): readonly Aggregate[] =>
    name === 'amountsByCurrency' ? [amountsByCurrency] : cdrMeasure(name).partials,
  );
  const ofCurrencies = needed.some(({ over }) => over === 'currencies') ? [attempts, chargedAmount] : [];
  const aggregates = new Map([...needed, ...ofCurrencies].map((one) => [one.sql, one]));
  const told = new Set([...aggregates.values()].map(({ quick }) => quick?.tells));
  const entries = [...aggregates].map(([text, aggregate], index): [string, PartialColumn] => {
    const isQuick = way === 'quick' && aggregate.quick?.beside.every((column) => told.has(column));
    const quick = isQuick ? aggregate.quick : undefined;
    return [
      text,
      {
        ...aggregate,
        column: `partial_${index + 1}`,
        chosenSql: quick?.sql ?? text,
        tells: quick?.tells !== undefined,
      },
    ];
  });
  return new Map(entries);
}

function neededValues({ having, orderBy }: CdrStatsQuery, wanted: readonly StatsValue[]): StatsValue[] {
  const needed = new Set<StatsValue>(['attempts', ...wanted, ...having.map(({ measure }) => measure)]);
  if (orderBy) needed.add(orderBy.measure);
  return statsValues.filter((name) => needed.has(name));
}

function conditionsOf(condition: StatsCondition): RawBuilder<unknown>[] {
  return (Object.keys(comparisons) as (keyof typeof comparisons)[])
    .filter((name) => condition[name] != null)
    .map((name) => {
      const left = sql.ref(`groups.${condition.measure}`);
      return sql`${left} ${sql.raw(comparisons[name])} ${condition[name]}::numeric`;
    });
}
