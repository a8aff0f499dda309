import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { TableChangedError } from '../../errors.ts';
import { type Reader, run } from '../reader.ts';
import { type Relations, Statement } from '../statement.ts';
import {
  accountOfGroups,
  amountsByCurrency,
  type CurrencyAmount,
  openCurrencies,
  parseAmounts,
} from './cdr-currencies.ts';
import {
  type CdrDimension,
  type GroupValues,
  groupField,
  groupKey,
  groupShown,
  isAccountDimension,
  isTimeDimension,
} from './cdr-dimensions.ts';
import { type CdrFilter, hasTimeRange, matchesFilter } from './cdr-filter.ts';
import {
  type Aggregate,
  attempts,
  cdrMeasure,
  chargedAmount,
  type MeasuredValues,
  type StatsMeasure,
  type StatsValue,
  statsValues,
} from './cdr-measures.ts';
import { isUnreadableSum } from './readable-numbers.ts';
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

/** Of what is not grouped by, and of values that were not wanted, there is nothing. */
export type CdrStatsRow = GroupValues &
  MeasuredValues & {
    /** By currency, the unknown one last. */
    readonly amountsByCurrency: () => CurrencyAmount[];
  };

/**
 * How the values of calls are added up: the quick way, which is right while all of them are finite numbers, and tells
 * whether they are; or looking at each of them.
 */
type Way = 'quick' | 'careful';

/** The column of a row that tells whether a group, shown or not, has a value that the quick way cannot add. */
const IS_UNREADABLE = 'is_unreadable';

/** One row per group that has calls and fulfils every condition; ties are broken by the dimensions, time first. */
export async function selectCdrStats(
  reader: Reader,
  query: CdrStatsQuery,
  wanted: readonly StatsValue[],
): Promise<CdrStatsRow[]> {
  const select = (way: Way) => run(reader, buildStatement(reader, query, wanted, way));
  const rows = await select('quick').catch((error: unknown) => {
    if (isOverflow(error)) return undefined;
    throw error;
  });
  const selected = rows && !rows[0]?.[IS_UNREADABLE] ? rows : await select('careful');
  if (!wanted.includes('amountsByCurrency')) return selected as never;
  // Parsed when they are shown: there may be many groups.
  return selected.map((row) => ({
    ...row,
    amountsByCurrency: () => parseAmounts(row.amountsByCurrency as string | null, reader.source.encoding),
  })) as never;
}

/** Whether a sum was too large for any type. */
function isOverflow(error: unknown): boolean {
  return error instanceof TableChangedError && (error.cause as { code?: unknown }).code === '22003';
}

type SelectedRow = Readonly<Record<string, unknown>>;

function buildStatement(reader: Reader, query: CdrStatsQuery, wanted: readonly StatsValue[], way: Way) {
  const { groupBy, timeZone, having, orderBy, limit } = query;
  const order = groupBy.toSorted(
    (one, other) => Number(isTimeDimension(other)) - Number(isTimeDimension(one)),
  );
  const values = neededValues(query, wanted);
  const conditions = sql<SqlBool>`${sql.join([sql`true`, ...having.flatMap(conditionsOf)], sql` and `)}`;
  return Statement.build<SelectedRow>(reader, 'cdrStats', (relations) => {
    const { groups, tellsUnreadable } = selectGroups(relations, query, values, way);
    return relations
      .selectFrom(groups.as('groups'))
      .select([
        ...groupBy.map((name) =>
          groupShown(name, sql.ref(`groups.${groupField(name)}`), timeZone).as(groupField(name)),
        ),
        ...values.map((name) => sql.ref(`groups.${name}`).as(name)),
        ...(tellsUnreadable ? [sql.ref(`groups.${IS_UNREADABLE}`).as(IS_UNREADABLE)] : []),
      ])
      .where(tellsUnreadable ? sql<SqlBool>`((${conditions}) or groups.is_unreadable)` : conditions)
      .$if(orderBy !== undefined, (q) =>
        q.orderBy(sql.ref(`groups.${orderBy!.measure}`), (order) =>
          orderBy!.descending ? order.desc().nullsLast() : order.asc().nullsLast(),
        ),
      )
      .$call((q) =>
        order.reduce((ordered, name) => ordered.orderBy(sql.ref(`groups.${groupField(name)}`)), q),
      )
      .limit(limit);
  });
}

/** All calls of the filter as one group. */
export async function selectCdrTotals(
  reader: Reader,
  filter: CdrFilter,
  wanted: readonly StatsValue[],
): Promise<CdrStatsRow> {
  const query = { filter, groupBy: [], timeZone: UTC, having: [], limit: 1 };
  const [row] = await selectCdrStats(reader, query, wanted);
  return row!;
}

