import { InvalidTokenError } from '../errors.ts';

/**
 * A moment in the history of one cluster: a standby that has replayed this WAL position has at least as much as
 * the answer the token came with. Positions of different timelines are compared by where these part: see Timelines.
 */
export interface Token {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  readonly lsn: bigint;
  /** Where its timeline began, as the gateway that wrote it knew: one that was started later learns it from here. */
  readonly switchedFrom?: SwitchPoint | undefined;
  /** Carried by a cursor, not by a header: what is wrong with it is wrong with the cursor. */
  readonly isOfCursor?: true;
}

/** The WAL of `timeline` belongs to a later timeline's history up to `lsn`, and not beyond. */
export interface SwitchPoint {
  readonly timeline: number;
  readonly lsn: bigint;
}

const VERSION = 1;
const BYTES = 21;

/**
 * Reads a token as gateways wrote them before positions were sealed: for as long as clients may hold one. Throws
 * InvalidTokenError unless it is exactly what was written.
 */
export function decodePlainToken(text: string): Token {
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
