import { Socket } from 'node:net';
import type { ClientBase } from 'pg';
import type { Format } from './bind-message.ts';
import { BrokenConnectionError, RowShapeError } from './data-row.ts';
import { StatementNames } from './statement-names.ts';
import type { Transcoding } from './transcoding.ts';
import { usedMemory } from './used-memory.ts';

/**
 * Receives runs of complete DataRow messages (`D`, int32 length, int16 columns, then int32 length and bytes for each
 * column), from `start` to `end` of `bytes`. They are valid only during the call.
 */
export type RowSink = (bytes: Buffer, start: number, end: number) => void;

const DATA_ROW = 0x44;
const HEADER_BYTES = 5;
/** A message's own length counts its own bytes. */
const LENGTH_BYTES = 4;
const READ_BYTES = 128 * 1024;
/** A read buffer that grew beyond this is given up when it is empty. */
const MAX_KEPT_BYTES = 1024 * 1024;

/** What node-postgres keeps in a client and does not put into its types. */
export interface WireConnection {
  readonly stream: Socket;
  readonly parsedStatements: Record<string, string>;
  parse(statement: { name: string; text: string; types: readonly number[] }): void;
}

export interface WireClient {
  readonly connection: WireConnection;
  readonly processID: number;
  readonly secretKey: number;
  readonly host: string;
  readonly port: number;
}

/**
 * Stands between a connection's socket and node-postgres. While a sink is set, rows go to it as they came from the
 * wire, without an object or a string per value; every other message goes on to node-postgres, whole, so that
 * errors, completion and the life of the connection stay its business.
 */
export class RowTap {
  sink: RowSink | undefined;
  /** Of the columns that the sink is given; undefined: all are text. */
  sinkFormats: readonly Format[] | undefined;
  /** Set where the session does not speak UTF-8. */
  #transcoding: Transcoding | undefined;
  /** Whether the statements of `plan-once.ts` are prepared on this connection. */
  hasPlanSwitch = false;
  readonly statements = new StatementNames();
  #forward: (bytes: Buffer) => void = () => {};
  /** What was read and does not make a whole message yet lies at the beginning. */
  #buffer = Buffer.alloc(0);
  #length = 0;
  #isPaused = false;
  /** Nothing more of this connection is believed. */
  #isBroken = false;
  #stream: Socket | undefined;

  static readonly #taps = new WeakMap<object, RowTap>();

  /** The tap of a client's connection. A socket that was not made here, of TLS for instance, is tapped when asked for. */
  static of(client: ClientBase): RowTap {
    const { stream } = (client as unknown as WireClient).connection;
    const existing = RowTap.#taps.get(stream);
    if (existing) return existing;
    const tap = new RowTap();
    const listeners = stream.listeners('data') as ((bytes: Buffer) => void)[];
    tap.#stream = stream;
    tap.#forward = (bytes) => {
      for (const listener of listeners) listener.call(stream, bytes);
    };
    // Ours is added before theirs are removed: a stream without a listener would stop flowing.
    stream.on('data', (bytes: Buffer) => tap.#receive(bytes));
    for (const listener of listeners) stream.removeListener('data', listener);
    RowTap.#taps.set(stream, tap);
    return tap;
  }

