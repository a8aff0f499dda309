import { type QueryExecutorProvider, sql } from 'kysely';
import { type Executor, run } from '../reader.ts';
import type { Source } from '../sources/sources.ts';
import { Statement } from '../statement.ts';
import { selectJson, serverVersion } from './catalogue.ts';

/** PostgreSQL decodes on a standby from here on. */
export const MIN_DECODING_MAJOR = 16;

/** What a publication is of one table of calls, or of one of its partitions. */
export interface PublishedTable {
  readonly schema: string;
  readonly table: string;
  readonly inserts: boolean;
  readonly updates: boolean;
  readonly deletes: boolean;
  readonly truncates: boolean;
  readonly hasRowFilter: boolean;
  /** d: the primary key, n: nothing, f: the whole row, i: an index. */
  readonly identity: string;
  /** Columns of the identity, in the order of the table; empty where there is none. */
  readonly identityColumns: readonly string[];
  /** Columns that are published; null: all. */
  readonly columns: readonly string[] | null;
}

/** The table that calls are kept in, by its source. */
export const tableOfCalls = { xdrs: 'xdrs', sippy: 'cdrs' } as const satisfies Record<Source['name'], string>;

/** The column of it that is the key. */
export const keyOfCalls = { xdrs: 'i_xdr', sippy: 'i_cdr' } as const satisfies Record<Source['name'], string>;

/** What there is of a publication on this server. Needs no privilege; works on a standby of PostgreSQL 15 and later. */
export async function selectPublishedTables(
  db: QueryExecutorProvider,
  publication: string,
  table: string,
): Promise<readonly PublishedTable[]> {
  return selectJson<PublishedTable>(
    db,
    sql`
    select nspname as schema, relation.relname as table, pubinsert as inserts, pubupdate as updates,
      pubdelete as deletes, pubtruncate as truncates, rowfilter is not null as "hasRowFilter",
      relation.relreplident as identity,
      coalesce((select json_agg(attname order by attnum) from pg_attribute
        where attrelid = relation.oid and attnum > 0 and not attisdropped and (relation.relreplident = 'f'
          or exists (select from pg_index where indrelid = relation.oid and indisvalid and attnum = any(indkey::int2[])
            and (relation.relreplident = 'd' and indisprimary or relation.relreplident = 'i' and indisreplident)))),
        '[]') as "identityColumns",
      case when (select count(*) from pg_attribute where attrelid = relation.oid and attnum > 0 and not attisdropped
          and attgenerated = '') > cardinality(attnames) then to_json(attnames) end as columns
    from pg_publication_tables as published join pg_publication using (pubname)
    join pg_namespace on nspname = schemaname
    join pg_class as relation on relation.relname = tablename and relation.relnamespace = pg_namespace.oid
    where pubname = ${publication}::name and (relation.oid = to_regclass(${table})
      or relation.oid in (select relid from pg_partition_tree(to_regclass(${table}))))
    order by 1, 2`,
  );
}

/** Why changes of this table fail on the primary for as long as it is published so; undefined: they do not. */
export function changesThatFail({
  updates,
  deletes,
  hasRowFilter,
  identity,
  identityColumns,
  columns,
}: PublishedTable): string | undefined {
  if (!updates && !deletes) return undefined;
  if (identity !== 'f' && identityColumns.length === 0) {
    return 'it has no replica identity: UPDATE and DELETE fail on the primary';
  }
  if (columns && identityColumns.some((name) => !columns.includes(name))) {
    return 'its list of columns lacks some of the replica identity: UPDATE and DELETE fail on the primary';
  }
  if (hasRowFilter) return 'it has a row filter: calls are left out, and UPDATE may fail on the primary';
  return undefined;
}

/** Why the feed cannot be read from this publication, in a sentence; undefined: it can. */
export function whyUnsound(
  publication: string,
  key: string,
  published: readonly PublishedTable[],
): string | undefined {
  if (published.length === 0) return `There is no publication ${publication} of the table of calls.`;
  for (const each of published) {
    const about = `Publication ${publication} cannot be read, for ${each.table}:`;
    const failing = changesThatFail(each);
    if (failing) return `${about} ${failing}.`;
    if (!each.inserts || !each.updates || !each.deletes) {
      return `${about} it must publish insert, update and delete.`;
    }
    if (each.hasRowFilter) return `${about} its row filter leaves calls out.`;
    const lacking = [key, 'i_account'].filter((name) => each.columns && !each.columns.includes(name));
    if (lacking.length > 0) return `${about} it does not publish ${lacking.join(' and ')}.`;
    if (each.identity !== 'f' && !each.identityColumns.includes(key)) {
      return `${about} its replica identity lacks ${key}, so that it is not told which call was deleted.`;
    }
  }
  return undefined;
}

/** What rollups must be told of each change: of the call as it was, too. */
const COUNTED_BY = ['i_account', 'connect_time'];

/** Why rollups cannot be kept from this publication, in a sentence; undefined: they can. */
export function whyUncounted(
  publication: string,
  key: string,
  published: readonly PublishedTable[],
): string | undefined {
  const unsound = whyUnsound(publication, key, published);
  if (unsound) return unsound;
  for (const { table, columns, identity, identityColumns, truncates } of published) {
    const about = `Publication ${publication} does not say what rollups must know, for ${table}:`;
    const lacking = COUNTED_BY.filter((name) => columns && !columns.includes(name));
    if (lacking.length > 0) return `${about} it does not publish ${lacking.join(' and ')}.`;
    const unknown = COUNTED_BY.filter((name) => identity !== 'f' && !identityColumns.includes(name));
    if (unknown.length > 0) return `${about} its replica identity lacks ${unknown.join(' and ')}.`;
    if (!truncates) return `${about} it must publish truncate.`;
  }
  return undefined;
}

/** Which tables the calls are kept in, as a text: calls come and go with them, and no change of a call says so. */
export async function selectParts(reader: Executor, source: Source['name']): Promise<string> {
  const statement = Statement.ofServer(
    'partsOfCalls',
    sql<{ parts: string }>`select coalesce(string_agg(relid::oid::text, ',' order by relid::oid), '') as parts
      from pg_partition_tree(to_regclass(${tableOfCalls[source]}))`,
  );
  const [row] = await run(reader, statement);
  return row!.parts;
}

const tooOld = (version: number) =>
  `A standby decodes its WAL from PostgreSQL ${MIN_DECODING_MAJOR} on, and this one is ${version}.`;

/** Why a publication does not do for `why`, `whyUnsound` or `whyUncounted`, after a look at a server; undefined: it does. */
export async function selectWhyNot(
  why: typeof whyUnsound,
  db: QueryExecutorProvider,
  publication: string,
  source: Source['name'],
): Promise<string | undefined> {
  const version = await serverVersion(db);
  if (version < MIN_DECODING_MAJOR) return tooOld(version);
  const published = await selectPublishedTables(db, publication, tableOfCalls[source]);
  return why(publication, keyOfCalls[source], published);
}
