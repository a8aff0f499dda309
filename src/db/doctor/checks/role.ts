import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { checkServers, type Fleet, present } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

interface Role {
  readonly quoted: string;
  readonly connectionLimit: number;
  readonly validDays: number | null;
  readonly bypassesRowSecurity: boolean;
  readonly creates: boolean;
  readonly ownsTables: string[] | null;
  readonly searchPath: string;
  readonly inUse: number;
}

const MIN_VALID_DAYS = 30;
/** Of one gateway, beside its pool: the watcher has one, and another while it looks after the first. */
const WATCHER_CONNECTIONS = 2;

/** What the role of the gateway is limited to, or not limited by. Roles are the same everywhere: one server will do. */
export const roleCheck = checkServers(
  'role',
  ({ servers }) => servers.filter(({ namedBy }) => namedBy === 'REPLICA_URLS').slice(0, 1),
  async (server, fleet) => {
    const role = await selectRole(server);
    if (server.facts.isSuperuser) return [];
    return present([
      connectionLimit(server, role, fleet),
      validity(server, role),
      bypass(server, role),
      creates(server, role),
      owner(server, role),
      timeLimit(server, role, fleet),
      lockLimit(server, role),
    ]);
  },
);

async function selectRole({ db }: Server): Promise<Role> {
  const [role] = await selectJson<Role>(
    db,
    sql`
    select quote_ident(rolname) as quoted, rolconnlimit as "connectionLimit",
      case when rolvaliduntil < 'infinity' then extract(epoch from rolvaliduntil - now())::float8 / 86400 end as "validDays",
      rolbypassrls as "bypassesRowSecurity", rolcreaterole or rolcreatedb as creates,
      (select array_agg(oid::regclass::text order by 1) from pg_class where relowner = pg_roles.oid and relkind in ('r', 'p'))
        as "ownsTables",
      current_setting('search_path') as "searchPath",
      (select count(*)::int from pg_stat_activity where usename = rolname) as "inUse"
    from pg_roles where rolname = current_user`,
  );
  return role!;
}

function warn(server: Server, code: string, message: string, run?: string): Finding {
  const remedy = run === undefined ? undefined : ({ on: 'primary', run } as const);
  return { code, severity: 'warning', server: server.place, message, remedy };
}

function connectionLimit(
  server: Server,
  { quoted, connectionLimit }: Role,
  { poolSize }: Fleet,
): Finding | undefined {
  const needed = poolSize + WATCHER_CONNECTIONS;
  if (connectionLimit < 0 || connectionLimit >= needed) return undefined;
  return warn(
    server,
    'ROLE_FEW_CONNECTIONS',
    `Role ${quoted} may have ${connectionLimit} connections to a server, and one gateway wants up to ${needed}.`,
    `alter role ${quoted} connection limit 100;`,
  );
}

function validity(server: Server, { quoted, validDays }: Role): Finding | undefined {
  if (validDays === null || validDays > MIN_VALID_DAYS) return undefined;
  return warn(
    server,
    'ROLE_EXPIRES',
    `The password of role ${quoted} is good for ${Math.max(0, Math.floor(validDays))} more days: then every new connection is refused.`,
    `alter role ${quoted} valid until 'infinity';`,
  );
}

function bypass(server: Server, { quoted, bypassesRowSecurity }: Role): Finding | undefined {
  if (!bypassesRowSecurity) return undefined;
  return warn(
    server,
    'ROLE_BYPASSES_ROW_SECURITY',
    `Role ${quoted} passes by every policy of row security.`,
    `alter role ${quoted} nobypassrls;`,
  );
}

function creates(server: Server, { quoted, creates }: Role): Finding | undefined {
  if (!creates) return undefined;
  return warn(
    server,
    'ROLE_CREATES',
    `Role ${quoted} may create roles or databases: it can give itself what it was not given.`,
    `alter role ${quoted} nocreaterole nocreatedb;`,
  );
}

function owner(server: Server, { quoted, ownsTables }: Role): Finding | undefined {
  if (!ownsTables) return undefined;
  return warn(
    server,
    'ROLE_OWNS_TABLES',
    `Role ${quoted} owns ${ownsTables.slice(0, 5).join(', ')}: an owner may do anything with its tables, also drop them.`,
    `reassign owned by ${quoted} to …; (the owner of the other tables)`,
  );
}

/** The gateway sets its own in each session; a pooler in between drops that, and then the role's counts. */
function timeLimit(
  server: Server,
  { quoted }: Role,
  { statementTimeoutSeconds }: Fleet,
): Finding | undefined {
  const seconds = server.seconds('statement_timeout')!;
  if (seconds === 0 || seconds >= statementTimeoutSeconds) return undefined;
  return warn(
    server,
    'ROLE_SHORT_STATEMENTS',
    `statement_timeout of role ${quoted} is ${seconds} s, less than STATEMENT_TIMEOUT (${statementTimeoutSeconds} s): ` +
      'wherever the settings of a session get lost, statements are cancelled.',
    `alter role ${quoted} set statement_timeout = '10min';`,
  );
}

const MIN_LOCK_SECONDS = 0.1;

function lockLimit(server: Server, { quoted }: Role): Finding | undefined {
  const seconds = server.seconds('lock_timeout')!;
  if (seconds === 0 || seconds >= MIN_LOCK_SECONDS) return undefined;
  return warn(
    server,
    'ROLE_SHORT_LOCKS',
    `lock_timeout of role ${quoted} is ${seconds} s: a lock that replay holds for a moment fails the statement.`,
    `alter role ${quoted} set lock_timeout = '2s';`,
  );
}
