import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';

/** Tells a human what happens, one line at a time. */
export type Log = (line: string) => void;

/** A migration that cannot be done here or like this. The message says what to do instead. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

/** One session on the server: migrations hold session-level locks, so they must never change connections. */
export interface Session extends AsyncDisposable {
  readonly db: Kysely<unknown>;
  /** Process id of our backend. */
  readonly backend: number;
}

/** Timeouts are off because an index on a large table takes as long as it takes. */
const sessionSettings = `
  set statement_timeout = 0;
  set lock_timeout = 0;
  set idle_in_transaction_session_timeout = 0;
  set idle_session_timeout = 0;
  set client_min_messages = warning;`;

export async function openSession(url: string, log: Log, readOnly = false): Promise<Session> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    idleTimeoutMillis: 0,
    application_name: 'cdr-gateway migrate',
  });
  // Without a listener a connection lost while idle would end the process; the next statement reports it.
  pool.on('error', () => {});
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool }),
    log: (event) => logChange(log, event.query.sql, event.queryDurationMillis),
  });
  const settings = `${sessionSettings} set default_transaction_read_only = ${readOnly ? 'on' : 'off'};`;
  try {
    await pool.query(settings);
    const { rows } = await sql<{ backend: number }>`select pg_backend_pid() as backend`.execute(db);
    return { db, backend: rows[0]!.backend, [Symbol.asyncDispose]: () => db.destroy() };
  } catch (error) {
    await db.destroy();
    throw new MigrationError(`Cannot connect to ${placeOf(url)}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Host, port and database: never the password. */
function placeOf(url: string): string {
  return URL.canParse(url) ? `${new URL(url).host}${new URL(url).pathname}` : 'that URL';
}

/** Where a name has several addresses, Node gives an error without a message that has one for each. */
function reasonOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}

/** Throws MigrationError on a standby, naming the primary it streams from where that can be seen. */
export async function refuseStandby({ db }: Session, command: string): Promise<void> {
  const { rows: server } = await sql<{ standby: boolean }>`
    select pg_is_in_recovery() as standby`.execute(db);
  if (!server[0]!.standby) return;
  const { rows: receivers } = await sql<{ host: string | null; port: number | null }>`
    select sender_host as host, sender_port as port from pg_stat_wal_receiver`.execute(db);
  const { host, port } = receivers[0] ?? {};
  const primary = host ? `the primary it streams from, ${host}:${port}` : 'the primary it copies';
  throw new MigrationError(
    `This is a hot standby: it is read-only, and what the primary makes arrives here by itself.\n` +
      `Run "migrate ${command}" on ${primary}, or give its owner the output of "migrate sql".`,
  );
}

const lockKey = sql`hashtextextended('cdr-gateway migrate', 0)`;

/**
 * Waits until no other migration runs on this database. By trying again, not by queueing: a session that waits
 * inside a statement holds a snapshot, and CREATE INDEX CONCURRENTLY would wait for it for ever.
 */
export async function lockMigrations({ db }: Session, log: Log): Promise<void> {
  for (let told = false; ; told = true) {
    const { rows } = await sql<{ locked: boolean }>`
      select pg_try_advisory_lock(${lockKey}) as locked`.execute(db);
    if (rows[0]!.locked) return;
    if (!told)
      log(`Another migration is running on this database${await holderOf(db)}; waiting for it to end.`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Who has the lock: perhaps what a migration that was interrupted left running on the server. */
async function holderOf(db: Kysely<unknown>): Promise<string> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_locks
    where locktype = 'advisory' and granted and (classid::bigint << 32) | objid::bigint = ${lockKey}
      and database = (select oid from pg_database where datname = current_database())`.execute(db);
  return rows[0] ? ` (backend ${rows[0].pid}; pg_cancel_backend ends it)` : '';
}

/** Statements that change something, with the reason they carry as a comment. Not what only looks, no verifier. */
function logChange(log: Log, statement: string, milliseconds: number): void {
  if (!isChange(statement) || /gateway_migration|SCRAM-SHA-256|^comment/.test(statement)) return;
  log(`${oneLine(statement)}  (${(milliseconds / 1000).toFixed(1)} s)`);
}

export const isChange = (statement: string): boolean =>
  /^\s*(\/\*.*?\*\/\s*)?(create|alter|drop|comment|grant|revoke|analyze|insert|update|delete|set\s+local)\b/is.test(
    statement,
  );

export const oneLine = (statement: string): string => statement.replace(/\s+/g, ' ').trim();
