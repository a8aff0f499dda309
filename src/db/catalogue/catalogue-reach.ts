import { type QueryExecutorProvider, sql } from 'kysely';
import { KEYS_TABLE } from '../keys/api-keys.ts';
import { type SourceName, sourceDefinitions } from '../sources/sources.ts';
import { type Catalogue, type CatalogueTable, readCatalogue, selectJson } from './catalogue.ts';
import { type ColumnsRead, columnsRead } from './catalogue-columns.ts';

/** Here a switch keeps the passwords of its customers and their phones, so no column more than is read. */
const restricted: readonly string[] = ['accounts', 'customers'];

/** What our migrations grant and nothing reads yet. */
const granted: Readonly<Record<string, readonly string[]>> = { accounts: ['i_time_zone'], protocols: [] };

/** A column that is named so is not for reading calls, wherever it is. */
const SECRET =
  /passw|pass_?phrase|(^|_)(pass|pwd|pin|otp|secret|token|credentials?|hash|salt|[a-z]+_key)(_|$)/i;

/** A role is granted to itself, to the roles it is in, or to everybody. */
const grantees = sql`(grantee = 0 or pg_has_role(grantee, 'usage'))`;
const granteeName = sql`case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end`;

/**
 * What the role may read beside what the gateway reads, now and of tables to come, each with the statement that takes
 * it back. Works on a standby. Of a superuser and an owner there is nothing to say: they read everything.
 */
export async function warningsAboutReach(
  db: QueryExecutorProvider,
  name: SourceName,
): Promise<readonly string[]> {
  const definition = sourceDefinitions[name];
  const catalogue = await readCatalogue(db, definition.tables);
  if (!catalogue.tables.has(definition.tables[0]) || (await isSuperuser(db))) return [];
  return [
    ...(await warningsAboutEverything(db)),
    ...(await warningsAboutColumns(db, catalogue, columnsRead(definition, catalogue))),
    ...(await warningsAboutTables(db)),
    ...(await warningsAboutDefaults(db)),
  ];
}

async function isSuperuser(db: QueryExecutorProvider): Promise<boolean> {
  const rows = await selectJson(db, sql`select 1 from pg_roles where rolname = current_user and rolsuper`);
  return rows.length > 0;
}

async function warningsAboutEverything(db: QueryExecutorProvider): Promise<readonly string[]> {
  const rows = await selectJson<{ role: string }>(
    db,
    sql`select quote_ident(current_user) as role where pg_has_role('pg_read_all_data', 'usage')`,
  );
  return rows.map(
    ({ role }) =>
      `Role ${role} may read every table, passwords included. On the primary: revoke pg_read_all_data from ${role};`,
  );
}

interface ReadGrant {
  readonly table: string;
  readonly grantee: string;
  /** Null: of the whole table. */
  readonly column: string | null;
}

async function warningsAboutColumns(
  db: QueryExecutorProvider,
  { tables }: Catalogue,
  read: ColumnsRead,
): Promise<readonly string[]> {
  const tooWide = [...tables.values()].flatMap((table) => {
    const { extra, kept } = divide(table, read.get(table.name)!);
    return extra.length > 0 ? [{ name: table.name, extra, kept }] : [];
  });
  const grants = await selectJson<ReadGrant>(
    db,
    sql`
    select distinct name as table, ${granteeName} as grantee, attname as column
    from unnest(${tooWide.map(({ name }) => name)}::text[]) as name
    join pg_class on pg_class.oid = to_regclass(name)
    cross join lateral (
      select null as attname, relacl as acl
      union all select attname, attacl from pg_attribute where attrelid = pg_class.oid and attnum > 0
    ) as grants
    cross join aclexplode(acl)
    where privilege_type = 'SELECT' and ${grantees} and grantee <> relowner`,
  );
  const quote = await quoteAll(db, [...new Set(tooWide.flatMap(({ kept }) => kept))]);
  return tooWide.flatMap(({ name, extra, kept }) => {
    const own = grants.filter((grant) => grant.table === name);
    const wide = own.filter(({ column }) => column === null || extra.includes(column));
    const columns = kept.map(quote).join(', ');
    const statements = [...new Set(wide.map(({ grantee }) => grantee))].flatMap((grantee) => [
      `revoke select on ${name} from ${grantee};`,
      ...(columns ? [`grant select (${columns}) on ${name} to ${grantee};`] : []),
    ]);
    const about = `This role may read more of ${name} than the gateway does (${extra.join(', ')}).`;
    return statements.length > 0 ? `${about} On the primary: ${statements.join(' ')}` : [];
  });
}

