import type { PoolClient } from 'pg';

/**
 * Receives runs of complete DataRow messages (`D`, int32 length, int16 columns, then int32 length and bytes for each
 * column), from `start` to `end` of `bytes`. They are valid only during the call.
 */
export type RowSink = (bytes: Buffer, start: number, end: number) => void;

const DATA_ROW = 0x44;
const HEADER_BYTES = 5;
/** Statements prepared per connection; further shapes of query are parsed each time. */
const MOST_PREPARED = 200;

/** What node-postgres keeps in a client and does not put into its types. */
export interface WireConnection {
  readonly stream: NodeJS.ReadWriteStream & { cork?(): void; uncork?(): void };
  readonly parsedStatements: Record<string, string>;
  parse(statement: { name: string; text: string; types: readonly number[] }): void;
  bind(portal: {
    statement: string;
    values: readonly unknown[];
    binary: boolean;
    valueMapper(value: unknown): unknown;
  }): void;
  execute(portal: { rows: number }): void;
  sync(): void;
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
  #incomplete: Buffer | undefined;
  readonly #statements = new Map<string, string>();
  readonly #forward: (bytes: Buffer) => void;

  private constructor(forward: (bytes: Buffer) => void) {
    this.#forward = forward;
  }

  static readonly #taps = new WeakMap<object, RowTap>();

  /** The tap of a client's connection: there is one, put in place when first asked for. */
  static of(client: PoolClient): RowTap {
    const { stream } = (client as unknown as WireClient).connection;
    const existing = RowTap.#taps.get(stream);
    if (existing) return existing;
    const listeners = stream.listeners('data') as ((bytes: Buffer) => void)[];
    const tap = new RowTap((bytes) => {
      for (const listener of listeners) listener.call(stream, bytes);
    });
    // Ours is added before theirs are removed: a stream without a listener would stop flowing.
    stream.on('data', (bytes: Buffer) => tap.#receive(bytes));
    for (const listener of listeners) stream.removeListener('data', listener);
    RowTap.#taps.set(stream, tap);
    return tap;
  }

  /** The same name for the same text on this connection; empty, so unnamed, once there are too many. */
  statementName(text: string): string {
    const known = this.#statements.get(text);
    if (known !== undefined || this.#statements.size >= MOST_PREPARED) return known ?? '';
    const name = `cdrs_${this.#statements.size}`;
    this.#statements.set(text, name);
    return name;
  }

  #receive(received: Buffer): void {
    const bytes = this.#incomplete ? Buffer.concat([this.#incomplete, received]) : received;
    this.#incomplete = undefined;
    let offset = 0;
    /** Start of the run of rows, or of other messages, that is not yet handed on. */
    let start = 0;
    let inRows = false;
    while (offset + HEADER_BYTES <= bytes.length) {
      const end = offset + 1 + bytes.readInt32BE(offset + 1);
      if (end > bytes.length) break;
      const isRow = bytes[offset] === DATA_ROW && this.sink !== undefined;
      if (isRow !== inRows) {
        this.#handOn(bytes, start, offset, inRows);
        start = offset;
        inRows = isRow;
      }
      offset = end;
    }
    this.#handOn(bytes, start, offset, inRows);
    if (offset < bytes.length) this.#incomplete = offset === 0 ? bytes : bytes.subarray(offset);
  }

  #handOn(bytes: Buffer, start: number, end: number, inRows: boolean): void {
    if (start === end) return;
    if (inRows) this.sink?.(bytes, start, end);
    else this.#forward(bytes.subarray(start, end));
  }
}
