import { isDeepStrictEqual } from 'node:util';
import { type Expression, type SqlBool, sql } from 'kysely';
import { type CdrColumnName, cdrColumns } from './cdr-columns.ts';
import { type CdrFilter, matchesFilter, shapeOfFilter } from './cdr-filter.ts';
import { fromCdrs, named, type Reader, run } from './reader.ts';
import { scopeValues } from './sources.ts';
import { orderedMicrosOfPostgres, postgresOfMicros } from './timestamps.ts';

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

/** A call, each column as PostgreSQL's text (integers as numbers). */
export type CdrRow = {
  [Name in CdrColumnName]: (typeof cdrColumns)[Name]['wire'] extends 'integer'
    ? number | null
    : string | null;
};

const allColumns = Object.keys(cdrColumns) as CdrColumnName[];

/** A page of calls in the given columns, as a query that is not yet run: also the streaming path's. */
export function cdrPageQuery(reader: Reader, page: CdrPage, columns: readonly CdrColumnName[] = allColumns) {
  const ascending = (page.order === 'OLDEST_FIRST') !== (page.fromEnd ?? false);
  const direction = ascending ? 'asc' : 'desc';
  return fromCdrs(reader)
    .modifyFront(named('cdrPage'))
    .select(columns.map((name) => `xdrs.${name}` as const))
    .where(matchesFilter(page.filter))
    .where(isBetween(page))
    .orderBy('xdrs.connect_time', direction)
    .orderBy('xdrs.i_xdr', direction)
    .limit(page.limit);
}

/**
 * How far the standby has replayed, worked out once, after the statement's snapshot was taken: nothing that the
 * statement sees is missing there.
 */
const replayedLsn = sql<string>`(select pg_last_wal_replay_lsn()::text)`.as('replayed_lsn');

/** How far the standby has replayed by now; null when it is no standby. */
export async function selectReplayedLsn(reader: Reader): Promise<string | null> {
  const query = sql<{ lsn: string | null }>`select pg_last_wal_replay_lsn()::text as lsn`;
  const [row] = await run(reader, { execute: async () => (await query.execute(reader.db)).rows });
  return row!.lsn;
}

/** A page's statement with its values, as the wire wants it. */
export interface PageStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Whether one plan is right for all values, so that it may be kept: to plan a page costs as much as to read it. */
  readonly hasOnePlan: boolean;
}

/** Texts kept per source; there are as many shapes of page as clients have kinds of question. */
const MOST_TEXTS = 500;
const textsBySource = new WeakMap<object, Map<string, string>>();

/**
 * The statement of cdrPageQuery. Pages that differ only in values share their text, which is built once: to build it
 * costs more than to read fifty calls.
 */
export function cdrPageStatement(
  reader: Reader,
  page: CdrPage,
  columns: readonly CdrColumnName[],
  { withReplayedLsn = false } = {},
): PageStatement {
  const { shape, values: filterValues } = shapeOfFilter(page.filter);
  const { order, fromEnd = false, after, before, limit } = page;
  const scope = scopeValues(reader.accountIds);
  const key = [
    columns,
    withReplayedLsn,
    order,
    fromEnd,
    after && 'after',
    before && 'before',
    scopeShape(reader),
    shape,
  ].join('|');
  const values = [...scope, ...filterValues, ...keysetValues(after), ...keysetValues(before)];
  const texts = textsBySource.get(reader.source) ?? new Map<string, string>();
  textsBySource.set(reader.source, texts);
  const text = texts.get(key) ?? compileUpToLimit(reader, page, columns, { withReplayedLsn, values });
  if (texts.size < MOST_TEXTS) texts.set(key, text);
  // The number itself, or the planner would plan for a tenth of all calls.
  return { text: `${text} limit ${Number(limit)}`, values, hasOnePlan: hasOnePlan(reader, page) };
}

function compileUpToLimit(
  reader: Reader,
  page: CdrPage,
  columns: readonly CdrColumnName[],
  { withReplayedLsn, values }: { readonly withReplayedLsn: boolean; readonly values: readonly unknown[] },
): string {
  const query = cdrPageQuery(reader, page, columns).clearLimit();
  const { sql: text, parameters } = (withReplayedLsn ? query.select(replayedLsn) : query).compile();
  // The order of values is known twice, here and to Kysely; a text whose values went elsewhere must never be sent.
  if (!isDeepStrictEqual(parameters, values)) throw new Error('cdrPageStatement: values out of order');
  return text;
}

/** Longer lists are planned in no time, compared with what they take. */
const LONGEST_WITH_ONE_PLAN = 1001;

/**
 * Account and times are sought in a keyset index, whatever they are. How rare a number, a country or a cause is
 * decides between that index and another, and what is right for one value reads the whole table for the next.
 */
