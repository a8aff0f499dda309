import { type Kysely, sql } from 'kysely';

/** Runs outside a transaction: CREATE INDEX CONCURRENTLY is not allowed inside one. */

interface Index {
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

type State = 'absent' | 'valid' | 'half-built';

/** Written on every index we make, so that `down` leaves those of others alone. */
const mark = 'Made by the CDR gateway (0002_indexes).';

const newestFirst = (key: string): readonly Column[] => [
  { name: 'connect_time', descending: true },
  { name: key, descending: true },
];

const xdrs: readonly Index[] = [
  {
    table: 'xdrs',
    columns: [{ name: 'i_account' }, ...newestFirst('i_xdr')],
    because: 'calls of one account, newest or oldest first, from any cursor',
  },
  {
    table: 'xdrs',
    columns: newestFirst('i_xdr'),
    because: 'calls of every account in the same order, and any time range',
  },
  {
    table: 'xdrs',
    columns: [{ name: 'i_customer' }, ...newestFirst('i_xdr')],
    because: 'calls of one customer in the same order',
  },
  {
    table: 'xdrs',
    columns: [{ name: 'cld', pattern: true }, ...newestFirst('i_xdr')],
    because: 'calls to one number in order, and to a rare prefix without reading the rest',
  },
  {
    table: 'xdrs',
    columns: [{ name: 'cli', pattern: true }, ...newestFirst('i_xdr')],
    because: 'calls from one number in order, and from a rare prefix without reading the rest',
  },
];

/** A Sippy keeps the numbers in `calls`, so a number is found there and joined back by i_call. */
const sippy: readonly Index[] = [
  {
    table: 'cdrs',
    columns: [{ name: 'i_account' }, ...newestFirst('i_cdr')],
    because: 'calls of one account, newest or oldest first, from any cursor',
  },
  {
    table: 'cdrs',
    columns: newestFirst('i_cdr'),
    because: 'calls of every account in the same order, and any time range',
  },
  { table: 'cdrs', columns: [{ name: 'i_cdr' }], because: 'one call by its id' },
  { table: 'cdrs', columns: [{ name: 'i_call' }], because: 'from a number found in calls to its record' },
  { table: 'calls', columns: [{ name: 'i_call' }], because: 'from a record to its numbers' },
  {
    table: 'calls',
    columns: [{ name: 'cld', pattern: true }],
    because: 'calls to one number, or to a rare prefix',
  },
  {
    table: 'calls',
    columns: [{ name: 'cli', pattern: true }],
    because: 'calls from one number, or from a rare prefix',
  },
];

/** Safe to run again: valid indexes stay, half-built ones are dropped and built anew, absent ones are built. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const indexes = await wanted(db);
  for (const index of indexes) await build(db, index);
  for (const table of new Set(indexes.map((index) => index.table))) {
    await sql`analyze ${sql.id(table)}`.execute(db);
  }
}

/** Also run when an earlier run is on record: an index may have been lost or left half-built since. */
export const repair = async (db: Kysely<unknown>): Promise<void> => {
  for (const index of await wanted(db)) await build(db, index);
};

/** Drops only indexes that carry our mark. */
export async function down(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select index.relname as name from pg_class as index
    join pg_index on pg_index.indexrelid = index.oid
    where pg_index.indrelid in (to_regclass('xdrs'), to_regclass('cdrs'), to_regclass('calls'))
      and obj_description(index.oid, 'pg_class') = ${sql.lit(mark)}
    order by index.relname`.execute(db);
  for (const { name } of rows) await sql`drop index concurrently ${sql.id(name)}`.execute(db);
}

/** The indexes whose table and columns exist. Before the first migration has run, those of our own `xdrs`. */
async function wanted(db: Kysely<unknown>): Promise<readonly Index[]> {
  const { rows } = await sql<{ table: string; column: string }>`
    select relation.relname as table, attribute.attname as column
    from pg_class as relation
    join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum > 0
    where relation.oid in (to_regclass('xdrs'), to_regclass('cdrs'), to_regclass('calls'))
      and not attribute.attisdropped`.execute(db);
  if (rows.length === 0) return xdrs;
  const present = new Set(rows.map(({ table, column }) => `${table}.${column}`));
  return [...xdrs, ...sippy].filter(({ table, columns }) =>
    columns.every((column) => present.has(`${table}.${column.name}`)),
  );
}

async function build(db: Kysely<unknown>, index: Index): Promise<void> {
  const state = await stateOf(db, index);
  if (state === 'valid') return;
  const name = sql.id(nameOf(index));
  if (state === 'half-built') {
    await sql`/* half-built: an earlier build did not finish */ drop index concurrently ${name}`.execute(db);
  }
  await sql`/* ${sql.raw(index.because)} */ create index concurrently ${name} on ${sql.id(index.table)} (${columnList(index)})`.execute(
    db,
  );
  await sql`comment on index ${name} is ${sql.lit(mark)}`.execute(db);
}

/** "valid" also when another index, under whatever name, has the same columns in the same order. */
async function stateOf(db: Kysely<unknown>, index: Index): Promise<State> {
  const { rows } = await sql<{ name: string; valid: boolean; columns: string[] }>`
    select relation.relname as name, indisvalid and indisready as valid,
      array(
        select pg_get_indexdef(indexrelid, position, true)
          || case when indoption[position - 1] & 1 = 1 then ' desc' else '' end
          || case when opcname like '%_pattern_ops' then ' pattern' else '' end
        from generate_series(1, indnkeyatts) as position
        join pg_opclass on pg_opclass.oid = indclass[position - 1]
        order by position
      ) as columns
    from pg_index join pg_class as relation on relation.oid = indexrelid
    where indrelid = to_regclass(${sql.lit(index.table)}) and indpred is null`.execute(db);
  const shape = index.columns
    .map(({ name, descending, pattern }) => name + (descending ? ' desc' : '') + (pattern ? ' pattern' : ''))
    .join();
  if (rows.some(({ valid, columns }) => valid && columns.join() === shape)) return 'valid';
  const namesake = rows.find(({ name }) => name === nameOf(index));
  return namesake === undefined ? 'absent' : 'half-built';
}

/** As PostgreSQL itself would name it. */
const nameOf = ({ table, columns }: Index): string =>
  [table, ...columns.map((column) => column.name), 'idx'].join('_');

const columnList = ({ columns }: Index) =>
  sql.join(
    columns.map(
      ({ name, descending, pattern }) =>
        sql`${sql.id(name)}${sql.raw(`${pattern ? ' text_pattern_ops' : ''}${descending ? ' desc' : ''}`)}`,
    ),
  );
