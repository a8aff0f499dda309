import { type CdrColumnName, cdrColumns, type WireType } from '../db/cdr-columns.ts';
import { type ByteWriter, LONGEST_VALUE } from './byte-writer.ts';

/** One member of a row's JSON object, in the order of the selection. */
export type Member =
  | { readonly kind: 'column'; readonly key: string; readonly column: CdrColumnName }
  | { readonly kind: 'constant'; readonly key: string; readonly value: string }
  | { readonly kind: 'cursor'; readonly key: string }
  | { readonly kind: 'object'; readonly key: string; readonly members: readonly Member[] };

/** Where a value could not be shown: the keys from the row to it. */
export type FailedPath = readonly string[];

export interface RowEncoder {
  /** What to select after the two key columns, in this order; a column may occur twice. */
  readonly columns: readonly CdrColumnName[];
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

const NULL = Buffer.from('null');
const QUOTE = 0x22;
const COMMA = 0x2c;

const operations = { cursor: 0, object: 1, id: 2, text: 3, timestamp: 4, decimal: 5, integer: 6 } as const;

/** The glue before a value (`,"cli":`), then the value. */
interface Step {
  readonly glue: Buffer;
  readonly operation: number;
  readonly nullable: boolean;
  readonly path: FailedPath;
  /** Of an object: what is inside, up to and with its closing brace. */
  readonly inner: Steps;
}

interface Steps {
  readonly steps: readonly Step[];
  readonly tail: Buffer;
}

/** Compiles the members, once per request; `cursorPrefix` is what all cursors of the page begin with. */
export function createRowEncoder(members: readonly Member[], cursorPrefix: string): RowEncoder {
  const columns: CdrColumnName[] = [];
  const compiled = compile(members, [], columns);
  const prefix = Buffer.from(`"${cursorPrefix}`, 'latin1');
  const fixedBytes = roomOf(compiled, LONGEST_VALUE + prefix.length);
  const encoding = new Encoding(prefix);
  return {
    columns,
    encode(writer, row, start, end, follows) {
      // Six bytes for one: a control character in JSON.
      writer.reserve(fixedBytes + 6 * (end - start));
      if (follows) writer.byte(COMMA);
      return encoding.row(writer, row, start, compiled);
    },
  };
}

/** Walks the values of one row; kept between rows so that none is allocated for them. */
class Encoding {
  readonly #prefix: Buffer;
  #start = 0;
  #at = 0;
  #failures: FailedPath[] | undefined;

  constructor(prefix: Buffer) {
    this.#prefix = prefix;
  }

  row(writer: ByteWriter, row: Buffer, start: number, steps: Steps): readonly FailedPath[] | undefined {
    this.#start = start;
    this.#at = start + MEMBERS_AT;
    this.#failures = undefined;
    this.#object(writer, row, steps);
    return this.#failures;
  }

  /** An object; null in its place when a value inside fails that must not be null. */
  #object(writer: ByteWriter, row: Buffer, { steps, tail }: Steps): void {
    const before = writer.length;
    let isVoid = false;
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index]!;
      writer.bytes(step.glue);
      // One reason why an object is null is enough; what else is in it no longer matters.
      if (this.#value(writer, row, step) || isVoid) continue;
      this.#failures = [...(this.#failures ?? []), step.path];
      isVoid = !step.nullable;
    }
    if (isVoid) {
      writer.rewind(before);
      writer.bytes(NULL);
    } else {
      writer.bytes(tail);
    }
  }

  /** False when the value cannot be shown; null is then written in its place. */
  #value(writer: ByteWriter, row: Buffer, step: Step): boolean {
    if (step.operation === operations.object) {
      this.#object(writer, row, step.inner);
      return true;
    }
    if (step.operation === operations.cursor) {
      this.#cursor(writer, row);
      return true;
    }
    const length = row.readInt32BE(this.#at);
    const at = this.#at + 4;
    if (length < 0) {
      this.#at = at;
      writer.bytes(NULL);
      return true;
    }
    this.#at = at + length;
    return writeJson(writer, step.operation, row, at, length);
  }

  #cursor(writer: ByteWriter, row: Buffer): void {
    writer.bytes(this.#prefix);
    writer.base64urlKey(row, this.#start + CONNECT_TIME_AT, this.#start + ID_AT);
    writer.byte(QUOTE);
  }
}

function writeJson(writer: ByteWriter, operation: number, row: Buffer, at: number, length: number): boolean {
  if (operation === operations.integer) {
    writer.integer(row.readInt32BE(at));
    return true;
  }
  if (operation === operations.timestamp && isInfinite(row, at)) {
    writer.bytes(NULL);
    return false;
  }
  writer.byte(QUOTE);
  if (operation === operations.text) writer.jsonText(row, at, at + length);
  else if (operation === operations.timestamp) writer.timestamp(row, at);
  else if (operation === operations.decimal) writer.numeric(row, at);
  else writer.int8(row, at);
  writer.byte(QUOTE);
  return true;
}

/** Whether a timestamptz is `infinity` or `-infinity`. */
export function isInfinite(row: Buffer, at: number): boolean {
  const high = row.readInt32BE(at);
  const low = row.readUInt32BE(at + 4);
  return (high === 0x7fff_ffff && low === 0xffff_ffff) || (high === -0x8000_0000 && low === 0);
}

/** Glue is gathered until the next value, so that braces, keys and constants cost one copy. */
function compile(members: readonly Member[], parents: FailedPath, columns: CdrColumnName[]): Steps {
  const steps: Step[] = [];
  let glue = '{';
  const add = (operation: number, nullable: boolean, path: FailedPath, inner: Steps = noSteps) => {
    steps.push({ glue: Buffer.from(glue), operation, nullable, path, inner });
    glue = '';
  };
  members.forEach((member, index) => {
    const path = [...parents, member.key];
    glue += `${index === 0 ? '' : ','}${JSON.stringify(member.key)}:`;
    if (member.kind === 'constant') glue += JSON.stringify(member.value);
    else if (member.kind === 'cursor') add(operations.cursor, false, path);
    else if (member.kind === 'object')
      add(operations.object, true, path, compile(member.members, path, columns));
    else {
      const { wire, nullable } = cdrColumns[member.column];
      columns.push(member.column);
      add(operations[wire satisfies WireType], nullable, path);
    }
  });
  return { steps, tail: Buffer.from(`${glue}}`) };
}

const noSteps: Steps = { steps: [], tail: Buffer.alloc(0) };

/** Bytes that a row needs at most, beside those of its own values. */
function roomOf({ steps, tail }: Steps, perValue: number): number {
  const rooms = steps.map((step) => step.glue.length + perValue + roomOf(step.inner, perValue));
  return rooms.reduce((sum, room) => sum + room, tail.length + NULL.length + 1);
}
