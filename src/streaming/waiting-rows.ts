import type { Flow } from '../db/wire/raw-rows.ts';
import type { RelatedSource } from './related-objects.ts';
import type { RowEncoder } from './row-encoder.ts';

/** Bytes of rows that may wait before PostgreSQL is made to wait: beyond one batch from the wire. */
const MAX_WAITING_BYTES = 256 * 1024;
/**
 * What rows refer to is looked up for so many bytes of them together: a look-up costs as much as to write a hundred rows,
 * and the wire brings thirty at a time.
 */
const LOOK_UP_BYTES = 128 * 1024;
/** Rows that come slowly wait no longer than this for others to be looked up with. */
const MAX_DELAY_MS = 5;

/** Where a ListReader hands rows on to. */
export interface RowTarget {
  onRow(row: Buffer, start: number, end: number): void;
  onUnreadableRow(): void;
  onBatch(): void;
  readonly flow: Flow;
  /** Resolves when every row is written. Rejects when one cannot be: then it and those after it are not. */
  settled(): Promise<void>;
}

export interface RowTargetOptions {
  readonly encoder: Pick<RowEncoder, 'related' | 'want' | 'isLacking'>;
  /** Makes what looks up the objects that rows refer to; called only when they do. */
  readonly createSource: () => RelatedSource;
  /** Where the answer goes, which may be slow to take it. */
  readonly flow: Flow;
  /** Encodes a row. When the encoder is lacking afterwards, nothing was written. */
  readonly writeRow: (row: Buffer, start: number, end: number) => void;
  readonly writeUnreadableRow: () => void;
  /** After each batch of rows that were written. */
  readonly onWritten: () => void;
}

/** Rows go straight to the answer, unless they refer to objects that are to be looked up. */
export function createRowTarget(options: RowTargetOptions): RowTarget {
  const { encoder, flow, writeRow, writeUnreadableRow, onWritten } = options;
  if (encoder.related.length > 0) return new WaitingRows(options);
  const settled = Promise.resolve();
  return {
    onRow: writeRow,
    onUnreadableRow: writeUnreadableRow,
    onBatch: onWritten,
    flow,
    settled: () => settled,
  };
}

/**
 * Rows on their way to the answer. Those that refer to objects not yet known are kept, with all that follow them, until
 * the objects are looked up: once for some hundred rows, however many of them refer to each.
 */
class WaitingRows implements RowTarget, Flow {
  readonly flow = this;
  readonly #options: RowTargetOptions;
  /** Whole DataRow messages, from `#from` to `#to`. */
  #rows: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  /** How many unreadable rows stand before the row at this place, or before the next one to come. */
  readonly #unreadable = new Map<number, number>();
  #work: Promise<void> | undefined;
  /** Nothing was looked up yet: the first rows are wanted at once, and those that follow are looked up with others. */
  #isFirst = true;
  #delay: NodeJS.Timeout | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: RowTargetOptions) {
    this.#options = options;
    const source = options.createSource();
    for (const objects of options.encoder.related) objects.useSource(source);
  }

  onRow(row: Buffer, start: number, end: number): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#isEmpty && this.#isWritten(row, start, end)) return;
    this.#reserve(end - start);
    this.#to += row.copy(this.#rows, this.#to, start, end);
    this.#options.encoder.want(row, start, end);
  }

  /** False when it was not, since something must be looked up. */
  #isWritten(row: Buffer, start: number, end: number): boolean {
    const { encoder, writeRow } = this.#options;
    writeRow(row, start, end);
    if (!encoder.isLacking()) return true;
    if (encoder.want(row, start, end)) return false;
    // The text of an object was longer than those before it.
    writeRow(row, start, end);
    return !encoder.isLacking();
  }

  onUnreadableRow(): void {
    if (this.#isEmpty) this.#options.writeUnreadableRow();
    else this.#unreadable.set(this.#to, (this.#unreadable.get(this.#to) ?? 0) + 1);
  }

  onBatch(): void {
    if (this.#isEmpty) this.#options.onWritten();
    else this.#beginSoon();
  }

  isFull(): boolean {
    return this.#to - this.#from > MAX_WAITING_BYTES || this.#options.flow.isFull();
  }

  /** Resolves when no row waits and the client has taken enough. */
  async drained(): Promise<void> {
    await this.settled();
    await this.#options.flow.drained();
  }

  /** Resolves when no row waits. Throws what encoding one threw. */
  async settled(): Promise<void> {
    while (!this.#isEmpty && !this.#failure) {
      this.#begin();
      await this.#work;
    }
    if (this.#failure) throw this.#failure.error;
  }

  get #isEmpty(): boolean {
    return this.#from === this.#to && this.#unreadable.size === 0;
  }

  /** Begins where that is worth a look-up, or else in a moment. */
  #beginSoon(): void {
    if (this.#isFirst || this.#to - this.#from >= LOOK_UP_BYTES) this.#begin();
    else if (!this.#work) this.#delay ??= setTimeout(() => this.#begin(), MAX_DELAY_MS);
  }

  /** Begins to look up what the rows that wait refer to. */
  #begin(): void {
    clearTimeout(this.#delay);
    this.#delay = undefined;
    this.#isFirst = false;
    this.#work ??= this.#lookUp();
  }

  /** Never rejects: the next call that gives or awaits rows throws the failure. */
  async #lookUp(): Promise<void> {
    const { encoder, onWritten } = this.#options;
    try {
      await Promise.all(encoder.related.map((objects) => objects.obtain()));
      this.#write();
      onWritten();
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#work = undefined;
    }
    // Rows came meanwhile, or objects were forgotten to make room for others.
    if (!this.#failure && !this.#isEmpty) this.#beginSoon();
  }

  /** Writes rows up to the first that still lacks something. */
  #write(): void {
    const { encoder } = this.#options;
    const rows = this.#rows;
    this.#writeUnreadable();
    while (this.#from < this.#to) {
      const end = endOfRow(rows, this.#from);
      if (!this.#isWritten(rows, this.#from, end)) break;
      this.#from = end;
      this.#writeUnreadable();
    }
    for (let at = this.#from; at < this.#to; at = endOfRow(rows, at))
      encoder.want(rows, at, endOfRow(rows, at));
    if (this.#from === this.#to) {
      this.#from = 0;
      this.#to = 0;
    }
  }

  #writeUnreadable(): void {
    for (let left = this.#unreadable.get(this.#from) ?? 0; left > 0; left--)
      this.#options.writeUnreadableRow();
    this.#unreadable.delete(this.#from);
  }

  /** Makes room behind the rows that wait. */
  #reserve(bytes: number): void {
    if (this.#to + bytes <= this.#rows.length) return;
    const waiting = this.#to - this.#from;
    const room = Math.max(2 * MAX_WAITING_BYTES, 2 * (waiting + bytes));
    const larger = room > this.#rows.length ? Buffer.allocUnsafeSlow(room) : this.#rows;
    this.#rows.copy(larger, 0, this.#from, this.#to);
    const before = [...this.#unreadable];
    this.#unreadable.clear();
    for (const [at, count] of before) this.#unreadable.set(at - this.#from, count);
    this.#rows = larger;
    this.#from = 0;
    this.#to = waiting;
  }
}

function endOfRow(bytes: Buffer, at: number): number {
  return at + 1 + bytes.readInt32BE(at + 1);
}
