import { type CdrColumnName, cdrColumns, type WireType } from '../db/sources/cdr-columns.ts';
import { NULL_LENGTH, RowShapeError, UNREADABLE_LENGTH } from '../db/wire/data-row.ts';
import type { ByteWriter } from './byte-writer.ts';
import { CONNECT_TIME_AT, ID_AT, MEMBERS_AT, placeOf } from './key-columns.ts';
import { NodeIdWriter, type NodeType } from './node-id.ts';
import {
  RelatedObjects,
  type RelatedPlan,
  type RelatedWriter,
  roomForRelated,
  wantRelated,
} from './related-objects.ts';
import { NEXT, SelectedColumns } from './selected-columns.ts';
import {
  DayMemo,
  GLUE_SLACK,
  Glue,
  int32At,
  isDecimal,
  MAX_VALUE,
  viewOf,
  writeBytes,
  writeCursorKey,
  writeInt4Text,
  writeInt8,
  writeInt8Text,
  writeJsonText,
  writeSlice,
  writeTimestamp,
} from './wire-text.ts';

/** One member of a row's JSON object, in the order of the selection. */
export type Member =
  | { readonly kind: 'column'; readonly key: string; readonly column: CdrColumnName }
  | { readonly kind: 'constant'; readonly key: string; readonly value: string }
  | { readonly kind: 'cursor'; readonly key: string }
  | { readonly kind: 'nodeId'; readonly key: string; readonly type: NodeType }
  | { readonly kind: 'object'; readonly key: string; readonly members: readonly Member[] }
  | { readonly kind: 'related'; readonly key: string; readonly object: RelatedPlan };

/** A value of a row that could not be shown. */
export interface RowFailure {
  /** The keys from the row to it. */
  readonly path: readonly (string | number)[];
  /** Undefined: the stored value itself is the reason. */
  readonly error?: unknown;
}

export interface RowEncoder {
  /** What to select after the two key columns, in this order; a column may occur twice, a key column does not. */
  readonly columns: readonly CdrColumnName[];
  /** What all cursors begin with from now on; must be told before the first row that has one. */
  beginCursorsWith(prefix: string): void;
  /**
   * Writes the row whose DataRow message lies from `start` to `end`, behind a comma when it follows another. Its first
   * two columns are connect time and id, and neither is null. Returns the values that could not be shown, or undefined.
   * Throws a RowShapeError, and has written nothing, when the row is not what `columns` make.
   */
  encode(
    writer: ByteWriter,
    row: Buffer,
    start: number,
    end: number,
    follows: boolean,
  ): readonly RowFailure[] | undefined;
  /** The objects that rows refer to. Empty for most lists. */
  readonly related: readonly RelatedObjects[];
  /** Whether the last row was not written because it refers to objects that were not known, or had no room for them. */
  isLacking(): boolean;
  /** Notes what this row refers to and must be looked up. False when it is nothing: the row can be written now. */
  want(row: Buffer, start: number, end: number): boolean;
}

const NULL = Buffer.from('null');
const KEY_BYTES = 8;
/** Bytes of what cursors begin with: list identity and freshness token. */
export const MAX_CURSOR_PREFIX = 256;
const QUOTE = 0x22;
const COMMA = 0x2c;
const LINE_FEED = 0x0a;

/** What a value is made of; a wire type has the value of its name. */
const operations = {
  cursor: 0,
  nodeId: 1,
  object: 2,
  id: 3,
  text: 4,
  timestamp: 5,
  decimal: 6,
  integer: 7,
  related: 8,
  /** An id that is one of the key columns, and so not text. */
  key: 9,
} as const;

/** The glue before a value (`,"cli":`), then the value. */
interface Step {
  readonly glue: Glue;
  readonly operation: number;
  readonly nullable: boolean;
  readonly path: readonly string[];
  /** Where the value lies: see SelectedColumns. */
  readonly keyAt: number;
  /** Of an object: what is inside, up to and with its closing brace. */
  readonly inner: Steps;
  /** Which of the related objects it is. */
  readonly related: number;
  /** Of an id in the whole API: what writes it. */
  readonly nodeId: NodeIdWriter | undefined;
}

interface Steps {
  readonly steps: readonly Step[];
  readonly tail: Glue;
}

interface Compiled {
  readonly columns: readonly CdrColumnName[];
  readonly steps: Steps;
  readonly related: readonly RelatedPlan[];
  readonly relatedOf: SelectedColumns['relatedOf'];
  /** That a row needs at most, beside those of its own values. */
  readonly fixedBytes: number;
}

/** Plans are kept, and with them their members. */
const compiledMembers = new WeakMap<readonly Member[], Compiled>();

