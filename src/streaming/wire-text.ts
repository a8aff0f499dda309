import { civilOfDays, POSTGRES_EPOCH_MICROS, rfc3339OfMicros } from '../db/timestamps.ts';

/**
 * PostgreSQL's binary values as text, written into a block without a string in between. Every function takes the
 * block, where to write, and where the value lies, and returns where its text ends. None checks bounds: the caller
 * has made room. They are functions of locals, not methods, because this is where a long list spends its time.
 */

/** No value below becomes longer than this, but what is text already. */
export const MAX_VALUE = 64;

const MICROS_PER_DAY = 86_400_000_000;
/** Days from 1970-01-01 to 2000-01-01, where PostgreSQL's binary times begin. */
const EPOCH_DAYS = Number(POSTGRES_EPOCH_MICROS / 86_400_000_000n);
const HEX = Buffer.from('0123456789abcdef');
const BASE64URL = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_');
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** With their sign. */
const MAX_INT4_DIGITS = 11;
const MAX_INT8_DIGITS = 20;
const SHORT_ESCAPES: Readonly<Record<number, number>> = {
  8: 0x62,
  9: 0x74,
  10: 0x6e,
  12: 0x66,
  13: 0x72,
  34: 0x22,
  92: 0x5c,
};

export function int32At(source: Buffer, at: number): number {
  return (source[at]! << 24) | (source[at + 1]! << 16) | (source[at + 2]! << 8) | source[at + 3]!;
}

/** An int8; beyond 2^53 the caller must not trust the last digits. */
function int64At(source: Buffer, at: number): number {
  return int32At(source, at) * 0x1_0000_0000 + (int32At(source, at + 4) >>> 0);
}

/** Bytes as they are. */
export function writeBytes(block: Buffer, to: number, source: Uint8Array): number {
  for (let from = 0; from < source.length; from++) block[to++] = source[from]!;
  return to;
}

const WORD_BYTES = 4;

/** Glue is written eight bytes at a time, so a little beyond its end. */
export const GLUE_SLACK = 7;
const DOUBLE_BYTES = 8;

/**
 * Text that is written again and again, such as what stands between the values of a row: `","cld":"`. Eight bytes are
 * written as one floating point number, which is the most that JavaScript moves at once. None of them is a NaN, whose
 * bits might not be kept: in UTF-8 no byte of `F0` and above is followed by `7F` or `FF`.
 */
export class Glue {
  readonly length: number;
  readonly #doubles: Float64Array;

  constructor(text: string) {
    const bytes = Buffer.from(text);
    const doubles = new Float64Array(Math.ceil(bytes.length / DOUBLE_BYTES));
    const view = viewOf(Buffer.concat([bytes, Buffer.alloc(DOUBLE_BYTES)]));
    for (let index = 0; index < doubles.length; index++) {
      doubles[index] = view.getFloat64(DOUBLE_BYTES * index, true);
    }
    this.length = bytes.length;
    this.#doubles = doubles;
  }

  /** Up to GLUE_SLACK bytes of rubbish follow. */
  write(view: DataView, to: number): number {
    const doubles = this.#doubles;
    for (let index = 0; index < doubles.length; index++) {
      view.setFloat64(to + DOUBLE_BYTES * index, doubles[index]!, true);
    }
    return to + this.length;
  }
}

/** Part of the source as it is. Views are of the same bytes as their buffers. */
export function writeSlice(
  block: Buffer,
  blockView: DataView,
  to: number,
  source: Buffer,
  sourceView: DataView,
  start: number,
  end: number,
): number {
  const shift = to - start;
  if (end - start < WORD_BYTES) {
    for (let from = start; from < end; from++) block[from + shift] = source[from]!;
    return end + shift;
  }
  const last = end - WORD_BYTES;
  for (let from = start; from < last; from += WORD_BYTES) {
    blockView.setInt32(from + shift, sourceView.getInt32(from, true), true);
  }
  // The last word reaches back over what is written already.
  blockView.setInt32(last + shift, sourceView.getInt32(last, true), true);
  return end + shift;
}

/** The bytes of a buffer, to be read and written in words. */
export function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** Of four bytes at once: the highest bit of each that is 0 is set, and perhaps that of one behind such a byte. */
function zeroBytes(word: number): number {
  return (word - 0x0101_0101) & ~word & -0x7f7f_7f80;
}

