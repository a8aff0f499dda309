import { type Kysely, sql } from 'kysely';

// Runs outside a transaction: CREATE INDEX CONCURRENTLY is not allowed inside one.

interface Index {
  readonly table: Table;
  /** Stored beside the key, so that statistics need not read the table. None: the plain index of 0002. */
  readonly included: readonly string[];
  readonly mark: string;
  /** Which question it answers. Printed with the statement. */
  readonly because: string;
}

interface Table {
  /** Undefined: wherever the search path finds the table. */
  readonly schema?: string;
  readonly name: string;
}

type Partition = Required<Table>;

/** Schema (where it matters) and name. */
type Identity = readonly string[];

const calls: Table = { name: 'xdrs' };

/** The order of an account's calls: the first ascending, the others newest first. */
const keys = ['i_account', 'connect_time', 'i_xdr'];

/** All that the measures of the statistics are worked out from. */
const measured = ['duration', 'charged_quantity', 'charged_amount', 'disconnect_cause', 'pdd'];

/** Written on every index we make, so that `down` leaves those of others alone. */
const mark = 'Made by the CDR gateway (0004_statistics).';

const covering = (included: readonly string[]): Index => ({
  table: calls,
  included,
  mark,
  because: 'calls of one account in order, and their statistics without reading the table',
});

/** As 0002_indexes makes it, its mark included. */
const plain: Index = {
  table: calls,
  included: [],
  mark: 'Made by the CDR gateway (0002_indexes).',
  because: 'calls of one account, newest or oldest first, from any cursor',
};

/**
 * Puts an index that also holds what statistics need in the place of the plain one of 0002: first the one is
 * built, then the other dropped. Safe to run again, wherever an earlier run stopped.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const included = await columnsToInclude(db);
  if (included.length === 0) return;
  await ensure(db, covering(included));
  await dropPlain(db);
}

/** Also run when an earlier run is on record: the index may have been lost or left half-built since. */
export const repair = up;

/** Run before 0002 where calls are there already: it then finds an index that serves, and builds none to be dropped. */
export async function ahead(db: Kysely<unknown>): Promise<void> {
  if (await hasCalls(db)) await up(db);
}

/** Drops only what carries our mark, and before that builds the plain index where nothing else stands for it. */
export async function down(db: Kysely<unknown>): Promise<void> {
  const indexes = await indexesOf(db, calls);
  const ours = indexes.filter((index) => index.comment === mark && !index.hasForeignParts);
  if (ours.length === 0) return;
  const remains = indexes.some((index) => index.isInOrder && index.isValid && !ours.includes(index));
  if (!remains) await build(db, plain);
  for (const index of ours) await drop(db, index);
}

/**
 * The columns that the table has. Only numbers: a text may be longer than an index can hold, and the switch could
 * not write that call. Before the first migration has run, those of our own `xdrs`.
 */
async function columnsToInclude(db: Kysely<unknown>): Promise<readonly string[]> {
  const { rows } = await sql<{ column: string; number: boolean }>`
    select attname as column, typcategory = 'N' as number from pg_attribute
    join pg_class as relation on relation.oid = attrelid and relation.relkind in ('r', 'p')
    join pg_type on pg_type.oid = atttypid
    where attrelid = to_regclass('xdrs') and attnum > 0 and not attisdropped and attgenerated <> 'v'`.execute(
    db,
  );
  if (rows.length === 0) return (await hasCalls(db)) ? [] : measured;
  if (!keys.every((key) => rows.some(({ column }) => column === key))) return [];
  return measured.filter((name) => rows.some(({ column, number }) => column === name && number));
}

/** Under either name, and be it a view. */
async function hasCalls(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql`
    select where to_regclass('xdrs') is not null or to_regclass('cdrs') is not null`.execute(db);
  return rows.length > 0;
}

/** Builds the index unless one like it is there. Answers the one that serves. */
async function ensure(db: Kysely<unknown>, index: Index): Promise<Identity> {
  const serving = (await indexesOf(db, index.table)).find((found) => serves(found, index));
  return serving ? serving.identity : build(db, index);
}

async function build(db: Kysely<unknown>, index: Index): Promise<Identity> {
  const identity = identityOf(index);
  const namesake = (await indexesOf(db, index.table)).find(({ name }) => name === nameOf(index));
  const halfBuilt = namesake?.isValid === false;
  const partitions = await partitionsOf(db, index.table);
  await (partitions
    ? buildOnPartitions(db, index, partitions, halfBuilt)
    : buildAtOnce(db, index, halfBuilt));
  await sql`comment on index ${sql.id(...identity)} is ${sql.lit(index.mark)}`.execute(db);
  return identity;
}