  /**
   * A socket for node-postgres' `stream` option that reads into one buffer over and over: a long list would otherwise
   * leave a buffer for every few kilobytes to the garbage collector.
   */
  static createSocket(): Socket {
    const tap = new RowTap();
    tap.#buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const socket = new Socket({
      onread: {
        buffer: () => tap.#room(),
        callback: (bytesRead: number) => {
          tap.#length += bytesRead;
          const mayHaveMore = tap.#length === tap.#buffer.length;
          tap.#handOnMessages();
          if (mayHaveMore && !tap.#isPaused) tap.#letOthersBy();
          return !mayHaveMore && !tap.#isPaused;
        },
      },
    } as never);
    tap.#stream = socket;
    tap.#forward = (bytes) => socket.emit('data', bytes);
    RowTap.#taps.set(socket, tap);
    return socket;
  }

  /** From now on text travels as the database keeps it, and node-postgres notices nothing. Between two statements only. */
  transcode(transcoding: Transcoding): void {
    const stream = this.#stream!;
    const isFirst = this.#transcoding === undefined;
    this.#transcoding = transcoding;
    if (!isFirst) return;
    const write = stream.write.bind(stream) as (bytes: Buffer, ...more: unknown[]) => boolean;
    stream.write = ((bytes: Buffer, ...more: unknown[]) =>
      write(this.#transcoding!.outgoing(bytes), ...more)) as Socket['write'];
  }

  /** Takes nothing more from the socket, so that PostgreSQL stops sending. */
  pause(): void {
    this.#isPaused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#stream?.resume();
  }

  /**
   * A full buffer is read again only after the event loop has gone round: while PostgreSQL is the faster of the two,
   * one long list would otherwise be read thirty times in a row, and every page would wait for it.
   */
  #letOthersBy(): void {
    setImmediate(() => {
      if (!this.#isPaused) this.#stream?.resume();
    });
  }

  /** Where the next bytes are read to. */
  #room(): Buffer {
    if (this.#length === this.#buffer.length) this.#grow(2 * this.#buffer.length);
    return this.#buffer.subarray(this.#length);
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(bytes);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  #receive(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (length > this.#buffer.length) this.#grow(Math.max(length, READ_BYTES));
    bytes.copy(this.#buffer, this.#length);
    this.#length = length;
    this.#handOnMessages();
  }

  /** Called by the socket, where an exception would end the process: it ends the connection, and with it one request. */
  #handOnMessages(): void {
    if (this.#isBroken) return;
    try {
      this.#handOnWhole();
    } catch (error) {
      this.#isBroken = true;
      this.#length = 0;
      this.sink = undefined;
      this.#stream?.destroy(new BrokenConnectionError(error));
    }
  }

  #handOnWhole(): void {
    const bytes = this.#buffer;
    const length = this.#length;
    let offset = 0;
    /** Start of the run of rows, or of other messages, that is not yet handed on. */
    let start = 0;
    let inRows = false;
    while (offset + HEADER_BYTES <= length) {
      const bodyBytes = bytes.readInt32BE(offset + 1);
      if (bodyBytes < LENGTH_BYTES) throw new RowShapeError(`A message of ${bodyBytes} bytes.`);
      const end = offset + 1 + bodyBytes;
      if (end > length) break;
      const isRow =
        bytes[offset] === DATA_ROW && (this.sink !== undefined || this.#transcoding !== undefined);
      if (isRow !== inRows) {
        this.#handOn(bytes, start, offset, inRows);
        start = offset;
        inRows = isRow;
      }
      offset = end;
    }
    this.#handOn(bytes, start, offset, inRows);
    bytes.copyWithin(0, offset, length);
    this.#length = length - offset;
    usedMemory.overwrite?.(bytes.subarray(this.#length, length));
    // After one huge row the next ones are short again.
    if (this.#length === 0 && bytes.length > MAX_KEPT_BYTES)
      this.#buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  }

  #handOn(bytes: Buffer, start: number, end: number, inRows: boolean): void {
    if (start === end) return;
    if (!inRows) this.#forward(bytes.subarray(start, end));
    else if (this.#transcoding) this.#handOnTranscoded(this.#transcoding, bytes, start, end);
    else this.sink?.(bytes, start, end);
  }

  #handOnTranscoded(transcoding: Transcoding, bytes: Buffer, start: number, end: number): void {
    const rows = transcoding.rows(bytes, start, end, this.sink && (this.sinkFormats ?? []));
    if (this.sink) this.sink(rows, 0, rows.length);
    else this.#forward(rows);
  }
}