/** Whether one of four bytes is not allowed inside a JSON string, or a byte behind such a one may be. */
function hasEscape(word: number): boolean {
  const control = (word - 0x2020_2020) & ~word & -0x7f7f_7f80;
  return (control | zeroBytes(word ^ 0x2222_2222) | zeroBytes(word ^ 0x5c5c_5c5c)) !== 0;
}

/** UTF-8 as the inside of a JSON string: at most six bytes for one. Views are of the same bytes as their buffers. */
export function writeJsonText(
  block: Buffer,
  blockView: DataView,
  to: number,
  source: Buffer,
  sourceView: DataView,
  start: number,
  end: number,
): number {
  const shift = to - start;
  const last = end - WORD_BYTES;
  let from = start;
  for (; from < last; from += WORD_BYTES) {
    const word = sourceView.getInt32(from, true);
    if (hasEscape(word)) return writeJsonBytes(block, from + shift, source, from, end);
    blockView.setInt32(from + shift, word, true);
  }
  if (last < start) return writeJsonBytes(block, to, source, start, end);
  // The last word reaches back over what is written already.
  const word = sourceView.getInt32(last, true);
  if (hasEscape(word)) return writeJsonBytes(block, from + shift, source, from, end);
  blockView.setInt32(last + shift, word, true);
  return end + shift;
}

function writeJsonBytes(block: Buffer, to: number, source: Buffer, start: number, end: number): number {
  for (let from = start; from < end; from++) {
    const byte = source[from]!;
    if (byte >= 0x20 && byte !== 0x22 && byte !== 0x5c) block[to++] = byte;
    else to = writeEscaped(block, to, byte);
  }
  return to;
}