/** Concurrently, so that the switch goes on writing; on our own copy in the quicker way that makes writers wait. */
async function buildAtOnce(db: Kysely<unknown>, index: Index, halfBuilt: boolean): Promise<void> {
  const concurrently = (await isOurCopy(db, index.table)) ? sql`` : sql`concurrently `;
  if (halfBuilt) {
    const name = sql.id(...identityOf(index));
    await sql`/* half-built: an earlier build did not finish */ drop index ${concurrently}${name}`.execute(
      db,
    );
  }
  await sql`/* ${sql.raw(index.because)} */ create index ${concurrently}${sql.id(nameOf(index))}
    on ${tableOf(index.table)} ${columnsOf(index)}`.execute(db);
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
      on only ${tableOf(index.table)} ${columnsOf(index)}`.execute(db);
  }
  for (const partition of partitions) {
    const part = await ensure(db, { ...index, table: partition });
    await sql`alter index ${sql.id(...identityOf(index))} attach partition ${sql.id(...part)}`.execute(db);
  }
}

/** The plain index that 0002 built. One of somebody else's stays. */
async function dropPlain(db: Kysely<unknown>): Promise<void> {
  const inOrder = (await indexesOf(db, calls)).filter((index) => index.isInOrder);
  if (inOrder.some((index) => index.isValid)) {
    const dropped = inOrder.filter((index) => index.comment === plain.mark && !index.hasForeignParts);
    for (const index of dropped) await drop(db, index);
  } else {
    // Nothing has been built: statements are being printed, and those of 0002 above will have built it.
    const isPartitioned = (await partitionsOf(db, calls)) !== null;
    await drop(db, { identity: identityOf(plain), isPartitioned });
  }
}

async function drop(
  db: Kysely<unknown>,
  { identity, isPartitioned }: Pick<Found, 'identity' | 'isPartitioned'>,
): Promise<void> {
  // PostgreSQL cannot drop the index of a partitioned table concurrently.
  const atOnce = isPartitioned || (await isOurCopy(db, calls));
  await sql`/* another index has the same order */
    drop index ${atOnce ? sql`` : sql`concurrently `}${sql.id(...identity)}`.execute(db);
}

/** A table that 0001_tables made, or will make: there is none yet. */
async function isOurCopy(db: Kysely<unknown>, table: Table): Promise<boolean> {
  const { rows } = await sql<{ ours: boolean }>`
    select coalesce(obj_description(${oidOf(table)}, 'pg_class') like '%(0001_tables)%', ${oidOf(table)} is null)
      as ours`.execute(db);
  return rows[0]!.ours;
}

interface Found {
  readonly identity: Identity;
  readonly name: string;
  /** False for what an unfinished build, or an unfinished drop, left behind. */
  readonly isValid: boolean;
  readonly isPartitioned: boolean;
  /** Its key is `keys`, in that order. */
  readonly isInOrder: boolean;
  readonly included: readonly string[];
  readonly comment: string | null;
  /**
   * An index that somebody made on a partition was made a part of it, and would be dropped with it. Such a part has
   * not our mark and is older than the whole; those of later partitions, which PostgreSQL makes, are younger.
   */
  readonly hasForeignParts: boolean;
}

async function indexesOf(db: Kysely<unknown>, table: Table): Promise<readonly Found[]> {
  const { rows } = await sql<Omit<Found, 'identity'> & { schema: string; columns: string[] }>`
    select nspname as schema, relation.relname as name, relation.relkind = 'I' as "isPartitioned",
      indisvalid and indisready as "isValid",
      (select array_agg(pg_get_indexdef(indexrelid, position, true) order by position)
        from generate_series(1, indnkeyatts) as position) = ${sql.val(keys)}::text[]
        and indoption::text = '0 3 3' and indpred is null as "isInOrder",
      array(select pg_get_indexdef(indexrelid, position, true)
        from generate_series(indnkeyatts + 1, indnatts) as position order by position) as included,
      obj_description(indexrelid, 'pg_class') as comment,
      exists (select from pg_partition_tree(indexrelid) as part
        where part.relid::oid < indexrelid
          and coalesce(obj_description(part.relid, 'pg_class'), '') not like 'Made by the CDR gateway (%'
      ) as "hasForeignParts"
    from pg_index
    join pg_class as relation on relation.oid = indexrelid
    join pg_namespace on pg_namespace.oid = relation.relnamespace
    where indrelid = ${oidOf(table)}
    order by relation.relname`.execute(db);
  return rows.map(({ schema, ...found }) => ({ ...found, identity: [schema, found.name] }));
}

/** A part must be exactly like the whole; the whole may hold more than is wanted. */
function serves(found: Found, { table, included }: Index): boolean {
  if (!found.isValid || !found.isInOrder) return false;
  return table.schema === undefined
    ? included.every((column) => found.included.includes(column))
    : included.join() === found.included.join();
}

/** The partitions right below the table; null for a table that is not partitioned. */
async function partitionsOf(db: Kysely<unknown>, table: Table): Promise<readonly Partition[] | null> {
  const { rows: partitioned } = await sql`
    select 1 from pg_class where oid = ${oidOf(table)} and relkind = 'p'`.execute(db);
  if (partitioned.length === 0) return null;
  const { rows } = await sql<Partition>`
    select nspname as schema, relname as name from pg_inherits
    join pg_class on pg_class.oid = inhrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    where inhparent = ${oidOf(table)} order by relname`.execute(db);
  return rows;
}

/** The plain one as 0002 and PostgreSQL itself name it. PostgreSQL would list what the other includes, and cut it off. */
function nameOf({ table, included }: Index): string {
  const end = included.length > 0 ? '_covering_idx' : '_idx';
  return [table.name, ...keys].join('_').slice(0, 63 - end.length) + end;
}

/** An index lives in the schema of its table. */
const identityOf = (index: Index): Identity => [
  ...(index.table.schema ? [index.table.schema] : []),
  nameOf(index),
];

const tableOf = ({ schema, name }: Table) => (schema ? sql.id(schema, name) : sql.id(name));

const oidOf = ({ schema, name }: Table) =>
  sql`to_regclass(${sql.lit([schema, name].flatMap((part) => (part ? `"${part}"` : [])).join('.'))})`;

function columnsOf({ included }: Index) {
  const [account, ...newestFirst] = keys.map((key) => sql.id(key));
  const key = sql`(${account}, ${sql.join(newestFirst.map((column) => sql`${column} desc`))})`;
  return included.length === 0
    ? key
    : sql`${key} include (${sql.join(included.map((name) => sql.id(name)))})`;
}
