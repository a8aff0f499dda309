import { civilOfDays, POSTGRES_EPOCH_MICROS, rfc3339OfMicros } from '../db/timestamps.ts';

/** Takes a full block of bytes; the block is not touched again, unless it is given back. */
export type BlockSink = (block: Buffer) => void;

const BLOCK_BYTES = 64 * 1024;
/** Blocks kept to be written again. */
const MOST_SPARE_BLOCKS = 32;
const MICROS_PER_DAY = 86_400_000_000;
/** Days from 1970-01-01 to 2000-01-01, where PostgreSQL's binary times begin. */
const EPOCH_DAYS = Number(POSTGRES_EPOCH_MICROS / 86_400_000_000n);
/** The longest a value can become beyond its own bytes: a timestamp, a number, a cursor's key. */
export const LONGEST_VALUE = 64;
const HEX = Buffer.from('0123456789abcdef');
const BASE64URL = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');

const NUMERIC_NEGATIVE = 0x4000;
const NUMERIC_SPECIALS: Record<number, string> = { 49152: 'NaN', 53248: 'Infinity', 61440: '-Infinity' };

/**
 * Writes text into blocks, from PostgreSQL's binary values, without a string in between. Callers reserve the room a
 * row may need, then write; nothing checks bounds again.
 */
export class ByteWriter {
  #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #length = 0;
  readonly #spare: Buffer<ArrayBuffer>[] = [];
  readonly #sink: BlockSink;
  /** The day last written, as `YYYY-MM-DDT`: calls of one page share it. */
  #day = Number.NaN;
  readonly #dayText = Buffer.alloc(11);

  constructor(sink: BlockSink) {
    this.#sink = sink;
  }

  /** Bytes written to the current block. */
  get length(): number {
    return this.#length;
  }

  /** Takes back what was written to the current block since it had this length. */
  rewind(length: number): void {
    this.#length = length;
  }

