import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { Flow } from '../db/wire/raw-rows.ts';
import { RequestCancelledError } from '../errors.ts';
import { ByteWriter, recycleBlock } from './byte-writer.ts';

/** Bytes that may wait for the client before PostgreSQL is made to wait. */
const HIGH_WATER_MARK = 1024 * 1024;

/** How much of an answer is written so far: calls, and bytes before compression. */
export interface Progress {
  readonly rows: number;
  readonly bytes: number;
}

/**
 * A response body in the making. A short one is a buffer in the end; a longer one becomes a stream with its first
 * full block, and from then on can no longer turn into another answer.
 */
export class Body implements Flow {
  readonly writer = new ByteWriter((block) => this.#send(block));
  readonly #started = Promise.withResolvers<Readable>();
  #stream: BlockStream | undefined;
  #sentBytes = 0;
  /** Calls written so far. */
  rows = 0;

  /** Resolves with the stream when its first bytes are there; never for a body that stays short. */
  get started(): Promise<Readable> {
    return this.#started.promise;
  }

  /** Written so far. */
  get bytes(): number {
    return this.#sentBytes + this.writer.length;
  }

  /** How much of the content is written: of one that is there as a whole, all of it. */
  progressOf(content: Buffer | Readable): Progress {
    return content instanceof Readable ? this : { rows: this.rows, bytes: content.length };
  }

  /** True once bytes were handed on. */
  get hasSent(): boolean {
    return this.#stream !== undefined;
  }

  /** Whether anything was handed on that lies behind so many bytes. */
  hasSentBehind(bytes: number): boolean {
    return this.#sentBytes > bytes;
  }

  /** Forgets what was written behind so many bytes, of which nothing may have been handed on. */
  cutTo(bytes: number): void {
    this.writer.length = bytes - this.#sentBytes;
  }

  isFull(): boolean {
    return this.#stream?.isFull ?? false;
  }

  /** Resolves when the client has taken enough of what is written. Throws RequestCancelledError when it has left. */
  async drained(): Promise<void> {
    await this.#stream?.drained();
    if (this.#stream?.destroyed) throw new RequestCancelledError();
  }

  /** Ends the body: what is written, if none of it was sent yet; otherwise the stream ends. */
  end(): Buffer | Readable {
    if (!this.#stream) return this.writer.finish();
    this.writer.flush();
    this.writer.close();
    this.#stream.finish();
    return this.#stream;
  }

  /** Ends a body of which nothing was handed on, and nothing is wanted. */
  discard(): void {
    this.writer.close();
  }

  #send(block: Buffer): void {
    if (!this.#stream) {
      this.#stream = new BlockStream();
      this.#started.resolve(this.#stream);
    }
    this.#sentBytes += block.length;
    this.#stream.add(block);
  }
}

/** Where the blocks of a stream go. */
export interface BlockOutlet {
  /** Takes blocks in their order. `onTaken` is called when the block may be written again, if ever. */
  write(block: Buffer, onTaken: () => void): void;
  /** Called behind the last block. `beforeEnd` is to be called when all bytes are written and the response has not ended. */
  end(beforeEnd: () => void): void;
}

/** Sends them as they are. */
class PlainOutlet implements BlockOutlet {
  readonly #outgoing: ServerResponse;

  constructor(outgoing: ServerResponse) {
    this.#outgoing = outgoing;
  }

  write(block: Buffer, onTaken: () => void): void {
    this.#outgoing.write(block, onTaken);
  }

  end(beforeEnd: () => void): void {
    beforeEnd();
    this.#outgoing.end();
  }
}

/**
 * A stream of blocks for any reader. A server's response is better served by `sendTo`: blocks then go to the
 * socket and come back to be written again, where reading would leave each to the garbage collector.
 */
export class BlockStream extends Readable {
  #outlet: BlockOutlet | undefined;
  #beforeEnd = () => {};
  #waitingBytes = 0;
  #wake: (() => void) | undefined;
  #isFinished = false;

  /** It is full when so many bytes wait for the client. */
  constructor(highWaterMark = HIGH_WATER_MARK) {
    super({ highWaterMark });
  }

  get isFull(): boolean {
    return this.waitingBytes >= this.readableHighWaterMark;
  }

  /** Bytes that the client has not taken yet. */
  get waitingBytes(): number {
    return this.#outlet ? this.#waitingBytes : this.readableLength;
  }

  async drained(): Promise<void> {
    if (!this.isFull || this.destroyed) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  add(block: Buffer): void {
    if (this.destroyed) return;
    if (this.#outlet) this.#write(block);
    else this.push(block);
  }

  finish(): void {
    this.#isFinished = true;
    if (this.#outlet) this.#outlet.end(this.#beforeEnd);
    else this.push(null);
  }

  /**
   * Sends all blocks to the response, through the outlet if there is one. Resolves when the last one is out; rejects
   * when the client leaves first. What `beforeEnd` adds comes behind them.
   */
  sendTo(
    outgoing: ServerResponse,
    {
      beforeEnd,
      outlet = new PlainOutlet(outgoing),
    }: { beforeEnd(): void; outlet?: BlockOutlet | undefined },
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    outgoing.once('close', () => {
      if (outgoing.writableFinished) resolve();
      else reject(new RequestCancelledError());
      this.destroy();
    });
    if (outgoing.destroyed) this.destroy();
    this.flowInto(outlet, beforeEnd);
    return promise;
  }

  /** Hands all blocks to the outlet: they wait for the client there. Whoever owns the outlet destroys this when it has closed. */
  flowInto(outlet: BlockOutlet, beforeEnd = () => {}): void {
    this.#outlet = outlet;
    this.#beforeEnd = beforeEnd;
    for (let block = this.read(); block !== null; block = this.read()) this.#write(block);
    if (this.#isFinished) outlet.end(beforeEnd);
  }

  override _read(): void {
    this.#drain();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#drain();
    done(error);
  }

  #write(block: Buffer): void {
    this.#waitingBytes += block.length;
    this.#outlet!.write(block, () => {
      this.#waitingBytes -= block.length;
      recycleBlock(block);
      if (!this.isFull) this.#drain();
    });
  }

  #drain(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
