import { cdrColumns, type WireType } from '../db/sources/cdr-columns.ts';
import { NULL_LENGTH, RowShapeError, UNREADABLE_LENGTH } from '../db/wire/data-row.ts';
import type { ByteWriter } from './byte-writer.ts';
import { CONNECT_TIME_AT, ID_AT, keyAtOf, MEMBERS_AT } from './key-columns.ts';
import {
  RelatedObjects,
  type RelatedPlan,
  type RelatedWriter,
  roomForRelated,
  wantRelated,
} from './related-objects.ts';
import {
  MAX_CURSOR_PREFIX,
  type Member,
  quotedPrefix,
  type RowEncoder,
  type RowFailure,
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

/** A cell of each line: a column, a cursor, the same text in every line; or the cells of an object that has leaves. */
type Cell = Exclude<Member, { readonly kind: 'object' }>;

/** The header line: the response keys, so that an alias names a column; `account.username` for what is in an object. */
export function csvHeader(cells: readonly Cell[]): string {
  const names = cells.flatMap((cell) =>
    cell.kind === 'related'
      ? cell.object.leaves!.map(({ path }) => [cell.key, ...path].join('.'))
      : [cell.key],
  );
  return `${names.join(',')}\r\n`;
}

/**
 * Encodes rows as RFC 4180. Ids and text are always quoted, so that a spreadsheet may keep them as text; a text that
 * it would take for a formula begins with an apostrophe. Null is an empty cell, unlike the empty text `""`; in a file
 * of one column it is `""` too, since many readers skip an empty line. A value that cannot be shown is as null.
 */
export function createCsvEncoder(cells: readonly Cell[]): RowEncoder {
  const selected = cells.filter((cell) => cell.kind === 'related' || isRead(cell)) as ReadCell[];
  const plans = selected.flatMap((cell) => (cell.kind === 'related' ? [cell.object] : []));
  const related = plans.map((plan) => new RelatedObjects(plan, cellWriter(plan)));
  const relatedOf = selected.map((cell) => (cell.kind === 'related' ? plans.indexOf(cell.object) : -1));
  const steps = cells.map((cell) => stepOf(cell, related, plans));
  const encoding = new CsvEncoding(steps);
  const fixedBytes = steps.reduce(
    (sum, { constant, isCursor }) => sum + constant.length + MAX_VALUE + (isCursor ? MAX_CURSOR_PREFIX : 0),
    CR_LF.length,
  );
  return {
    columns: selected.map((cell) => (cell.kind === 'related' ? cell.object.column : cell.column)),
    related,
    isLacking: () => encoding.isLacking,
    want: (row, start, end) => wantRelated(related, relatedOf, row, start, end),
    beginCursorsWith(prefix) {
      encoding.cursorPrefix = quotedPrefix(prefix);
    },
    encode(writer, row, start, end) {
      // Two bytes for one: a quote inside a quoted cell.
      writer.reserve(fixedBytes + 2 * (end - start) + roomForRelated(related));
      const to = encoding.row(writer, row, start, end);
      if (encoding.isLacking) return undefined;
      writer.length = to;
      return encoding.failures;
    },
  };
}

type ReadCell = Extract<Cell, { readonly kind: 'column' | 'related' }>;

function isRead(cell: Cell): boolean {
  return cell.kind === 'column' && keyAtOf(cell.column) === 0;
}

interface Step {
  /** Undefined for a cell that is not a column. */
  readonly wire: WireType | undefined;
  readonly nullable: boolean;
  readonly path: readonly string[];
  readonly constant: Buffer;
  readonly objects: RelatedObjects | undefined;
  readonly isCursor: boolean;
  /** As in row-encoder.ts. */
  readonly keyAt: number;
}

function stepOf(cell: Cell, related: readonly RelatedObjects[], plans: readonly RelatedPlan[]): Step {
  const path = [cell.key];
  const step = {
    wire: undefined,
    nullable: true,
    path,
    constant: Buffer.alloc(0),
    objects: undefined,
    isCursor: false,
    keyAt: 0,
  };
  if (cell.kind === 'column') {
    const { wire, nullable } = cdrColumns[cell.column];
    return { ...step, wire, nullable, keyAt: keyAtOf(cell.column) };
  }
  if (cell.kind === 'cursor') return { ...step, isCursor: true };
  if (cell.kind === 'related') return { ...step, objects: related[plans.indexOf(cell.object)] };
  return { ...step, constant: Buffer.from(`"${cell.value}"`) };
}

/** Walks the values of one row; kept between rows so that none is allocated for them. */
class CsvEncoding {
  cursorPrefix: Buffer = Buffer.alloc(0);
  /** Cells of the last row that had a value which cannot be shown, or none where there must be one. */
  failures: RowFailure[] | undefined;
  isLacking = false;
  readonly #steps: readonly Step[];
  readonly #memo = new DayMemo();
  #at = 0;

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** Returns where the line ends. */
  row({ block, view, length: before }: ByteWriter, row: Buffer, start: number, end: number): number {
    this.failures = undefined;
    this.isLacking = false;
    this.#at = start + MEMBERS_AT;
    let to = before;
    for (let index = 0; index < this.#steps.length; index++) {
      const step = this.#steps[index]!;
      if (index > 0) block[to++] = COMMA;
      if (step.wire !== undefined) to = this.#column(block, to, step, step.wire, row, start, end);
      else if (step.objects) to = this.#relatedCells(view, to, step, step.objects, row, end);
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

  #relatedCells(
    view: DataView,
    to: number,
    { path }: Step,
    objects: RelatedObjects,
    row: Buffer,
    end: number,
  ): number {
    const length = int32At(row, this.#at);
    const at = this.#at + 4;
    this.#at = length > 0 ? at + length : at;
    if (this.#at > end) throw new RowShapeError('A value ends behind its row.');
    if (length < UNREADABLE_LENGTH) throw new RowShapeError(`A value has ${length} bytes.`);
    const text =
      length < 0 ? objects.ofMissingKey(length === UNREADABLE_LENGTH) : objects.find(row, at, this.#at);
    if (!text) {
      this.isLacking = true;
      return to;
    }
    for (const { path: below, error } of text.failures) {
      this.failures = [...(this.failures ?? []), { path: [...path, ...below], error }];
    }
    return text.glue.write(view, to);
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
      // Before anything is read there: what lies behind the row may be of another request.
      if (this.#at > end) throw new RowShapeError('A value ends behind its row.');
    }
    const written = length < 0 ? -1 : this.#value(block, to, wire, keyAt > 0, row, at, at + length);
    if (written >= 0) return written;
    if (length < UNREADABLE_LENGTH) throw new RowShapeError(`A value has ${length} bytes.`);
    if (length !== NULL_LENGTH || !step.nullable)
      this.failures = [...(this.failures ?? []), { path: step.path }];
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
  return isTakenForMore(row.toString('utf8', start, end));
}

function isTakenForMore(text: string): boolean {
  return FORMULA.test(text) || text.startsWith(INCOMPLETE);
}

/** The cells of an object: each leaf as GraphQL answers it, empty where it is null or its object is. */
function cellWriter({ leaves }: RelatedPlan): RelatedWriter {
  return (object) =>
    leaves!
      .map(({ path, isId }) => {
        const leaf = path.reduce<unknown>(
          (value, key) => (value as Record<string, unknown> | null)?.[key],
          object,
        );
        if (leaf == null) return '';
        if (typeof leaf !== 'string') return String(leaf);
        const quoted = leaf.replaceAll('"', '""');
        return `"${!isId && leaf !== '' && isTakenForMore(leaf) ? `'${quoted}` : quoted}"`;
      })
      .join(',');
}
