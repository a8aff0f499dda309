import { type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { type CdrColumnName, cdrColumnNames, shownSql } from '../sources/cdr-columns.ts';
import type { XdrsModel } from '../sources/sources.ts';
import { Statement } from '../statement.ts';
import { orderedMicrosOfPostgres } from '../timestamps.ts';
import { type CdrFilter, matchesFilter } from './cdr-filter.ts';
import type { CdrKeyset, CdrPage } from './cdr-page.ts';
import { cdrPageStatement } from './cdr-page-statement.ts';
import { cdrListQuery, valuesOfPage } from './cdr-pages.ts';
import { segmentsOf } from './page-bounds.ts';
import { replayedPosition } from './replayed-position.ts';

/** A call, each column as PostgreSQL's text (integers as numbers). */
export type CdrRow = { [Name in CdrColumnName]: XdrsModel[Name] | null };

const replayedLsn = Statement.ofServer(
  'replayedLsn',
  sql<{ lsn: string }>`select ${replayedPosition} as lsn`,
);

/** How far the standby has replayed by now. */
export async function selectReplayedLsn(reader: Reader): Promise<string> {
  const [row] = await run(reader, replayedLsn);
  return row!.lsn;
}

/**
 * The page's calls in reading order: from the start of the list, or from its end when `fromEnd`. With fewer columns
 * the others are missing.
 */
export async function selectCdrPage(
  reader: Reader,
  page: CdrPage,
  columns: readonly CdrColumnName[] = cdrColumnNames,
): Promise<CdrRow[]> {
  const rows: CdrRow[] = [];
  for (const segment of segmentsOf(page)) {
    const limit = page.limit - rows.length;
    if (limit === 0) break;
    const { statement, values } = cdrPageStatement(reader, { ...segment, limit }, columns);
    rows.push(...((await run(reader, statement, values)) as CdrRow[]));
  }
  return rows;
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

/** The calls with these keys that this principal may see, by key. */
export async function selectCdrs(reader: Reader, ids: readonly string[]): Promise<Map<string, CdrRow>> {
  const statement = Statement.build(reader, 'cdrs', (relations) =>
    relations
      .cdrs()
      .select(cdrColumnNames.map((name) => shownSql(reader.source, name)))
      .where(sql<SqlBool>`xdrs.i_xdr = any(${ids}::int8[])`),
  );
  const rows = (await run(reader, statement)) as CdrRow[];
  return new Map(rows.map((row) => [String(row.i_xdr), row]));
}

/** The place of the call that lies `limit` calls away from the end of the list, if there are more than that many. */
export async function selectKeyBeyond(reader: Reader, page: CdrPage): Promise<CdrKeyset | undefined> {
  let left = page.limit;
  const segments = segmentsOf({ ...page, fromEnd: true });
  for (const [index, segment] of segments.entries()) {
    const statement = Statement.build(reader, 'keyBeyond', (relations) =>
      cdrListQuery(relations, segment, ['connect_time', 'i_xdr']).offset(left).limit(1),
    );
    const values = valuesOfPage(segment, { by: 'rows' });
    const [row] = (await run(reader, statement, values)) as CdrRow[];
    if (row) return keysetOf(row);
    if (index < segments.length - 1) left -= await countSegment(reader, segment);
  }
  return undefined;
}

async function countSegment(reader: Reader, segment: Omit<CdrPage, 'limit'>): Promise<number> {
  const statement = Statement.build(reader, 'keyBeyond', (relations) =>
    relations
      .selectFrom(cdrListQuery(relations, segment, ['i_xdr']).clearOrderBy().as('segment'))
      .select(sql<string>`count(*)`.as('count')),
  );
  const [row] = await run(reader, statement, valuesOfPage(segment, { by: 'rows' }));
  return Number(row!.count);
}

/** The place of a call in its list. */
export function keysetOf({ connect_time, i_xdr }: Pick<CdrRow, 'connect_time' | 'i_xdr'>): CdrKeyset {
  return {
    micros: connect_time === null ? null : orderedMicrosOfPostgres(connect_time),
    id: i_xdr === null ? null : BigInt(i_xdr),
  };
}

/** How many calls match, exactly; bigint as text. Reads every one of them. */
export async function countCdrs(reader: Reader, filter: CdrFilter): Promise<string> {
  const statement = Statement.build(reader, 'countCdrs', (relations) =>
    relations.cdrs().select(sql<string>`count(*)`.as('count')).where(matchesFilter(filter, reader.scope)),
  );
  const [row] = await run(reader, statement);
  return row!.count;
}
