import { type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { type CdrColumnName, cdrColumnNames } from '../sources/cdr-columns.ts';
import type { XdrsModel } from '../sources/sources.ts';
import { Statement } from '../statement.ts';
import { orderedMicrosOfPostgres } from '../timestamps.ts';
import { type CdrFilter, isOfTimes, matchesFilter } from './cdr-filter.ts';
import { cdrPageStatement } from './cdr-page-statement.ts';
import { type CdrKeyset, type CdrPage, cdrListQuery, valuesOfPage } from './cdr-pages.ts';

/** A call, each column as PostgreSQL's text (integers as numbers). */
export type CdrRow = { [Name in CdrColumnName]: XdrsModel[Name] | null };

const replayedLsn = Statement.ofServer(
  'replayedLsn',
  sql<{ lsn: string | null }>`select pg_last_wal_replay_lsn()::text as lsn`,
);

/** How far the standby has replayed by now; null when it is no standby. */
export async function selectReplayedLsn(reader: Reader): Promise<string | null> {
  const [row] = await run(reader, replayedLsn);
  return row!.lsn;
}

/**
 * The page's calls in reading order: from the start of the list, or from its end when `fromEnd`. With fewer columns
 * the others are missing.
 */
export function selectCdrPage(
  reader: Reader,
  page: CdrPage,
  columns: readonly CdrColumnName[] = cdrColumnNames,
): Promise<CdrRow[]> {
  const { statement, values } = cdrPageStatement(reader, page, columns);
  return run(reader, statement, values) as Promise<CdrRow[]>;
}

/** The call with this key, if this principal may see it. */
export async function selectCdr(reader: Reader, id: string): Promise<CdrRow | undefined> {
  const statement = Statement.build(reader, 'cdr', (relations) =>
    relations
      .cdrs()
      .select(cdrColumnNames.map((name) => `xdrs.${name}` as const))
      .where(sql<SqlBool>`xdrs.i_xdr = ${id}::int8`),
  );
  const [row] = (await run(reader, statement)) as CdrRow[];
  return row;
}

/** The call that lies `limit` calls away from the end of the list, if there are more than that many. */
export async function selectKeyBeyond(reader: Reader, page: CdrPage): Promise<CdrKeyset | undefined> {
  const fromEnd = { ...page, fromEnd: true };
  const statement = Statement.build(reader, 'keyBeyond', (relations) =>
    cdrListQuery(relations, fromEnd, ['connect_time', 'i_xdr']).offset(page.limit).limit(1),
  );
  const [row] = await run(reader, statement, valuesOfPage(fromEnd, { by: 'rows' }));
  if (!row) return undefined;
  return { micros: orderedMicrosOfPostgres(row.connect_time), id: BigInt(row.i_xdr) };
}

/** How many calls match, exactly; bigint as text. Reads every one of them. */
export async function countCdrs(reader: Reader, filter: CdrFilter): Promise<string> {
  const statement = Statement.build(reader, 'countCdrs', (relations) =>
    relations.cdrs().select(sql<string>`count(*)`.as('count')).where(matchesFilter(filter)),
  );
  const [row] = await run(reader, statement);
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
  const statement = Statement.build(reader, 'estimateCdrs', (relations) =>
    relations.cdrs().select('xdrs.i_xdr').where(matchesFilter(filter)),
  ).explained<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>();
  const [row] = await run(reader, statement);
  return String(row!['QUERY PLAN'][0].Plan['Plan Rows']);
}

/** Some calls within these times, and how many of them pass the filter. */
async function trySome(
  reader: Reader,
  times: CdrFilter,
  filter: CdrFilter,
): Promise<{ seen: number; matching: number }> {
  const statement = Statement.build(reader, 'estimateCdrs', (relations) => {
    const some = relations.cdrs().selectAll().where(matchesFilter(times)).limit(SAMPLE_ROWS);
    return relations
      .selectFrom(some.as('xdrs'))
      .select([
        sql<number>`count(*)::int4`.as('seen'),
        sql<number>`(count(*) filter (where ${matchesFilter(filter)}))::int4`.as('matching'),
      ]);
  });
  const [row] = await run(reader, statement);
  return row!;
}
