import { type AliasedExpression, type SqlBool, sql } from 'kysely';
import { accountsOfList, isOfEverybody } from '../scope.ts';
import { type CdrColumnName, shownSql } from '../sources/cdr-columns.ts';
import type { Source } from '../sources/sources.ts';
import type { Relations, SlotValues, StatementDeps } from '../statement.ts';
import {
  type CdrFilter,
  conditionOf,
  hasNumberPrefix,
  isSought,
  matchesFilterLike,
  slotsOf,
} from './cdr-filter.ts';
import type { CdrPage } from './cdr-page.ts';
import { isBetween, shapeOfBounds, valuesOfBounds } from './page-bounds.ts';

/** How a page is found. */
export type PageWay =
  /** Each call is read where an index has it, in order or to be sorted. */
  | { readonly by: 'rows' }
  /**
   * Connect time and key of all calls that begin so are read from the index on the number, which has them, and only
   * the page's own calls from the table.
   */
  | { readonly by: 'keys' }
  /** As many keys as the page has are read of each account, from the index that has them in order, and merged. */
  | { readonly by: 'accounts'; readonly accountIds: readonly string[] }
  /** The same of each customer. */
  | { readonly by: 'customers'; readonly customerIds: readonly string[] }
  /** The same of whichever accounts the customers in scope have. The planner would read calls until it met theirs. */
  | { readonly by: 'owners'; readonly accounts: NonNullable<Source['accounts']> };

/** Longer lists are worth another plan, and planned in no time compared with what they take. */
const MAX_PAGE = 1001;
/** Read at most to merge owners: some ten milliseconds. */
const MAX_KEYS = 20_000;

export function wayTo(deps: StatementDeps, page: CdrPage): PageWay {
  const { source, scope } = deps;
  const { filter, limit } = page;
  // The other ways find calls again by their keys.
  const isShort = limit <= MAX_PAGE && source.hasKeysetIndexes && !source.hasNullableKey;
  if (!isShort) return { by: 'rows' };
  const isOfTenant = !isOfEverybody(scope);
  // No index on anything else serves a tenant; the planner would read everybody's calls until it met enough of theirs.
  const merging = isOfTenant || isSought(filter, scope) ? mergingWay(deps, page) : undefined;
  return merging ?? { by: !isOfTenant && hasNumberPrefix(filter) ? 'keys' : 'rows' };
}

/** Where the list is of several owners, each with an index that has its calls in order. */
function mergingWay({ source, scope }: StatementDeps, { filter, limit }: CdrPage): MergingWay | undefined {
  const areSome = (ids: readonly string[]) => ids.length > 1 && ids.length * limit <= MAX_KEYS;
  const accountIds = accountsOfList(scope, filter.accountIds);
  if (Array.isArray(accountIds)) return areSome(accountIds) ? { by: 'accounts', accountIds } : undefined;
  if (scope.kind !== 'customers') return undefined;
  if (!source.hasCustomers) return source.accounts ? { by: 'owners', accounts: source.accounts } : undefined;
  const { customerIds } = scope;
  return areSome(customerIds) && source.hasCustomerKeysets ? { by: 'customers', customerIds } : undefined;
}

/**
 * Whether one plan is right for all values. Account and times are sought in a keyset index, whatever they are. How rare
 * a number, a country, a cause or a customer is decides between that index and another, and what is right for one value
 * reads the whole table for the next.
 */
export function hasOnePlan(deps: StatementDeps, page: CdrPage): boolean {
  const way = wayTo(deps, page);
  if (page.limit > MAX_PAGE || !isSought(filterOf(page, way), deps.scope)) return false;
  if (way.by !== 'rows') return true;
  const accountIds = accountsOfList(deps.scope, page.filter.accountIds);
  return accountIds === 'every' || (accountIds !== 'unknown' && accountIds.length === 1);
}

/** Where the values of a page belong in its statement. */
const slots = {
  accountIds: Symbol('accounts whose keys are merged'),
  customerIds: Symbol('customers whose keys are merged'),
} as const;

/** A page of calls in the given columns, with places for its values: see `valuesOfPage`. */
export function cdrPageQuery(
  relations: Relations,
  page: CdrPage,
  way: PageWay,
  columns: readonly CdrColumnName[],
) {
  if (way.by === 'rows') return cdrListQuery(relations, page, columns).limit(limitOf(page));
  const keys = way.by === 'keys' ? keysOf(relations, page) : keysByOwner(relations, page, way);
  return inOrder(selectCdrs(relations, columns).innerJoin(keys.as('page'), 'page.i_xdr', 'xdrs.i_xdr'), page);
}

