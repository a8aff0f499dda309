import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Cluster } from '../../../src/demo/cluster.ts';

export interface EmptyDatabase {
  readonly name: string;
  readonly url: string;
  query<Row extends pg.QueryResultRow>(statement: string, values?: unknown[]): Promise<Row[]>;
}

/** Migrations make roles, which the whole cluster shares, so these tests have clusters of their own. */
export async function createEmptyDatabase({ primary }: Cluster): Promise<EmptyDatabase> {
  const name = `migrate_${randomBytes(6).toString('hex')}`;
  await queryAt(primary.url(), `create database ${name}`);
  const url = primary.url({ database: name });
  return { name, url, query: (statement, values) => queryAt(url, statement, values) };
}

/** One statement on a connection of its own. */
export async function queryAt<Row extends pg.QueryResultRow>(
  url: string,
  statement: string,
  values?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Row>(statement, values)).rows;
  } finally {
    await client.end();
  }
}

/** Everything the migrations may make, from the catalogue, as text to compare. */
export async function describeDatabase({ name, query }: EmptyDatabase): Promise<string> {
  const rows = await query<{ line: string }>(schemaSql);
  return `${rows.map(({ line }) => line.replaceAll(name, 'calls')).join('\n')}\n`;
}

/** Privileges of others than the owner: what the owner may do differs between majors. */
const privileges = (acl: string) => `coalesce((
    select '   ' || string_agg(lower(privilege_type) || ' to ' || coalesce(nullif(grantee, 0)::regrole::text, 'public'), ', '
      order by grantee::regrole::text, privilege_type)
    from aclexplode(${acl}) where grantee <> grantor), '')`;

const schemaSql = `
  with relations as (
    select pg_class.*, pg_class.oid::regclass::text as title from pg_class
    where relnamespace = 'public'::regnamespace and relname not like 'gateway_migration%'
  )
  select line from (
    select 1 as part, title as first, 0 as second, 'table ' || title || ${privileges('relacl')} as line
    from relations where relkind in ('r', 'p')
    union all
    select 1, title, attnum, '  ' || attname || ' ' || format_type(atttypid, atttypmod)
      || case when attnotnull then ' not null' else '' end
      || case attidentity when 'd' then ' identity' else '' end
      || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') || ${privileges('attacl')}
    from relations join pg_attribute on attrelid = relations.oid and attnum > 0 and not attisdropped
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where relkind in ('r', 'p')
    union all
    select 2, title, 0, pg_get_indexdef(indexrelid) || case when indisvalid then '' else '   INVALID' end
    from relations join pg_index on indexrelid = relations.oid
    union all
    select 3, rolname, 0, 'role ' || rolname
      || concat_ws(' ', '', case when rolcanlogin then 'login' end, case when rolsuper then 'SUPERUSER' end,
        case when rolcreaterole then 'CREATEROLE' end, case when rolcreatedb then 'CREATEDB' end,
        case when rolreplication then 'REPLICATION' end, case when rolbypassrls then 'BYPASSRLS' end,
        'connections=' || rolconnlimit, rolconfig::text)
    from pg_roles where rolname in ('gateway', 'gateway_reader', 'gateway_all', 'gateway_customers')
    union all
    select 4, pg_get_userbyid(roleid), 0, pg_get_userbyid(member) || ' is a member of ' || pg_get_userbyid(roleid)
    from pg_auth_members where member in (select oid from pg_roles where rolname like 'gateway%')
    union all
    select 5, defaclrole::regrole::text, 0, 'default on new tables of ' || defaclrole::regrole || ${privileges('defaclacl')}
    from pg_default_acl
    union all
    select 6, datname, 0, 'database ' || datname || ${privileges('datacl')} from pg_database where datname = current_database()
    union all
    select 8, title, 0, 'row security of ' || title || coalesce((select string_agg(
        '  ' || polname || case when polpermissive then '' else ' restrictive' end || ' to ' || polroles::regrole[]::text || ': '
          || pg_get_expr(polqual, polrelid), e'\\n' order by polname) from pg_policy where polrelid = relations.oid), '')
    from relations where relrowsecurity or exists (select from pg_policy where polrelid = relations.oid)
    union all
    select 7, nspname, 0, 'schema ' || nspname || ${privileges('nspacl')} from pg_namespace where nspname = 'public'
  ) as described order by part, first collate "C", second`;