/** A row per group: what it is grouped by, and its values. */
function selectGroups(relations: Relations, query: CdrStatsQuery, values: readonly StatsValue[], way: Way) {
  const partials = partialColumns(values, way);
  const columnOf = ({ sql }: Aggregate) => `partials.${partials.get(sql)!.column}`;
  const finished = values.map((name) => {
    if (name === 'amountsByCurrency') return sql.raw(columnOf(amountsByCurrency)).as(name);
    const { partials, finish } = cdrMeasure(name);
    return sql.raw(finish(partials.map(columnOf))).as(name);
  });
  const doubts = [...partials.values()].filter(({ tells }) => tells);
  const isUnreadable = doubts.map((partial) => sql.raw(isUnreadableSum(columnOf(partial))));
  const isSomeUnreadable = sql.join(isUnreadable, sql` or `);
  // Over all groups: one that is not shown might have to be, or the other way round.
  const ofAll = query.groupBy.length > 0 ? sql`bool_or(${isSomeUnreadable}) over ()` : isSomeUnreadable;
  const tells = sql`coalesce(${ofAll}, false)`.as(IS_UNREADABLE);
  const groups = relations
    .selectFrom(selectPartials(relations, query, [...partials.values()]).as('partials'))
    .select([...groupColumns(query, 'partials'), ...finished, ...(doubts.length > 0 ? [tells] : [])]);
  return { groups, tellsUnreadable: doubts.length > 0 };
}

