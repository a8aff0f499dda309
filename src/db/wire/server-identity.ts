import type { ClientBase } from 'pg';

/** One run of one server. A server that is started anew may have fallen back, and counts as another. */
export interface ServerIdentity {
  /** Of the cluster that it belongs to. */
  readonly systemIdentifier: string;
  /** When it was started, on its own clock; seconds since 1970. No two servers share the microsecond. */
  readonly startStamp: number;
}

/** What a session says of the server behind it. */
export interface ServerSession extends ServerIdentity {
  readonly isStandby: boolean;
  /** How far it has replayed, or flushed where it is no standby, as PostgreSQL's text. */
  readonly position: string;
}

/** For a select list, whatever the search path is. */
export const SERVER_SESSION = `(select system_identifier::text from pg_catalog.pg_control_system()) as "systemIdentifier",
  extract(epoch from pg_catalog.pg_postmaster_start_time())::float8::text as "startStamp",
  pg_catalog.pg_is_in_recovery() as "isStandby",
  (case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
    else pg_catalog.pg_current_wal_flush_lsn() end)::text as position`;

/** A row of the columns above, with values as text or as node-postgres reads them. */
export type ServerSessionRow = Readonly<
  Record<'systemIdentifier' | 'startStamp' | 'position', string> & Record<'isStandby', boolean | string>
>;

export function parseServerSession(row: ServerSessionRow): ServerSession {
  const { systemIdentifier, position } = row;
  const isStandby = row.isStandby === true || row.isStandby === 't';
  return { systemIdentifier, startStamp: Number(row.startStamp), isStandby, position };
}

export async function identify(client: ClientBase): Promise<ServerIdentity> {
  const { rows } = await client.query<ServerSessionRow>(`select /* serverIdentity */ ${SERVER_SESSION}`);
  return parseServerSession(rows[0]!);
}

export function isSameServer(one: ServerIdentity, other: ServerIdentity): boolean {
  return one.systemIdentifier === other.systemIdentifier && one.startStamp === other.startStamp;
}

/** Such as HAProxy in turns, a reader endpoint, a Service of Kubernetes, or a name with several addresses. */
export const SEVERAL_SERVERS =
  'Its address leads now to one server and now to another, so that no age holds for what is read there: name each ' +
  'standby itself, or a place that lists them.';

/** New connections to one address lead to several servers. */
export class SeveralServersError extends Error {
  readonly code = 'SEVERAL_SERVERS';
  constructor() {
    super(SEVERAL_SERVERS);
  }
}
