import { type QueryExecutorProvider, type RawBuilder, sql } from 'kysely';

/** What PostgreSQL's catalogue says about the tables a source may read, as this role sees them. */
export interface Catalogue {
  /** By name; a table that is missing, or hidden from this role, is not here. */
  readonly tables: ReadonlyMap<string, CatalogueTable>;
  /** How the database keeps text, by PostgreSQL's name. */
  readonly encoding: string;
}

export interface CatalogueTable {
  /** Where it was found: statements name it, so that no search path can put another table in its place. */
  readonly schema: string;
  readonly name: string;
  /** True for a view, whose indexes cannot be seen from here. */
  readonly isView: boolean;
  /** The columns by which its rows are divided among partitions, null for an expression; null where they are not. */
  readonly partitionKey: readonly (string | null)[] | null;
  /** True where policies decide which rows this role sees. */
  readonly hasRowSecurity: boolean;
  /** True where our own policies do (0009_row_security), by the ids that a transaction has set. */
  readonly hasScopePolicy: boolean;
  /** By name, only columns that this role may read. */
  readonly columns: ReadonlyMap<string, string>;
  /** Columns that cannot be null; of a view none are known. */
  readonly notNull: ReadonlySet<string>;
  /** By name, the columns that exist and that this role may not read. */
  readonly hidden: ReadonlyMap<string, string>;
  readonly indexes: readonly CatalogueIndex[];
}

export interface CatalogueIndex {
  readonly name: string;
  /** False for a build that did not finish: it serves nothing and slows every write. */
  readonly isValid: boolean;
  readonly isUnique: boolean;
  /** An index on some rows only. */
  readonly isPartial: boolean;
  readonly method: string;
  readonly columns: readonly CatalogueIndexColumn[];
}

export interface CatalogueIndexColumn {
  /** The column's name, or the text of an expression. */
  readonly name: string;
  readonly descending: boolean;
  /** True where nulls come where PostgreSQL puts them by itself: last ascending, first descending. */
  readonly nullsAsUsual: boolean;
  /** A bytewise operator class (text_pattern_ops and its like): no collation can spoil it. */
  readonly isPattern: boolean;
  /** Null for types without collation. */
  readonly collation: CatalogueCollation | null;
}

export interface CatalogueCollation {
  readonly name: string;
  /** C, POSIX and their like: bytewise, the same everywhere. */
  readonly isBytewise: boolean;
  /** As recorded when the database was made, on the primary. Null where not recorded (before PostgreSQL 15). */
  readonly recordedVersion: string | null;
  /** As the library of this very host says. */
  readonly actualVersion: string | null;
}

/** By name, the schema in which a table was found before: it is looked for there and nowhere else. */
export type KnownSchemas = ReadonlyMap<string, string>;

/** Reads the part of the catalogue that is about the given tables. Works on a standby, and needs no privilege. */
export async function readCatalogue(
  db: QueryExecutorProvider,
  tableNames: readonly string[],
  schemas: KnownSchemas = new Map(),
): Promise<Catalogue> {
  const names = tableNames.map((name) => {
    const schema = schemas.get(name);
    return schema === undefined ? name : `"${schema.replaceAll('"', '""')}".${name}`;
  });
  const [columns, indexes] = [await selectColumns(db, names), await selectIndexes(db, names)];
  const { rows } = await sql<{ server_encoding: string }>`show server_encoding`.execute(db);
  const tables = new Map<string, CatalogueTable>();
  for (const name of new Set(columns.map((column) => column.table))) {
    const own = columns.filter((column) => column.table === name);
    const typesOf = (rows: readonly ColumnRow[]) => new Map(rows.map(({ column, type }) => [column, type]));
    tables.set(name, {
      schema: own[0]!.schema,
      name,
      isView: own.some((column) => column.kind === 'v'),
      partitionKey: own[0]!.partitionKey,
      hasRowSecurity: own[0]!.rowSecurity,
      hasScopePolicy: own[0]!.scopePolicy,
      notNull: new Set(own.filter(({ notNull }) => notNull).map(({ column }) => column)),
      columns: typesOf(own.filter(({ readable }) => readable)),
      hidden: typesOf(own.filter(({ readable }) => !readable)),
      indexes: indexes.filter((index) => index.table === name),
    });
  }
  return { tables, encoding: rows[0]!.server_encoding };
}

interface ColumnRow {
  readonly schema: string;
  readonly table: string;
  readonly kind: string;
  readonly column: string;
  readonly type: string;
  readonly notNull: boolean;
  readonly readable: boolean;
  readonly partitionKey: readonly (string | null)[] | null;
  readonly rowSecurity: boolean;
  readonly scopePolicy: boolean;
}

/** By name as a statement would find it, through the search path. A domain has its base type here. */
function selectColumns(db: QueryExecutorProvider, names: readonly string[]): Promise<readonly ColumnRow[]> {
  return selectJson<ColumnRow>(
    db,
    sql`
    select (select nspname from pg_namespace where pg_namespace.oid = relnamespace) as schema, relation.relname as table, relation.relkind as kind,
      attname as column,
      format_type(case typtype when 'd' then typbasetype else atttypid end, null) as type,
      attnotnull as "notNull",
      has_column_privilege(relation.oid, attnum, 'select') as readable,
      (select json_agg((select part.attname from pg_attribute as part where part.attrelid = partrelid and part.attnum = number))
        from pg_partitioned_table cross join unnest(partattrs::int2[]) as number
        where partrelid = relation.oid) as "partitionKey",
      row_security_active(relation.oid) as "rowSecurity",
      row_security_active(relation.oid) and exists (select from pg_policy
        where polrelid = relation.oid and polname = 'gateway_scope'
          and exists (select from unnest(polroles) as bound where pg_has_role(bound, 'usage'))) as "scopePolicy"
    from unnest(${names}::text[]) as name
    join pg_class as relation on relation.oid = to_regclass(name)
    join pg_attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
    join pg_type on pg_type.oid = atttypid
    order by relation.relname, attnum`,
  );
}

