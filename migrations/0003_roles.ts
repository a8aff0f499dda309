import { type Kysely, sql } from 'kysely';

/** Written on roles we make: `down` drops no other. Roles belong to the whole cluster, not to one database. */
const mark = 'Made by the CDR gateway (0003_roles).';

/** The login before the group it is a member of. */
const roles = ['gateway', 'gateway_reader'];

/** The gateway opens at most this many connections per server, all its processes together. */
const connectionLimit = 100;

/** Backstops for a statement the gateway lost sight of; its own limits are tighter. */
const settings: Readonly<Record<string, string>> = {
  default_transaction_read_only: 'on',
  statement_timeout: '10min',
  lock_timeout: '2s',
  idle_in_transaction_session_timeout: '60s',
};

/** Whole tables may be read, except those where a switch keeps passwords: there only these columns. */
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

/** `gateway_reader` may read calls and nothing else; `gateway` logs in, and gets its password elsewhere. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await createRole(transaction, 'gateway_reader', 'nologin');
    await createRole(transaction, 'gateway', 'login');
    await limitGateway(transaction);
    await sql`grant gateway_reader to gateway`.execute(transaction);
    await grantStatistics(transaction);
    await grantReading(transaction);
  });
}

/**
 * Drops the roles. Where another database of the cluster still uses them they stay, and only what they may do in
 * this one is taken back.
 */
export async function down(db: Kysely<unknown>): Promise<void> {
  if (await areUsedElsewhere(db)) return revokeReading(db);
  for (const role of roles) {
    if (!(await isOurs(db, role))) continue;
    // Also takes back the default privileges, without which the role could not be dropped.
    await sql`drop owned by ${sql.id(role)}`.execute(db);
    await sql`drop role ${sql.id(role)}`.execute(db);
  }
}

async function createRole(db: Kysely<unknown>, role: string, login: 'login' | 'nologin'): Promise<void> {
  const { rows } = await sql`select 1 from pg_roles where rolname = ${sql.lit(role)}`.execute(db);
  if (rows.length > 0) return;
  await sql`create role ${sql.id(role)} ${sql.raw(login)}
    nosuperuser nocreatedb nocreaterole noreplication nobypassrls`.execute(db);
  await sql`comment on role ${sql.id(role)} is ${sql.lit(mark)}`.execute(db);
}

/**
 * Not pg_monitor where it can be helped: that also shows primary_conninfo, which may hold the replication password. From
 * version 16 on whoever is no superuser grants only what they were given to grant, which on databases that others run is
 * pg_monitor, or nothing: then it is left out, and `doctor` says so.
 */
async function grantStatistics(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ role: string }>`
    select rolname as role from pg_roles
    where rolname in ('pg_read_all_stats', 'pg_monitor')
      and (current_setting('server_version_num')::int < 160000 or pg_has_role(rolname, 'usage with admin option'))
    order by rolname desc limit 1`.execute(db);
  if (rows[0]) await sql`grant ${sql.id(rows[0].role)} to gateway`.execute(db);
}

/** Only what differs: roles are shared, and another database of the cluster may be migrated at this moment. */
async function limitGateway(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ limit: number; settings: string[] | null }>`
    select rolconnlimit as limit, setconfig as settings from pg_roles
    left join pg_db_role_setting on setrole = pg_roles.oid and setdatabase = 0
    where rolname = 'gateway'`.execute(db);
  const { limit, settings: present } = rows[0] ?? { limit: -1, settings: null };
  if (limit !== connectionLimit) {
    await sql`alter role gateway connection limit ${sql.raw(String(connectionLimit))}`.execute(db);
  }
  for (const [name, value] of Object.entries(settings)) {
    if (present?.includes(`${name}=${value}`)) continue;
    await sql`alter role gateway set ${sql.id(name)} = ${sql.lit(value)}`.execute(db);
  }
}

