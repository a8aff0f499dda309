import type { CdrKeyset, CdrPage } from '../db/calls/cdr-page.ts';
import { cdrPageStatement } from '../db/calls/cdr-page-statement.ts';
import { selectKeyBeyond } from '../db/calls/cdrs.ts';
import { segmentsOf } from '../db/calls/page-bounds.ts';
import type { Reader } from '../db/reader.ts';
import { type CdrColumnName, cdrColumns, wireFormats } from '../db/sources/cdr-columns.ts';
import { type Format, formats } from '../db/wire/bind-message.ts';
import { lastValueOf } from '../db/wire/data-row.ts';
import { readRawRows } from '../db/wire/raw-rows.ts';
import type { RowSink } from '../db/wire/row-tap.ts';
import { ReplicaFailureError } from '../errors.ts';
import { hasKey, keysetAt } from './key-columns.ts';
import type { OpenList } from './open-list.ts';
import type { RowTarget } from './waiting-rows.ts';
import { int32At } from './wire-text.ts';

/** Calls read by one statement at most; a long list is read in parts. */
export const PART_ROWS = 262_144;
/** Calls that are turned round in memory when a list is read from its end. */
const MAX_TURNED_ROUND = 10_000;
/** Times a list may be taken up again without a single call in between. */
const MAX_FRUITLESS_ATTEMPTS = 3;

export interface ListRequest {
  readonly page: Omit<CdrPage, 'limit'>;
  /** How many calls at most. */
  readonly size: number;
  /** To select after connect time and id. */
  readonly columns: readonly CdrColumnName[];
  /** Takes the calls; one without connect time or id cannot be shown, and takes its place in the list. */
  readonly target: Pick<RowTarget, 'onRow' | 'onUnreadableRow' | 'onBatch' | 'flow'>;
  /**
   * Told how far the standby has replayed, before the first call of each part; when undefined, every call
   * travels without it and is a little shorter.
   */
  readonly onReplayed?: ((lsn: string) => void) | undefined;
  /** As in OpenList. */
  readonly replace: OpenList['replace'];
}

/**
 * Reads a list part by part. A recovery conflict or a lost standby is survived: the list goes on after its last key,
 * on another standby if need be, so that no call is lost and none comes twice.
 */
export class ListReader {
  readonly #request: ListRequest;
  /** Of each row from the wire. */
  readonly #columnCount: number;
  #reader: Reader;
  /** Of the first and the last call handed on; where to go on, here or in another request. */
  firstKey: CdrKeyset | undefined;
  lastKey: CdrKeyset | undefined;
  /** Calls handed on so far. */
  rows = 0;
  /** A call behind the last one wanted was seen. A statement may end, or be ended, just before it. */
  #goesBeyond = false;

  constructor(reader: Reader, request: ListRequest) {
    this.#reader = reader;
    this.#request = request;
    this.#columnCount = 2 + request.columns.length + (request.onReplayed ? 1 : 0);
  }

  /** Whether the list goes on beyond what was read, in the direction of reading. */
  async run(): Promise<boolean> {
    const { page, size } = this.#request;
    if (!page.fromEnd) return this.#readForwards(page, size);
    if (size <= MAX_TURNED_ROUND) return this.#readBackwards(page, size);
    // Too many to turn round in memory: find where they begin, then read forwards from there. Calls that have come
    // meanwhile are not among the last of then.
    const beyond = await this.#retrying(() => selectKeyBeyond(this.#reader, { ...page, limit: size }));
    await this.#readForwards({ ...page, fromEnd: false, after: beyond ?? page.after }, size);
    return beyond !== undefined;
  }

