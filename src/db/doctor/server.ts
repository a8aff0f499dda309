import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { selectJson } from '../catalogue/catalogue.ts';
import { SERVER_SESSION } from '../wire/server-identity.ts';

/** Which of our settings named the server. */
export type NamedBy = 'REPLICA_URLS' | 'PRIMARY_URL' | '--admin';

/** What is read once of every server that answers. */
export interface ServerFacts {
  readonly version: string;
  readonly versionNumber: number;
  readonly role: string;
  readonly isSuperuser: boolean;
  readonly isStandby: boolean;
  readonly cluster: string;
  readonly database: string;
  /** Two connections with the same of these lead to the same server. */
  readonly startedAt: string;
  readonly port: number;
  /** True where the server and we are on the same machine. */
  readonly isLocal: boolean;
  readonly receiver: {
    /** Null to a role that may not see it. */
    readonly status: string | null;
    readonly host: string | null;
    readonly port: number | null;
    readonly slot: string | null;
    /** Without the password, which PostgreSQL leaves out. */
    readonly conninfo: string | null;
  } | null;
}

export interface ServerSetting {
  /** As the session began: statements of ours do not change it. */
  readonly value: string;
  readonly unit: string | null;
  readonly source: string;
  readonly isPending: boolean;
}

/** What a certificate says of the server that showed it. */
export interface ServerTls {
  readonly validTo: Date | undefined;
}

/** A server that answers, for as long as it is examined. */
export interface Server {
  /** Host, port and database: never what is secret. */
  readonly place: string;
  readonly url: string;
  readonly namedBy: NamedBy;
  readonly db: Kysely<unknown>;
  readonly facts: ServerFacts;
  /** Undefined where this version has no such setting, or this role may not see it. */
  setting(name: string): ServerSetting | undefined;
  /** In seconds; undefined as above. */
  seconds(name: string): number | undefined;
  /** Undefined without TLS. */
  readonly tls: ServerTls | undefined;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT = '30s';

/** Whether two connections lead to one server. */
export function isSameServer({ facts: one }: Server, { facts: other }: Server): boolean {
  return (
    one.cluster === other.cluster &&
    one.startedAt === other.startedAt &&
    one.port === other.port &&
    one.isStandby === other.isStandby
  );
}

/** Host, port and database of a URL that can be parsed. */
export function placeOf(url: string): string {
  const { host, pathname, searchParams } = new URL(withHost(url));
  return `${host || searchParams.get('host') || 'localhost'}${pathname}`;
}

/** A socket's directory may stand in the parameter `host` alone, but a user needs a host in the syntax of URLs. */
export function withHost(url: string): string {
  return url.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=\/)/, '$1localhost');
}

/** Rejects with the driver's error. */
export async function openServer(url: string, namedBy: NamedBy): Promise<Server> {
  const seen: { client?: pg.PoolClient } = {};
  const pool = new pg.Pool({
    connectionString: withHost(url),
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'cdr-gateway doctor',
  });
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    seen.client = client;
  });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    // The role's own limit may be too short for any of this, which is one of the things to be found.
    await sql`select set_config('statement_timeout', ${STATEMENT_TIMEOUT}, false)`.execute(db);
    const facts = await selectFacts(db);
    // What the gateway asks on each of its connections: where this is refused, it reads nothing.
    await sql`select ${sql.raw(SERVER_SESSION)}`.execute(db);
    const settings = await selectSettings(db);
    return {
      place: placeOf(url),
      url,
      namedBy,
      db,
      facts,
      setting: (name) => settings.get(name),
      seconds: (name) => secondsOf(settings.get(name)),
      tls: seen.client && tlsOf(seen.client),
      close: () => db.destroy(),
    };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function selectFacts(db: Kysely<unknown>): Promise<ServerFacts> {
  const [facts] = await selectJson<ServerFacts>(
    db,
    sql`
    select current_setting('server_version') as version,
      current_setting('server_version_num')::int as "versionNumber",
      current_user as role, current_setting('is_superuser')::boolean as "isSuperuser",
      pg_is_in_recovery() as "isStandby",
      (select system_identifier::text from pg_control_system()) as cluster,
      current_database() as database, pg_postmaster_start_time()::text as "startedAt",
      current_setting('port')::int as port,
      inet_server_addr() is null or inet_server_addr() = inet_client_addr() as "isLocal",
      (select json_build_object('status', status, 'host', sender_host, 'port', sender_port, 'slot', slot_name,
        'conninfo', conninfo) from pg_stat_wal_receiver) as receiver`,
  );
  return facts!;
}

async function selectSettings(db: Kysely<unknown>): Promise<ReadonlyMap<string, ServerSetting>> {
  const rows = await selectJson<ServerSetting & { name: string }>(
    db,
    sql`select name, reset_val as value, unit, source, pending_restart as "isPending" from pg_settings`,
  );
  return new Map(rows.map(({ name, ...setting }) => [name, setting]));
}

const secondsIn: Readonly<Record<string, number>> = { ms: 0.001, s: 1, min: 60, h: 3600, d: 86_400 };

function secondsOf(setting: ServerSetting | undefined): number | undefined {
  return setting && Number(setting.value) * (secondsIn[setting.unit ?? 's'] ?? 1);
}

function tlsOf(client: pg.PoolClient): ServerTls | undefined {
  const { stream } = (client as unknown as { connection: { stream: object } }).connection;
  if (!('getPeerCertificate' in stream)) return undefined;
  const certificate = (stream.getPeerCertificate as () => { valid_to?: string })();
  return { validTo: certificate.valid_to === undefined ? undefined : new Date(certificate.valid_to) };
}
