import type { Token } from '../../src/replicas/token.ts';

/** A token as gateways wrote them before positions were sealed: 28 characters. */
export function encodePlainToken({ systemIdentifier, timeline, lsn }: Token): string {
  const bytes = Buffer.alloc(21);
  bytes.writeUInt8(1, 0);
  bytes.writeBigUInt64BE(systemIdentifier, 1);
  bytes.writeUInt32BE(timeline, 9);
  bytes.writeBigUInt64BE(lsn, 13);
  return bytes.toString('base64url');
}
