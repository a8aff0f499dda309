import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { type SourceName, sourceDefinitions } from '../../sources/sources.ts';
import { checkServers, present } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

interface Rights {
  readonly quoted: string;
  readonly database: string;
  readonly makesTemporary: boolean;
  readonly makesLargeObjects: boolean;
  /** What ALTER ROLE … SET has given it beside what our migrations give; a role may do that to itself. */
  readonly settings: string[] | null;
  /** Tables with an owner, and whether our policy restricts this role there. */
  readonly secured: string[] | null;
  readonly unsecured: string[] | null;
  /** Roles of the second wall that it may not take on. */
  readonly closedRoles: string[] | null;
}

/** What 0003_roles gives to `gateway`. */
const ownSettings = [
  'default_transaction_read_only',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
];

/** What the role can do beyond reading, and whether row security is whole. Roles and policies are the same everywhere. */
export const roleRightsCheck = checkServers(
  'rights',
  ({ servers }) => servers.filter(({ namedBy }) => namedBy === 'REPLICA_URLS').slice(0, 1),
  async (server, { source }) => {
    if (server.facts.isSuperuser) return [];
    const rights = await selectRights(server, source);
    return present([
      temporary(server, rights),
      largeObjects(server, rights),
      settings(server, rights),
      policies(server, rights),
      roles(server, rights),
    ]);
  },
);

async function selectRights({ db }: Server, source: SourceName): Promise<Rights> {
  const [calls] = sourceDefinitions[source].tables;
  const [rights] = await selectJson<Rights>(
    db,
    sql`
    with owned as (
      select pg_class.oid::regclass::text as name, relrowsecurity and exists (select from pg_policy
        where polrelid = pg_class.oid and polname = 'gateway_scope'
          and exists (select from unnest(polroles) as bound where pg_has_role(bound, 'usage'))) as "isSecured"
      from unnest(array[${calls}, 'accounts', 'customers']::text[]) as name
      join pg_class on pg_class.oid = to_regclass(name) and relkind in ('r', 'p')
    )
    select quote_ident(rolname) as quoted, quote_ident(current_database()) as database,
      has_database_privilege(current_database(), 'temporary') as "makesTemporary",
      has_function_privilege('pg_catalog.lo_create(oid)', 'execute')
        or has_function_privilege('pg_catalog.lo_from_bytea(oid, bytea)', 'execute') as "makesLargeObjects",
      (select array_agg(setting order by setting) from pg_db_role_setting cross join unnest(setconfig) as setting
        where setrole = pg_roles.oid
          and split_part(setting, '=', 1) not in (${sql.join(ownSettings.map((name) => sql.lit(name)))})) as settings,
      (select array_agg(name order by name) from owned where "isSecured") as secured,
      (select array_agg(name order by name) from owned where not "isSecured") as unsecured,
      (select array_agg(name order by name) from unnest(array['gateway_all', 'gateway_customers']) as name
        where not exists (select from pg_roles as other
          where other.rolname = name and pg_has_role(other.oid, 'member'))) as "closedRoles"
    from pg_roles where rolname = current_user`,
  );
  return rights!;
}

function warn(server: Server, code: string, message: string, run?: string): Finding {
  const remedy = run === undefined ? undefined : ({ on: 'primary', run } as const);
  return { code, severity: 'warning', server: server.place, message, remedy };
}

const BY_MIGRATION = 'npm run migrate -- up --with row_security';

/** Everybody may by default; where the second wall stands, its migration has taken it back. */
function temporary(
  server: Server,
  { quoted, makesTemporary, database, secured }: Rights,
): Finding | undefined {
  if (!makesTemporary || !secured) return undefined;
  return warn(
    server,
    'ROLE_TEMPORARY_TABLES',
    `Role ${quoted} may make temporary tables in ${database} once this standby is promoted, as everybody may.`,
    BY_MIGRATION,
  );
}

function largeObjects(server: Server, { quoted, makesLargeObjects, secured }: Rights): Finding | undefined {
  if (!makesLargeObjects || !secured) return undefined;
  return warn(
    server,
    'ROLE_LARGE_OBJECTS',
    `Role ${quoted} may make large objects once this standby is promoted, as everybody may.`,
    BY_MIGRATION,
  );
}

function settings(server: Server, { quoted, settings: found }: Rights): Finding | undefined {
  if (!found) return undefined;
  const names = [...new Set(found.map((setting) => setting.split('=')[0]!))];
  return warn(
    server,
    'ROLE_OWN_SETTINGS',
    `Role ${quoted} has settings that no migration gave it: ${names.join(', ')}. A role may change its own.`,
    names.map((name) => `alter role ${quoted} reset ${name};`).join(' '),
  );
}

function policies(server: Server, { quoted, secured, unsecured }: Rights): Finding | undefined {
  if (!secured || !unsecured) return undefined;
  return warn(
    server,
    'ROW_SECURITY_PARTIAL',
    `Row security keeps the calls of others from role ${quoted} in ${secured.join(', ')}, and not in ${unsecured.join(', ')}.`,
    'npm run migrate -- up',
  );
}

/** Without them, principals who see the calls of customers, or all, get an error. */
function roles(server: Server, { quoted, secured, closedRoles }: Rights): Finding | undefined {
  if (!secured || !closedRoles) return undefined;
  const names = closedRoles.join(', ');
  return warn(
    server,
    'ROW_SECURITY_ROLES',
    `Row security binds role ${quoted}, which may not take on ${names}: whoever sees the calls of customers, or every call, gets an error.`,
    closedRoles.includes('gateway_all')
      ? `grant gateway_all to ${quoted};`
      : 'grant gateway_customers to gateway_all;',
  );
}
