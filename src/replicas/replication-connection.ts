import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { Client, type ClientBase, DatabaseError } from 'pg';
import { PgOutputDecoder, type PgOutputReader } from '../db/wire/pgoutput.ts';
import { formatLsn, parseLsn } from './lsn.ts';

export interface ReplicationOptions {
  /** Of the standby; its role must have REPLICATION. */
  readonly connectionString: string;
  readonly publication: string;
  /** Of the slot: no other session of this server may have one of the same name. */
  readonly slot: string;
  /** Throws where the connection does not lead to the standby that is meant: see `Replica.verify`. */
  readonly verify: (client: ClientBase) => Promise<void>;
  /** The stream has ended, for whatever reason. Called once, and only after `start`. */
  readonly onEnd: (error: Error) => void;
}

/** Where one server is in its history. */
export interface ServerPosition {
  readonly systemIdentifier: string;
  readonly timeline: number;
}

/** What node-postgres has and does not put into its types. */
interface CopyConnection extends EventEmitter {
  readonly stream: Socket;
  sendCopyFromChunk(bytes: Buffer): void;
}

const CONNECT_TIMEOUT_MILLIS = 5000;
/** Something is acknowledged that often even when nothing comes, so that the server does not take us for dead. */
const ACKNOWLEDGE_MILLIS = 1000;
const WAL_DATA = 0x77;
const KEEPALIVE = 0x6b;
/** Of a message with WAL: its beginning, the end of the WAL, the time. */
const WAL_DATA_HEADER_BYTES = 25;
/** Microseconds from 1970 to PostgreSQL's beginning of time, 2000. */
const EPOCH_MICROS = 946_684_800_000_000n;

/** What an administrator can mend; undefined: anything else, which may well pass. */
export type ReplicationRefusal = 'login' | 'privilege' | 'prerequisite' | 'other' | undefined;

const INSUFFICIENT_PRIVILEGE = '42501';
const NOT_IN_PREREQUISITE_STATE = '55000';

export function refusalOf(error: unknown): ReplicationRefusal {
  const code = error instanceof DatabaseError ? (error.code ?? '') : '';
  if (code === INSUFFICIENT_PRIVILEGE) return 'privilege';
  if (code === NOT_IN_PREREQUISITE_STATE) return 'prerequisite';
  if (code.startsWith('28')) return 'login';
  return /^(42|53400)/.test(code) ? 'other' : undefined;
}

/**
 * A session that decodes the WAL of a server by a temporary slot. Everything is acknowledged as soon as it has come: the slot
 * never holds WAL for whoever reads slowly, and it is gone with the connection.
 */
