import { type Kysely, sql } from 'kysely';

// Runs outside a transaction: CREATE INDEX CONCURRENTLY is not allowed inside one.

interface Index {
  /** Undefined: wherever the search path finds the table. */
  readonly schema?: string;
  readonly table: string;
  readonly columns: readonly Column[];
  /** Which question it answers. Printed with the statement. */
  readonly because: string;
}

interface Column {
  readonly name: string;
  readonly descending?: true;
  /** Bytewise comparison: what LIKE 'prefix%' needs, and the same on every host whatever its C library. */
  readonly pattern?: true;
}

/** Schema (where it matters) and name. */
type Identity = readonly string[];

type Partition = Required<Pick<Index, 'schema' | 'table'>>;

/** Written on every index we make, so that `down` leaves those of others alone. */
const mark = 'Made by the CDR gateway (0007_numbers_as_received).';

const newestFirst = (key: string): readonly Column[] => [
  { name: 'connect_time', descending: true },
  { name: key, descending: true },
];

/** A number that somebody dialled is the one before translation: both sources have it in the record itself. */
const numbers = (table: string, key: string): readonly Index[] => [
  {
    table,
    columns: [{ name: 'cld_in', pattern: true }, ...newestFirst(key)],
    because: 'calls to one number as it was dialled, and to a rare prefix without reading the rest',
  },
  {
    table,
    columns: [{ name: 'cli_in', pattern: true }, ...newestFirst(key)],
    because: 'calls from one number as it arrived, and from a rare prefix without reading the rest',
  },
];

const xdrs = numbers('xdrs', 'i_xdr');
const sippy = numbers('cdrs', 'i_cdr');

/** Safe to run again: valid indexes stay, half-built ones are dropped and built anew, absent ones are built. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const index of await wanted(db)) await build(db, index);
}

/** Also run when an earlier run is on record: an index may have been lost or left half-built since. */
export const repair = up;

/** Drops only indexes that carry our mark. */
export async function down(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ name: string; partitioned: boolean }>`
    select index.relname as name, index.relkind = 'I' as partitioned from pg_class as index
    join pg_index on pg_index.indexrelid = index.oid
    where pg_index.indrelid in (to_regclass('xdrs'), to_regclass('cdrs'))
      and obj_description(index.oid, 'pg_class') = ${sql.lit(mark)}
    order by index.relname`.execute(db);
  for (const { name, partitioned } of rows) {
    // PostgreSQL cannot drop the index of a partitioned table concurrently.
    await sql`drop index ${partitioned ? sql`` : sql`concurrently `}${sql.id(name)}`.execute(db);
  }
}

/** The indexes whose table and columns exist. Before the first migration has run, those of our own `xdrs`. */
async function wanted(db: Kysely<unknown>): Promise<readonly Index[]> {
  const { rows } = await sql<{ table: string; column: string }>`
    select relation.relname as table, attribute.attname as column
    from pg_class as relation
    join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum > 0
    where relation.oid in (to_regclass('xdrs'), to_regclass('cdrs'))
      and relation.relkind in ('r', 'p') and not attribute.attisdropped
      and (attribute.attname not in ('cld_in', 'cli_in')
        or attribute.atttypid in ('text'::regtype, 'varchar'::regtype))`.execute(db);
  if (rows.length === 0) return xdrs;
  const present = new Set(rows.map(({ table, column }) => `${table}.${column}`));
  return [...xdrs, ...sippy].filter(({ table, columns }) =>
    columns.every((column) => present.has(`${table}.${column.name}`)),
  );
}

/** Builds the index unless one like it is there. Answers the one that serves. */
async function build(db: Kysely<unknown>, index: Index): Promise<Identity> {
  const { serving, halfBuilt } = await indexesOf(db, index);
  if (serving) return serving;
  const partitions = await partitionsOf(db, index);
  await (partitions
    ? buildOnPartitions(db, index, partitions, halfBuilt)
    : buildAtOnce(db, index, halfBuilt));
  await sql`comment on index ${sql.id(...identityOf(index))} is ${sql.lit(mark)}`.execute(db);
  return identityOf(index);
}

/** Concurrently, so that the switch goes on writing; on our own copy in the quicker way that makes writers wait. */
async function buildAtOnce(db: Kysely<unknown>, index: Index, halfBuilt: boolean): Promise<void> {
  const concurrently = (await isOurCopy(db, index)) ? sql`` : sql`concurrently `;
  if (halfBuilt) {
    const name = sql.id(...identityOf(index));
    await sql`/* half-built: an earlier build did not finish */ drop index ${concurrently}${name}`.execute(
      db,
    );
  }
  await sql`/* ${sql.raw(index.because)} */ create index ${concurrently}${sql.id(nameOf(index))}
    on ${tableOf(index)} (${columnList(index)})`.execute(db);
}

