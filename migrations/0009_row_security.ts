import { type Kysely, sql } from 'kysely';

/** Runs only where it is asked for by name: `migrate up --with row_security`. */
export const isOptional = true;

/** Written on the role and the policies we make: `down` drops no others. */
const mark = 'Made by the CDR gateway (0009_row_security).';

/**
 * Whoever logs in as a member of `gateway_reader` sees what belongs to the accounts that are set. It takes on another role
 * where a principal sees the calls of customers, or all: a condition for either would need the customer of every call,
 * which the index that statistics of an account are read from does not have.
 */
const customersRole = 'gateway_customers';
const everybodyRole = 'gateway_all';
const ourRoles = [customersRole, everybodyRole];

/**
 * The ids that a transaction may see, as the gateway sets them. Without them a statement fails instead of seeing nothing.
 * They are read from their text once a statement, inside the sub-select. The cast outside changes nothing but the
 * grammar: `any` of a bare sub-select would compare with its rows.
 */
const accountIds = `(select current_setting('cdr_gateway.accounts')::bigint[])::bigint[]`;
const customerIds = `(select current_setting('cdr_gateway.customers')::bigint[])::bigint[]`;

/** Functions that make large objects, or write to them. PostgreSQL lets everybody use them. */
const largeObjects = sql.raw(
  [
    'lo_creat(integer)',
    'lo_create(oid)',
    'lo_from_bytea(oid, bytea)',
    'lo_open(oid, integer)',
    'lo_put(oid, bigint, bytea)',
    'lo_truncate(integer, integer)',
    'lo_truncate64(integer, bigint)',
    'lo_unlink(oid)',
    'lowrite(integer, bytea)',
  ]
    .map((name) => `pg_catalog.${name}`)
    .join(', '),
);

/**
 * PostgreSQL itself keeps the calls of others from members of `gateway_reader`: a second wall behind the condition that
 * the gateway puts into each statement. Nobody else notices: a policy of the restrictive kind binds those members alone,
 * and where row security was off, another one lets everybody through as before.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await refuseWithoutReader(db);
  await db.transaction().execute(async (transaction) => {
    const tables = await tablesOf(transaction);
    refuseViews(tables);
    await createRoles(transaction);
    for (const role of ourRoles) await grantReading(transaction, role);
    await secureAll(transaction, tables);
    await takeFromReader(transaction);
  });
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const policies = await policiesOf(transaction);
    if (policies.length > 0) await waitBriefly(transaction);
    for (const { schema, table, policy } of policies) {
      await sql`drop policy ${sql.id(policy)} on ${sql.id(schema, table)}`.execute(transaction);
    }
    // The policy for everybody else is there only where row security was off before.
    for (const { schema, table } of policies.filter(({ policy }) => policy === 'gateway_others')) {
      await sql`alter table ${sql.id(schema, table)} disable row level security`.execute(transaction);
    }
    await giveBackToEverybody(transaction);
    for (const role of ourRoles) await dropRole(transaction, role);
  });
}

/** Grants again what was lost: a table that was made anew has no grants, and no policies either. */
export async function repair(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ role: string }>`
    select rolname as role from pg_roles where rolname in (${sql.join(ourRoles.map((role) => sql.lit(role)))})
    order by rolname desc`.execute(db);
  if (rows.length === 0) return;
  for (const { role } of rows) await grantReading(db, role);
  const tables = await tablesOf(db);
  refuseViews(tables);
  if (tables.every(({ isSecured }) => isSecured)) return;
  await db.transaction().execute((transaction) => secureAll(transaction, tables));
}

/**
 * A policy is made under a lock that nothing else goes with. Whoever waits for it keeps all others waiting too, so it is
 * not waited for longer than a switch can bear.
 */
async function waitBriefly(db: Kysely<unknown>): Promise<void> {
  await sql`set local lock_timeout = '2s'`.execute(db);
}

/** Printed before 0003_roles has run, there is nothing yet that could be granted or restricted. */
async function refuseWithoutReader(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql`
    select from pg_roles join pg_class on pg_class.oid = coalesce(to_regclass('xdrs'), to_regclass('cdrs'))
    where rolname = 'gateway_reader' and has_any_column_privilege(pg_roles.oid, pg_class.oid, 'select')`.execute(
    db,
  );
  if (rows.length > 0) return;
  throw new Error('Row security binds roles that may not read calls yet: run the other migrations first.');
}

interface Table {
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly columns: readonly string[];
  /** Whether row security was on, ours or another's. */
  readonly hasRowSecurity: boolean;
  readonly isSecured: boolean;
}

