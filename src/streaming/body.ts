import { Readable } from 'node:stream';
import { RequestCancelledError } from '../errors.ts';
import { ByteWriter } from './byte-writer.ts';

/** Bytes that may wait for the client before the next part of a list is read. */
const HIGH_WATER_MARK = 512 * 1024;

/**
 * A response body in the making. A short one is a buffer in the end; a longer one becomes a stream with its first
 * full block, and from then on can no longer turn into another answer.
 */
export class Body {
  readonly writer = new ByteWriter((block) => this.#send(block));
  readonly #started = Promise.withResolvers<Readable>();
  #readable: Readable | undefined;
  #wake: (() => void) | undefined;
  #isFull = false;

  /** Resolves with the stream when its first bytes are there; never for a body that stays short. */
  get started(): Promise<Readable> {
    return this.#started.promise;
  }

  /** True once bytes were handed on. */
  get hasSent(): boolean {
    return this.#readable !== undefined;
  }

  /** Resolves when the client has taken enough of what is written. Throws RequestCancelledError when it has left. */
  async drained(): Promise<void> {
    if (this.#isFull && !this.#readable?.destroyed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#readable?.destroyed) throw new RequestCancelledError();
  }

  /** Ends the body: what is written, if none of it was sent yet; otherwise the stream ends. */
  end(): Buffer | Readable {
    if (!this.#readable) return this.writer.take();
    this.writer.flush();
    this.#readable.push(null);
    return this.#readable;
  }

  #send(block: Buffer): void {
    this.#readable ??= this.#start();
    this.#isFull = !this.#readable.push(block);
  }

  #start(): Readable {
    const readable = new Readable({
      highWaterMark: HIGH_WATER_MARK,
      read: () => this.#drain(),
      destroy: (error, done) => {
        this.#drain();
        done(error);
      },
    });
    this.#started.resolve(readable);
    return readable;
  }

  #drain(): void {
    this.#isFull = false;
    this.#wake?.();
    this.#wake = undefined;
  }
}
