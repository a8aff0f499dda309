import type { CdrFilter } from '../db/calls/cdr-filter.ts';
import type { CdrKeyset, CdrOrder } from '../db/calls/cdr-page.ts';
import { isOrdered, POSTGRES_EPOCH_MICROS } from '../db/timestamps.ts';
import { CursorMismatchError, InvalidCursorError } from '../errors.ts';
import { canonicalText } from './list-identity.ts';

/**
 * A cursor is base64url of 1 byte version, 1 byte order, 6 bytes digest of the filter, 1 byte length of the
 * freshness token, the token, padding to a multiple of three, then 8 bytes connect time and 8 bytes id,
 * both as PostgreSQL's binary format has them (microseconds since 2000). All but these last 16 bytes are the same for
 * every row of a page, so they are encoded once: `cursorPrefix` below. Of a call that lacks time or id, the order byte
 * says so, and the eight bytes are zero.
 *
 * Version 2 has the token as bytes, since it is sealed anyway, and always two bytes of checksum behind it. Version 1, which is
 * still read, has it as text, and the checksum only where the padding happens to be two bytes; zero in the oldest ones.
 */
const VERSION = 2;
const VERSION_OF_TEXT = 1;
const ORDERS: readonly CdrOrder[] = ['NEWEST_FIRST', 'OLDEST_FIRST'];
const WITHOUT_TIME = 0x10;
const WITHOUT_ID = 0x20;
const HEAD_BYTES = 9;
const KEY_BYTES = 16;
const CHECKSUM_BYTES = 2;

/** What all cursors of one page have in common. */
export interface ListIdentity {
  readonly order: CdrOrder;
  readonly filter: CdrFilter;
}

/** A decoded cursor: where to continue, and how fresh the page it came from was. */
export interface Cursor {
  readonly keyset: CdrKeyset;
  /** The token of the standby that answered; a later page is never older. */
  readonly token: string;
}

/** The part that all cursors of a page begin with, as text; `encodeCursor` appends the key. */
export function cursorPrefix({ order, filter }: ListIdentity, token: string): string {
  const sealed = Buffer.from(token, 'base64url');
  const isSealed = sealed[0] === VERSION && sealed.toString('base64url') === token;
  const tokenBytes = isSealed ? sealed : Buffer.from(token, 'latin1');
  const version = isSealed ? VERSION : VERSION_OF_TEXT;
  const { tokenEnd: length, checksumAt, headEnd } = layoutOf(version, tokenBytes.length);
  const head = Buffer.alloc(headEnd);
  head[0] = version;
  head[1] = ORDERS.indexOf(order);
  digestOf(filter).copy(head, 2);
  head[8] = tokenBytes.length;
  tokenBytes.copy(head, HEAD_BYTES);
  if (checksumAt !== undefined) head.writeUInt16BE(checksumOf(head, length), checksumAt);
  return head.toString('base64url');
}

interface Layout {
  readonly tokenEnd: number;
  readonly checksumAt: number | undefined;
  readonly headEnd: number;
}

/** The head ends where base64 ends a character, so that what follows is text of its own. */
function layoutOf(version: number | undefined, tokenLength: number): Layout {
  const tokenEnd = HEAD_BYTES + tokenLength;
  const end = version === VERSION ? tokenEnd + CHECKSUM_BYTES : tokenEnd;
  const headEnd = end + ((3 - (end % 3)) % 3);
  return { tokenEnd, checksumAt: headEnd - tokenEnd >= CHECKSUM_BYTES ? tokenEnd : undefined, headEnd };
}

/** The cursor of one row. */
export function encodeCursor(prefix: string, { micros, id }: CdrKeyset): string {
  const key = Buffer.alloc(KEY_BYTES);
  if (micros !== null) key.writeBigInt64BE(micros - POSTGRES_EPOCH_MICROS, 0);
  if (id !== null) key.writeBigInt64BE(id, 8);
  const lacks = (micros === null ? WITHOUT_TIME : 0) | (id === null ? WITHOUT_ID : 0);
  return (lacks === 0 ? prefix : withFlags(prefix, lacks)) + key.toString('base64url');
}

function withFlags(prefix: string, flags: number): string {
  const head = Buffer.from(prefix, 'base64url');
  head[1]! |= flags;
  return head.toString('base64url');
}

/** Throws InvalidCursorError for what is none of ours, CursorMismatchError for one of another list. */
export function decodeCursor(cursor: string, list: ListIdentity): Cursor {
  const bytes = Buffer.from(cursor, 'base64url');
  const version = bytes[0];
  const layout = layoutOf(version, bytes[8] ?? 0);
  const { tokenEnd, headEnd } = layout;
  if (
    bytes.toString('base64url') !== cursor ||
    (version !== VERSION && version !== VERSION_OF_TEXT) ||
    bytes.length !== headEnd + KEY_BYTES ||
    !isWhole(bytes, layout)
  ) {
    throw new InvalidCursorError();
  }
  const order = ORDERS[bytes[1]! & ~(WITHOUT_TIME | WITHOUT_ID)];
  if (order === undefined) throw new InvalidCursorError();
  if (order !== list.order) throw new CursorMismatchError('order');
  if (!bytes.subarray(2, 8).equals(digestOf(list.filter))) throw new CursorMismatchError('filter');
  const micros = bytes.readBigInt64BE(headEnd) + POSTGRES_EPOCH_MICROS;
  if (!isOrdered(micros)) throw new InvalidCursorError();
  return {
    keyset: {
      micros: bytes[1]! & WITHOUT_TIME ? null : micros,
      id: bytes[1]! & WITHOUT_ID ? null : bytes.readBigInt64BE(headEnd + 8),
    },
    token: bytes.toString(version === VERSION ? 'base64url' : 'latin1', HEAD_BYTES, tokenEnd),
  };
}

function isWhole(head: Buffer, { tokenEnd, checksumAt, headEnd }: Layout): boolean {
  if (checksumAt === undefined) return true;
  const stored = head.readUInt16BE(checksumAt);
  const isPaddedAsWritten = head.subarray(checksumAt + CHECKSUM_BYTES, headEnd).every((byte) => byte === 0);
  const isOlder = stored === 0 && head[0] === VERSION_OF_TEXT;
  return isPaddedAsWritten && (isOlder || stored === checksumOf(head, tokenEnd));
}

/** Never zero. What is missing of a single call is no part of it. */
function checksumOf(head: Buffer, length: number): number {
  let hash = 0x811c_9dc5 ^ (head[1]! & ~(WITHOUT_TIME | WITHOUT_ID));
  for (let at = 2; at < length; at++) hash = Math.imul(hash ^ head[at]!, 0x0100_0193);
  return ((hash >>> 16) ^ hash) & 0xffff || 1;
}

/** Equal for filters that mean the same, however they are written: see list-identity.ts. */
function digestOf(filter: CdrFilter): Buffer {
  const canonical = canonicalText(filter);
  const digest = Buffer.allocUnsafe(8);
  digest.writeUInt32BE(fnv1a(canonical, 0x811c_9dc5), 0);
  digest.writeUInt32BE(fnv1a(canonical, 0x9e37_79b9), 4);
  return digest.subarray(0, 6);
}

/** FNV-1a over UTF-16 units. It tells mistakes apart, not forgeries: a forged cursor shows nothing more than its owner may see. */
function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  return hash >>> 0;
}