/** The tables whose rows have an owner. The numbers of a Sippy's `calls` have none: they are read through `cdrs`. */
async function tablesOf(db: Kysely<unknown>): Promise<readonly Table[]> {
  const { rows } = await sql<Table>`
    select relation.relnamespace::regnamespace::name as schema, relation.relname as name, relation.relkind as kind,
      relation.relrowsecurity as "hasRowSecurity",
      exists (select from pg_policy where polrelid = relation.oid and polname = 'gateway_scope') as "isSecured",
      array_agg(attname::text order by attnum) as columns
    from pg_class as calls
    join pg_class as relation on relation.relnamespace = calls.relnamespace
      and (relation.oid = calls.oid or relation.relname in ('accounts', 'customers'))
      and relation.relkind in ('r', 'p', 'v', 'm', 'f')
    join pg_attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
    where calls.oid = coalesce(to_regclass('xdrs'), to_regclass('cdrs'))
    group by relation.oid, relation.relname order by relation.relname`.execute(db);
  return rows;
}

function refuseViews(tables: readonly Table[]): void {
  const other = tables.find(({ kind }) => kind !== 'r' && kind !== 'p');
  if (!other) return;
  throw new Error(
    `${other.name} is not a table, and only tables have row security: secure the tables it is made of.`,
  );
}

/**
 * `gateway` may take on `gateway_customers`, and must not be bound by its policies before: it is a member by way of
 * `gateway_all`, which inherits nothing.
 */
async function createRoles(db: Kysely<unknown>): Promise<void> {
  await createRole(db, customersRole);
  await createRole(db, everybodyRole);
  await grantRole(db, customersRole, everybodyRole);
  await grantRole(db, everybodyRole, 'gateway');
}

async function createRole(db: Kysely<unknown>, role: string): Promise<void> {
  const { rows } = await sql`select 1 from pg_roles where rolname = ${sql.lit(role)}`.execute(db);
  if (rows.length > 0) return;
  await sql`create role ${sql.id(role)} nologin noinherit
    nosuperuser nocreatedb nocreaterole noreplication nobypassrls`.execute(db);
  await sql`comment on role ${sql.id(role)} is ${sql.lit(mark)}`.execute(db);
}

async function grantRole(db: Kysely<unknown>, role: string, member: string): Promise<void> {
  const { rows } = await sql`select from pg_auth_members
    where pg_get_userbyid(roleid) = ${sql.lit(role)} and pg_get_userbyid(member) = ${sql.lit(member)}`.execute(
    db,
  );
  if (rows.length === 0) await sql`grant ${sql.id(role)} to ${sql.id(member)}`.execute(db);
}

/** What `gateway_reader` may read. It cannot be a member of that: then its policies would be this role's too. */
async function grantReading(db: Kysely<unknown>, role: string): Promise<void> {
  const { rows } = await sql<{ schema: string; table: string; columns: string[] | null }>`
    with granted as (
      select pg_class.oid, null as attname, relacl as acl from pg_class
      union all select attrelid, attname, attacl from pg_attribute where attnum > 0 and not attisdropped
    ), readable as (
      select granted.oid, attname, pg_get_userbyid(grantee) as grantee from granted
      cross join aclexplode(acl)
      join pg_class on pg_class.oid = granted.oid
      where privilege_type = 'SELECT' and relkind in ('r', 'p', 'v', 'm', 'f')
    )
    select relnamespace::regnamespace::name as schema, relname as table,
      case when count(*) = count(attname) then array_agg(attname::text order by attname) end as columns
    from readable join pg_class on pg_class.oid = readable.oid
    where grantee = 'gateway_reader' and not exists (select from readable as known
      where known.oid = readable.oid and known.attname is not distinct from readable.attname
        and known.grantee = ${sql.lit(role)})
    group by pg_class.oid, relnamespace, relname order by relname`.execute(db);
  for (const schema of new Set(rows.map((row) => row.schema))) {
    await sql`grant usage on schema ${sql.id(schema)} to ${sql.id(role)}`.execute(db);
  }
  for (const { schema, table, columns } of rows) {
    const only = columns ? sql` (${sql.join(columns.map((name) => sql.id(name)))})` : sql``;
    await sql`grant select${only} on ${sql.id(schema, table)} to ${sql.id(role)}`.execute(db);
  }
}

async function secureAll(db: Kysely<unknown>, tables: readonly Table[]): Promise<void> {
  const open = tables.filter(({ isSecured }) => !isSecured);
  if (open.length > 0) await waitBriefly(db);
  for (const table of open) await secure(db, table, tables);
}

/**
 * `coalesce` keeps the planner from looking inside: it has the gateway's own condition for choosing an index, and would
 * only mistake how many rows there are.
 */
