import { type SqlBool, sql } from 'kysely';
import { fromCdrs, named, type Reader, run } from '../reader.ts';
import { type CdrColumnName, cdrColumnNames } from '../sources/cdr-columns.ts';
import type { XdrsModel } from '../sources/sources.ts';
import { orderedMicrosOfPostgres } from '../timestamps.ts';
import { type CdrFilter, isOfTimes, matchesFilter } from './cdr-filter.ts';
import { type CdrKeyset, type CdrPage, cdrListQuery, cdrPageQuery } from './cdr-pages.ts';

/** A call, each column as PostgreSQL's text (integers as numbers). */
export type CdrRow = { [Name in CdrColumnName]: XdrsModel[Name] | null };

/** How far the standby has replayed by now; null when it is no standby. */
export async function selectReplayedLsn(reader: Reader): Promise<string | null> {
  const query = sql<{ lsn: string | null }>`select pg_last_wal_replay_lsn()::text as lsn`;
  const [row] = await run(reader, { execute: async () => (await query.execute(reader.db)).rows });
  return row!.lsn;
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
    .select(cdrColumnNames.map((name) => `xdrs.${name}` as const))
    .where(sql<SqlBool>`xdrs.i_xdr = ${id}::int8`);
  const [row] = (await run(reader, query)) as CdrRow[];
  return row;
}

/** The call that lies `limit` calls away from the end of the list, if there are more than that many. */
export async function selectKeyBeyond(reader: Reader, page: CdrPage): Promise<CdrKeyset | undefined> {
  const query = cdrListQuery(reader, { ...page, fromEnd: true }, ['connect_time', 'i_xdr'])
    .offset(page.limit)
    .limit(1);
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
  if (reader.scope.kind === 'all' || isOfTimes(filter)) return planRows(reader, filter);
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
