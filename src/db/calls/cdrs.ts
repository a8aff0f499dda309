import { type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { type CdrColumnName, cdrColumnNames, shownSql } from '../sources/cdr-columns.ts';
import type { XdrsModel } from '../sources/sources.ts';
import { Statement } from '../statement.ts';
import { orderedMicrosOfPostgres } from '../timestamps.ts';
import { type CdrFilter, matchesFilter } from './cdr-filter.ts';
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
      .select(cdrColumnNames.map((name) => shownSql(reader.source, name)))
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
  const [row] = (await run(reader, statement, valuesOfPage(fromEnd, { by: 'rows' }))) as CdrRow[];
  if (!row) return undefined;
  return { micros: orderedMicrosOfPostgres(row.connect_time!), id: BigInt(row.i_xdr!) };
}

/** How many calls match, exactly; bigint as text. Reads every one of them. */
export async function countCdrs(reader: Reader, filter: CdrFilter): Promise<string> {
  const statement = Statement.build(reader, 'countCdrs', (relations) =>
    relations.cdrs().select(sql<string>`count(*)`.as('count')).where(matchesFilter(filter)),
  );
  const [row] = await run(reader, statement);
  return row!.count;
}