async function secure(db: Kysely<unknown>, table: Table, tables: readonly Table[]): Promise<void> {
  const place = sql.id(table.schema, table.name);
  const comment = (policy: string) =>
    sql`comment on policy ${sql.id(policy)} on ${place} is ${sql.lit(mark)}`.execute(db);
  if (!table.hasRowSecurity) {
    await sql`create policy gateway_others on ${place} using (true) with check (true)`.execute(db);
    await comment('gateway_others');
  }
  const { ofAccounts, ofCustomers } = conditionsOf(table, tables);
  for (const [policy, role, condition] of [
    ['gateway_scope', 'gateway_reader', ofAccounts],
    ['gateway_scope_customers', customersRole, ofCustomers],
  ] as const) {
    await sql`create policy ${sql.id(policy)} on ${place} as restrictive to ${sql.id(role)}
      using (coalesce(${sql.raw(condition ?? 'false')}, false))`.execute(db);
    await comment(policy);
  }
  if (!table.hasRowSecurity) await sql`alter table ${place} enable row level security`.execute(db);
}

/** Undefined: nothing says whose a row is, and nobody with owners sees it. */
function conditionsOf({ schema, name, columns }: Table, tables: readonly Table[]) {
  const accounts = tables.find((each) => each.name === 'accounts');
  const knowsOwner = ['i_account', 'i_customer'].every((column) => accounts?.columns.includes(column));
  const place = `"${schema.replaceAll('"', '""')}".accounts`;
  const has = (column: string) => columns.includes(column);
  const throughAccounts = (column: string, other: string, ids: string) =>
    knowsOwner && name !== 'accounts' && has(column)
      ? `${column} = any (array(select ${column} from ${place} where ${other} = any (${ids})))`
      : undefined;
  return {
    ofAccounts: has('i_account')
      ? `i_account = any (${accountIds})`
      : throughAccounts('i_customer', 'i_account', accountIds),
    ofCustomers: has('i_customer')
      ? `i_customer = any (${customerIds})`
      : throughAccounts('i_account', 'i_customer', customerIds),
  };
}

/** After a promotion a standby can be written, and everybody may make temporary tables and large objects there. */
async function takeFromReader(db: Kysely<unknown>): Promise<void> {
  const { database, others } = await otherRoles(db);
  if (others) await sql`grant temporary on database ${sql.id(database)} to ${others}`.execute(db);
  await sql`revoke temporary on database ${sql.id(database)} from public`.execute(db);
  if (!(await isSuperuser(db))) return;
  if (others) await sql`grant execute on function ${largeObjects} to ${others}`.execute(db);
  await sql`revoke execute on function ${largeObjects} from public`.execute(db);
}

/** A role that was granted what everybody has anyway could not be dropped without a word about it. */
async function giveBackToEverybody(db: Kysely<unknown>): Promise<void> {
  const { database, others } = await otherRoles(db);
  await sql`grant temporary on database ${sql.id(database)} to public`.execute(db);
  if (others) await sql`revoke temporary on database ${sql.id(database)} from ${others}`.execute(db);
  if (!(await isSuperuser(db))) return;
  await sql`grant execute on function ${largeObjects} to public`.execute(db);
  if (others) await sql`revoke execute on function ${largeObjects} from ${others}`.execute(db);
}

async function otherRoles(db: Kysely<unknown>) {
  const { rows } = await sql<{ database: string; others: string[] | null }>`
    select current_database() as database, (select array_agg(rolname::text order by rolname) from pg_roles
      where not rolsuper and rolname not like 'pg\\_%' and rolname not like 'gateway%'
        and oid <> (select datdba from pg_database where datname = current_database())) as others`.execute(
    db,
  );
  const { database, others } = rows[0]!;
  return { database, others: others && sql.join(others.map((role) => sql.id(role))) };
}

/** The functions belong to the superuser who made the cluster. */
async function isSuperuser(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_roles where rolname = current_user and rolsuper`.execute(db);
  return rows.length > 0;
}

async function policiesOf(db: Kysely<unknown>) {
  const { rows } = await sql<{ schema: string; table: string; policy: string }>`
    select relnamespace::regnamespace::name as schema, relname as table, polname as policy
    from pg_policy join pg_class on pg_class.oid = polrelid
    where obj_description(pg_policy.oid, 'pg_policy') = ${sql.lit(mark)}
    order by relname, polname`.execute(db);
  return rows;
}

/** Where another database of the cluster still uses it, it stays, and only what it may do in this one is taken back. */
async function dropRole(db: Kysely<unknown>, role: string): Promise<void> {
  const { rows } = await sql<{ isUsedElsewhere: boolean }>`
    select exists (select from pg_shdepend
      where refclassid = 'pg_authid'::regclass and refobjid = pg_roles.oid
        and dbid not in (select oid from pg_database where datname = current_database() union all select 0)
    ) as "isUsedElsewhere"
    from pg_roles
    where rolname = ${sql.lit(role)} and shobj_description(oid, 'pg_authid') = ${sql.lit(mark)}`.execute(db);
  if (!rows[0]) return;
  await sql`drop owned by ${sql.id(role)}`.execute(db);
  if (!rows[0].isUsedElsewhere) await sql`drop role ${sql.id(role)}`.execute(db);
}
