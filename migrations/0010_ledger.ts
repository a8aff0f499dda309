import { type Kysely, sql } from 'kysely';

/** Runs only where it is asked for by name: `migrate up --with ledger`. */
export const isOptional = true;

/** Written on what we make: `down` drops nothing else. */
const mark = 'Corrections and deletions of calls. Made by the CDR gateway (0010_ledger).';

const triggers = {
  gateway_ledger_update: 'after update on %T referencing old table as old_rows new table as new_rows',
  gateway_ledger_delete: 'after delete on %T referencing old table as old_rows',
  gateway_ledger_truncate: 'after truncate on %T',
} as const;

/**
 * What a key does not tell: which calls were corrected or deleted, and whose they were, in a small table that standbys receive
 * like any other. Statement triggers write it, on UPDATE, DELETE and TRUNCATE alone: an INSERT pays nothing. It keeps a day.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const calls = await findCalls(db);
  if (!calls) throw new Error('There is no table of calls that a trigger could be made on.');
  await db.transaction().execute(async (transaction) => {
    // A trigger is made under a lock that writes wait for: not for longer than a switch can bear.
    await sql`set local lock_timeout = '2s'`.execute(transaction);
    await sql`create schema if not exists cdr_gateway`.execute(transaction);
    await sql`create table if not exists cdr_gateway.ledger (
      n bigint generated always as identity (cache 1) primary key,
      call_key bigint,
      old_account bigint,
      old_customer bigint,
      at timestamptz not null default clock_timestamp()
    )`.execute(transaction);
    await sql`comment on table cdr_gateway.ledger is ${sql.lit(mark)}`.execute(transaction);
    await createFunction(transaction, calls);
    for (const [name, event] of Object.entries(triggers)) {
      const on = event.replace('%T', `${quoted(calls.schema)}.${quoted(calls.name)}`);
      await sql
        .raw(
          `create or replace trigger ${name} ${on} for each statement execute function cdr_gateway.write_ledger()`,
        )
        .execute(transaction);
    }
  });
  await grantReading(db);
}

/** A table of calls that was made anew has no triggers. */
export async function repair(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ is_whole: boolean }>`
    select to_regclass('cdr_gateway.ledger') is not null and (select count(*) from pg_trigger
      where tgrelid = coalesce(to_regclass('xdrs'), to_regclass('cdrs')) and tgname like 'gateway\_ledger\_%') = 3 as is_whole`.execute(
    db,
  );
  if (rows[0]!.is_whole) await grantReading(db);
  else await up(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  const calls = await findCalls(db);
  await db.transaction().execute(async (transaction) => {
    await sql`set local lock_timeout = '2s'`.execute(transaction);
    for (const name of calls ? Object.keys(triggers) : []) {
      await sql`drop trigger if exists ${sql.id(name)} on ${sql.id(calls!.schema, calls!.name)}`.execute(
        transaction,
      );
    }
    await sql`drop function if exists cdr_gateway.write_ledger()`.execute(transaction);
    await sql`drop table if exists cdr_gateway.ledger`.execute(transaction);
  });
  const { rows } = await sql`
    select from pg_namespace where nspname = 'cdr_gateway'
      and not exists (select from pg_class where relnamespace = pg_namespace.oid)
      and not exists (select from pg_proc where pronamespace = pg_namespace.oid)`.execute(db);
  if (rows.length > 0) await sql`drop schema cdr_gateway`.execute(db);
}

interface Calls {
  readonly schema: string;
  readonly name: string;
  readonly key: string;
  readonly columns: readonly string[];
}

async function findCalls(db: Kysely<unknown>): Promise<Calls | undefined> {
  const { rows } = await sql<{ schema: string; name: string; columns: string[] }>`
    select nspname::text as schema, relname::text as name, array_agg(attname::text order by attnum) as columns
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
    where pg_class.oid = coalesce(to_regclass('xdrs'), to_regclass('cdrs')) and relkind in ('r', 'p')
    group by 1, 2`.execute(db);
  const [found] = rows;
  return found && { ...found, key: found.name === 'cdrs' ? 'i_cdr' : 'i_xdr' };
}

/**
 * The switch's role needs no right to the ledger, and its statement does not fail where the ledger was dropped by hand. What is
 * older than a day goes with each entry, some of it at a time, past what others are removing.
 */
async function createFunction(db: Kysely<unknown>, { key, columns }: Calls): Promise<void> {
  const customer = columns.includes('i_customer') ? 'i_customer::bigint' : 'null';
  const write = (rows: string, where = '') =>
    `insert into cdr_gateway.ledger (call_key, old_account, old_customer)
        select ${key}::bigint, ${rows === 'old_rows' ? `i_account::bigint, ${customer}` : 'null, null'} from ${rows} ${where};`;
  const body = `
    begin
      if tg_op = 'TRUNCATE' then
        insert into cdr_gateway.ledger (call_key) values (null);
        return null;
      end if;
      ${write('old_rows')}
      get diagnostics written = row_count;
      if written = 0 then return null; end if;
      if tg_op = 'UPDATE' then
        ${write('new_rows', `where not exists (select from old_rows where old_rows.${key} = new_rows.${key})`)}
      end if;
      delete from cdr_gateway.ledger where n in (select n from cdr_gateway.ledger
        where n in (select n from cdr_gateway.ledger order by n limit 2 * written + 10)
          and at < clock_timestamp() - interval '1 day' for update skip locked);
      return null;
    exception when undefined_table or undefined_column or insufficient_privilege then
      raise warning 'the ledger of the CDR gateway cannot be written: %', sqlerrm;
      return null;
    end`;
  await sql
    .raw(
      `create or replace function cdr_gateway.write_ledger() returns trigger language plpgsql security definer
        set search_path = pg_catalog as $ledger$ declare written bigint; ${body} $ledger$`,
    )
    .execute(db);
  await sql`revoke all on function cdr_gateway.write_ledger() from public`.execute(db);
}

async function grantReading(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql`select from pg_roles where rolname = 'gateway_reader'`.execute(db);
  if (rows.length === 0) return;
  await sql`grant usage on schema cdr_gateway to gateway_reader`.execute(db);
  await sql`grant select on cdr_gateway.ledger to gateway_reader`.execute(db);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
