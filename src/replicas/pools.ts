import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import {
  Client,
  type ClientBase,
  type ClientConfig,
  Pool,
  type PoolClient,
  type PoolConfig,
  types,
} from 'pg';
import { encodingNamed } from '../db/wire/encodings.ts';
import { RowTap } from '../db/wire/row-tap.ts';
import {
  isSameServer,
  parseServerSession,
  SERVER_SESSION,
  type ServerIdentity,
  type ServerSession,
  type ServerSessionRow,
} from '../db/wire/server-identity.ts';
import { Transcoding } from '../db/wire/transcoding.ts';
import { ReplicaLostError } from '../errors.ts';
import type { Clock } from './clock.ts';
import type { Connection } from './connection-url.ts';
import { Connections } from './connections.ts';
import { parseLsn } from './lsn.ts';
import { type ProgressOptions, ProgressWatch } from './progress.ts';
import { sessionSettings } from './session-settings.ts';

/** What the owner of a pool is told. */
export interface PoolListeners {
  /** Told of connections whose statements have sent nothing for a while. */
  readonly onSilence: ProgressOptions['onSilence'];
  /** A connection could not be made in time. */
  readonly onRefused: () => void;
  /** A connection broke, or turned out to lead to a server that is no standby. */
  readonly onTrouble: () => void;
  /** A new connection led to another server than the polled one, or to where that had been before. */
  readonly onOtherServer: () => void;
}

/** The server that all connections of a pool must lead to. */
export interface ExpectedServer extends ServerIdentity {
  /** How far polls have seen it by now: a session of it is nowhere before that. */
  position(): bigint;
  /** Whether polls have seen it promoted, which its sessions outlive. */
  isPromoted(): boolean;
  /** Gateway clock: when the last poll was sent that it has answered. */
  polledAt(): number;
}

export interface PoolOptions extends PoolListeners {
  readonly connection: Connection;
  readonly server: ExpectedServer;
  /** Connections at most. */
  readonly size: number;
  readonly statementTimeoutSeconds: number;
  readonly allowPrimaryReads: boolean;
  /** Whether connections lead to a pooler, which drops the settings that they begin with. */
  readonly isPooled: () => boolean;
  readonly clock: Clock;
}

export interface StandbyPool {
  readonly connections: Connections;
  /**
   * For connections of another kind that are made to the same address: throws ReplicaLostError where this one does not lead
   * to the server of the pool, or that has fallen back.
   */
  verify(client: ClientBase): Promise<void>;
  /** Breaks the connections on which nothing has come since the call before this one. */
  breakSilent(): void;
  /** Lets requests finish for two seconds at most: a connection to a frozen server may never come back. May be called twice. */
  end(): Promise<void>;
}

const MAX_END_SECONDS = 2;
/** A connection is made in milliseconds, and a request had better go elsewhere than wait for long. */
const CONNECT_TIMEOUT_SECONDS = 1.5;
const LOCK_TIMEOUT_SECONDS = 2;

/**
 * Types that JavaScript's own would damage stay PostgreSQL's text: int8 and numeric (inexact above 2^53), date,
 * time, timestamp, timestamptz and interval (a `Date` has no microseconds).
 */
const KEPT_AS_TEXT = new Set([20, 1700, 1082, 1083, 1114, 1184, 1266, 1186]);

/**
 * A pool of read-only connections to one standby: sessions in UTC that cannot write even where the role could, and
 * whose statements end. No error of an idle or a lent connection ends the process: it is removed, and that is all.
 */
export function createStandbyPool(options: PoolOptions): StandbyPool {
  const { connection, server, size, statementTimeoutSeconds, allowPrimaryReads, isPooled } = options;
  const { onTrouble, onRefused } = options;
  const session = settingsOfPool(statementTimeoutSeconds);
  const progress = new ProgressWatch({ clock: options.clock, onSilence: options.onSilence });
  /** Gateway clock: when a session was told last that it is a primary's by now. A later poll knows better. */
  let promotionToldAt = Number.NEGATIVE_INFINITY;
  const config: PoolConfig & RoleAwareConfig = {
    connectionString: connection.url(session),
    application_name: 'cdr-gateway',
    max: size,
    connectionTimeoutMillis: CONNECT_TIMEOUT_SECONDS * 1000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    stream: createStream as never,
    types: { getTypeParser: textOrDefault as never },
    onConnect: (client) => settleSession(client, options),
    verify(client, done) {
      if (isPooled()) settlePooled(client, session, options).then(() => done(), done);
      else if (!allowPrimaryReads && !isOnStandby(client)) done(new ReplicaLostError());
      else done();
    },
    onPromoted() {
      promotionToldAt = options.clock.now();
      onTrouble();
    },
    onConnecting: (client) => progress.onConnecting(client),
    Client: RoleAwareClient as never,
  };
  const pool = new Pool(config);
  // It holds the password, and a pool may be logged.
  Object.defineProperty(pool.options, 'connectionString', { enumerable: false });
  const streams = new Map<Socket, number>();
  let ending: Promise<void> | undefined;
  pool.on('acquire', (client) => progress.onLent(client));
  pool.on('release', (_error, client) => progress.onReturned(client));
  pool.on('remove', (client) => progress.onReturned(client as PoolClient));
  pool.on('error', onTrouble);
  pool.on('connect', (client) => {
    // While it is lent the pool does not listen, and an error without a listener ends the process.
    client.on('error', onTrouble);
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    streams.set(stream, -1);
    stream.once('close', () => streams.delete(stream));
  });
  return {
    connections: new Connections({
      pool,
      size,
      statementTimeoutSeconds,
      onRefused,
      isOver: () => !allowPrimaryReads && (server.isPromoted() || promotionToldAt >= server.polledAt()),
    }),
    verify: async (client) => void (await verifyServer(client, options)),
    breakSilent() {
      for (const [stream, bytesBefore] of streams) {
        if (stream.bytesRead === bytesBefore) stream.destroy();
        else streams.set(stream, stream.bytesRead);
      }
    },
    end() {
      ending ??= endPool(pool).then(() => {
        for (const stream of streams.keys()) stream.destroy();
      });
      return ending;
    },
  };
}

