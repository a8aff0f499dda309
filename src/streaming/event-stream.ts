import { constants, crc32, deflateRawSync } from 'node:zlib';
import type { ErrorCode } from '../errors.ts';
import { BlockStream } from './body.ts';

/** Bytes that may wait for one client: what comes then is read for it from the database, when it has taken them. */
export const MAX_WAITING_BYTES = 64 * 1024;
/** Shorter ones do not get shorter. */
const MIN_DEFLATED_BYTES = 400;

/**
 * One event, written once for all clients that get it. A compressed one refers to nothing before itself, so that it fits into
 * every client's stream at any place.
 */
export class EventFrame {
  readonly plain: Buffer;
  #deflated: Buffer | undefined;

  /** Calls that it tells of. */
  readonly rows: number;

  /** `data` has no line breaks. */
  constructor(event: 'next' | 'complete', data: string, id?: string, rows = 0) {
    this.rows = rows;
    this.plain = Buffer.from(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`);
  }

  /** Blocks of deflate that end at a byte, and are not the last. */
  get deflated(): Buffer {
    this.#deflated ??= deflate(this.plain);
    return this.#deflated;
  }
}

function deflate(plain: Buffer): Buffer {
  if (plain.length >= MIN_DEFLATED_BYTES) {
    return deflateRawSync(plain, { level: 1, finishFlush: constants.Z_SYNC_FLUSH });
  }
  const head = Buffer.allocUnsafe(5);
  head[0] = 0;
  head.writeUInt16LE(plain.length, 1);
  head.writeUInt16LE(plain.length ^ 0xffff, 3);
  return Buffer.concat([head, plain]);
}

const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
const LAST_BLOCK = Buffer.from([1, 0, 0, 0xff, 0xff]);

/** How long a client waits before it connects again, in milliseconds. */
const RETRY = Buffer.from('retry: 1000\n\n');

/** The events for one client. */
export class EventStream {
  readonly body = new BlockStream(MAX_WAITING_BYTES);
  readonly isCompressed: boolean;
  /** Calls told so far, and bytes before compression. */
  rows = 0;
  bytes = 0;
  /** Of the errors that ended it. */
  readonly codes = new Set<ErrorCode>();
  /** Resolves when it has ended, or its client has left. */
  readonly ended = new Promise<void>((resolve) => this.body.once('close', resolve));
  #crc = 0;

  constructor({ isCompressed }: { readonly isCompressed: boolean }) {
    this.isCompressed = isCompressed;
    if (isCompressed) this.body.add(GZIP_HEAD);
    this.#add(RETRY, isCompressed ? deflate(RETRY) : RETRY);
  }

  get isFull(): boolean {
    return this.body.isFull;
  }

  get isClosed(): boolean {
    return this.body.destroyed;
  }

  get waitingBytes(): number {
    return this.body.waitingBytes;
  }

  /** Resolves when there is room again, or the client has left. */
  drained(): Promise<void> {
    return this.body.drained();
  }

  send(frame: EventFrame): void {
    if (!this.isClosed) this.rows += frame.rows;
    this.#add(frame.plain, this.isCompressed ? frame.deflated : frame.plain);
  }

  /** Ends the response. Without an event `complete` before it, clients connect again. */
  end(): void {
    if (this.isClosed) return;
    if (this.isCompressed) {
      const trailer = Buffer.allocUnsafe(8);
      trailer.writeUInt32LE(this.#crc, 0);
      trailer.writeUInt32LE(this.bytes % 2 ** 32, 4);
      this.body.add(Buffer.concat([LAST_BLOCK, trailer]));
    }
    this.body.finish();
  }

  #add(plain: Buffer, bytes: Buffer): void {
    if (this.isClosed) return;
    if (this.isCompressed) this.#crc = crc32(plain, this.#crc);
    this.bytes += plain.length;
    this.body.add(bytes);
  }
}
