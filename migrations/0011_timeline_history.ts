import { type Kysely, sql } from 'kysely';

const mark = 'Where the timelines of this cluster part. Made by the CDR gateway (0011_timeline_history).';

/**
 * Where the timelines of this cluster part: after a promotion the gateway tells by this which positions that its clients hold
 * are still valid, and which were lost. The history files lie in the data directory, where only a superuser may look; the
 * function shows the numbers in them and nothing else. Where nobody may make it, it is left out, and the gateway knows less.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { may_make, has_reader } = await lookAround(db);
  if (!may_make) return;
  await db.transaction().execute(async (transaction) => {
    await createFunction(transaction);
    if (!has_reader) return;
    await sql`grant usage on schema cdr_gateway to gateway_reader`.execute(transaction);
    await sql`grant execute on function cdr_gateway.timeline_history() to gateway_reader`.execute(
      transaction,
    );
  });
}

/** Makes it where the right to do so came later, and grants again what was lost. */
export async function repair(db: Kysely<unknown>): Promise<void> {
  const { is_granted } = await lookAround(db);
  if (!is_granted) await up(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql`select from pg_namespace where nspname = 'cdr_gateway'`.execute(db);
  if (rows.length > 0) await sql`drop function if exists cdr_gateway.timeline_history()`.execute(db);
}

async function createFunction(db: Kysely<unknown>): Promise<void> {
  await sql`create schema if not exists cdr_gateway`.execute(db);
  await sql`create or replace function cdr_gateway.timeline_history()
    returns table (of_timeline bigint, timeline bigint, ended_at pg_lsn)
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$
      select ('x' || lpad(left(file.name, 8), 16, '0'))::bit(64)::bigint, line[1]::bigint, line[2]::pg_lsn
      from pg_ls_waldir() as file
      cross join regexp_matches(
        pg_read_file('pg_wal/' || file.name), '^[[:space:]]*([0-9]+)[[:space:]]+([0-9A-F]+/[0-9A-F]+)', 'gn') as line
      where file.name ~ '^[0-9A-F]{8}[.]history$'
    $$`.execute(db);
  await sql`comment on function cdr_gateway.timeline_history() is ${sql.lit(mark)}`.execute(db);
  await sql`revoke all on function cdr_gateway.timeline_history() from public`.execute(db);
}

/** A function runs with the rights of its owner, so whoever makes it must have those to read the files. */
async function lookAround(db: Kysely<unknown>) {
  const { rows } = await sql<{ may_make: boolean; has_reader: boolean; is_granted: boolean }>`
    select has_function_privilege('pg_catalog.pg_read_file(text)', 'execute')
        and has_function_privilege('pg_catalog.pg_ls_waldir()', 'execute')
        and case when to_regnamespace('cdr_gateway') is null then has_database_privilege(current_database(), 'create')
          else has_schema_privilege('cdr_gateway', 'create') end as may_make,
      exists (select from pg_roles where rolname = 'gateway_reader')
        or to_regclass('gateway_migration') is null /* printed only: 0003_roles makes it */ as has_reader,
      exists (select from pg_proc cross join aclexplode(proacl) join pg_roles on pg_roles.oid = grantee
        where pronamespace = to_regnamespace('cdr_gateway') and proname = 'timeline_history'
          and rolname = 'gateway_reader' and privilege_type = 'EXECUTE') as is_granted`.execute(db);
  return rows[0]!;
}
