import { type Kysely, sql } from 'kysely';

/** The tables that `gateway_reader` is for, as 0003_roles has them: whole, or these columns of them. */
const readable: Readonly<Record<string, readonly string[] | 'every column'>> = {
  xdrs: 'every column',
  cdrs: 'every column',
  calls: 'every column',
  destinations: 'every column',
  countries: 'every column',
  protocols: 'every column',
  accounts: [
    'i_account',
    'i_customer',
    'username',
    'currency',
    'payment_currency',
    'iso_4217',
    'time_zone',
    'i_time_zone',
    'blocked',
  ],
  customers: ['i_customer', 'name'],
};

/**
 * 0003_roles let `gateway_reader` read every table that the owner of the calls would ever make, and all of its columns:
 * also a table of accounts made anew, with the passwords in it. Taken back here, together with what came that way since.
 * A new partition of the calls is read through its table, which needs no privilege of its own; a table made anew under
 * the name of an old one gets its grants from the next `migrate up`.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const { schema, owner } = await placeOf(transaction);
    for (const role of new Set([owner, ...(await rolesWithDefaults(transaction, schema))])) {
      await sql`alter default privileges for role ${sql.id(role)} in schema ${sql.id(schema)}
        revoke select on tables from gateway_reader`.execute(transaction);
    }
    for (const { name, columns } of await tablesReadWhole(transaction, schema)) {
      if (readable[name] === 'every column') continue;
      await sql`revoke select on ${sql.id(schema, name)} from gateway_reader`.execute(transaction);
      const allowed = allowedOf(name, columns);
      if (allowed.length > 0) await grantColumns(transaction, schema, name, allowed);
    }
  });
}

/** Future tables are readable again. Those that were made in the meantime are not. */
export async function down(db: Kysely<unknown>): Promise<void> {
  if (!(await isReaderThere(db))) return;
  const { schema, owner } = await placeOf(db);
  await sql`alter default privileges for role ${sql.id(owner)} in schema ${sql.id(schema)}
    grant select on tables to gateway_reader`.execute(db);
}

/** Grants again what was lost: a table dropped and made anew under its old name has no grants. */
export async function repair(db: Kysely<unknown>): Promise<void> {
  if (!(await isReaderThere(db))) return;
  const { schema } = await placeOf(db);
  for (const { name, columns } of await tablesNotRead(db, schema)) {
    if (readable[name] === 'every column') {
      await sql`grant select on ${sql.id(schema, name)} to gateway_reader`.execute(db);
    } else {
      const allowed = allowedOf(name, columns);
      if (allowed.length > 0) await grantColumns(db, schema, name, allowed);
    }
  }
}

function allowedOf(table: string, columns: readonly string[]): readonly string[] {
  const allowed = Object.hasOwn(readable, table) ? readable[table]! : [];
  return allowed === 'every column' ? columns : columns.filter((column) => allowed.includes(column));
}

async function grantColumns(
  db: Kysely<unknown>,
  schema: string,
  table: string,
  columns: readonly string[],
): Promise<void> {
  const names = sql.join(columns.map((column) => sql.id(column)));
  await sql`grant select (${names}) on ${sql.id(schema, table)} to gateway_reader`.execute(db);
}

async function isReaderThere(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_roles where rolname = 'gateway_reader'`.execute(db);
  return rows.length > 0;
}

/** Where the calls are and whose they are. Before the first migration has run: here, and ours. */
async function placeOf(db: Kysely<unknown>): Promise<{ schema: string; owner: string }> {
  const { rows } = await sql<{ schema: string; owner: string }>`
    select coalesce(relnamespace::regnamespace::name, current_schema()) as schema,
      coalesce(pg_get_userbyid(relowner), current_user) as owner
    from (select coalesce(to_regclass('xdrs'), to_regclass('cdrs')) as oid) as calls
    left join pg_class on pg_class.oid = calls.oid`.execute(db);
  return rows[0]!;
}

/** The tables may have had another owner when the defaults were set. */
async function rolesWithDefaults(db: Kysely<unknown>, schema: string): Promise<readonly string[]> {
  const { rows } = await sql<{ role: string }>`
    select pg_get_userbyid(defaclrole) as role
    from pg_default_acl cross join aclexplode(defaclacl)
    join pg_roles on pg_roles.oid = grantee and rolname = 'gateway_reader'
    where defaclnamespace = ${sql.lit(schema)}::regnamespace and defaclobjtype = 'r' and privilege_type = 'SELECT'
    order by 1`.execute(db);
  return rows.map(({ role }) => role);
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Whole tables that were granted, except partitions: what they hold may be read through their table anyway. */
async function tablesReadWhole(db: Kysely<unknown>, schema: string): Promise<readonly Table[]> {
  return selectTables(
    db,
    schema,
    sql`not relispartition and exists (select from aclexplode(relacl) join pg_roles on pg_roles.oid = grantee
      where rolname = 'gateway_reader' and privilege_type = 'SELECT')`,
  );
}

/** Tables of ours of which not one column may be read. A DBA who allows some of them has chosen. */
async function tablesNotRead(db: Kysely<unknown>, schema: string): Promise<readonly Table[]> {
  const names = sql.join(Object.keys(readable).map((name) => sql.lit(name)));
  return selectTables(
    db,
    schema,
    sql`relname in (${names}) and not has_any_column_privilege('gateway_reader', pg_class.oid, 'select')`,
  );
}

async function selectTables(
  db: Kysely<unknown>,
  schema: string,
  condition: ReturnType<typeof sql>,
): Promise<readonly Table[]> {
  const { rows } = await sql<{ name: string; columns: string[] }>`
    select relname::text as name, array_agg(attname::text order by attnum) as columns
    from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
    where relnamespace = ${sql.lit(schema)}::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') and ${condition}
    group by relname order by relname`.execute(db);
  return rows;
}
