import { type Kysely, sql } from 'kysely';

/** Written on every table we make, so that `down` can tell ours from the switch's. */
const mark = 'Development copy, made by the CDR gateway (0001_tables). A real switch owns this table.';

/**
 * Stands in for the switch's tables in development and tests. Where the switch has its own calls
 * (`xdrs`, or `cdrs` on a Sippy) nothing is made: not even the lookups, whose shape is the switch's to say.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  if (await switchOwnsCalls(db)) return;
  await db.transaction().execute(async (transaction) => {
    await createXdrs(transaction);
    await createAccounts(transaction);
    await createCustomers(transaction);
  });
}

/** Drops only what carries our mark. */
export async function down(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select relation.relname as name from pg_class as relation
    where relation.oid in (to_regclass('xdrs'), to_regclass('accounts'), to_regclass('customers'))
      and obj_description(relation.oid, 'pg_class') = ${sql.lit(mark)}`.execute(db);
  for (const { name } of rows) await db.schema.dropTable(name).execute();
}

/** A table of calls that we did not make. */
async function switchOwnsCalls(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql`
    select 1 from pg_class as relation
    where relation.oid in (to_regclass('xdrs'), to_regclass('cdrs'))
      and obj_description(relation.oid, 'pg_class') is distinct from ${sql.lit(mark)}`.execute(db);
  return rows.length > 0;
}

async function createXdrs(db: Kysely<unknown>): Promise<void> {
  if (await exists(db, 'xdrs')) return;
  await db.schema
    .createTable('xdrs')
    .addColumn('i_xdr', 'bigint', (column) => column.generatedByDefaultAsIdentity().primaryKey())
    .addColumn('i_account', 'bigint', (column) => column.notNull())
    .addColumn('i_customer', 'bigint')
    .addColumn('cli', 'text')
    .addColumn('cld', 'text')
    .addColumn('cli_in', 'text')
    .addColumn('cld_in', 'text')
    .addColumn('setup_time', 'timestamptz')
    .addColumn('connect_time', 'timestamptz', (column) => column.notNull())
    .addColumn('disconnect_time', 'timestamptz')
    .addColumn('duration', 'numeric', (column) => column.notNull().defaultTo(0))
    .addColumn('charged_quantity', 'integer')
    .addColumn('charged_amount', 'numeric', (column) => column.notNull().defaultTo(0))
    .addColumn('post_call_surcharge', 'numeric')
    .addColumn('disconnect_cause', 'integer')
    .addColumn('disconnect_reason', 'text')
    .addColumn('call_id', 'text')
    .addColumn('prefix', 'text')
    .addColumn('country', 'text')
    .addColumn('region', 'text')
    .addColumn('remote_ip', 'text')
    .addColumn('pdd', 'numeric')
    .addColumn('release_source', 'text')
    .addColumn('user_agent', 'text')
    .addColumn('i_protocol', 'smallint')
    .execute();
  await markAsOurs(db, 'xdrs');
}

async function createAccounts(db: Kysely<unknown>): Promise<void> {
  if (await exists(db, 'accounts')) return;
  await db.schema
    .createTable('accounts')
    .addColumn('i_account', 'bigint', (column) => column.primaryKey())
    .addColumn('i_customer', 'bigint')
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('currency', 'text')
    .addColumn('time_zone', 'text')
    .addColumn('blocked', 'boolean', (column) => column.notNull().defaultTo(false))
    .execute();
  await markAsOurs(db, 'accounts');
}

async function createCustomers(db: Kysely<unknown>): Promise<void> {
  if (await exists(db, 'customers')) return;
  await db.schema
    .createTable('customers')
    .addColumn('i_customer', 'bigint', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .execute();
  await markAsOurs(db, 'customers');
}

async function exists(db: Kysely<unknown>, table: string): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select to_regclass(${sql.lit(table)}) is not null as found`.execute(db);
  return rows[0]!.found;
}

async function markAsOurs(db: Kysely<unknown>, table: string): Promise<void> {
  await sql`comment on table ${sql.id(table)} is ${sql.lit(mark)}`.execute(db);
}