/** A table that 0001_tables made, or will make: there is none yet. */
async function isOurCopy(db: Kysely<unknown>, index: Index): Promise<boolean> {
  const { rows } = await sql<{ ours: boolean }>`
    select coalesce(obj_description(${oidOf(index)}, 'pg_class') like '%(0001_tables)%', ${oidOf(index)} is null)
      as ours`.execute(db);
  return rows[0]!.ours;
}

/** PostgreSQL cannot do it concurrently as a whole: an empty shell, then each partition's index, and the last one makes it valid. */
async function buildOnPartitions(
  db: Kysely<unknown>,
  index: Index,
  partitions: readonly Partition[],
  hasShell: boolean,
): Promise<void> {
  if (!hasShell) {
    await sql`/* ${sql.raw(index.because)} */ create index ${sql.id(nameOf(index))}
      on only ${tableOf(index)} (${columnList(index)})`.execute(db);
  }
  for (const partition of partitions) {
    const part = await build(db, { ...index, ...partition });
    await sql`alter index ${sql.id(...identityOf(index))} attach partition ${sql.id(...part)}`.execute(db);
  }
}

interface Found {
  /** An index that has the columns in this order, under whatever name. */
  readonly serving: Identity | undefined;
  /** An index of our name that is not valid: what an unfinished build left behind. */
  readonly halfBuilt: boolean;
}

async function indexesOf(db: Kysely<unknown>, index: Index): Promise<Found> {
  const { rows } = await sql<{ schema: string; name: string; valid: boolean; columns: string[] }>`
    select nspname as schema, relation.relname as name, indisvalid and indisready as valid,
      array(
        select pg_get_indexdef(indexrelid, position, true)
          || case when indoption[position - 1] & 1 = 1 then ' desc' else '' end
          || case when opcname like '%_pattern_ops' then ' pattern' else '' end
        from generate_series(1, indnkeyatts) as position
        join pg_opclass on pg_opclass.oid = indclass[position - 1]
        order by position
      ) as columns
    from pg_index
    join pg_class as relation on relation.oid = indexrelid
    join pg_namespace on pg_namespace.oid = relation.relnamespace
    where indrelid = ${oidOf(index)} and indpred is null`.execute(db);
  const shape = index.columns
    .map(({ name, descending, pattern }) => name + (descending ? ' desc' : '') + (pattern ? ' pattern' : ''))
    .join();
  const serving = rows.find(({ valid, columns }) => valid && columns.join() === shape);
  return {
    serving: serving && [serving.schema, serving.name],
    halfBuilt: rows.some(({ valid, name }) => !valid && name === nameOf(index)),
  };
}

/** The partitions right below the table; null for a table that is not partitioned. */
async function partitionsOf(db: Kysely<unknown>, index: Index): Promise<readonly Partition[] | null> {
  const { rows: partitioned } = await sql`
    select 1 from pg_class where oid = ${oidOf(index)} and relkind = 'p'`.execute(db);
  if (partitioned.length === 0) return null;
  const { rows } = await sql<Partition>`
    select nspname as schema, relname as table from pg_inherits
    join pg_class on pg_class.oid = inhrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where inhparent = ${oidOf(index)} order by relname`.execute(db);
  return rows;
}

/** As PostgreSQL itself would name it. */
const nameOf = ({ table, columns }: Index): string =>
  [table, ...columns.map((column) => column.name), 'idx'].join('_').slice(0, 63);

/** An index lives in the schema of its table. */
const identityOf = (index: Index): Identity => [...(index.schema ? [index.schema] : []), nameOf(index)];

const tableOf = ({ schema, table }: Index) => (schema ? sql.id(schema, table) : sql.id(table));

const oidOf = ({ schema, table }: Index) =>
  sql`to_regclass(${sql.lit([schema, table].flatMap((part) => (part ? `"${part}"` : [])).join('.'))})`;

const columnList = ({ columns }: Index) =>
  sql.join(
    columns.map(
      ({ name, descending, pattern }) =>
        sql`${sql.id(name)}${sql.raw(`${pattern ? ' text_pattern_ops' : ''}${descending ? ' desc' : ''}`)}`,
    ),
  );