/** As PostgreSQL quotes them, which knows what is a reserved word. */
async function quoteAll(
  db: QueryExecutorProvider,
  names: readonly string[],
): Promise<(name: string) => string> {
  const rows = await selectJson<{ name: string; quoted: string }>(
    db,
    sql`select name, quote_ident(name) as quoted from unnest(${names}::text[]) as name`,
  );
  const quoted = new Map(rows.map((row) => [row.name, row.quoted]));
  return (name) => quoted.get(name)!;
}

function divide({ name, columns }: CatalogueTable, read: readonly string[]) {
  const needed = [...read, ...(granted[name] ?? [])];
  const isExtra = (column: string) =>
    !needed.includes(column) && (restricted.includes(name) || SECRET.test(column));
  const readable = [...columns.keys()];
  return {
    extra: readable.filter(isExtra),
    kept: readable.filter((column) => !isExtra(column)),
  };
}

/** Not the partitions of the calls, which show what their table shows, nor what an extension brings. */
async function warningsAboutTables(db: QueryExecutorProvider): Promise<readonly string[]> {
  const ours = [...Object.values(sourceDefinitions).flatMap(({ tables }) => tables), ...Object.keys(granted)];
  const rows = await selectJson<{ grantee: string; tables: string[] }>(
    db,
    sql`
    with recursive ours as (
      select to_regclass(name)::oid as oid from unnest(${ours}::text[]) as name where to_regclass(name) is not null
      union select inhrelid from pg_inherits join ours on inhparent = ours.oid
    )
    select ${granteeName} as grantee, array_agg(distinct pg_class.oid::regclass::text) as tables
    from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0
    cross join aclexplode(relacl || attacl)
    where relkind in ('r', 'p', 'v', 'm', 'f') and pg_class.oid not in (select oid from ours)
      and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
      and relname not like 'gateway_migration%'
      -- Not by to_regclass, which is refused to who may not use the schema.
      and relnamespace::regnamespace::text || '.' || relname <> ${KEYS_TABLE}
      and not exists (select from pg_depend
        where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e')
      and privilege_type = 'SELECT' and ${grantees} and grantee <> relowner
    group by grantee order by 1`,
  );
  return rows.map(
    ({ grantee, tables }) =>
      `This role may read tables that the gateway does not. On the primary: ` +
      `revoke select on ${tables.join(', ')} from ${grantee};`,
  );
}

async function warningsAboutDefaults(db: QueryExecutorProvider): Promise<readonly string[]> {
  const rows = await selectJson<{ owner: string; schema: string | null; grantee: string }>(
    db,
    sql`
    select quote_ident(pg_get_userbyid(defaclrole)) as owner, ${granteeName} as grantee,
      case when defaclnamespace <> 0 then defaclnamespace::regnamespace::text end as schema
    from pg_default_acl cross join aclexplode(defaclacl)
    where defaclobjtype = 'r' and privilege_type = 'SELECT' and ${grantees} and grantee <> defaclrole
    order by 1, 2, 3`,
  );
  return rows.map(({ owner, schema, grantee }) => {
    const where = schema === null ? '' : ` in schema ${schema}`;
    return (
      `This role may read every table that ${owner} makes from now on, passwords included. On the primary: ` +
      `alter default privileges for role ${owner}${where} revoke select on tables from ${grantee};`
    );
  });
}
