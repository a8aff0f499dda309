import { type CdrColumnName, cdrColumns, type WireType } from '../db/sources/cdr-columns.ts';
import type { ByteWriter } from './byte-writer.ts';
import {
  DayMemo,
  Glue,
  int32At,
  isInfinite,
  MAX_VALUE,
  writeBytes,
  writeCursorKey,
  writeInt8,
  writeJsonText,
  writeSlice,
  writeTimestamp,
} from './wire-text.ts';

/** One member of a row's JSON object, in the order of the selection. */
export type Member =
  | { readonly kind: 'column'; readonly key: string; readonly column: CdrColumnName }
  | { readonly kind: 'constant'; readonly key: string; readonly value: string }
  | { readonly kind: 'cursor'; readonly key: string }
  | { readonly kind: 'object'; readonly key: string; readonly members: readonly Member[] };

/** Where a value could not be shown: the keys from the row to it. */
export type FailedPath = readonly string[];

export interface RowEncoder {
  /** What to select after the two key columns, in this order; a column may occur twice, a key column does not. */
  readonly columns: readonly CdrColumnName[];
  /** What all cursors begin with from now on; must be told before the first row that has one. */
  beginCursorsWith(prefix: string): void;
  /**
   * Writes the row whose DataRow message lies from `start` to `end`, behind a comma when it follows another. Its first
   * two columns are connect time and id. Returns the paths of values that could not be shown, or undefined.
   */
  encode(
    writer: ByteWriter,
    row: Buffer,
    start: number,
    end: number,
    follows: boolean,
  ): readonly FailedPath[] | undefined;
}

/** Where the key columns of a DataRow lie, behind `D`, its length, the number of columns and their own lengths. */
export const CONNECT_TIME_AT = 11;
export const ID_AT = 23;
/** Where the first value behind them has its length. */
export const MEMBERS_AT = 31;

/** Where a column lies that every row begins with; 0 for the others. */
export function keyAtOf(column: CdrColumnName): number {
  if (column === 'connect_time') return CONNECT_TIME_AT;
  return column === 'i_xdr' ? ID_AT : 0;
}

const NULL = Buffer.from('null');
/** Bytes of what cursors begin with: scope and freshness token. */
export const MAX_CURSOR_PREFIX = 256;
/** Glue is written in words, so a little beyond its end. */
const GLUE_SLACK = 3;
const QUOTE = 0x22;
const COMMA = 0x2c;

const operations = { cursor: 0, object: 1, id: 2, text: 3, timestamp: 4, decimal: 5, integer: 6 } as const;

/** The glue before a value (`,"cli":`), then the value. */
interface Step {
  readonly glue: Glue;
  readonly operation: number;
  readonly nullable: boolean;
  readonly path: FailedPath;
  /** Where the value lies when it is one of the key columns, which every row begins with; otherwise 0. */
  readonly keyAt: number;
  /** Of an object: what is inside, up to and with its closing brace. */
  readonly inner: Steps;
}

interface Steps {
  readonly steps: readonly Step[];
  readonly tail: Glue;
}

interface Compiled {
  readonly columns: readonly CdrColumnName[];
  readonly steps: Steps;
  /** That a row needs at most, beside those of its own values. */
  readonly fixedBytes: number;
}

/** Plans are kept, and with them their members. */
const compiledMembers = new WeakMap<readonly Member[], Compiled>();

function compiledOf(members: readonly Member[]): Compiled {
  const known = compiledMembers.get(members);
  if (known) return known;
  const columns: CdrColumnName[] = [];
  const steps = compile(members, [], columns);
  const compiled = { columns, steps, fixedBytes: roomOf(steps, MAX_VALUE + MAX_CURSOR_PREFIX) };
  compiledMembers.set(members, compiled);
  return compiled;
}

/** The encoder of one list; members that were seen before are not compiled again. */
export function createRowEncoder(members: readonly Member[]): RowEncoder {
  const { columns, steps, fixedBytes } = compiledOf(members);
  const encoding = new Encoding();
  return {
    columns,
    beginCursorsWith(prefix) {
      encoding.prefix = quotedPrefix(prefix);
    },
    encode(writer, row, start, end, follows) {
      // Six bytes for one: a control character in JSON.
      writer.reserve(fixedBytes + 6 * (end - start));
      if (follows) writer.block[writer.length++] = COMMA;
      return encoding.row(writer, row, start, steps);
    },
  };
}

