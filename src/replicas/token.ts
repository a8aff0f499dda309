import { InvalidCursorError, InvalidTokenError } from '../errors.ts';

/**
 * A moment in the history of one cluster: a standby that has replayed this WAL position has at least as much as
 * the answer the token came with. Positions of different timelines are not comparable.
 */
export interface Token {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  readonly lsn: bigint;
  /** Carried by a cursor, not by a header: what is wrong with it is wrong with the cursor. */
  readonly isOfCursor?: true;
}

const VERSION = 1;
const BYTES = 21;

/** 28 characters that fit in a header, a URL and a cursor. */
export function encodeToken({ systemIdentifier, timeline, lsn }: Token): string {
  const bytes = Buffer.alloc(BYTES);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeBigUInt64BE(systemIdentifier, 1);
  bytes.writeUInt32BE(timeline, 9);
  bytes.writeBigUInt64BE(lsn, 13);
  return bytes.toString('base64url');
}

/** Throws InvalidTokenError unless the text is exactly what `encodeToken` wrote. */
export function decodeToken(text: string): Token {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== BYTES || bytes.readUInt8(0) !== VERSION || bytes.toString('base64url') !== text) {
    throw new InvalidTokenError();
  }
  return {
    systemIdentifier: bytes.readBigUInt64BE(1),
    timeline: bytes.readUInt32BE(9),
    lsn: bytes.readBigUInt64BE(13),
  };
}

/** The token that a cursor carries. Throws InvalidCursorError. */
export function decodeTokenOfCursor(text: string): Token {
  try {
    return { ...decodeToken(text), isOfCursor: true };
  } catch {
    throw new InvalidCursorError();
  }
}
