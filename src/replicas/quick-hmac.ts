import { hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const MAX_MESSAGE_BYTES = 64;

/**
 * HMAC-SHA-256 (RFC 2104) of short messages. Node's own takes 20 µs to be set up, which every page would wait for; two calls
 * of the one-shot hash take a tenth of that.
 */
export class QuickHmac {
  readonly #inner = Buffer.alloc(BLOCK_BYTES + MAX_MESSAGE_BYTES);
  readonly #outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);

  /** At most 64 bytes. */
  constructor(key: Buffer) {
    if (key.length > BLOCK_BYTES) throw new RangeError('The key is longer than a block.');
    for (let at = 0; at < BLOCK_BYTES; at++) {
      const byte = key[at] ?? 0;
      this.#inner[at] = byte ^ 0x36;
      this.#outer[at] = byte ^ 0x5c;
    }
  }

  /** Of at most 64 bytes. */
  digest(message: Buffer): Buffer {
    if (message.length > MAX_MESSAGE_BYTES) throw new RangeError('The message is too long.');
    message.copy(this.#inner, BLOCK_BYTES);
    const digest = hash('sha256', this.#inner.subarray(0, BLOCK_BYTES + message.length), 'hex');
    this.#outer.write(digest, BLOCK_BYTES, 'hex');
    return Buffer.from(hash('sha256', this.#outer, 'hex'), 'hex');
  }
}