interface PartialColumn extends Aggregate {
  readonly column: string;
  /** The aggregate in the chosen way. */
  readonly chosenSql: string;
  /** Whether it is no finite number where one of the values is none. */
  readonly tells: boolean;
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

/** A row per group: what it is grouped by, and its partials. */
function selectPartials(relations: Relations, query: CdrStatsQuery, partials: readonly PartialColumn[]) {
  const isOfCurrencies =
    query.groupBy.some(isAccountDimension) ||
    partials.some(({ sql }) => sql === amountsByCurrency.sql) ||
    // The calls of one account are in one currency, whichever that is.
    (partials.some(isOver('currencies')) && !accountOfGroups(relations, query));
  const ofCalls = partials.filter(isOver('calls'));
  const viaAccounts = isOfCurrencies ? ofCalls.filter(({ merge }) => merge !== null) : [];
  const direct = ofCalls.filter((partial) => !viaAccounts.includes(partial));
  const parts = [
    ...(isOfCurrencies ? [selectOfAccounts(relations, query, partials, viaAccounts)] : []),
    ...(direct.length > 0 ? [selectOfCalls(relations, query, partials, direct)] : []),
    ...(partials.some(isOver('seconds')) ? [selectOfSeconds(relations, query, partials)] : []),
  ];
  if (parts.length === 1) return parts[0]!;
  // Of each partial one of the rows of a group has the value, and the others null.
  const all = sql`(${sql.join(parts, sql` union all `)})`;
  return relations
    .selectFrom(all.as('parts'))
    .select([
      ...groupColumns(query, 'parts'),
      ...partials.map(({ column }) => sql`max(${sql.ref(`parts.${column}`)})`.as(column)),
    ])
    .$call((q) => byGroup(q, query));
}

const isOver =
  (over: Aggregate['over']) =>
  (partial: PartialColumn): boolean =>
    partial.over === over;

function selectOfCalls(
  relations: Relations,
  query: CdrStatsQuery,
  partials: readonly PartialColumn[],
  direct: readonly PartialColumn[],
) {
  return selectCalls(relations, query)
    .select([...groupKeys(query), ...valuesOf(partials, direct)])
    .where(matchesFilter(query.filter))
    .$call((q) => byGroup(q, query));
}

/** The calls, with their accounts where these are what they are grouped by. */
function selectCalls(relations: Relations, { groupBy }: CdrStatsQuery) {
  const calls = relations.cdrs();
  if (!groupBy.some(isAccountDimension)) return calls;
  const accounts = openCurrencies(relations);
  return calls.leftJoin(accounts, (join) => join.on(isAccountOf('xdrs'))) as typeof calls;
}

const isAccountOf = (relation: string) =>
  sql<SqlBool>`accounts.i_account = ${sql.ref(`${relation}.i_account`)}`;

/**
 * The same by way of the accounts: the calls are added up per account, whose currencies are then looked up, and the sums
 * of the accounts of one currency, and those of all currencies, are merged.
 */
function selectOfAccounts(
  relations: Relations,
  query: CdrStatsQuery,
  partials: readonly PartialColumn[],
  viaAccounts: readonly PartialColumn[],
) {
  const account = accountOfGroups(relations, query);
  const ofCalls = { ...query, groupBy: query.groupBy.filter((name) => !isAccountDimension(name)) };
  const byAccount = relations
    .cdrs()
    .select([
      ...groupKeys(ofCalls),
      (account ?? sql.ref('xdrs.i_account')).as('i_account'),
      ...viaAccounts.map(({ chosenSql, column }) => sql.raw(chosenSql).as(column)),
    ])
    .where(matchesFilter(query.filter))
    .$call((q) => byGroup(q, ofCalls, account ? 0 : 1))
    // Without calls there is no account either; an aggregate over nothing would be a row.
    .having(sql<SqlBool>`count(*) > 0`);
  const columnOf = ({ sql: text }: Aggregate) => viaAccounts.find((partial) => partial.sql === text)?.column;
  const of = (aggregate: Aggregate, name: string) => {
    const column = columnOf(aggregate);
    return column === undefined ? [] : [sql.ref(`currencies.${column}`).as(name)];
  };
  const byCurrency = relations
    .selectFrom(byAccount.as('parts'))
    .leftJoin(openCurrencies(relations), (join) => join.on(isAccountOf('parts')))
    .select([
      ...groupColumns(ofCalls, 'parts'),
      sql.ref('accounts.currency').as('currency'),
      ...viaAccounts.map(({ column, merge }) =>
        (account ? sql.ref(`parts.${column}`) : sql.raw(merge!(`parts.${column}`))).as(column),
      ),
    ])
    .$if(account === undefined, (q) => byGroup(q, ofCalls, 1));
  const named = relations
    .selectFrom(byCurrency.as('currencies'))
    .selectAll()
    .select([...of(attempts, 'calls'), ...of(chargedAmount, 'amount')]);
  return relations
    .selectFrom(named.as('currencies'))
    .select([
      ...groupColumns(query, 'currencies'),
      ...partials.map((partial) => {
        if (partial.over === 'currencies') return sql.raw(partial.sql).as(partial.column);
        const isMerged = viaAccounts.includes(partial);
        return (isMerged ? sql.raw(partial.merge!(`currencies.${partial.column}`)) : nullOf(partial)).as(
          partial.column,
        );
      }),
    ])
    .$call((q) => byGroup(q, query));
}

/** Of calls whose setup time is not known nothing is counted. */
function selectOfSeconds(relations: Relations, query: CdrStatsQuery, partials: readonly PartialColumn[]) {
  const ofSeconds = partials.filter(isOver('seconds'));
  const seconds = selectCalls(relations, query)
    .select([...groupKeys(query), sql`count(*)`.as('attempts')])
    .where(matchesFilter(query.filter))
    .where(sql<SqlBool>`isfinite(xdrs.setup_time)`)
    .$call((q) => byGroup(q, query))
    .groupBy(sql`date_bin('1 second', xdrs.setup_time, '2000-01-01 00:00:00+00')`);
  return relations
    .selectFrom(seconds.as('seconds'))
    .select([...groupColumns(query, 'seconds'), ...valuesOf(partials, ofSeconds)])
    .$call((q) => byGroup(q, query));
}

/** The partials that this part of the statement works out; null in the place of the others. */
function valuesOf(partials: readonly PartialColumn[], own: readonly PartialColumn[]) {
  return partials.map((partial) =>
    (own.includes(partial) ? sql.raw(partial.chosenSql) : nullOf(partial)).as(partial.column),
  );
}

const nullOf = ({ type }: PartialColumn) => sql`null::${sql.raw(type)}`;

function groupKeys({ groupBy, timeZone, filter }: Omit<CdrStatsQuery, 'limit'>) {
  const isWithinRange = hasTimeRange(filter);
  return groupBy.map((name) => groupKey(name, { timeZone, isWithinRange }).as(groupField(name)));
}

function groupColumns({ groupBy }: Pick<CdrStatsQuery, 'groupBy'>, relation: string) {
  return groupBy.map((name) => sql.ref(`${relation}.${groupField(name)}`).as(groupField(name)));
}

/** By the first columns, which are those of the group, and by some more. */
function byGroup<Query extends { groupBy(columns: RawBuilder<unknown>[]): Query }>(
  query: Query,
  { groupBy }: Pick<CdrStatsQuery, 'groupBy'>,
  more = 0,
): Query {
  const columns = Array.from({ length: groupBy.length + more }, (_, index) => sql.raw(String(index + 1)));
  return columns.length > 0 ? query.groupBy(columns) : query;
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
