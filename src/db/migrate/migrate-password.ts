import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { MigrationError, type Session } from './migrate-session.ts';

/** As PostgreSQL's own scram_iterations. */
const iterations = 4096;

/**
 * Gives the role `gateway` its password. Only the SCRAM verifier is sent, so that the password itself
 * appears in no server log and in no pg_stat_activity, whatever the server logs.
 */
export async function setGatewayPassword({ db }: Session, password: string): Promise<void> {
  await sql`alter role gateway password ${sql.lit(scramVerifier(password))}`.execute(db);
}

/** RFC 5802 in the form pg_authid keeps: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey. */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  // Beyond ASCII the two ends would have to agree on a Unicode normal form, and node-postgres applies none.
  if (!/^[\x20-\x7e]+$/.test(password)) {
    throw new MigrationError('The password of gateway must be printable ASCII characters, at least one.');
  }
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const serverKey = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
