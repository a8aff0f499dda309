import { type Kysely, sql } from 'kysely';

const mark =
  'API keys of the CDR gateway, each as its SHA-256 alone. Made by the CDR gateway (0008_api_keys).';

/**
 * API keys, in a schema of the gateway's own on the primary: every standby has them from there. Where the owner of the
 * calls may not make a schema nothing is made, and keys are kept in a file instead.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { has_table, may_create, has_reader } = await lookAround(db);
  if (!has_table && !may_create) return;
  await db.transaction().execute(async (transaction) => {
    if (!has_table) await createTable(transaction);
    if (!has_reader) return;
    await sql`grant usage on schema cdr_gateway to gateway_reader`.execute(transaction);
    await sql`grant select on cdr_gateway.api_keys to gateway_reader`.execute(transaction);
  });
}

/** Makes it where the right to do so came later, and grants again what was lost. */
export async function repair(db: Kysely<unknown>): Promise<void> {
  const { has_table, is_granted } = await lookAround(db);
  if (!has_table || !is_granted) await up(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table if exists cdr_gateway.api_keys`.execute(db);
  const { rows } = await sql`
    select from pg_namespace where nspname = 'cdr_gateway'
      and not exists (select from pg_class where relnamespace = pg_namespace.oid)
      and not exists (select from pg_proc where pronamespace = pg_namespace.oid)`.execute(db);
  if (rows.length > 0) await sql`drop schema cdr_gateway`.execute(db);
}

async function createTable(db: Kysely<unknown>): Promise<void> {
  await sql`create schema if not exists cdr_gateway`.execute(db);
  await sql`create table cdr_gateway.api_keys (
    id text primary key check (id ~ '^[0-9A-Za-z]{12}$'),
    name text not null check (length(name) between 1 and 64),
    role text not null,
    scope text not null check (scope in ('all', 'accounts', 'customers')),
    scope_ids bigint[] not null default '{}',
    digest bytea not null check (length(digest) = 32),
    networks text[] not null default '{}',
    max_page integer check (max_page > 0),
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    check ((scope = 'all') = (cardinality(scope_ids) = 0))
  )`.execute(db);
  await sql`comment on table cdr_gateway.api_keys is ${sql.lit(mark)}`.execute(db);
}

async function lookAround(db: Kysely<unknown>) {
  const { rows } = await sql<{
    has_table: boolean;
    may_create: boolean;
    has_reader: boolean;
    is_granted: boolean;
  }>`
    select to_regclass('cdr_gateway.api_keys') is not null as has_table,
      case when to_regnamespace('cdr_gateway') is null then has_database_privilege(current_database(), 'create')
        else has_schema_privilege('cdr_gateway', 'create') end as may_create,
      exists (select from pg_roles where rolname = 'gateway_reader')
        or to_regclass('gateway_migration') is null /* printed only: 0003_roles makes it */ as has_reader,
      exists (select from pg_class cross join aclexplode(relacl) join pg_roles on pg_roles.oid = grantee
        where pg_class.oid = to_regclass('cdr_gateway.api_keys') and rolname = 'gateway_reader'
          and privilege_type = 'SELECT') as is_granted`.execute(db);
  return rows[0]!;
}