async function endPool(pool: Pool): Promise<void> {
  await Promise.race([pool.end(), delay(MAX_END_SECONDS * 1000, undefined, { ref: false })]);
}

function settingsOfPool(statementTimeoutSeconds: number): Readonly<Record<string, string>> {
  return {
    ...sessionSettings,
    statement_timeout: `${Math.round(statementTimeoutSeconds * 1000)}`,
    lock_timeout: `${LOCK_TIMEOUT_SECONDS}s`,
    idle_in_transaction_session_timeout: '60s',
    // A gateway that vanished without a word must not leave statements behind which hold up replay.
    tcp_keepalives_idle: '10',
    tcp_keepalives_interval: '5',
    tcp_keepalives_count: '3',
    tcp_user_timeout: '30s',
    // One plan for every value would read whole tables for a rare prefix: it cannot look into LIKE's pattern.
    plan_cache_mode: 'force_custom_plan',
  };
}

/**
 * What only a statement can set, because it depends on what the session is: functions and operators are PostgreSQL's
 * own, whatever stands before them in the search path, and text travels as the database keeps it. PostgreSQL 17 and later
 * have one time limit more.
 */
const SESSION_STATEMENT = `select /* session */ set_config('search_path', 'pg_catalog, ' || current_setting('search_path'), false),
  (select set_config(name, '0', false) from pg_settings where name = 'transaction_timeout'),
  current_setting('server_encoding') as encoding, ${SERVER_SESSION}`;

/** Within the time that connecting may take: a server that freezes now must not keep whoever waits for the connection. */
async function settleSession(client: ClientBase, options: PoolOptions): Promise<void> {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  const expire = () => stream.destroy(new Error('timeout expired'));
  const timer = setTimeout(expire, CONNECT_TIMEOUT_SECONDS * 1000);
  try {
    const position = options.server.position();
    const { rows } = await client.query<ServerSessionRow & { encoding: string }>(SESSION_STATEMENT);
    refuseOtherServer(rows[0]!, position, options);
    const name = rows[0]!.encoding;
    const encoding = encodingNamed(name);
    if (!encoding) return;
    await client.query(`set client_encoding = '${name}'`);
    RowTap.of(client).transcode(new Transcoding(encoding));
  } finally {
    clearTimeout(timer);
  }
}

/** A pooler says of every server what one said when it was connected to first, which may have been a primary then. */
async function settlePooled(
  client: ClientBase,
  session: Readonly<Record<string, string>>,
  options: PoolOptions,
): Promise<void> {
  await client.query(settingStatements(session));
  const { isStandby } = await verifyServer(client, options);
  if (!options.allowPrimaryReads && !isStandby) throw new ReplicaLostError();
}

async function verifyServer(client: ClientBase, options: PoolOptions): Promise<ServerSession> {
  const position = options.server.position();
  const { rows } = await client.query<ServerSessionRow>(`select /* serverIdentity */ ${SERVER_SESSION}`);
  return refuseOtherServer(rows[0]!, position, options);
}

/** What is in between may lead to another server than the one whose age is known, or that one may have fallen back. */
function refuseOtherServer(
  row: ServerSessionRow,
  position: bigint,
  { server, onOtherServer }: PoolOptions,
): ServerSession {
  const session = parseServerSession(row);
  if (isSameServer(session, server) && parseLsn(session.position) >= position) return session;
  onOtherServer();
  throw new ReplicaLostError();
}

function settingStatements(session: Readonly<Record<string, string>>): string {
  return Object.entries(session)
    .map(([name, value]) => `set ${name} = '${value}'`)
    .join('; ');
}

/** TLS reads the socket its own way; a plain one reads rows without leaving garbage. */
function createStream({ ssl }: { readonly ssl?: unknown }): Socket {
  return ssl ? new Socket() : RowTap.createSocket();
}

interface RoleAwareConfig extends ClientConfig {
  readonly onPromoted: () => void;
  readonly onConnecting: (client: Client) => void;
}

/**
 * A client that knows whether its server is a standby: PostgreSQL (14 and later) sends `in_hot_standby` when
 * the connection is made and, with the next answer, when the server has been promoted.
 */
class RoleAwareClient extends Client {
  isInHotStandby: boolean | undefined;

  constructor(config: RoleAwareConfig) {
    super(config);
    const { connection } = this as unknown as { connection: EventEmitter };
    connection.on('parameterStatus', ({ parameterName, parameterValue }: Record<string, string>) => {
      if (parameterName !== 'in_hot_standby') return;
      if (this.isInHotStandby && parameterValue === 'off') config.onPromoted();
      this.isInHotStandby = parameterValue === 'on';
    });
    config.onConnecting(this);
  }
}

/** A pooler in between may not send `in_hot_standby`; then the watcher finds out. */
function isOnStandby(client: unknown): boolean {
  return (client as RoleAwareClient).isInHotStandby !== false;
}

function textOrDefault(oid: number, format?: 'text' | 'binary'): unknown {
  return KEPT_AS_TEXT.has(oid) && format !== 'binary' ? String : types.getTypeParser(oid, format as 'text');
}
