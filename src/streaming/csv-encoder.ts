import { cdrColumns, type WireType } from '../db/sources/cdr-columns.ts';
import { NULL_LENGTH, RowShapeError, UNREADABLE_LENGTH } from '../db/wire/data-row.ts';
import type { ByteWriter } from './byte-writer.ts';
import { CR_LF, csvCells, csvNames, isTakenForMore } from './csv-text.ts';
import { CONNECT_TIME_AT, ID_AT, MEMBERS_AT, placeOf } from './key-columns.ts';
import { NodeIdWriter } from './node-id.ts';
import { RelatedObjects, type RelatedWriter, roomForRelated, wantRelated } from './related-objects.ts';
import {
  MAX_CURSOR_PREFIX,
  type Member,
  quotedPrefix,
  type RowEncoder,
  type RowFailure,
} from './row-encoder.ts';
import { NEXT, SelectedColumns } from './selected-columns.ts';
import {
  DayMemo,
  int32At,
  isDecimal,
  MAX_VALUE,
  viewOf,
  writeBytes,
  writeCursorKey,
  writeDoubling,
  writeInt4Text,
  writeInt8,
  writeInt8Text,
  writeSlice,
  writeTimestamp,
} from './wire-text.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const APOSTROPHE = 0x27;
const PLUS = 0x2b;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const CR_LF_BYTES = 2;
const EMPTY_TEXT = Buffer.from('""');
const KEY_BYTES = 8;

/**
 * A cell of each line: a column, an id or a cursor made of the keys, the same text in every line; or the cells of an object
 * that has leaves.
 */
type Cell = Exclude<Member, { readonly kind: 'object' }>;

/** The header line: the response keys, so that an alias names a column; `account.username` for what is in an object. */
export function csvHeader(cells: readonly Cell[]): string {
  const names = cells.flatMap((cell) =>
    cell.kind === 'related' && !cell.object.leaf
      ? cell.object.leaves!.map(({ path }) => [cell.key, ...path])
      : [[cell.key]],
  );
  return `${csvNames(names)}${CR_LF}`;
}

/**
 * Encodes rows as RFC 4180. Ids and text are always quoted, so that a spreadsheet may keep them as text; a text that
 * it would take for a formula begins with an apostrophe. Null is an empty cell, unlike the empty text `""`; in a file
 * of one column it is `""` too, since many readers skip an empty line. A value that cannot be shown is as null.
 */
