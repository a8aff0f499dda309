import { hash, randomInt, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * An API key is `cdr_live_<id>_<secret><checksum>`: scanners of source code know it by its beginning, and what was typed
 * wrong or cut is told from its end, before anything is looked up. The secret has 256 bits.
 */
const PREFIX = 'cdr_live_';
const ID_CHARACTERS = 12;
const SECRET_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const FORM = /^cdr_live_([0-9A-Za-z]{12})_[0-9A-Za-z]{49}$/;

/** A new key. Its text is shown once, and nowhere kept. */
export interface NewKey {
  readonly id: string;
  readonly text: string;
  readonly digest: string;
}

export function createKey(): NewKey {
  const id = randomDigits(ID_CHARACTERS);
  const body = `${PREFIX}${id}_${randomDigits(SECRET_CHARACTERS)}`;
  const text = body + checksumOf(body);
  return { id, text, digest: digestOf(text).toString('hex') };
}

/** Whether it can only be meant as an API key. */
export function looksLikeKey(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** The id in a key that is whole and typed well; undefined otherwise. */
export function idOfKey(text: string): string | undefined {
  const id = FORM.exec(text)?.[1];
  if (id === undefined) return undefined;
  const body = text.slice(0, -CHECKSUM_CHARACTERS);
  return text.endsWith(checksumOf(body)) ? id : undefined;
}

export function isKeyId(text: string): boolean {
  return text.length === ID_CHARACTERS && /^[0-9A-Za-z]+$/.test(text);
}

/** In constant time. `digest` is that of a key, in hexadecimal digits. */
export function hasDigest(text: string, digest: string): boolean {
  return timingSafeEqual(digestOf(text), Buffer.from(digest, 'hex'));
}

/** Secrets of 256 random bits cannot be guessed, so a slow hash would only slow requests. */
function digestOf(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

function randomDigits(count: number): string {
  return Array.from({ length: count }, () => DIGITS[randomInt(DIGITS.length)]).join('');
}

function checksumOf(body: string): string {
  let rest = crc32(body);
  let digits = '';
  for (let left = CHECKSUM_CHARACTERS; left > 0; left--) {
    digits = DIGITS[rest % DIGITS.length] + digits;
    rest = Math.floor(rest / DIGITS.length);
  }
  return digits;
}
