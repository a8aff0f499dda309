import { type Expression, type SqlBool, sql } from 'kysely';
import { fromCdrs, named, type Reader } from '../reader.ts';
import { accountsWithin } from '../scope.ts';
import { type CdrColumnName, cdrColumnNames } from '../sources/cdr-columns.ts';
import { postgresOfMicros } from '../timestamps.ts';
import { type CdrFilter, hasNumberPrefix, isSought, matchesFilter } from './cdr-filter.ts';

export type CdrOrder = 'NEWEST_FIRST' | 'OLDEST_FIRST';

/** A place in the list: connect time in microseconds since 1970, and the call's key, which breaks ties. */
export interface CdrKeyset {
  readonly micros: bigint;
  readonly id: bigint;
}

export interface CdrPage {
  readonly filter: CdrFilter;
  readonly order: CdrOrder;
  /** Both exclusive, both in the list's own order: after < row < before. */
  readonly after?: CdrKeyset | undefined;
  readonly before?: CdrKeyset | undefined;
  readonly limit: number;
  /** True to read from the end of the list: the last `limit` calls, last one first. */
  readonly fromEnd?: boolean;
}

/** A page of calls in the given columns, as a query that is not yet run: also the streaming path's. */
export function cdrPageQuery(
  reader: Reader,
  page: CdrPage,
  columns: readonly CdrColumnName[] = cdrColumnNames,
) {
  const way = wayTo(reader, page);
  if (way.by === 'rows') return cdrListQuery(reader, page, columns).limit(limitOf(page));
  const keys = way.by === 'keys' ? keysOf(reader, page) : keysByAccount(reader, page, way.accountIds);
  return inOrder(selectCdrs(reader, columns).innerJoin(keys.as('page'), 'page.i_xdr', 'xdrs.i_xdr'), page);
}

/** The whole list that the page is of, from its start or from its end. */
export function cdrListQuery(
  reader: Reader,
  page: Omit<CdrPage, 'limit'>,
  columns: readonly CdrColumnName[] = cdrColumnNames,
) {
  const calls = selectCdrs(reader, columns).where(matchesFilter(page.filter)).where(isBetween(page));
  return inOrder(calls, page);
}

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
  | { readonly by: 'accounts'; readonly accountIds: readonly string[] };

/** Longer lists are worth another plan, and planned in no time compared with what they take. */
const MAX_PAGE = 1001;
/** Read at most to merge accounts: some ten milliseconds. */
const MAX_KEYS = 20_000;

export function wayTo({ source, scope }: Reader, { filter, limit }: CdrPage): PageWay {
  const isShort = limit <= MAX_PAGE && source.hasKeysetIndexes;
  if (isShort && isSought(filter)) {
    const wanted = accountsWithin(scope, filter.accountIds);
    const isMany = wanted !== undefined && wanted.length > 1 && wanted.length * limit <= MAX_KEYS;
    if (isMany) return { by: 'accounts', accountIds: wanted };
  }
  return { by: isShort && hasNumberPrefix(filter) ? 'keys' : 'rows' };
}

/**
 * Whether one plan is right for all values. Account and times are sought in a keyset index, whatever they are. How rare
 * a number, a country or a cause is decides between that index and another, and what is right for one value reads the
 * whole table for the next.
 */
export function hasOnePlan(reader: Reader, page: CdrPage): boolean {
  if (page.limit > MAX_PAGE || !isSought(page.filter)) return false;
  const wanted = accountsWithin(reader.scope, page.filter.accountIds);
  return wanted === undefined || wanted.length === 1 || wayTo(reader, page).by === 'accounts';
}

function keysOf(reader: Reader, page: CdrPage) {
  return cdrListQuery(reader, page, ['connect_time', 'i_xdr']).limit(limitOf(page));
}

function keysByAccount(reader: Reader, page: CdrPage, accountIds: readonly string[]) {
  const { accountIds: _, ...filter } = page.filter;
  const accounts = sql<{
    i_account: string;
  }>`(select distinct unnest(${accountIds}::int8[]) as i_account)`.as<'accounts'>(sql`accounts`);
  const keys = keysOf(reader, { ...page, filter }).where(sql<SqlBool>`xdrs.i_account = accounts.i_account`);
  const merged = reader.db
    .selectFrom(accounts)
    .innerJoinLateral(keys.as('xdrs'), (join) => join.onTrue())
    .select(['xdrs.connect_time', 'xdrs.i_xdr']);
  return inOrder(merged, page).limit(limitOf(page));
}

function selectCdrs(reader: Reader, columns: readonly CdrColumnName[]) {
  return fromCdrs(reader)
    .modifyFront(named('cdrPage'))
    .select(columns.map((name) => `xdrs.${name}` as const));
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

/** A row comparison, not "a < x or (a = x and b < y)": only this form seeks in the index. */
function isBetween({ order, after, before }: Omit<CdrPage, 'limit'>): Expression<SqlBool> {
  const forwards = order === 'NEWEST_FIRST' ? sql.raw('<') : sql.raw('>');
  const backwards = order === 'NEWEST_FIRST' ? sql.raw('>') : sql.raw('<');
  const bounds = [];
  if (after) bounds.push(sql`(xdrs.connect_time, xdrs.i_xdr) ${forwards} ${keysetRow(after)}`);
  if (before) bounds.push(sql`(xdrs.connect_time, xdrs.i_xdr) ${backwards} ${keysetRow(before)}`);
  return bounds.length > 0 ? sql.join(bounds, sql` and `) : sql`true`;
}

function keysetRow({ micros, id }: CdrKeyset) {
  return sql`(${postgresOfMicros(micros)}::timestamptz, ${String(id)}::int8)`;
}
