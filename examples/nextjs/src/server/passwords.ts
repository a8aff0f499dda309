import { hash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const deriveKey = promisify<string, Buffer, number, { N: number }, Buffer>(scrypt);

/** What a password costs to check: some 60 ms and 16 MB. */
const COST = 16_384;
const KEY_BYTES = 32;
const SALT_BYTES = 16;

/** `scrypt:<salt>:<key>`, both in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await keyOf(password, salt);
  return `scrypt:${salt.toString('base64url')}:${key.toString('base64url')}`;
}

/**
 * Whether the password is the stored one. Undefined: there is no such user. Does the same work in every case, one
 * derivation of a key, away from the thread that answers requests.
 */
export async function isPassword(stored: string | undefined, given: string): Promise<boolean> {
  const [kind, salt, key] = (stored ?? '').split(':');
  if (kind === 'scrypt' && salt && key) {
    const derived = await keyOf(given, Buffer.from(salt, 'base64url'));
    return isSame(Buffer.from(key, 'base64url'), derived);
  }
  await keyOf(given, randomBytes(SALT_BYTES));
  return stored !== undefined && isSame(digestOf(stored), digestOf(given));
}

function keyOf(password: string, salt: Buffer): Promise<Buffer> {
  return deriveKey(password.normalize('NFKC'), salt, KEY_BYTES, { N: COST });
}

const digestOf = (text: string): Buffer => hash('sha256', text.normalize('NFKC'), 'buffer');

function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
