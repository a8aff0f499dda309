import { formats } from './bind-message.ts';
import { UNREADABLE_LENGTH, valuesOf } from './data-row.ts';
import type { Encoding } from './encodings.ts';

/** What stands for a value that is no text, where the value must be one: PostgreSQL's own text never has this character. */
export const UNREADABLE_TEXT = '\0';

const UNREADABLE_BYTES = Buffer.from(UNREADABLE_TEXT);
const BIND = 0x42;
const PARSE = 0x50;
const CLOSE = 0x43;
/** What is closed: a statement, not a portal. */
const STATEMENT = 0x53;

/**
 * Stands between node-postgres, which speaks UTF-8, and a session that sends and takes text as its database keeps it.
 * PostgreSQL could convert by itself, but fails the whole statement for one byte that is no text, or for one character
 * in a filter that the database cannot hold. Here the value alone is unreadable, and the filter matches nothing.
 */
export class Transcoding {
  readonly #encoding: Encoding;
  /** Parameters that are arrays, by the name of the statement; of those that have any, until they are closed. */
  readonly #arrays = new Map<string, ReadonlySet<number>>();

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  /** Of how many statements something is kept. */
  get kept(): number {
    return this.#arrays.size;
  }

  /**
   * The same rows with text in UTF-8. Of values that are none, the length says so where a sink reads the rows; otherwise
   * UNREADABLE_TEXT takes their place. Columns are text unless `columnFormats` has them in binary.
   */
  rows(bytes: Buffer, start: number, end: number, columnFormats?: readonly number[]): Buffer {
    const rows: Buffer[] = [];
    for (let at = start, next = 0; at < end; at = next) {
      next = at + 1 + bytes.readInt32BE(at + 1);
      rows.push(this.#row(bytes, at, next, columnFormats));
    }
    return rows.length === 1 ? rows[0]! : Buffer.concat(rows);
  }

  #row(bytes: Buffer, start: number, end: number, columnFormats: readonly number[] | undefined): Buffer {
    if (isAscii(bytes, start + 7, end)) return bytes.subarray(start, end);
    const parts: Buffer[] = [Buffer.from(bytes.subarray(start, start + 7))];
    for (const [index, { at, length }] of valuesOf(bytes, start, end).entries()) {
      const stored = bytes.subarray(at, at + Math.max(length, 0));
      const isText = length > 0 && columnFormats?.[index] !== formats.binary;
      const text = isText && !isAscii(stored, 0, length) ? this.#encoding.decode(stored) : stored;
      if (text) parts.push(lengthOf(Math.max(length, 0) === length ? text.length : length), text);
      else if (columnFormats) parts.push(lengthOf(UNREADABLE_LENGTH));
      else parts.push(lengthOf(UNREADABLE_BYTES.length), UNREADABLE_BYTES);
    }
    const row = Buffer.concat(parts);
    row.writeInt32BE(row.length - 1, 1);
    return row;
  }

  /** Whole messages of the frontend, their parameters as the database would keep them. */
  outgoing(messages: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (let at = 0, next = 0; at < messages.length; at = next) {
      next = at + 1 + messages.readInt32BE(at + 1);
      const message = messages.subarray(at, next);
      if (message[0] === PARSE) this.#noteParse(message);
      else if (message[0] === CLOSE && message[5] === STATEMENT) {
        this.#arrays.delete(message.toString('latin1', 6, message.indexOf(0, 6)));
      }
      parts.push(message[0] === BIND && !isAscii(message, 0, message.length) ? this.#bind(message) : message);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  #noteParse(message: Buffer): void {
    const nameEnd = message.indexOf(0, 5);
    // Not cut out of the text, which it would keep from being collected.
    const name = message.toString('latin1', 5, nameEnd);
    const casts = message.toString('latin1', nameEnd + 1).matchAll(/\$(\d+)::\w+\[\]/g);
    const arrays = new Set([...casts].map(([, number]) => Number(number) - 1));
    if (arrays.size > 0) this.#arrays.set(name, arrays);
    else this.#arrays.delete(name);
  }

  /** Behind portal and statement: parameter formats, then the parameters, then the formats of the result. */
  #bind(message: Buffer): Buffer {
    const portalEnd = message.indexOf(0, 5) + 1;
    const nameEnd = message.indexOf(0, portalEnd) + 1;
    const arrays = this.#arrays.get(message.toString('latin1', portalEnd, nameEnd - 1));
    const formatCount = message.readInt16BE(nameEnd);
    let at = nameEnd + 2 + 2 * formatCount;
    const count = message.readInt16BE(at);
    at += 2;
    const parts: Buffer[] = [message.subarray(0, at)];
    for (let index = 0; index < count; index++) {
      const length = message.readInt32BE(at);
      const given = message.subarray(at + 4, at + 4 + Math.max(length, 0));
      at += 4 + given.length;
      const kept = length > 0 ? this.#parameter(given, arrays?.has(index) ?? false) : given;
      parts.push(lengthOf(kept && length >= 0 ? kept.length : -1), ...(kept ? [kept] : []));
    }
    parts.push(message.subarray(at));
    const bound = Buffer.concat(parts);
    bound.writeInt32BE(bound.length - 1, 1);
    return bound;
  }

  /** Null for a text that no row can have: nothing is equal to null, and nothing like it. */
  #parameter(given: Buffer, isArray: boolean): Buffer | undefined {
    if (isAscii(given, 0, given.length)) return given;
    const text = given.toString();
    const kept = this.#encoding.encode(text);
    if (kept || !isArray) return kept;
    // An element of an array that is written as text, in quotes.
    const known = text.replace(/"(?:[^"\\]|\\.)*"/gs, (element) =>
      this.#encoding.encode(element) ? element : 'NULL',
    );
    return this.#encoding.encode(known);
  }
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! >= 0x80) return false;
  return true;
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(length);
  return bytes;
}