function hasOnePlan({ accountIds }: Reader, { filter, limit }: CdrPage): boolean {
  const { accountIds: ids, from: _, to: __, ...others } = filter;
  const isOneAtMost = (given: readonly string[] | null | undefined) => given == null || given.length === 1;
  const isSought = isOneAtMost(accountIds) && isOneAtMost(ids);
  return isSought && limit <= LONGEST_WITH_ONE_PLAN && Object.values(others).every((part) => part == null);
}

function scopeShape({ accountIds }: Reader): string {
  return accountIds === undefined ? 'all' : String(Math.min(accountIds.length, 2));
}

function keysetValues(keyset: CdrKeyset | undefined): readonly unknown[] {
  return keyset ? [postgresOfMicros(keyset.micros), String(keyset.id)] : [];
}

/**
 * The page's calls in reading order: from the start of the list, or from its end when `fromEnd`. With fewer columns
 * the others are missing.
 */
export function selectCdrPage(
  reader: Reader,
  page: CdrPage,
  columns?: readonly CdrColumnName[],
): Promise<CdrRow[]> {
  return run(reader, cdrPageQuery(reader, page, columns)) as Promise<CdrRow[]>;
}

/** The call with this key, if this principal may see it. */
export async function selectCdr(reader: Reader, id: string): Promise<CdrRow | undefined> {
  const query = fromCdrs(reader)
    .modifyFront(named('cdr'))
    .select(allColumns.map((name) => `xdrs.${name}` as const))
    .where(sql<SqlBool>`xdrs.i_xdr = ${id}::int8`);
  const [row] = (await run(reader, query)) as CdrRow[];
  return row;
}

/** The call that lies `limit` calls away from the end of the list, if there are more than that many. */
export async function selectKeyBeyond(reader: Reader, page: CdrPage): Promise<CdrKeyset | undefined> {
  const query = cdrPageQuery(reader, { ...page, fromEnd: true, limit: 1 }, ['connect_time', 'i_xdr']).offset(
    page.limit,
  );
  const [row] = await run(reader, query);
  if (!row) return undefined;
  return { micros: orderedMicrosOfPostgres(row.connect_time), id: BigInt(row.i_xdr) };
}

/** How many calls match, exactly; bigint as text. Reads every one of them. */
export async function countCdrs(reader: Reader, filter: CdrFilter): Promise<string> {
  const query = fromCdrs(reader)
    .modifyFront(named('countCdrs'))
    .select(sql<string>`count(*)`.as('count'))
    .where(matchesFilter(filter));
  const [row] = await run(reader, query);
  return row!.count;
}

/** Calls of a tenant that are looked at for an estimate. */
const SAMPLE_ROWS = 5000;

/**
 * About how many calls match, at once: as many as the planner expects, by its statistics. But these are of everybody's
 * calls, and a tenant who asked about other accounts, customers or numbers would read from them how busy those are.
 * So of a tenant's filter the planner is told the times alone, and the rest is tried on some of the tenant's own calls.
 */
export async function estimateCdrs(reader: Reader, filter: CdrFilter): Promise<string> {
  const times = { from: filter.from, to: filter.to };
  const isOfTimes = Object.entries(filter).every(([name, part]) => part == null || name in times);
  if (reader.accountIds === undefined || isOfTimes) return planRows(reader, filter);
  const { seen, matching } = await trySome(reader, times, filter);
  if (seen < SAMPLE_ROWS) return String(matching);
  const expected = Number(await planRows(reader, times));
  return String(Math.max(matching, Math.round((expected * matching) / seen)));
}

async function planRows(reader: Reader, filter: CdrFilter): Promise<string> {
  const query = fromCdrs(reader).select('xdrs.i_xdr').where(matchesFilter(filter));
  const execute = () => query.explain<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>('json');
  const [row] = await run(reader, { execute });
  return String(row!['QUERY PLAN'][0].Plan['Plan Rows']);
}

/** Some calls within these times, and how many of them pass the filter. */
async function trySome(
  reader: Reader,
  times: CdrFilter,
  filter: CdrFilter,
): Promise<{ seen: number; matching: number }> {
  const some = fromCdrs(reader).selectAll().where(matchesFilter(times)).limit(SAMPLE_ROWS);
  const query = reader.db
    .selectFrom(some.as('xdrs'))
    .modifyFront(named('estimateCdrs'))
    .select([
      sql<number>`count(*)::int4`.as('seen'),
      sql<number>`(count(*) filter (where ${matchesFilter(filter)}))::int4`.as('matching'),
    ]);
  const [row] = await run(reader, query);
  return row!;
}

/** A row comparison, not "a < x or (a = x and b < y)": only this form seeks in the index. */
function isBetween({ order, after, before }: CdrPage): Expression<SqlBool> {
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
