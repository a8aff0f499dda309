import { type CdrColumnName, cdrColumns, type WireType } from '../db/cdr-columns.ts';
import { type ByteWriter, LONGEST_VALUE } from './byte-writer.ts';
import {
  CONNECT_TIME_AT,
  ID_AT,
  isInfinite,
  MEMBERS_AT,
  type Member,
  type RowEncoder,
} from './row-encoder.ts';

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
export function createCsvEncoder(cells: readonly Cell[], cursorPrefix: string): RowEncoder {
  const steps = cells.map((cell) => stepOf(cell, cursorPrefix));
  const columns = cells.filter((cell) => cell.kind === 'column').map(({ column }): CdrColumnName => column);
  const fixedBytes = steps.reduce((sum, { before }) => sum + before.length + LONGEST_VALUE, CR_LF.length);
  return {
    columns,
    encode(writer, row, start, end) {
      // Two bytes for one: a quote inside a quoted cell.
      writer.reserve(fixedBytes + 2 * (end - start));
      let at = start + MEMBERS_AT;
      for (let index = 0; index < steps.length; index++) {
        if (index > 0) writer.byte(COMMA);
        const step = steps[index]!;
        if (step.wire !== undefined) at = writeColumn(writer, step.wire, row, at);
        else {
          writer.bytes(step.before);
          if (step.isCursor) {
            writer.base64urlKey(row, start + CONNECT_TIME_AT, start + ID_AT);
            writer.byte(QUOTE);
          }
        }
      }
      writer.bytes(CR_LF);
      return undefined;
    },
  };
}

interface Step {
  /** Undefined for a cell that is not a column. */
  readonly wire: WireType | undefined;
  readonly before: Buffer;
  readonly isCursor: boolean;
}

function stepOf(cell: Cell, cursorPrefix: string): Step {
  if (cell.kind === 'column')
    return { wire: cdrColumns[cell.column].wire, before: Buffer.alloc(0), isCursor: false };
  if (cell.kind === 'cursor')
    return { wire: undefined, before: Buffer.from(`"${cursorPrefix}`), isCursor: true };
  return { wire: undefined, before: Buffer.from(`"${cell.value}"`), isCursor: false };
}

/** Returns where the next value begins. An infinite time is an empty cell: CSV has no errors beside its values. */
function writeColumn(writer: ByteWriter, wire: WireType, row: Buffer, at: number): number {
  const length = row.readInt32BE(at);
  const start = at + 4;
  if (length < 0) return start;
  const end = start + length;
  if (wire === 'integer') writer.integer(row.readInt32BE(start));
  else if (wire === 'decimal') writer.numeric(row, start);
  else if (wire === 'timestamp') {
    if (!isInfinite(row, start)) writer.timestamp(row, start);
  } else {
    writer.byte(QUOTE);
    if (wire === 'id') writer.int8(row, start);
    else {
      if (looksLikeFormula(row, start, end)) writer.byte(APOSTROPHE);
      writer.doubling(row, start, end, QUOTE);
    }
    writer.byte(QUOTE);
  }
  return end;
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