export function createCsvEncoder(cells: readonly Cell[]): RowEncoder {
  const selected = new SelectedColumns();
  const steps = cells.map((cell) => stepOf(cell, selected));
  const related = selected.related.map((plan) => new RelatedObjects(plan, writeCells));
  const encoding = new CsvEncoding(steps, related);
  const fixedBytes = steps.reduce(
    (sum, { constant, operation }) =>
      sum + constant.length + MAX_VALUE + (operation === operations.cursor ? MAX_CURSOR_PREFIX : 0),
    CR_LF_BYTES + EMPTY_TEXT.length,
  );
  return {
    columns: selected.columns,
    related,
    isLacking: () => encoding.isLacking,
    want: (row, start, end) => wantRelated(related, selected.relatedOf, row, start, end),
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

/** What a cell is made of; a wire type has the value of its name. */
const operations = {
  constant: 0,
  cursor: 1,
  nodeId: 2,
  related: 3,
  key: 4,
  id: 5,
  text: 6,
  timestamp: 7,
  decimal: 8,
  integer: 9,
} as const;

interface Step {
  readonly operation: number;
  readonly nullable: boolean;
  readonly path: readonly string[];
  readonly constant: Buffer;
  readonly nodeId: NodeIdWriter | undefined;
  /** As in row-encoder.ts. */
  readonly related: number;
  readonly keyAt: number;
}

function stepOf(cell: Cell, selected: SelectedColumns): Step {
  const step = {
    operation: operations.constant as number,
    nullable: true,
    path: [cell.key],
    constant: Buffer.alloc(0),
    related: -1,
    nodeId: undefined as NodeIdWriter | undefined,
    keyAt: NEXT,
  };
  if (cell.kind === 'column') {
    const { wire, nullable } = cdrColumns[cell.column];
    const keyAt = selected.add(cell.column);
    const operation = wire === 'id' && keyAt > NEXT ? operations.key : operations[wire satisfies WireType];
    return { ...step, operation, nullable, keyAt };
  }
  if (cell.kind === 'cursor') return { ...step, operation: operations.cursor };
  if (cell.kind === 'nodeId') {
    return { ...step, operation: operations.nodeId, nodeId: new NodeIdWriter(cell.type) };
  }
  if (cell.kind === 'related') {
    return { ...step, operation: operations.related, ...selected.addRelated(cell.object) };
  }
  return { ...step, constant: Buffer.from(`"${cell.value}"`) };
}

/** Writes one row after the other; kept between rows so that nothing is allocated for their values. */
class CsvEncoding {
  cursorPrefix: Buffer = Buffer.alloc(0);
  /** Cells of the last row that had a value which cannot be shown, or none where there must be one. */
  failures: RowFailure[] | undefined;
  isLacking = false;
  readonly #steps: readonly Step[];
  readonly #related: readonly RelatedObjects[];
  readonly #memo = new DayMemo();
  #row: Buffer = Buffer.alloc(0);
  /** Of the same bytes; rows come one after the other from the same buffer. */
  #rowView = viewOf(this.#row);

  constructor(steps: readonly Step[], related: readonly RelatedObjects[]) {
    this.#steps = steps;
    this.#related = related;
  }

  /** Returns where the line ends. */
  row({ block, view, length: before }: ByteWriter, row: Buffer, start: number, end: number): number {
    const steps = this.#steps;
    const memo = this.#memo;
    if (row !== this.#row) {
      this.#row = row;
      this.#rowView = viewOf(row);
    }
    const rowView = this.#rowView;
    this.failures = undefined;
    this.isLacking = false;
    let next = start + MEMBERS_AT;
    let to = before;
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index]!;
      const { operation, keyAt } = step;
      if (index > 0) block[to++] = COMMA;
      if (operation <= operations.nodeId) {
        to = this.#constantOrOfKey(block, to, step, row, start);
        continue;
      }
      let at = start + keyAt;
      let length = KEY_BYTES;
      if (keyAt === NEXT) {
        at = next + 4;
        // Before anything is read there: what lies behind the row may be of another request, or nothing.
        if (at > end) throw new RowShapeError('A row ends before its last column.');
        length = rowView.getInt32(next);
        next = length > 0 ? at + length : at;
        if (next > end) throw new RowShapeError('A value ends behind its row.');
        if (length < UNREADABLE_LENGTH) throw new RowShapeError(`A value has ${length} bytes.`);
      } else if (keyAt < NEXT) {
        at = placeOf(row, start, ~keyAt);
        length = int32At(row, at - 4);
      }
      if (operation === operations.related) {
        to = this.#relatedCells(view, to, step, row, at, length);
        continue;
      }
      const written =
        length < 0 ? -1 : writeValue(block, view, to, operation, row, rowView, at, at + length, memo);
      if (written >= 0) to = written;
      else if (length !== NULL_LENGTH || !step.nullable) {
        this.failures = [...(this.failures ?? []), { path: step.path }];
      }
    }
    if (to === before) to = writeBytes(block, to, EMPTY_TEXT);
    block[to] = CARRIAGE_RETURN;
    block[to + 1] = LINE_FEED;
    return to + 2;
  }

  #constantOrOfKey(block: Buffer, to: number, step: Step, row: Buffer, start: number): number {
    if (step.operation === operations.constant) return writeBytes(block, to, step.constant);
    if (step.nodeId) {
      block[to] = QUOTE;
      const idEnd = step.nodeId.write(block, to + 1, row, start + ID_AT);
      block[idEnd] = QUOTE;
      return idEnd + 1;
    }
    const key = writeBytes(block, to, this.cursorPrefix);
    const end = writeCursorKey(block, key, row, start + CONNECT_TIME_AT, start + ID_AT);
    block[end] = QUOTE;
    return end + 1;
  }

  #relatedCells(
    view: DataView,
    to: number,
    { path, related }: Step,
    row: Buffer,
    at: number,
    length: number,
  ): number {
    const objects = this.#related[related]!;
    const text =
      length < 0 ? objects.ofMissingKey(length === UNREADABLE_LENGTH) : objects.find(row, at, at + length);
    if (!text) {
      this.isLacking = true;
      return to;
    }
    for (const { path: below, error } of text.failures) {
      this.failures = [...(this.failures ?? []), { path: [...path, ...below], error }];
    }
    return text.glue.write(view, to);
  }
}

/** Returns where the cell ends; -1 when no type of the API can show the value. */
function writeValue(
  block: Buffer,
  view: DataView,
  to: number,
  operation: number,
  row: Buffer,
  rowView: DataView,
  start: number,
  end: number,
  memo: DayMemo,
): number {
  if (operation === operations.timestamp) {
    if (end - start !== KEY_BYTES) throw new RowShapeError(`A time has ${end - start} bytes.`);
    return writeTimestamp(block, view, to, row, rowView, start, memo);
  }
  if (operation === operations.decimal) {
    return isDecimal(row, start, end) ? writeSlice(block, view, to, row, rowView, start, end) : -1;
  }
  if (operation === operations.integer) return writeInt4Text(block, to, row, start, end);
  let at = to;
  block[at++] = QUOTE;
  if (operation === operations.text) {
    if (needsApostrophe(row, start, end)) block[at++] = APOSTROPHE;
    at = writeDoubling(block, view, at, row, rowView, start, end);
  } else if (operation === operations.key) at = writeInt8(block, at, row, start);
  else {
    at = writeInt8Text(block, at, row, start, end);
    if (at < 0) return -1;
  }
  block[at++] = QUOTE;
  return at;
}

/** By the first byte of a text: whether it is surely none of these, and no `#`, whatever follows. */
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x80 && !/[\p{Cc}\s=@+\-#]/u.test(String.fromCharCode(byte)) ? 1 : 0,
);

/**
 * Also what would look like the last record of an incomplete file, to a reader who no longer sees the quotes. What most
 * texts begin with is told by its first bytes.
 */
function needsApostrophe(row: Buffer, start: number, end: number): boolean {
  if (start === end) return false;
  const first = row[start]!;
  if (IS_PLAIN[first] === 1) return false;
  if (first !== PLUS && first !== MINUS) return isTakenForMore(row.toString('utf8', start, end));
  for (let at = start + 1; at < end; at++) {
    if (row[at]! < ZERO || row[at]! > NINE) return true;
  }
  return false;
}

/** The cells of an object: each leaf as GraphQL answers it, empty where it is null or its object is. */
const writeCells: RelatedWriter = (object, { leaves }) => csvCells(object, leaves!);