export class ReplicationConnection {
  readonly #options: ReplicationOptions;
  readonly #client: Client;
  #received = 0n;
  #decoder: PgOutputDecoder | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOpen = true;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    const config = {
      connectionString: options.connectionString,
      application_name: 'cdr-gateway-feed',
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      replication: 'database',
    };
    this.#client = new Client(config);
    this.#client.on('error', (error) => this.#end(error));
    this.#client.on('end', () => this.#end(new Error('The connection has ended.')));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Rejects where it cannot be connected to in time, or leads to another server than is meant. */
  async open(): Promise<void> {
    const expire = () => this.#connection.stream.destroy(new Error('timeout expired'));
    const timer = setTimeout(expire, CONNECT_TIMEOUT_MILLIS);
    try {
      await this.#client.connect();
      await this.#options.verify(this.#client);
    } finally {
      clearTimeout(timer);
    }
  }

  async identify(): Promise<ServerPosition> {
    const { rows } = await this.#client.query<{ systemid: string; timeline: number }>('IDENTIFY_SYSTEM');
    return { systemIdentifier: rows[0]!.systemid, timeline: Number(rows[0]!.timeline) };
  }

  /** Where the server left an older timeline; undefined where that is none of its history. */
  async switchedAt(from: number, current: number): Promise<bigint | undefined> {
    const { rows } = await this.#client.query<{ content: Buffer | string }>(`TIMELINE_HISTORY ${current}`);
    for (const line of String(rows[0]!.content).split('\n')) {
      const [timeline, lsn] = line.trim().split(/\s+/);
      if (Number(timeline) === from && lsn) return parseLsn(lsn);
    }
    return undefined;
  }

  /**
   * Makes the slot, which decodes what commits from the returned position on. On a standby that waits until the primary writes
   * which transactions run: it does every 15 seconds while anything else is written.
   */
  async createSlot(): Promise<bigint> {
    const { rows } = await this.#client.query<{ consistent_point: string }>(
      `CREATE_REPLICATION_SLOT ${this.#options.slot} TEMPORARY LOGICAL pgoutput (SNAPSHOT 'nothing')`,
    );
    return parseLsn(rows[0]!.consistent_point);
  }

  /** Lets go of the WAL before this position, while the slot is not started. Returns where the slot is then. */
  async advance(lsn: bigint): Promise<bigint> {
    const { rows } = await this.#client.query<{ end: string }>(
      `select /* advanceSlot */ end_lsn::text as end from pg_replication_slot_advance('${this.#options.slot}', '${formatLsn(lsn)}')`,
    );
    return parseLsn(rows[0]!.end);
  }

  /** Tells every transaction that commits from `lsn` on. A reader that throws ends the connection. */
  start(lsn: bigint, reader: PgOutputReader): void {
    const { publication, slot } = this.#options;
    this.#received = lsn;
    const commit = (end: bigint) => {
      if (end > this.#received) this.#received = end;
      reader.commit(end);
    };
    this.#decoder = new PgOutputDecoder({
      wants: (relation) => reader.wants(relation),
      change: (change) => reader.change(change),
      truncate: (relation) => reader.truncate(relation),
      commit,
    });
    this.#connection.on('copyData', ({ chunk }: { chunk: Buffer }) => this.#receive(chunk, commit));
    const names = `"${publication.replaceAll('"', '""')}"`.replaceAll("'", "''");
    const statement =
      `START_REPLICATION SLOT ${slot} LOGICAL ${formatLsn(lsn)} ` +
      `(proto_version '1', publication_names '${names}')`;
    this.#client.query(statement).then(
      () => this.#end(new Error('The server has ended the stream.')),
      (error: Error) => this.#end(error),
    );
    this.#timer = setInterval(() => this.#acknowledge(), ACKNOWLEDGE_MILLIS).unref();
  }

  /** Takes nothing more from the socket. */
  pause(): void {
    this.#connection.stream.pause();
  }

  resume(): void {
    this.#connection.stream.resume();
  }

  close(): void {
    this.#end(undefined);
  }

  get #connection(): CopyConnection {
    return (this.#client as unknown as { connection: CopyConnection }).connection;
  }

  #receive(chunk: Buffer, commit: PgOutputReader['commit']): void {
    if (!this.#isOpen) return;
    try {
      if (chunk[0] === WAL_DATA) this.#decoder!.decode(chunk, WAL_DATA_HEADER_BYTES);
      else if (chunk[0] === KEEPALIVE) this.#noteKeepalive(chunk, commit);
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #noteKeepalive(chunk: Buffer, commit: PgOutputReader['commit']): void {
    const lsn = chunk.readBigUInt64BE(1);
    // In the middle of a transaction it speaks of what lies behind.
    if (!this.#decoder!.isInTransaction && lsn > this.#received) commit(lsn);
    if (chunk[17] === 1) this.#acknowledge();
  }

  #acknowledge(): void {
    if (!this.#isOpen) return;
    const message = Buffer.alloc(34);
    message[0] = 0x72;
    // Written, flushed, applied.
    for (const at of [1, 9, 17]) message.writeBigUInt64BE(this.#received, at);
    message.writeBigInt64BE(BigInt(Date.now()) * 1000n - EPOCH_MICROS, 25);
    this.#connection.sendCopyFromChunk(message);
  }

  #end(error: Error | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearInterval(this.#timer);
    // A server that does not answer must not keep the slot's session: it ends with its socket.
    this.#connection.stream.destroy();
    this.#client.end().catch(() => {});
    if (error && this.#decoder) this.#options.onEnd(error);
  }
}