function compiledOf(members: readonly Member[]): Compiled {
  const known = compiledMembers.get(members);
  if (known) return known;
  const selected = new SelectedColumns();
  const steps = compile(members, [], selected);
  const compiled = { ...selected, steps, fixedBytes: roomOf(steps, MAX_VALUE + MAX_CURSOR_PREFIX) };
  compiledMembers.set(members, compiled);
  return compiled;
}

/**
 * The encoder of one list; members that were seen before are not compiled again. A value that cannot be shown where one
 * must be makes its object null, as GraphQL has it; where `keepsObjects` is true it is null itself, and what is beside it
 * is not lost. Where `endsLines` is true each row is a line of its own.
 */
export function createRowEncoder(
  members: readonly Member[],
  { keepsObjects = false, endsLines = false } = {},
): RowEncoder {
  const { columns, steps, fixedBytes, relatedOf, ...compiled } = compiledOf(members);
  const related = compiled.related.map((plan) => new RelatedObjects(plan, writeJson));
  const encoding = new Encoding(related, keepsObjects, endsLines);
  return {
    columns,
    related,
    isLacking: () => encoding.isLacking,
    want: (row, start, end) => wantRelated(related, relatedOf, row, start, end),
    beginCursorsWith(prefix) {
      encoding.prefix = quotedPrefix(prefix);
    },
    encode(writer, row, start, end, follows) {
      // Six bytes for one: a control character in JSON. And one for the end of a line.
      writer.reserve(fixedBytes + 1 + 6 * (end - start) + roomForRelated(related));
      return encoding.row(writer, row, start, end, follows, steps);
    },
  };
}

const writeJson: RelatedWriter = (value) => JSON.stringify(value);

/** The beginning of a quoted cursor. */
export function quotedPrefix(prefix: string): Buffer {
  if (prefix.length >= MAX_CURSOR_PREFIX) throw new RangeError('cursor prefix too long');
  return Buffer.from(`"${prefix}`, 'latin1');
}

/** Walks the values of one row; kept between rows so that none is allocated for them. */
class Encoding {
  prefix: Buffer = Buffer.alloc(0);
  isLacking = false;
  readonly #related: readonly RelatedObjects[];
  readonly #keepsObjects: boolean;
  readonly #endsLines: boolean;
  readonly #memo = new DayMemo();
  #row: Buffer = Buffer.alloc(0);
  /** Of the same bytes; rows come one after the other from the same buffer. */
  #rowView = viewOf(this.#row);
  #start = 0;
  #end = 0;
  #at = 0;
  #failures: RowFailure[] | undefined;

  constructor(related: readonly RelatedObjects[], keepsObjects: boolean, endsLines: boolean) {
    this.#related = related;
    this.#keepsObjects = keepsObjects;
    this.#endsLines = endsLines;
  }

