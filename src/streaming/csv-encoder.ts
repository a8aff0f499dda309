import { cdrColumns, type WireType } from '../db/sources/cdr-columns.ts';
import {
  CONNECT_TIME_AT,
  ID_AT,
  keyAtOf,
  MAX_CURSOR_PREFIX,
  MEMBERS_AT,
  type Member,
  quotedPrefix,
  type RowEncoder,
} from './row-encoder.ts';
import {
  DayMemo,
  int32At,
  isInfinite,
  MAX_VALUE,
  writeBytes,
  writeCursorKey,
  writeDoubling,
  writeInt8,
  writeSlice,
  writeTimestamp,
} from './wire-text.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const APOSTROPHE = 0x27;
const CR_LF = Buffer.from('\r\n');

/** A cell of each line: a column, a cursor, or the same text in every line. */
type Cell = Exclude<Member, { readonly kind: 'object' }>;

/** The header line: the response keys, so that an alias names a column. */
export function csvHeader(cells: readonly Cell[]): string {
  return `${cells.map(({ key }) => key).join(',')}\r\n`;
}

/**
 * Encodes rows as RFC 4180. Ids and text are always quoted, so that a spreadsheet may keep them as text; a text that
 * it would take for a formula begins with an apostrophe. Null is an empty cell, unlike the empty text `""`.
 */
export function createCsvEncoder(cells: readonly Cell[]): RowEncoder {
  const steps = cells.map(stepOf);
  let cursorPrefix = Buffer.alloc(0);
  const memo = new DayMemo();
  const fixedBytes = steps.reduce(
    (sum, { before, isCursor }) => sum + before.length + MAX_VALUE + (isCursor ? MAX_CURSOR_PREFIX : 0),
    CR_LF.length,
  );
  return {
    columns: cells.flatMap((cell) => (cell.kind === 'column' && !keyAtOf(cell.column) ? [cell.column] : [])),
    beginCursorsWith(prefix) {
      cursorPrefix = quotedPrefix(prefix) as typeof cursorPrefix;
    },
    encode(writer, row, start, end) {
      // Two bytes for one: a quote inside a quoted cell.
      writer.reserve(fixedBytes + 2 * (end - start));
      const { block } = writer;
      let to = writer.length;
      let at = start + MEMBERS_AT;
      for (let index = 0; index < steps.length; index++) {
        const { wire, before, isCursor, keyAt } = steps[index]!;
        if (index > 0) block[to++] = COMMA;
        if (wire === undefined) {
          to = writeBytes(block, to, isCursor ? cursorPrefix : before);
          if (!isCursor) continue;
          to = writeCursorKey(block, to, row, start + CONNECT_TIME_AT, start + ID_AT);
          block[to++] = QUOTE;
        } else if (keyAt > 0) {
          to = writeKeyCell(block, to, wire, row, start + keyAt, memo);
        } else {
          const length = int32At(row, at);
          at += 4;
          if (length < 0) continue;
          to = writeCell(block, to, wire, row, at, at + length, memo);
          at += length;
        }
      }
      writer.length = writeBytes(block, to, CR_LF);
      return undefined;
    },
  };
}

interface Step {
  /** Undefined for a cell that is not a column. */
  readonly wire: WireType | undefined;
  readonly before: Buffer;
  readonly isCursor: boolean;
  /** As in row-encoder.ts. */
  readonly keyAt: number;
}

function stepOf(cell: Cell): Step {
  const step = { wire: undefined, before: Buffer.alloc(0), isCursor: false, keyAt: 0 };
  if (cell.kind === 'column')
    return { ...step, wire: cdrColumns[cell.column].wire, keyAt: keyAtOf(cell.column) };
  if (cell.kind === 'cursor') return { ...step, isCursor: true };
  return { ...step, before: Buffer.from(`"${cell.value}"`) };
}

function writeKeyCell(
  block: Buffer,
  to: number,
  wire: WireType,
  row: Buffer,
  at: number,
  memo: DayMemo,
): number {
  if (wire === 'timestamp') return writeCell(block, to, wire, row, at, at + 8, memo);
  block[to] = QUOTE;
  const end = writeInt8(block, to + 1, row, at);
  block[end] = QUOTE;
  return end + 1;
}

/** Returns where the cell ends. An infinite time is an empty cell: CSV has no errors beside its values. */
function writeCell(
  block: Buffer,
  to: number,
  wire: WireType,
  row: Buffer,
  start: number,
  end: number,
  memo: DayMemo,
): number {
  if (wire === 'timestamp') return isInfinite(row, start) ? to : writeTimestamp(block, to, row, start, memo);
  if (wire === 'decimal' || wire === 'integer') return writeSlice(block, to, row, start, end);
  let at = to;
  block[at++] = QUOTE;
  if (wire === 'text' && looksLikeFormula(row, start, end)) block[at++] = APOSTROPHE;
  at = writeDoubling(block, at, row, start, end, QUOTE);
  block[at++] = QUOTE;
  return at;
}

/** What spreadsheets run rather than show. A sign followed by nothing but digits is a phone number. */
function looksLikeFormula(row: Buffer, start: number, end: number): boolean {
  const first = row[start];
  if (first === 0x3d || first === 0x40 || first === 0x09 || first === 0x0d) return end > start;
  if (first !== 0x2b && first !== 0x2d) return false;
  for (let at = start + 1; at < end; at++) {
    if (row[at]! < 0x30 || row[at]! > 0x39) return true;
  }
  return false;
}