  /** Makes room for so many bytes in one block, handing the current one on when it is too full. */
  reserve(bytes: number): void {
    if (this.#length + bytes <= this.#block.length) return;
    this.flush();
    if (bytes > this.#block.length) this.#block = Buffer.allocUnsafeSlow(bytes);
  }

  /** Hands on what is written. */
  flush(): void {
    if (this.#length > 0) this.#sink(this.take());
  }

  /** What is written to the current block, which is not used again. */
  take(): Buffer {
    const taken = this.#block.subarray(0, this.#length);
    this.#block = this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#length = 0;
    return taken;
  }

  /** Gives back a block that was handed on, to be written again: nobody may read it any more. */
  recycle(block: Buffer): void {
    if (block.buffer.byteLength !== BLOCK_BYTES || this.#spare.length >= MOST_SPARE_BLOCKS) return;
    this.#spare.push(Buffer.from(block.buffer as ArrayBuffer, 0, BLOCK_BYTES));
  }

  byte(value: number): void {
    this.#block[this.#length++] = value;
  }

  /** Bytes as they are: glue between values, which is short. */
  bytes(source: Uint8Array): void {
    const block = this.#block;
    let to = this.#length;
    for (let from = 0; from < source.length; from++) block[to++] = source[from]!;
    this.#length = to;
  }

  /** Text of any length, reserving for itself. */
  text(text: string): void {
    this.reserve(text.length * 3);
    this.#length += this.#block.write(text, this.#length);
  }

  /** UTF-8 as the inside of a JSON string. Takes at most six bytes for one. */
  jsonText(source: Buffer, start: number, end: number): void {
    const block = this.#block;
    let to = this.#length;
    for (let from = start; from < end; from++) {
      const byte = source[from]!;
      if (byte >= 0x20 && byte !== 0x22 && byte !== 0x5c) block[to++] = byte;
      else to = escapeInto(block, to, byte);
    }
    this.#length = to;
  }

  /** Bytes with each `quote` doubled, as inside a quoted CSV value. */
  doubling(source: Buffer, start: number, end: number, quote: number): void {
    const block = this.#block;
    let to = this.#length;
    for (let from = start; from < end; from++) {
      const byte = source[from]!;
      if (byte === quote) block[to++] = quote;
      block[to++] = byte;
    }
    this.#length = to;
  }

  /** An int8 in decimal digits. */
  int8(source: Buffer, start: number): void {
    const high = source.readInt32BE(start);
    const value = high * 0x1_0000_0000 + source.readUInt32BE(start + 4);
    if (Number.isSafeInteger(value)) this.integer(value);
    else this.#ascii(source.readBigInt64BE(start).toString());
  }

  /** A safe integer in decimal digits. */
  integer(value: number): void {
    let rest = value;
    if (rest < 0) {
      this.byte(0x2d);
      rest = -rest;
    }
    let digits = 1;
    for (let power = 10; power <= rest; power *= 10) digits++;
    const block = this.#block;
    let to = this.#length + digits;
    this.#length = to;
    while (rest >= 0x8000_0000) {
      const tenth = Math.floor(rest / 10);
      block[--to] = 0x30 + (rest - tenth * 10);
      rest = tenth;
    }
    // Small enough for integer arithmetic.
    let small = rest | 0;
    do {
      const tenth = (small / 10) | 0;
      block[--to] = 0x30 + (small - tenth * 10);
      small = tenth;
    } while (small > 0);
    for (const start = this.#length - digits; to > start; ) block[--to] = 0x30;
  }

  /** A timestamptz as RFC 3339; false, and nothing written, when it is infinite. */
  timestamp(source: Buffer, start: number): boolean {
    const high = source.readInt32BE(start);
    const micros = high * 0x1_0000_0000 + source.readUInt32BE(start + 4);
    if (!Number.isSafeInteger(micros)) return this.#distantTimestamp(source.readBigInt64BE(start));
    const day = Math.floor(micros / MICROS_PER_DAY);
    if (day !== this.#day && !this.#setDay(day)) return this.#distantTimestamp(source.readBigInt64BE(start));
    this.bytes(this.#dayText);
    this.#timeOfDay(micros - day * MICROS_PER_DAY);
    return true;
  }

  /** A numeric in PostgreSQL's own spelling, trailing zeros of its scale included. */
  numeric(source: Buffer, start: number): void {
    const sign = source.readUInt16BE(start + 4);
    const special = NUMERIC_SPECIALS[sign];
    if (special !== undefined) {
      this.#ascii(special);
      return;
    }
    const digits = source.readUInt16BE(start);
    const weight = source.readInt16BE(start + 2);
    const scale = source.readUInt16BE(start + 6);
    const group = (index: number): number =>
      index >= 0 && index < digits ? source.readUInt16BE(start + 8 + 2 * index) : 0;
    // Zeros that the binary form leaves out: 1e100, or a scale of hundreds.
    this.#grow(4 * Math.max(weight, 0) + scale + LONGEST_VALUE);
    if (sign === NUMERIC_NEGATIVE) this.byte(0x2d);
    if (weight < 0) this.byte(0x30);
    else this.integer(group(0));
    for (let index = 1; index <= weight; index++) this.#fourDigits(group(index), 4);
    if (scale > 0) this.byte(0x2e);
    for (let written = 0, index = weight + 1; written < scale; written += 4, index++) {
      this.#fourDigits(group(index), Math.min(4, scale - written));
    }
  }

  /** Two values of eight bytes as 22 characters of base64url: the part of a cursor that differs from row to row. */
  base64urlKey(source: Buffer, first: number, second: number): void {
    const block = this.#block;
    let to = this.#length;
    let bits = 0;
    let width = 0;
    for (let index = 0; index < 16; index++) {
      bits = ((bits << 8) | source[index < 8 ? first + index : second + index - 8]!) & 0x3fff;
      for (width += 8; width >= 6; width -= 6) block[to++] = BASE64URL[(bits >> (width - 6)) & 63]!;
    }
    block[to++] = BASE64URL[(bits << (6 - width)) & 63]!;
    this.#length = to;
  }

  /** Room for a value that is longer than its binary form suggests; the row stays in one block. */
  #grow(bytes: number): void {
    if (this.#length + bytes <= this.#block.length) return;
    const larger = Buffer.allocUnsafeSlow(this.#block.length + bytes);
    this.#block.copy(larger, 0, 0, this.#length);
    this.#block = larger;
  }

  #ascii(text: string): void {
    this.#length += this.#block.write(text, this.#length, 'latin1');
  }

  #fourDigits(group: number, most: number): void {
    const block = this.#block;
    let divisor = 1000;
    for (let written = 0; written < most; written++) {
      block[this.#length++] = 0x30 + (((group / divisor) | 0) % 10);
      divisor /= 10;
    }
  }

  /** False for a day whose year needs more than four digits. */
  #setDay(day: number): boolean {
    const { year, month, day: date } = civilOfDays(day + EPOCH_DAYS);
    if (year < 0 || year > 9999) return false;
    this.#day = day;
    const digits = (value: number, width: number) => String(value).padStart(width, '0');
    this.#dayText.write(`${digits(year, 4)}-${digits(month, 2)}-${digits(date, 2)}T`, 'latin1');
    return true;
  }

  #timeOfDay(micros: number): void {
    const seconds = Math.floor(micros / 1e6) | 0;
    const hour = (seconds / 3600) | 0;
    const minute = ((seconds / 60) | 0) - hour * 60;
    this.#twoDigits(hour);
    this.byte(0x3a);
    this.#twoDigits(minute);
    this.byte(0x3a);
    this.#twoDigits(seconds - hour * 3600 - minute * 60);
    this.byte(0x2e);
    const fraction = (micros - seconds * 1e6) | 0;
    const upper = (fraction / 10_000) | 0;
    const lower = fraction - upper * 10_000;
    this.#twoDigits(upper);
    this.#fourDigits(lower, 4);
    this.byte(0x5a);
  }

  #twoDigits(value: number): void {
    const tens = (value / 10) | 0;
    this.#block[this.#length++] = 0x30 + tens;
    this.#block[this.#length++] = 0x30 + value - tens * 10;
  }

  #distantTimestamp(micros: bigint): boolean {
    if (micros === 0x7fff_ffff_ffff_ffffn || micros === -0x8000_0000_0000_0000n) return false;
    this.#ascii(rfc3339OfMicros(micros + POSTGRES_EPOCH_MICROS));
    return true;
  }
}

/** A byte that JSON does not allow inside a string, escaped as JSON.stringify does. Returns the new length. */
function escapeInto(block: Buffer, at: number, byte: number): number {
  let to = at;
  block[to++] = 0x5c;
  const short = shortEscapes[byte];
  if (short !== undefined) {
    block[to++] = short;
    return to;
  }
  block[to++] = 0x75;
  block[to++] = 0x30;
  block[to++] = 0x30;
  block[to++] = HEX[byte >> 4]!;
  block[to++] = HEX[byte & 15]!;
  return to;
}

const shortEscapes: Record<number, number> = {
  8: 0x62,
  9: 0x74,
  10: 0x6e,
  12: 0x66,
  13: 0x72,
  34: 0x22,
  92: 0x5c,
};