  row(
    writer: ByteWriter,
    row: Buffer,
    start: number,
    end: number,
    follows: boolean,
    steps: Steps,
  ): readonly RowFailure[] | undefined {
    if (row !== this.#row) {
      this.#row = row;
      this.#rowView = viewOf(row);
    }
    this.#start = start;
    this.#end = end;
    this.#at = start + MEMBERS_AT;
    this.#failures = undefined;
    this.isLacking = false;
    const { block } = writer;
    let to = writer.length;
    if (follows) block[to++] = COMMA;
    to = this.#object(block, writer.view, to, steps);
    if (this.isLacking) return undefined;
    if (this.#endsLines) block[to++] = LINE_FEED;
    writer.length = to;
    return this.#failures;
  }

  /** Writes an object from `before` on, null when a value inside fails that must not be null. Returns its end. */
  #object(block: Buffer, view: DataView, before: number, { steps, tail }: Steps): number {
    const row = this.#row;
    const rowView = this.#rowView;
    const memo = this.#memo;
    let to = before;
    let isVoid = false;
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index]!;
      const { operation, keyAt } = step;
      to = step.glue.write(view, to);
      if (operation <= operations.object) {
        to =
          operation === operations.object
            ? this.#object(block, view, to, step.inner)
            : this.#ofKey(block, to, row, step);
        continue;
      }
      let at = this.#start + keyAt;
      let length = KEY_BYTES;
      if (keyAt === NEXT) {
        at = this.#at + 4;
        // Before anything is read there: what lies behind the row may be of another request, or nothing.
        if (at > this.#end) throw new RowShapeError('A row ends before its last column.');
        length = rowView.getInt32(this.#at);
        this.#at = length > 0 ? at + length : at;
        if (this.#at > this.#end) throw new RowShapeError('A value ends behind its row.');
        if (length < UNREADABLE_LENGTH) throw new RowShapeError(`A value has ${length} bytes.`);
      } else if (keyAt < NEXT) {
        at = placeOf(row, this.#start, ~keyAt);
        length = int32At(row, at - 4);
      }
      if (operation === operations.related) {
        to = this.#relatedObject(view, to, step, at, length, isVoid);
        continue;
      }
      const written =
        length < 0 ? -1 : writeValue(block, view, to, operation, row, rowView, at, at + length, memo);
      if (written >= 0) {
        to = written;
        continue;
      }
      to = writeBytes(block, to, NULL);
      if (length === NULL_LENGTH && step.nullable) continue;
      // One reason why an object is null is enough; what else is in it no longer matters.
      if (!isVoid) this.#failures = [...(this.#failures ?? []), { path: step.path }];
      isVoid ||= !step.nullable && !this.#keepsObjects;
    }
    return isVoid ? writeBytes(block, before, NULL) : tail.write(view, to);
  }

  #relatedObject(
    view: DataView,
    to: number,
    step: Step,
    at: number,
    length: number,
    isVoid: boolean,
  ): number {
    const objects = this.#related[step.related]!;
    const text =
      length < 0
        ? objects.ofMissingKey(length === UNREADABLE_LENGTH)
        : objects.find(this.#row, at, at + length);
    if (!text) {
      this.isLacking = true;
      return to;
    }
    if (text.failures.length > 0 && !isVoid) {
      const failures = text.failures.map(({ path, error }) => ({ path: [...step.path, ...path], error }));
      this.#failures = [...(this.#failures ?? []), ...failures];
    }
    return text.glue.write(view, to);
  }

  /** What the keys of the row make: its id in the whole API, or its cursor. */
  #ofKey(block: Buffer, to: number, row: Buffer, { nodeId }: Step): number {
    if (nodeId) {
      block[to] = QUOTE;
      const end = nodeId.write(block, to + 1, row, this.#start + ID_AT);
      block[end] = QUOTE;
      return end + 1;
    }
    const key = writeBytes(block, to, this.prefix);
    const end = writeCursorKey(block, key, row, this.#start + CONNECT_TIME_AT, this.#start + ID_AT);
    block[end] = QUOTE;
    return end + 1;
  }
}

/** Writes a value. Returns its end, or -1 when no type of the API can show it. */
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
  if (operation === operations.integer) return writeInt4Text(block, to, row, start, end);
  block[to++] = QUOTE;
  let written = -1;
  if (operation === operations.text) written = writeJsonText(block, view, to, row, rowView, start, end);
  else if (operation === operations.timestamp) {
    if (end - start !== KEY_BYTES) throw new RowShapeError(`A time has ${end - start} bytes.`);
    written = writeTimestamp(block, view, to, row, rowView, start, memo);
  } else if (operation === operations.decimal) {
    if (isDecimal(row, start, end)) written = writeSlice(block, view, to, row, rowView, start, end);
  } else if (operation === operations.key) written = writeInt8(block, to, row, start);
  else written = writeInt8Text(block, to, row, start, end);
  if (written < 0) return -1;
  block[written] = QUOTE;
  return written + 1;
}

/** Glue is gathered until the next value, so that braces, keys and constants cost one copy. */
function compile(members: readonly Member[], parents: readonly string[], selected: SelectedColumns): Steps {
  const steps: Step[] = [];
  let glue = '{';
  const add = (step: Partial<Step> & Pick<Step, 'operation' | 'path'>) => {
    const plain = { nullable: false, keyAt: NEXT, inner: noSteps, related: -1, nodeId: undefined };
    steps.push({ ...plain, ...step, glue: new Glue(glue) });
    glue = '';
  };
  members.forEach((member, index) => {
    const path = [...parents, member.key];
    glue += `${index === 0 ? '' : ','}${JSON.stringify(member.key)}:`;
    if (member.kind === 'constant') glue += JSON.stringify(member.value);
    else if (member.kind === 'cursor') add({ operation: operations.cursor, path });
    else if (member.kind === 'nodeId') {
      add({ operation: operations.nodeId, path, nodeId: new NodeIdWriter(member.type) });
    } else if (member.kind === 'object') {
      const inner = compile(member.members, path, selected);
      add({ operation: operations.object, path, nullable: true, inner });
    } else if (member.kind === 'related') {
      add({ operation: operations.related, path, nullable: true, ...selected.addRelated(member.object) });
    } else {
      const { wire, nullable } = cdrColumns[member.column];
      const keyAt = selected.add(member.column);
      const operation = wire === 'id' && keyAt > NEXT ? operations.key : operations[wire satisfies WireType];
      add({ operation, path, nullable, keyAt });
    }
  });
  return { steps, tail: new Glue(`${glue}}`) };
}

const noSteps: Steps = { steps: [], tail: new Glue('') };

/** Bytes that a row needs at most, beside those of its own values. */
function roomOf({ steps, tail }: Steps, perValue: number): number {
  const rooms = steps.map((step) => step.glue.length + GLUE_SLACK + perValue + roomOf(step.inner, perValue));
  return rooms.reduce((sum, room) => sum + room, tail.length + GLUE_SLACK + NULL.length + 1);
}
