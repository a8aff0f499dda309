import { type Kysely, sql } from 'kysely';

/** Adds the column to the table that 0001_tables made, or will make. What a switch's own table has is the switch's affair. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql`
    select where exists (select from pg_class where oid = to_regclass('xdrs')
        and obj_description(oid, 'pg_class') like '%(0001_tables)%'
        and not exists (select from pg_attribute
          where attrelid = pg_class.oid and attname = 'p_asserted_id' and not attisdropped))
      or coalesce(to_regclass('xdrs'), to_regclass('cdrs')) is null`.execute(db);
  if (rows.length > 0) await sql`alter table xdrs add column p_asserted_id text`.execute(db);
}

/** Before calls are loaded, and the indexes on them built. */
export const tables = up;

export async function down(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql`
    select from pg_class where oid = to_regclass('xdrs')
      and obj_description(oid, 'pg_class') like '%(0001_tables)%'`.execute(db);
  if (rows.length > 0) await sql`alter table xdrs drop column if exists p_asserted_id`.execute(db);
}
