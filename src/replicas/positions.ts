import { scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { InvalidCursorError, InvalidTokenError } from '../errors.ts';
import { QuickHmac } from './quick-hmac.ts';
import { decodePlainToken, type SwitchPoint, type Token } from './token.ts';

/**
 * A sealed token is base64url of one byte version, eight bytes of seal, and the rest encrypted: the cluster (eight bytes),
 * then as numbers of variable length the timeline, the position in the WAL, and the timeline before with the place where it
 * was left, zeros when that is not known.
 *
 * The seal is a MAC of what is inside, and the key stream begins with it (SIV): one position is always one text, so that an
 * answer says the same token wherever it says it, and no two positions share a key stream.
 */
const VERSION = 2;
const SEAL_BYTES = 8;
const HEAD_BYTES = 1 + SEAL_BYTES;
const DIGEST_BYTES = 32;
/** Of a process: each is tried on what was sealed with none of them. */
const MAX_KEYS = 8;
/** No timeline and no position takes more. */
const MAX_PLAIN_BYTES = 8 + 2 * (5 + 10);

const SALT = 'cdr-gateway positions';
const KEY_BYTES = 2 * DIGEST_BYTES;

interface SealingHmacs {
  readonly forSeal: QuickHmac;
  readonly forText: QuickHmac;
}

/**
 * Derived slowly, and once: a key may be a password that people chose, and every client holds what it can be tried on. That
 * takes some 50 ms beside whatever else a start does; only who needs it sooner waits.
 */
class SealingKey {
  readonly #key: string;
  #hmacs: SealingHmacs | undefined;

  constructor(key: string) {
    this.#key = key;
    scrypt(key, SALT, KEY_BYTES, (_error, bytes) => {
      if (bytes) this.#hmacs ??= hmacsOf(bytes);
    });
  }

  get hmacs(): SealingHmacs {
    this.#hmacs ??= hmacsOf(scryptSync(this.#key, SALT, KEY_BYTES));
    return this.#hmacs;
  }
}

function hmacsOf(bytes: Buffer): SealingHmacs {
  return {
    forSeal: new QuickHmac(bytes.subarray(0, DIGEST_BYTES)),
    forText: new QuickHmac(bytes.subarray(DIGEST_BYTES)),
  };
}

/** Writes and reads positions for clients, to whom they say nothing. */
export class Positions {
  #keys: readonly SealingKey[] = [];
  #isSecret = true;
  /** Many answers come before a standby replays more. */
  #last: { readonly position: Token; readonly key: SealingKey; readonly text: string } | undefined;

  /** The first key seals; all of them open. At least one. */
  constructor(keys: readonly string[], { isSecret = true } = {}) {
    for (const key of keys.toReversed()) this.rekey(key, { isSecret });
  }

  /** Whether nobody but a gateway can have written what is read. */
  get isSecret(): boolean {
    return this.#isSecret;
  }

  /** Seals with this key from now on, and still opens what was sealed before. */
  rekey(key: string, { isSecret = true } = {}): void {
    const sealing = sealingKey(key);
    this.#keys = [sealing, ...this.#keys.filter((each) => each !== sealing)].slice(0, MAX_KEYS);
    this.#isSecret = isSecret;
  }

  /** Fits in a header, a URL and a cursor. */
  encode(position: Token): string {
    const key = this.#keys[0]!;
    if (this.#last?.key === key && isSame(this.#last.position, position)) return this.#last.text;
    const plain = writePlain(position);
    const sealed = Buffer.allocUnsafe(HEAD_BYTES + plain.length);
    sealed[0] = VERSION;
    sealOf(plain, key).copy(sealed, 1);
    encrypt(plain, sealed.subarray(1, HEAD_BYTES), key).copy(sealed, HEAD_BYTES);
    const text = sealed.toString('base64url');
    this.#last = { position, key, text };
    return text;
  }

  /** Throws InvalidTokenError unless it was written with one of the keys, or before positions were sealed. */
  decode(text: string): Token {
    const bytes = text.length > MAX_TEXT_LENGTH ? Buffer.alloc(0) : Buffer.from(text, 'base64url');
    if (bytes[0] !== VERSION) return decodePlainToken(text);
    if (bytes.length <= HEAD_BYTES || bytes.toString('base64url') !== text) throw new InvalidTokenError();
    const seal = bytes.subarray(1, HEAD_BYTES);
    for (const key of this.#keys) {
      const plain = encrypt(bytes.subarray(HEAD_BYTES), seal, key);
      if (timingSafeEqual(sealOf(plain, key), seal)) return parsePlain(plain);
    }
    throw new InvalidTokenError();
  }

  /** The token that a cursor carries. Throws InvalidCursorError. */
  decodeOfCursor(text: string): Token {
    try {
      return { ...this.decode(text), isOfCursor: true };
    } catch {
      throw new InvalidCursorError();
    }
  }
}

/** Nothing longer is looked at. */
const MAX_TEXT_LENGTH = Math.ceil(((HEAD_BYTES + MAX_PLAIN_BYTES) * 4) / 3);

const derived = new Map<string, SealingKey>();

function sealingKey(key: string): SealingKey {
  const known = derived.get(key);
  if (known) return known;
  const made = new SealingKey(key);
  derived.set(key, made);
  return made;
}

function isSame(one: Token, other: Token): boolean {
  return (
    one.lsn === other.lsn &&
    one.timeline === other.timeline &&
    one.systemIdentifier === other.systemIdentifier &&
    one.switchedFrom?.lsn === other.switchedFrom?.lsn &&
    one.switchedFrom?.timeline === other.switchedFrom?.timeline
  );
}

function sealOf(plain: Buffer, { hmacs }: SealingKey): Buffer {
  return hmacs.forSeal.digest(plain).subarray(0, SEAL_BYTES);
}

/** Or decrypts: each block of the key stream is the HMAC of the seal and the number of the block. */
function encrypt(text: Buffer, seal: Buffer, { hmacs }: SealingKey): Buffer {
  const { forText } = hmacs;
  const result = Buffer.allocUnsafe(text.length);
  const counter = Buffer.alloc(SEAL_BYTES + 1);
  seal.copy(counter);
  for (let start = 0; start < text.length; start += DIGEST_BYTES) {
    counter[SEAL_BYTES] = start / DIGEST_BYTES;
    const block = forText.digest(counter);
    const end = Math.min(text.length, start + DIGEST_BYTES);
    for (let at = start; at < end; at++) result[at] = text[at]! ^ block[at - start]!;
  }
  return result;
}

function writePlain({ systemIdentifier, timeline, lsn, switchedFrom }: Token): Buffer {
  const bytes = Buffer.allocUnsafe(MAX_PLAIN_BYTES);
  let at = bytes.writeBigUInt64BE(systemIdentifier);
  for (const number of [timeline, lsn, switchedFrom?.timeline ?? 0, switchedFrom?.lsn ?? 0n]) {
    at = writeNumber(bytes, BigInt(number), at);
  }
  return bytes.subarray(0, at);
}

/** Seven bits a byte, the lowest first; all but the last byte have the eighth bit set. Returns where it ends. */
function writeNumber(bytes: Buffer, value: bigint, start: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes[at++] = Number(rest & 0x7fn) | 0x80;
  bytes[at++] = Number(rest);
  return at;
}

/** Of what we sealed ourselves. */
function parsePlain(plain: Buffer): Token {
  let at = 8;
  const next = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = plain[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const [timeline, lsn] = [Number(next()), next()];
  const switchedFrom: SwitchPoint = { timeline: Number(next()), lsn: next() };
  return {
    systemIdentifier: plain.readBigUInt64BE(0),
    timeline,
    lsn,
    ...(switchedFrom.timeline > 0 && { switchedFrom }),
  };
}