/** Locales of the C library in which text is ordered by its bytes, the same everywhere. */
const bytewise = sql.join(['C', 'POSIX', 'C.UTF-8', 'C.UTF8', 'C.utf8'].map((locale) => sql.lit(locale)));

type IndexRow = CatalogueIndex & { readonly table: string };

async function selectIndexes(
  db: QueryExecutorProvider,
  names: readonly string[],
): Promise<readonly IndexRow[]> {
  // PostgreSQL 14 knows no other provider for a database, and does not record the version.
  const database =
    (await serverVersion(db)) >= 15
      ? sql`select datcollate, datlocprovider as provider, datcollversion as recorded,
          pg_database_collation_actual_version(oid) as actual from pg_database where datname = current_database()`
      : sql`select datcollate, 'c' as provider, null as recorded, null as actual
          from pg_database where datname = current_database()`;
  return selectJson<IndexRow>(
    db,
    sql`
    with database as (${database})
    select relation.relname as table, index.relname as name,
      indisvalid and indisready and indislive as "isValid", indisunique as "isUnique",
      indpred is not null as "isPartial", amname as method,
      (select json_agg(json_build_object(
          'name', pg_get_indexdef(indexrelid, position, true),
          'descending', indoption[position - 1] & 1 = 1,
          'nullsAsUsual', (indoption[position - 1] & 1 = 1) = (indoption[position - 1] & 2 = 2),
          'isPattern', opcname like '%_pattern_ops',
          'collation', case when collname = 'default' then json_build_object(
            'name', collname,
            'isBytewise', provider = 'b' or (provider = 'c' and datcollate in (${bytewise})),
            'recordedVersion', recorded, 'actualVersion', actual)
          when collname is not null then json_build_object(
            'name', collname,
            'isBytewise', collprovider = 'b' or (collprovider = 'c' and collcollate in (${bytewise})),
            'recordedVersion', collversion, 'actualVersion', pg_collation_actual_version(pg_collation.oid)) end)
          order by position)
        from generate_series(1, indnkeyatts) as position
        join pg_opclass on pg_opclass.oid = indclass[position - 1]
        left join pg_collation on pg_collation.oid = indcollation[position - 1]) as columns
    from unnest(${names}::text[]) as name
    join pg_class as relation on relation.oid = to_regclass(name)
    join pg_index on indrelid = relation.oid
    join pg_class as index on index.oid = indexrelid
    join pg_am on pg_am.oid = index.relam
    cross join database
    order by relation.relname, index.relname`,
  );
}

/** Whether an index of the whole table guarantees that no two rows have the same values in all of these columns. */
export function hasUniquePlaces(table: CatalogueTable, names: readonly string[]): boolean {
  return table.indexes.some(
    ({ isUnique, isPartial, isValid, columns }) =>
      isUnique && isValid && !isPartial && columns.every(({ name }) => names.includes(name)),
  );
}

/**
 * Whether each partition guarantees it by an index of its own, and rows of the same values are always in the same
 * partition.
 */
export async function hasUniquePlacesInParts(
  db: QueryExecutorProvider,
  { schema, name, partitionKey }: CatalogueTable,
  names: readonly string[],
): Promise<boolean> {
  if (partitionKey === null) return false;
  const [found] = await selectJson<{ hasUniquePlaces: boolean }>(
    db,
    sql`
    select coalesce(bool_and(case when isleaf
      then exists (select from pg_index
        where indrelid = part.relid and indisunique and indpred is null and indisvalid and indisready and indislive
          and not exists (${otherColumns(sql`indrelid`, sql`(indkey::int2[])[0:indnkeyatts - 1]`, names)}))
      else not exists (select from pg_partitioned_table
        where partrelid = part.relid
          and exists (${otherColumns(sql`partrelid`, sql`partattrs::int2[]`, names)})) end), false) as "hasUniquePlaces"
    from pg_partition_tree(format('%I.%I', ${schema}::text, ${name}::text)::regclass) as part`,
  );
  return found!.hasUniquePlaces;
}

/** Expressions, and columns of other names, among the columns of these numbers. */
function otherColumns(table: RawBuilder<unknown>, numbers: RawBuilder<unknown>, names: readonly string[]) {
  return sql`select from unnest(${numbers}) as number
    left join pg_attribute on attrelid = ${table} and attnum = number
    where attname is null or attname <> all(${names}::text[])`;
}

/** Whether PostgreSQL guarantees that the column's values are all different. */
export function hasUnique(table: CatalogueTable, column: string): boolean {
  return table.indexes.some(
    ({ isUnique, isPartial, isValid, columns }) =>
      isUnique && isValid && !isPartial && columns.length === 1 && columns[0]!.name === column,
  );
}

/** The major version of the server. */
export async function serverVersion(db: QueryExecutorProvider): Promise<number> {
  const { rows } = await sql<{ server_version_num: string }>`show server_version_num`.execute(db);
  return Math.floor(Number(rows[0]!.server_version_num) / 10_000);
}

/** Rows as JSON, so that they are the same whatever type parsers the pool has. */
export async function selectJson<Row>(
  db: QueryExecutorProvider,
  query: RawBuilder<unknown>,
): Promise<readonly Row[]> {
  const { rows } = await sql<{ json: string }>`
    select /* catalogue */ coalesce(json_agg(row_to_json(found)), '[]')::text as json from (${query}) as found`.execute(
    db,
  );
  return JSON.parse(rows[0]!.json) as Row[];
}