/** The beginning of a quoted cursor. */
export function quotedPrefix(prefix: string): Buffer {
  if (prefix.length >= MAX_CURSOR_PREFIX) throw new RangeError('cursor prefix too long');
  return Buffer.from(`"${prefix}`, 'latin1');
}

/** Walks the values of one row; kept between rows so that none is allocated for them. */
class Encoding {
  prefix: Buffer = Buffer.alloc(0);
  readonly #memo = new DayMemo();
  #start = 0;
  #at = 0;
  #failures: FailedPath[] | undefined;

  row(writer: ByteWriter, row: Buffer, start: number, steps: Steps): readonly FailedPath[] | undefined {
    this.#start = start;
    this.#at = start + MEMBERS_AT;
    this.#failures = undefined;
    writer.length = this.#object(writer.block, writer.view, writer.length, row, steps);
    return this.#failures;
  }

  /** Writes an object from `before` on, null when a value inside fails that must not be null. Returns its end. */
  #object(block: Buffer, view: DataView, before: number, row: Buffer, { steps, tail }: Steps): number {
    let to = before;
    let isVoid = false;
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index]!;
      const { operation } = step;
      to = step.glue.write(view, to);
      if (operation === operations.object) {
        to = this.#object(block, view, to, row, step.inner);
        continue;
      }
      if (operation === operations.cursor) {
        to = this.#cursor(block, to, row);
        continue;
      }
      const isKey = step.keyAt > 0;
      const length = isKey ? 8 : int32At(row, this.#at);
      const at = isKey ? this.#start + step.keyAt : this.#at + 4;
      if (!isKey) this.#at = length < 0 ? at : at + length;
      if (length < 0) to = writeBytes(block, to, NULL);
      else if (operation === operations.timestamp && isInfinite(row, at)) {
        to = writeBytes(block, to, NULL);
        // One reason why an object is null is enough; what else is in it no longer matters.
        if (!isVoid) this.#failures = [...(this.#failures ?? []), step.path];
        isVoid ||= !step.nullable;
      } else if (operation === operations.integer) to = writeSlice(block, to, row, at, at + length);
      else {
        block[to++] = QUOTE;
        if (operation === operations.text) to = writeJsonText(block, to, row, at, at + length);
        else if (operation === operations.timestamp) to = writeTimestamp(block, to, row, at, this.#memo);
        else if (isKey) to = writeInt8(block, to, row, at);
        else to = writeSlice(block, to, row, at, at + length);
        block[to++] = QUOTE;
      }
    }
    return isVoid ? writeBytes(block, before, NULL) : tail.write(view, to);
  }

  #cursor(block: Buffer, to: number, row: Buffer): number {
    const key = writeBytes(block, to, this.prefix);
    const end = writeCursorKey(block, key, row, this.#start + CONNECT_TIME_AT, this.#start + ID_AT);
    block[end] = QUOTE;
    return end + 1;
  }
}

/** Glue is gathered until the next value, so that braces, keys and constants cost one copy. */
function compile(members: readonly Member[], parents: FailedPath, columns: CdrColumnName[]): Steps {
  const steps: Step[] = [];
  let glue = '{';
  const add = (step: Partial<Step> & Pick<Step, 'operation' | 'path'>) => {
    steps.push({ nullable: false, keyAt: 0, inner: noSteps, ...step, glue: new Glue(glue) });
    glue = '';
  };
  members.forEach((member, index) => {
    const path = [...parents, member.key];
    glue += `${index === 0 ? '' : ','}${JSON.stringify(member.key)}:`;
    if (member.kind === 'constant') glue += JSON.stringify(member.value);
    else if (member.kind === 'cursor') add({ operation: operations.cursor, path });
    else if (member.kind === 'object') {
      const inner = compile(member.members, path, columns);
      add({ operation: operations.object, path, nullable: true, inner });
    } else {
      const { wire, nullable } = cdrColumns[member.column];
      const keyAt = keyAtOf(member.column);
      if (keyAt === 0) columns.push(member.column);
      add({ operation: operations[wire satisfies WireType], path, nullable, keyAt });
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
