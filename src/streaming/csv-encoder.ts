import { cdrColumns, type WireType } from '../db/sources/cdr-columns.ts';
import { NULL_LENGTH, RowShapeError, UNREADABLE_LENGTH } from '../db/wire/data-row.ts';
import { CONNECT_TIME_AT, ID_AT, keyAtOf, MEMBERS_AT } from './key-columns.ts';
import {
  type FailedPath,
  MAX_CURSOR_PREFIX,
  type Member,
  quotedPrefix,
  type RowEncoder,
} from './row-encoder.ts';
import {
  DayMemo,
  int32At,
  isDecimal,
  isInt4,
  isInt8,
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
const EMPTY_TEXT = Buffer.from('""');
const KEY_BYTES = 8;

/** How the last record of a file begins that could not hold everything. It is not quoted, and every text is. */
export const INCOMPLETE = '# INCOMPLETE';

/** A cell of each line: a column, a cursor, or the same text in every line. */
type Cell = Exclude<Member, { readonly kind: 'object' }>;

/** The header line: the response keys, so that an alias names a column. */
export function csvHeader(cells: readonly Cell[]): string {
  return `${cells.map(({ key }) => key).join(',')}\r\n`;
}

/**
 * Encodes rows as RFC 4180. Ids and text are always quoted, so that a spreadsheet may keep them as text; a text that
 * it would take for a formula begins with an apostrophe. Null is an empty cell, unlike the empty text `""`; in a file
 * of one column it is `""` too, since many readers skip an empty line. A value that cannot be shown is as null.
 */
export function createCsvEncoder(cells: readonly Cell[]): RowEncoder {
  const steps = cells.map(stepOf);
  const encoding = new CsvEncoding(steps);
  const fixedBytes = steps.reduce(
    (sum, { constant, isCursor }) => sum + constant.length + MAX_VALUE + (isCursor ? MAX_CURSOR_PREFIX : 0),
    CR_LF.length,
  );
  return {
    columns: cells.flatMap((cell) => (cell.kind === 'column' && !keyAtOf(cell.column) ? [cell.column] : [])),
    beginCursorsWith(prefix) {
      encoding.cursorPrefix = quotedPrefix(prefix);
    },
    encode(writer, row, start, end) {
      // Two bytes for one: a quote inside a quoted cell.
      writer.reserve(fixedBytes + 2 * (end - start));
      writer.length = encoding.row(writer.block, writer.length, row, start, end);
      return encoding.failures;
    },
  };
}

interface Step {
  /** Undefined for a cell that is not a column. */
  readonly wire: WireType | undefined;
  readonly nullable: boolean;
  readonly path: FailedPath;
  readonly constant: Buffer;
  readonly isCursor: boolean;
  /** As in row-encoder.ts. */
  readonly keyAt: number;
}

function stepOf(cell: Cell): Step {
  const path = [cell.key];
  const step = {
    wire: undefined,
    nullable: true,
    path,
    constant: Buffer.alloc(0),
    isCursor: false,
    keyAt: 0,
  };
  if (cell.kind === 'column') {
    const { wire, nullable } = cdrColumns[cell.column];
    return { ...step, wire, nullable, keyAt: keyAtOf(cell.column) };
  }
  if (cell.kind === 'cursor') return { ...step, isCursor: true };
  return { ...step, constant: Buffer.from(`"${cell.value}"`) };
}

/** Walks the values of one row; kept between rows so that none is allocated for them. */
class CsvEncoding {
  cursorPrefix: Buffer = Buffer.alloc(0);
  /** Cells of the last row that had a value which cannot be shown, or none where there must be one. */
  failures: FailedPath[] | undefined;
  readonly #steps: readonly Step[];
  readonly #memo = new DayMemo();
  #at = 0;

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** Returns where the line ends. */
  row(block: Buffer, before: number, row: Buffer, start: number, end: number): number {
    this.failures = undefined;
    this.#at = start + MEMBERS_AT;
    let to = before;
    for (let index = 0; index < this.#steps.length; index++) {
      const step = this.#steps[index]!;
      if (index > 0) block[to++] = COMMA;
      if (step.wire !== undefined) to = this.#column(block, to, step, step.wire, row, start, end);
      else if (step.isCursor) to = this.#cursor(block, to, row, start);
      else to = writeBytes(block, to, step.constant);
    }
    if (to === before) to = writeBytes(block, to, EMPTY_TEXT);
    return writeBytes(block, to, CR_LF);
  }

  #cursor(block: Buffer, to: number, row: Buffer, start: number): number {
    const key = writeBytes(block, to, this.cursorPrefix);
    const end = writeCursorKey(block, key, row, start + CONNECT_TIME_AT, start + ID_AT);
    block[end] = QUOTE;
    return end + 1;
  }

  #column(
    block: Buffer,
    to: number,
    step: Step,
    wire: WireType,
    row: Buffer,
    start: number,
    end: number,
  ): number {
    const { keyAt } = step;
    let at = start + keyAt;
    let length = KEY_BYTES;
    if (keyAt === 0) {
      length = int32At(row, this.#at);
      at = this.#at + 4;
      this.#at = length > 0 ? at + length : at;
      // Before anything is read there: what lies behind the row is somebody else's.
      if (this.#at > end) throw new RowShapeError('A value ends behind its row.');
    }
    const written = length < 0 ? -1 : this.#value(block, to, wire, keyAt > 0, row, at, at + length);
    if (written >= 0) return written;
    if (length < UNREADABLE_LENGTH) throw new RowShapeError(`A value has ${length} bytes.`);
    if (length !== NULL_LENGTH || !step.nullable) this.failures = [...(this.failures ?? []), step.path];
    return to;
  }

  /** Returns where the cell ends; -1 when no type of the API can show the value. */
  #value(
    block: Buffer,
    to: number,
    wire: WireType,
    isKey: boolean,
    row: Buffer,
    start: number,
    end: number,
  ): number {
    if (wire === 'timestamp') {
      if (end - start !== KEY_BYTES) throw new RowShapeError(`A time has ${end - start} bytes.`);
      return writeTimestamp(block, to, row, start, this.#memo);
    }
    if (wire === 'decimal') return isDecimal(row, start, end) ? writeSlice(block, to, row, start, end) : -1;
    if (wire === 'integer') return isInt4(row, start, end) ? writeSlice(block, to, row, start, end) : -1;
    let at = to;
    block[at++] = QUOTE;
    if (wire === 'text') {
      if (needsApostrophe(row, start, end)) block[at++] = APOSTROPHE;
      at = writeDoubling(block, at, row, start, end, QUOTE);
    } else if (isKey) at = writeInt8(block, at, row, start);
    else if (isInt8(row, start, end)) at = writeSlice(block, at, row, start, end);
    else return -1;
    block[at++] = QUOTE;
    return at;
  }
}

/**
 * What spreadsheets run rather than show, also behind spaces and in the wide letters of East Asia; control characters,
 * which some drop before they look. A sign followed by nothing but digits is a phone number.
 */
const FORMULA =
  /^(?:\p{Cc}|[\s\u200b-\u200d\u2060\ufeff]*(?:[=@\uff1d\uff20\ufe66\ufe6b]|[+\-\uff0b\uff0d\ufe62\ufe63](?!\d*$)))/u;

/** Also what would look like the last record of an incomplete file, to a reader who no longer sees the quotes. */
function needsApostrophe(row: Buffer, start: number, end: number): boolean {
  if (start === end) return false;
  const first = row[start]!;
  const isPlain =
    (first >= 0x30 && first <= 0x39) || (first >= 0x41 && first <= 0x5a) || (first >= 0x61 && first <= 0x7a);
  if (isPlain) return false;
  const text = row.toString('utf8', start, end);
  return FORMULA.test(text) || text.startsWith(INCOMPLETE);
}
