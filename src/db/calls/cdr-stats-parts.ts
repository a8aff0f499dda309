import { type AliasedExpression, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Relations } from '../statement.ts';
import { accountOfGroups, amountsByCurrency, openCurrencies } from './cdr-currencies.ts';
import { type CdrDimension, groupField, groupKey, isAccountDimension } from './cdr-dimensions.ts';
import { type CdrFilter, hasTimeRange, matchesFilterLike } from './cdr-filter.ts';
import { type Aggregate, attempts, chargedAmount } from './cdr-measures.ts';
import type { TimeZone } from './time-zones.ts';

/**
 * The parts of a statement of statistics: each reads calls and has a row per group with some of the partials, and null in
 * the place of the others.
 */

/** Which calls, and what they are grouped by. */
export interface GroupQuery {
  readonly filter: CdrFilter;
  readonly groupBy: readonly CdrDimension[];
  readonly timeZone: TimeZone;
}

/** A partial, and the column that has it. */
export interface PartialColumn extends Aggregate {
  readonly column: string;
  /** The aggregate in the chosen way. */
  readonly chosenSql: string;
  /** Whether it is no finite number where one of the values is none. */
  readonly tells: boolean;
}

/** A row per group: what it is grouped by, and its partials. */
export function selectPartials(relations: Relations, query: GroupQuery, partials: readonly PartialColumn[]) {
  const isOfCurrencies =
    query.groupBy.some(isAccountDimension) ||
    partials.some(({ sql }) => sql === amountsByCurrency.sql) ||
    // The calls of one account are in one currency, whichever that is.
    (partials.some(isOver('currencies')) && !accountOfGroups(relations.scope, query));
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
  query: GroupQuery,
  partials: readonly PartialColumn[],
  direct: readonly PartialColumn[],
) {
  return selectCalls(relations, query)
    .select([...groupKeys(query), ...valuesOf(partials, direct)])
    .where(matchesFilterLike(query.filter, relations.scope))
    .$call((q) => byGroup(q, query));
}

/** The calls, with their accounts where these are what they are grouped by. */
function selectCalls(relations: Relations, { groupBy }: GroupQuery) {
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
  query: GroupQuery,
  partials: readonly PartialColumn[],
  viaAccounts: readonly PartialColumn[],
) {
  const account = accountOfGroups(relations.scope, query);
  const ofCalls = { ...query, groupBy: query.groupBy.filter((name) => !isAccountDimension(name)) };
  const byAccount = relations
    .cdrs()
    .select([
      ...groupKeys(ofCalls),
      (account ?? sql.ref('xdrs.i_account')).as('i_account'),
      ...viaAccounts.map(({ chosenSql, column }) => sql.raw(chosenSql).as(column)),
    ])
    .where(matchesFilterLike(query.filter, relations.scope))
    .$call((q) => byGroup(q, ofCalls, account ? 0 : 1))
    // Without calls there is no account either; an aggregate over nothing would be a row.
    .having(sql<SqlBool>`count(*) > 0`);
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
  return mergeCurrencies(relations, query, partials, viaAccounts, byCurrency.as('currencies'));
}

/** A row per group of what its currencies come to: `byCurrency` has a row for each, with the partials `ofCalls`. */
export function mergeCurrencies(
  relations: Relations,
  query: GroupQuery,
  partials: readonly PartialColumn[],
  ofCalls: readonly PartialColumn[],
  byCurrency: AliasedExpression<object, 'currencies'>,
) {
  const columnOf = ({ sql: text }: Aggregate) => ofCalls.find((partial) => partial.sql === text)?.column;
  const of = (aggregate: Aggregate, name: string) => {
    const column = columnOf(aggregate);
    return column === undefined ? [] : [sql.ref(`currencies.${column}`).as(name)];
  };
  const named = relations
    .selectFrom(byCurrency)
    .selectAll()
    .select([...of(attempts, 'calls'), ...of(chargedAmount, 'amount')]);
  return relations
    .selectFrom(named.as('currencies'))
    .select([
      ...groupColumns(query, 'currencies'),
      ...partials.map((partial) => {
        if (partial.over === 'currencies') return sql.raw(partial.sql).as(partial.column);
        const isMerged = ofCalls.includes(partial);
        return (isMerged ? sql.raw(partial.merge!(`currencies.${partial.column}`)) : nullOf(partial)).as(
          partial.column,
        );
      }),
    ])
    .$call((q) => byGroup(q, query));
}

/** Of calls whose setup time is not known nothing is counted. */
function selectOfSeconds(relations: Relations, query: GroupQuery, partials: readonly PartialColumn[]) {
  const ofSeconds = partials.filter(isOver('seconds'));
  const seconds = selectCalls(relations, query)
    .select([...groupKeys(query), sql`count(*)`.as('attempts')])
    .where(matchesFilterLike(query.filter, relations.scope))
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

function groupKeys({ groupBy, timeZone, filter }: GroupQuery) {
  const isWithinRange = hasTimeRange(filter);
  return groupBy.map((name) => groupKey(name, { timeZone, isWithinRange }).as(groupField(name)));
}

export function groupColumns({ groupBy }: Pick<GroupQuery, 'groupBy'>, relation: string) {
  return groupBy.map((name) => sql.ref(`${relation}.${groupField(name)}`).as(groupField(name)));
}

/** By the first columns, which are those of the group, and by some more. */
export function byGroup<Query extends { groupBy(columns: RawBuilder<unknown>[]): Query }>(
  query: Query,
  { groupBy }: Pick<GroupQuery, 'groupBy'>,
  more = 0,
): Query {
  const columns = Array.from({ length: groupBy.length + more }, (_, index) => sql.raw(String(index + 1)));
  return columns.length > 0 ? query.groupBy(columns) : query;
}
