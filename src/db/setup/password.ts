import { scramVerifier } from '../migrate/migrate-password.ts';
import { refuse } from './setup-error.ts';

/** Throws a SetupRefusedError: beyond ASCII the two ends would have to agree on a Unicode normal form. */
export function checkPassword(password: string): string {
  if (!/^[\x20-\x7e]+$/.test(password)) refuse('REPLICATION_PASSWORD must be printable ASCII characters.');
  return password;
}

/** Whether a stored verifier is of this password. */
export function isPasswordOf(verifier: string | null, password: string): boolean {
  const [, salt] = /^SCRAM-SHA-256\$4096:([^$]+)\$/.exec(verifier ?? '') ?? [];
  return salt !== undefined && scramVerifier(password, Buffer.from(salt, 'base64')) === verifier;
}

/** The line of libpq's password file. */
export function passfileLine(role: string, password: string): string {
  return `*:*:*:${role}:${password.replace(/[\\:]/g, '\\$&')}`;
}
