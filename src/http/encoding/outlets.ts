import type { ServerResponse } from 'node:http';
import type { BlockOutlet } from '../../streaming/body.ts';
import type { Coding } from './accept-encoding.ts';
import { type Encoder, encoderKinds } from './encoders.ts';
import type { EncodingChoice } from './encoding-policy.ts';
import { Pace } from './pace.ts';

/** Sends the blocks of a response as was chosen. */
export function createOutlet(
  outgoing: ServerResponse,
  { coding, level, notePace }: EncodingChoice,
): BlockOutlet {
  if (!coding) return new WatchedOutlet(outgoing, notePace);
  const { canStore, canStoreAgain } = encoderKinds[coding];
  const pace =
    level === 'always compressed' || !canStore
      ? undefined
      : new Pace({ startsStored: level === 'stored', mayStoreAgain: canStoreAgain });
  return new EncodedOutlet(outgoing, { coding, pace, notePace });
}

/** Compressed bytes that wait for the kernel before more are made. */
const MAX_WAITING_BYTES = 256 * 1024;

/** Called once, when the body has ended or the client has left; undefined: nothing was learnt of it. */
export type NotePace = (keptUp: boolean | undefined) => void;

export interface EncodedOutletOptions {
  readonly coding: Coding;
  /** Without one every block is compressed. */
  readonly pace: Pace | undefined;
  readonly notePace: NotePace;
}

/** What is compressed at once: each time costs a change of threads, and an end of what a decoder needs. */
const BATCH_BYTES = 256 * 1024;
/** How long something waits for more to be compressed with. */
const MAX_BATCH_MILLIS = 20;

/** Encodes blocks on their way into a response, in their order, as fast as its client takes them. */
export class EncodedOutlet implements BlockOutlet {
  readonly #outgoing: ServerResponse;
  readonly #pace: Pace | undefined;
  readonly #encoder: Encoder;
  readonly #blocks: { readonly block: Buffer; readonly onTaken: () => void }[] = [];
  #blockBytes = 0;
  #batch: Buffer | undefined;
  /** Whether what is there is sent now, however little it is: the first bytes, and those that have waited. */
  #isDue = true;
  #timer: NodeJS.Timeout | undefined;
  #beforeEnd: (() => void) | undefined;
  #isRunning = false;

  constructor(outgoing: ServerResponse, { coding, pace, notePace }: EncodedOutletOptions) {
    this.#outgoing = outgoing;
    this.#pace = pace;
    this.#encoder = encoderKinds[coding].create();
    outgoing.once('close', () => {
      clearTimeout(this.#timer);
      this.#encoder.destroy();
      notePace(pace?.keptUp);
    });
  }

  write(block: Buffer, onTaken: () => void): void {
    this.#blocks.push({ block, onTaken });
    this.#blockBytes += block.length;
    this.#run();
  }

  end(beforeEnd: () => void): void {
    this.#beforeEnd = beforeEnd;
    this.#run();
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#sendAll().catch((error: Error) => this.#outgoing.destroy(error));
  }

  async #sendAll(): Promise<void> {
    const outgoing = this.#outgoing;
    while (this.#blocks.length > 0 && !outgoing.destroyed) {
      if (this.#pace?.stores(outgoing.writableLength)) this.#storeNext();
      else if (this.#isDue || this.#beforeEnd || this.#blockBytes >= BATCH_BYTES) await this.#compressNext();
      else {
        this.#waitForMore();
        break;
      }
    }
    this.#isRunning = false;
    if (!this.#beforeEnd || outgoing.destroyed) return;
    writeAll(outgoing, await this.#encoder.end());
    this.#beforeEnd();
    outgoing.end();
  }

  #storeNext(): void {
    const { block, onTaken } = this.#blocks.shift()!;
    this.#blockBytes -= block.length;
    this.#pace?.note(block.length);
    writeAll(this.#outgoing, this.#encoder.store!(block), onTaken);
  }

  async #compressNext(): Promise<void> {
    const outgoing = this.#outgoing;
    const { bytes, onTaken } = this.#takeBatch();
    this.#pace?.note(bytes.length);
    this.#isDue = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const compressed = await this.#encoder.compress(bytes);
    onTaken?.();
    if (outgoing.writableLength <= MAX_WAITING_BYTES) writeAll(outgoing, compressed);
    else await new Promise<void>((resolve) => writeAll(outgoing, compressed, resolve));
  }

  /** A copy of blocks, whose memory is then free, or a block that is alone or too long as it is. */
  #takeBatch(): { readonly bytes: Buffer; readonly onTaken?: () => void } {
    const [first, second] = this.#blocks;
    if (!second || first!.block.length + second.block.length > BATCH_BYTES) {
      this.#blocks.shift();
      this.#blockBytes -= first!.block.length;
      return { bytes: first!.block, onTaken: first!.onTaken };
    }
    this.#batch ??= Buffer.allocUnsafeSlow(BATCH_BYTES);
    let length = 0;
    for (let next = first; next && length + next.block.length <= BATCH_BYTES; next = this.#blocks[0]) {
      length += next.block.copy(this.#batch, length);
      this.#blocks.shift();
      this.#blockBytes -= next.block.length;
      next.onTaken();
    }
    return { bytes: this.#batch.subarray(0, length) };
  }

  #waitForMore(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#isDue = true;
      this.#run();
    }, MAX_BATCH_MILLIS);
  }
}

/** A peer that takes less has a slow line: 40 Mbit/s. Somewhat more is taken where only processors are scarce. */
const SLOW_BYTES_PER_SECOND = 5_000_000;
/** What does not wait so long says nothing. */
const MIN_WAIT_MILLIS = 2000;

/** Sends blocks as they are, and finds out whether the peer keeps up. */
export class WatchedOutlet implements BlockOutlet {
  readonly #outgoing: ServerResponse;
  readonly #startedAt = performance.now();
  #bytes = 0;
  #waitingSince: number | undefined;
  #waitedMillis = 0;

  constructor(outgoing: ServerResponse, notePace: NotePace) {
    this.#outgoing = outgoing;
    outgoing.once('close', () => notePace(this.#keptUp()));
  }

  write(block: Buffer, onTaken: () => void): void {
    this.#bytes += block.length;
    this.#outgoing.write(block, () => {
      this.#note();
      onTaken();
    });
    this.#note();
  }

  end(beforeEnd: () => void): void {
    beforeEnd();
    this.#outgoing.end();
  }

  /** Counts the time in which the peer, and not PostgreSQL, is waited for. */
  #note(): void {
    const isWaiting = this.#outgoing.writableLength > MAX_WAITING_BYTES;
    if (isWaiting) this.#waitingSince ??= performance.now();
    else if (this.#waitingSince !== undefined) {
      this.#waitedMillis += performance.now() - this.#waitingSince;
      this.#waitingSince = undefined;
    }
  }

  #keptUp(): boolean | undefined {
    const now = performance.now();
    const waited = this.#waitedMillis + (this.#waitingSince === undefined ? 0 : now - this.#waitingSince);
    const elapsed = now - this.#startedAt;
    if (waited < MIN_WAIT_MILLIS || waited < elapsed / 2) return undefined;
    return this.#bytes / (elapsed / 1000) < SLOW_BYTES_PER_SECOND ? false : undefined;
  }
}

/** All of it leaves in one turn; `onTaken` is called when the kernel has the last of it. */
function writeAll(outgoing: ServerResponse, pieces: readonly Buffer[], onTaken?: () => void): void {
  for (const [index, piece] of pieces.entries()) {
    if (index === pieces.length - 1) outgoing.write(piece, onTaken);
    else outgoing.write(piece);
  }
}