/** The whole list that the page is of, from its start or from its end. */
export function cdrListQuery(
  relations: Relations,
  page: Omit<CdrPage, 'limit'>,
  columns: readonly CdrColumnName[],
) {
  const calls = selectCdrs(relations, columns)
    .where(matchesFilterLike(page.filter, relations.scope))
    .where(isBetween(page, relations.source));
  return inOrder(calls, page);
}

/** Two pages with the same shape differ in nothing but values, so that one statement serves both. */
export function shapeOfPage(page: CdrPage, way: PageWay): string {
  const { order, fromEnd = false, limit } = page;
  const { text } = conditionOf(filterOf(page, way));
  const isNarrowed = way.by === 'owners' && page.filter.accountIds != null;
  return [order, fromEnd, shapeOfBounds(page), limit, way.by, isNarrowed, text].join('|');
}

/** What is filled into the statement of a page. */
export function valuesOfPage(page: Omit<CdrPage, 'limit'>, way: PageWay): SlotValues {
  const values = slotsOf(conditionOf(filterOf(page, way)).values);
  for (const [symbol, value] of valuesOfBounds(page)) values.set(symbol, value);
  if (way.by === 'accounts') values.set(slots.accountIds, way.accountIds);
  if (way.by === 'owners') values.set(slots.accountIds, page.filter.accountIds);
  if (way.by === 'customers') values.set(slots.customerIds, way.customerIds);
  return values;
}

/** Merged accounts are those that the filter lets through: it need not look at them again. */
function filterOf({ filter }: Pick<CdrPage, 'filter'>, way: PageWay): CdrFilter {
  return way.by === 'accounts' || way.by === 'owners' ? { ...filter, accountIds: null } : filter;
}

function keysOf(relations: Relations, page: CdrPage) {
  return cdrListQuery(relations, page, ['connect_time', 'i_xdr']).limit(limitOf(page));
}

type MergingWay = Extract<PageWay, { by: 'accounts' | 'customers' | 'owners' }>;

function keysByOwner(relations: Relations, page: CdrPage, way: MergingWay) {
  const owner = sql.ref(way.by === 'customers' ? 'i_customer' : 'i_account');
  const keys = keysOf(relations, { ...page, filter: filterOf(page, way) }).where(
    sql<SqlBool>`xdrs.${owner} = owners.${owner}`,
  );
  const merged = relations
    .selectFrom(ownersToMerge(relations, page, way))
    .innerJoinLateral(keys.as('xdrs'), (join) => join.onTrue())
    .select(['xdrs.connect_time', 'xdrs.i_xdr']);
  return inOrder(merged, page).limit(limitOf(page));
}

/** Each once: an owner that came twice would bring its calls twice. */
function ownersToMerge(
  relations: Relations,
  { filter }: CdrPage,
  way: MergingWay,
): AliasedExpression<object, 'owners'> {
  if (way.by === 'accounts') return idsInSql(slots.accountIds, 'i_account');
  if (way.by === 'customers') return idsInSql(slots.customerIds, 'i_customer');
  const isWanted = sql<SqlBool>`accounts.i_account = any(${slots.accountIds}::int8[])`;
  return relations
    .selectFrom(relations.open(way.accounts))
    .select('accounts.i_account')
    .distinct()
    .$if(filter.accountIds != null, (accounts) => accounts.where(isWanted))
    .as('owners');
}

function idsInSql(ids: symbol, column: 'i_account' | 'i_customer'): AliasedExpression<object, 'owners'> {
  return sql<object>`(select distinct unnest(${ids}::int8[]) as ${sql.ref(column)})`.as<'owners'>(
    sql`owners`,
  );
}

function selectCdrs(relations: Relations, columns: readonly CdrColumnName[]) {
  return relations.cdrs().select(columns.map((name) => shownSql(relations.source, name)));
}

/** The number itself: of a parameter the planner assumes that a tenth of all calls is wanted. */
function limitOf({ limit }: CdrPage) {
  return sql.lit(limit);
}

interface Orderable<Query> {
  orderBy(column: 'xdrs.connect_time' | 'xdrs.i_xdr', direction: 'asc' | 'desc'): Query;
}

function inOrder<Query extends Orderable<Query>>(
  query: Query,
  { order, fromEnd = false }: Pick<CdrPage, 'order' | 'fromEnd'>,
): Query {
  const direction = (order === 'OLDEST_FIRST') !== fromEnd ? 'asc' : 'desc';
  return query.orderBy('xdrs.connect_time', direction).orderBy('xdrs.i_xdr', direction);
}