/** A byte that JSON does not allow inside a string, as JSON.stringify writes it. */
function writeEscaped(block: Buffer, to: number, byte: number): number {
  block[to++] = 0x5c;
  const short = SHORT_ESCAPES[byte];
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

/** Bytes with each double quote doubled, as inside a quoted CSV value: at most two bytes for one. */
export function writeDoubling(
  block: Buffer,
  blockView: DataView,
  to: number,
  source: Buffer,
  sourceView: DataView,
  start: number,
  end: number,
): number {
  const shift = to - start;
  const last = end - WORD_BYTES;
  let from = start;
  for (; from < last; from += WORD_BYTES) {
    const word = sourceView.getInt32(from, true);
    if (zeroBytes(word ^ 0x2222_2222) !== 0)
      return writeDoublingBytes(block, from + shift, source, from, end);
    blockView.setInt32(from + shift, word, true);
  }
  if (last < start) return writeDoublingBytes(block, to, source, start, end);
  const word = sourceView.getInt32(last, true);
  if (zeroBytes(word ^ 0x2222_2222) !== 0) return writeDoublingBytes(block, from + shift, source, from, end);
  blockView.setInt32(last + shift, word, true);
  return end + shift;
}

function writeDoublingBytes(block: Buffer, to: number, source: Buffer, start: number, end: number): number {
  for (let from = start; from < end; from++) {
    const byte = source[from]!;
    if (byte === 0x22) block[to++] = 0x22;
    block[to++] = byte;
  }
  return to;
}

/** Whether the bytes are a number that `numeric` prints: NaN and the infinities are none. */
export function isDecimal(source: Buffer, start: number, end: number): boolean {
  const first = source[start]!;
  const digit = first === MINUS && end - start > 1 ? source[start + 1]! : first;
  return end > start && digit <= NINE;
}

/** A whole number of an int4 as it is; -1, and nothing that counts is written, when the bytes are none. */
export function writeInt4Text(block: Buffer, to: number, source: Buffer, start: number, end: number): number {
  if (end - start < MAX_INT4_DIGITS - 1) return writeWhole(block, to, source, start, end);
  return isInt4(source, start, end) ? writeWhole(block, to, source, start, end) : -1;
}

/** A whole number of an int8 as it is; -1, and nothing that counts is written, when the bytes are none. */
export function writeInt8Text(block: Buffer, to: number, source: Buffer, start: number, end: number): number {
  if (end - start < MAX_INT8_DIGITS - 1) return writeWhole(block, to, source, start, end);
  return isInt8(source, start, end) ? writeWhole(block, to, source, start, end) : -1;
}

/** Looks at each byte while it is copied: a sign perhaps, then digits and nothing else. */
function writeWhole(block: Buffer, to: number, source: Buffer, start: number, end: number): number {
  let from = start;
  if (source[start] === MINUS) {
    block[to++] = MINUS;
    from++;
  }
  if (from >= end) return -1;
  for (; from < end; from++) {
    const byte = source[from]!;
    if (byte < ZERO || byte > NINE) return -1;
    block[to++] = byte;
  }
  return to;
}

/** Whether the bytes are a whole number of an int4. */
function isInt4(source: Buffer, start: number, end: number): boolean {
  if (end - start > MAX_INT4_DIGITS) return false;
  if (!isWhole(source, start, end)) return false;
  const value = Number(source.toString('latin1', start, end));
  return value >= -0x8000_0000 && value <= 0x7fff_ffff;
}

/** Whether the bytes are a whole number of an int8. */
export function isInt8(source: Buffer, start: number, end: number): boolean {
  if (end - start > MAX_INT8_DIGITS) return false;
  if (!isWhole(source, start, end)) return false;
  if (end - start < 19) return true;
  const value = BigInt(source.toString('latin1', start, end));
  return BigInt.asIntN(64, value) === value;
}

/** A sign perhaps, then digits and nothing else. */
function isWhole(source: Buffer, start: number, end: number): boolean {
  const from = source[start] === MINUS ? start + 1 : start;
  for (let at = from; at < end; at++) {
    if (source[at]! < ZERO || source[at]! > NINE) return false;
  }
  return end > from;
}

/** An int8 in decimal digits. */
export function writeInt8(block: Buffer, to: number, source: Buffer, at: number): number {
  const value = int64At(source, at);
  if (Number.isSafeInteger(value)) return writeInteger(block, to, value);
  return writeAscii(block, to, source.readBigInt64BE(at).toString());
}

/** A safe integer in decimal digits. */
export function writeInteger(block: Buffer, to: number, value: number): number {
  let rest = value;
  if (rest < 0) {
    block[to++] = 0x2d;
    rest = -rest;
  }
  let digits = 1;
  for (let power = 10; power <= rest; power *= 10) digits++;
  let at = to + digits;
  // Division of large numbers is not integer arithmetic, so no more of it than is needed.
  while (rest > 0x7fff_ffff) {
    const tenth = Math.floor(rest / 10);
    block[--at] = 0x30 + (rest - tenth * 10);
    rest = tenth;
  }
  let small = rest | 0;
  while (at > to) {
    const tenth = (small / 10) | 0;
    block[--at] = 0x30 + (small - tenth * 10);
    small = tenth;
  }
  return to + digits;
}

/** The day last written, as `YYYY-MM-DDT` in three words: the calls of one page share it. */
export class DayMemo {
  day = Number.NaN;
  first = 0;
  second = 0;
  third = 0;
  readonly #text = Buffer.alloc(3 * WORD_BYTES);

  /** False for a day whose year RFC 3339 cannot say: it has four digits. */
  remember(day: number): boolean {
    const { year, month, day: date } = civilOfDays(day + EPOCH_DAYS);
    if (year < 0 || year > 9999) return false;
    this.day = day;
    const digits = (value: number, width: number) => String(value).padStart(width, '0');
    this.#text.write(`${digits(year, 4)}-${digits(month, 2)}-${digits(date, 2)}T`, 'latin1');
    this.first = this.#text.readInt32LE(0);
    this.second = this.#text.readInt32LE(WORD_BYTES);
    this.third = this.#text.readInt32LE(2 * WORD_BYTES);
    return true;
  }
}

/** The two digits of each number below 100, as they lie in a word. */
const TWO_DIGITS = Uint16Array.from({ length: 100 }, (_, value) => {
  const tens = Math.floor(value / 10);
  return ZERO + tens + ((ZERO + value - tens * 10) << 8);
});
const COLON = 0x3a;
const COLONS = COLON | (COLON << 24);
const DOT = 0x2e;
const UTC = 0x5a;
/** `YYYY-MM-DDT` is followed by `HH:MM:SS.ffffffZ`. */
const DAY_BYTES = 11;
const TIMESTAMP_BYTES = 27;

/**
 * A timestamptz as RFC 3339 in UTC with microseconds; -1, and nothing that counts is written, when that cannot say it:
 * infinity, and years of more than four digits. Words overlap where what they say is not a multiple of four bytes.
 */
export function writeTimestamp(
  block: Buffer,
  blockView: DataView,
  to: number,
  source: Buffer,
  sourceView: DataView,
  at: number,
  memo: DayMemo,
): number {
  const micros = sourceView.getInt32(at) * 0x1_0000_0000 + sourceView.getUint32(at + WORD_BYTES);
  if (!Number.isSafeInteger(micros)) return writeFarTimestamp(block, to, source, at);
  const day = Math.floor(micros / MICROS_PER_DAY);
  if (day !== memo.day && !memo.remember(day)) return -1;
  const rest = micros - day * MICROS_PER_DAY;
  const seconds = (rest / 1_000_000) | 0;
  const minutes = (seconds / 60) | 0;
  const hours = (minutes / 60) | 0;
  const fraction = (rest - seconds * 1_000_000) | 0;
  const upper = (fraction / 10_000) | 0;
  const lower = fraction - upper * 10_000;
  const middle = (lower / 100) | 0;
  blockView.setInt32(to, memo.first, true);
  blockView.setInt32(to + 4, memo.second, true);
  blockView.setInt32(to + 8, memo.third, true);
  const time = to + DAY_BYTES;
  blockView.setUint16(time, TWO_DIGITS[hours]!, true);
  blockView.setInt32(time + 2, COLONS | (TWO_DIGITS[minutes - hours * 60]! << 8), true);
  blockView.setUint16(time + 6, TWO_DIGITS[seconds - minutes * 60]!, true);
  blockView.setInt32(time + 8, DOT | (TWO_DIGITS[upper]! << 8), true);
  blockView.setInt32(time + 11, TWO_DIGITS[middle]! | (TWO_DIGITS[lower - middle * 100]! << 16), true);
  block[time + 15] = UTC;
  return to + TIMESTAMP_BYTES;
}

/** Centuries away from 2000 microseconds are no longer exact as a number. */
function writeFarTimestamp(block: Buffer, to: number, source: Buffer, at: number): number {
  const text = rfc3339OfMicros(source.readBigInt64BE(at) + POSTGRES_EPOCH_MICROS);
  return text === undefined ? -1 : writeAscii(block, to, text);
}

/** Two values of eight bytes as 22 characters of base64url: the part of a cursor that differs from row to row. */
export function writeCursorKey(
  block: Buffer,
  to: number,
  source: Buffer,
  one: number,
  other: number,
): number {
  let bits = 0;
  let width = 0;
  for (let index = 0; index < 16; index++) {
    bits = ((bits << 8) | source[index < 8 ? one + index : other + index - 8]!) & 0x3fff;
    for (width += 8; width >= 6; width -= 6) block[to++] = BASE64URL[(bits >> (width - 6)) & 63]!;
  }
  block[to++] = BASE64URL[(bits << (6 - width)) & 63]!;
  return to;
}

/** The bytes of the source up to `end` as base64url, without padding. */
export function writeBase64Url(block: Buffer, to: number, source: Buffer, end: number): number {
  let from = 0;
  for (; from + 3 <= end; from += 3) {
    const bits = (source[from]! << 16) | (source[from + 1]! << 8) | source[from + 2]!;
    block[to] = BASE64URL[bits >> 18]!;
    block[to + 1] = BASE64URL[(bits >> 12) & 63]!;
    block[to + 2] = BASE64URL[(bits >> 6) & 63]!;
    block[to + 3] = BASE64URL[bits & 63]!;
    to += 4;
  }
  if (from === end) return to;
  const isLast = from + 1 === end;
  const bits = (source[from]! << 8) | (isLast ? 0 : source[from + 1]!);
  block[to++] = BASE64URL[bits >> 10]!;
  block[to++] = BASE64URL[(bits >> 4) & 63]!;
  if (!isLast) block[to++] = BASE64URL[(bits << 2) & 63]!;
  return to;
}

function writeAscii(block: Buffer, to: number, text: string): number {
  return to + block.write(text, to, 'latin1');
}