async function grantReading(db: Kysely<unknown>): Promise<void> {
  const { database, schema, owner } = await placeOf(db);
  await sql`grant connect on database ${sql.id(database)} to gateway_reader`.execute(db);
  await sql`grant usage on schema ${sql.id(schema)} to gateway_reader`.execute(db);
  for (const { table, only } of await readableTables(db)) {
    const columns = only ? sql` (${sql.join(only.map((name) => sql.id(name)))})` : sql``;
    await sql`grant select${columns} on ${sql.id(schema, table)} to gateway_reader`.execute(db);
  }
  // A switch starts a new table of calls now and then; it must be readable the moment it exists.
  await sql`alter default privileges for role ${sql.id(owner)} in schema ${sql.id(schema)}
    grant select on tables to gateway_reader`.execute(db);
}

async function revokeReading(db: Kysely<unknown>): Promise<void> {
  const { database, schema, owner } = await placeOf(db);
  await sql`alter default privileges for role ${sql.id(owner)} in schema ${sql.id(schema)}
    revoke select on tables from gateway_reader`.execute(db);
  await sql`revoke all on all tables in schema ${sql.id(schema)} from gateway_reader`.execute(db);
  await sql`revoke usage on schema ${sql.id(schema)} from gateway_reader`.execute(db);
  await sql`revoke connect on database ${sql.id(database)} from gateway_reader`.execute(db);
}

/** Where the calls are and whose they are. Before the first migration has run: here, and ours. */
async function placeOf(db: Kysely<unknown>): Promise<{ database: string; schema: string; owner: string }> {
  const { rows } = await sql<{ database: string; schema: string; owner: string }>`
    select current_database() as database,
      coalesce(relnamespace::regnamespace::name, current_schema()) as schema,
      coalesce(pg_get_userbyid(relowner), current_user) as owner
    from (select coalesce(to_regclass('xdrs'), to_regclass('cdrs')) as oid) as calls
    left join pg_class on pg_class.oid = calls.oid`.execute(db);
  return rows[0]!;
}

/** The part of `readable` that stands beside the calls. Before the first migration has run: our own tables. */
async function readableTables(db: Kysely<unknown>) {
  const { rows } = await sql<{ table: string; columns: string[] }>`
    select relation.relname as table, array_agg(attribute.attname::text order by attnum) as columns
    from pg_class as calls
    join pg_class as relation on relation.relnamespace = calls.relnamespace and relation.relkind in ('r', 'p', 'v', 'm')
    join pg_attribute as attribute on attrelid = relation.oid and attnum > 0 and not attisdropped
    where calls.oid = coalesce(to_regclass('xdrs'), to_regclass('cdrs'))
    group by relation.relname order by relation.relname`.execute(db);
  return (rows.length > 0 ? rows : ours)
    .filter(({ table }) => Object.hasOwn(readable, table))
    .map(({ table, columns }) => {
      const allowed = readable[table]!;
      return {
        table,
        only: allowed === 'every column' ? null : columns.filter((name) => allowed.includes(name)),
      };
    });
}

const ours = [
  { table: 'xdrs', columns: [] },
  { table: 'accounts', columns: ['i_account', 'i_customer', 'username', 'currency', 'time_zone', 'blocked'] },
  { table: 'customers', columns: ['i_customer', 'name'] },
];

async function isOurs(db: Kysely<unknown>, role: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from pg_roles
    where rolname = ${sql.lit(role)} and shobj_description(oid, 'pg_authid') = ${sql.lit(mark)}`.execute(db);
  return rows.length > 0;
}

/** Something in another database of the cluster was granted to one of the roles, or belongs to it. */
async function areUsedElsewhere(db: Kysely<unknown>): Promise<boolean> {
  const { rows } = await sql`
    select 1 from pg_shdepend join pg_roles on pg_roles.oid = refobjid
    where refclassid = 'pg_authid'::regclass and rolname in (${sql.join(roles.map((role) => sql.lit(role)))})
      and dbid not in (select oid from pg_database where datname = current_database() union all select 0)
  `.execute(db);
  return rows.length > 0;
}