  async #readForwards(page: ListRequest['page'], size: number): Promise<boolean> {
    let segments = segmentsOf(page);
    let rowsThen = 0;
    // A segment that broke off, or was long enough for several parts, goes on after its last call.
    const next = () => {
      if (this.rows > rowsThen) segments = segmentsOf({ ...page, after: this.lastKey });
      rowsThen = this.rows;
      return segments[0]!;
    };
    while (segments.length > 0 && !this.#goesBeyond) {
      // One more than is wanted: it says whether the list goes on.
      const isWhole = await this.#retrying(() =>
        this.#readPart({ ...next(), limit: Math.min(size - this.rows + 1, PART_ROWS) }, size),
      );
      if (!isWhole) {
        await this.#request.target.flow.drained();
        continue;
      }
      segments = segments.slice(1);
      rowsThen = this.rows;
    }
    return this.#goesBeyond;
  }

  /** True when this was the rest of the segment, or of the page. */
  async #readPart(page: CdrPage, size: number): Promise<boolean> {
    const { onReplayed, target } = this.#request;
    const { flow } = target;
    let isFirst = true;
    const sink: RowSink = (bytes, start, end) => {
      if (isFirst) onReplayed?.(lastTextIn(bytes, start));
      isFirst = false;
      let at = start;
      let last = start;
      try {
        for (let next = 0; at < end && this.rows < size; at = next) {
          next = endOfRow(bytes, at);
          this.#handOn(bytes, at, next);
          last = at;
        }
        if (at < end) this.#goesBeyond = true;
      } finally {
        // Also when a call is thrown back: the list goes on behind those that were taken.
        if (at > start) this.#noteKeys(bytes, start, last, at);
      }
      if (at > start) target.onBatch();
    };
    const { rows, isStopped } = await readRawRows(this.#reader, { ...this.#statement(page), sink, flow });
    return !isStopped && rows < page.limit;
  }

  /** The last calls of the list, read from its end and handed on in its own order. */
  async #readBackwards(page: ListRequest['page'], size: number): Promise<boolean> {
    const { onReplayed, target } = this.#request;
    const kept = await this.#retrying(async () => {
      const rows: Buffer[] = [];
      const sink: RowSink = (bytes, start, end) => {
        for (let at = start, next = 0; at < end; at = next) {
          next = endOfRow(bytes, at);
          rows.push(Buffer.from(bytes.subarray(at, next)));
        }
      };
      for (const segment of segmentsOf(page)) {
        const limit = size + 1 - rows.length;
        if (limit > 0) await readRawRows(this.#reader, { ...this.#statement({ ...segment, limit }), sink });
      }
      return rows;
    });
    const inOrder = kept.slice(0, size).reverse();
    if (kept[0]) onReplayed?.(lastTextIn(kept[0], 0));
    for (const row of inOrder) this.#handOn(row, 0, row.length);
    const [first, last] = [inOrder[0], inOrder.at(-1)];
    this.firstKey = first && keysetAt(first, 0, first.length);
    this.lastKey = last && keysetAt(last, 0, last.length);
    target.onBatch();
    return kept.length > size;
  }

  #handOn(bytes: Buffer, at: number, end: number): void {
    const { target } = this.#request;
    if (hasKey(bytes, at, end, this.#columnCount)) target.onRow(bytes, at, end);
    else target.onUnreadableRow();
    this.rows++;
  }

  /** Of a run of calls, the first of which begins at `start` and the last at `last`. */
  #noteKeys(bytes: Buffer, start: number, last: number, end: number): void {
    this.firstKey ??= keysetAt(bytes, start, endOfRow(bytes, start));
    this.lastKey = keysetAt(bytes, last, end);
  }

  /** The page's statement: the key columns in binary first, then the columns asked for. */
  #statement(page: CdrPage) {
    const { columns, onReplayed } = this.#request;
    const withReplayedLsn = onReplayed !== undefined;
    const { names, formats: columnFormats } = selectionOf(columns);
    const statement = cdrPageStatement(this.#reader, page, names, { withReplayedLsn });
    return {
      ...statement,
      formats: withReplayedLsn ? [...columnFormats, formats.text] : columnFormats,
    };
  }

  async #retrying<T>(attempt: () => Promise<T>): Promise<T> {
    for (let fruitless = 0; ; ) {
      const before = this.rows;
      try {
        return await attempt();
      } catch (error) {
        fruitless = this.rows > before ? 0 : fruitless + 1;
        if (!(error instanceof ReplicaFailureError) || fruitless > MAX_FRUITLESS_ATTEMPTS) throw error;
        this.#reader = await this.#request.replace(this.#reader, error, { hasRows: this.rows > 0 });
      }
    }
  }
}

/** What a row begins with, and the columns behind. */
interface RowSelection {
  readonly names: readonly CdrColumnName[];
  readonly formats: readonly Format[];
}

/** By the columns of a plan, which is kept with its document: pages of it share what follows from them. */
const selections = new WeakMap<readonly CdrColumnName[], RowSelection>();

function selectionOf(columns: readonly CdrColumnName[]): RowSelection {
  const known = selections.get(columns);
  if (known) return known;
  const names = ['connect_time', 'i_xdr', ...columns] as const;
  const columnFormats = columns.map((name) => wireFormats[cdrColumns[name].wire]);
  const selection = { names, formats: [formats.binary, formats.binary, ...columnFormats] };
  selections.set(columns, selection);
  return selection;
}

/** Of the DataRow message that begins there, which is known to be whole. */
function endOfRow(bytes: Buffer, at: number): number {
  return at + 1 + int32At(bytes, at + 1);
}

/** The last value of a row, which is text. */
function lastTextIn(row: Buffer, start: number): string {
  const { at, length } = lastValueOf(row, start, endOfRow(row, start));
  return row.toString('latin1', at, at + Math.max(length, 0));
}
