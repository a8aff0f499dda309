import { GatewayError, GatewayTimeoutError, GatewayUnreachableError } from './gateway-error.ts';

/** Ends a request when the caller's signal says so, or when nothing was heard for too long. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #seconds: number;
  readonly #outer: AbortSignal | undefined;
  readonly #follow = () => this.#controller.abort(this.#outer?.reason);

  constructor(seconds: number, outer: AbortSignal | undefined) {
    this.#seconds = seconds;
    this.#outer = outer;
    if (outer?.aborted) this.#follow();
    outer?.addEventListener('abort', this.#follow);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The value, if it comes in time. Throws why not: the caller's reason, a GatewayTimeoutError, or another GatewayError. */
  async wait<T>(value: Promise<T>): Promise<T> {
    const expire = () => this.#controller.abort(new GatewayTimeoutError(this.#seconds));
    // What a timer can hold: longer is for ever.
    const timer = this.#seconds * 1000 < 2 ** 31 ? setTimeout(expire, this.#seconds * 1000) : undefined;
    try {
      return await value;
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason;
      if (error instanceof GatewayError) throw error;
      throw new GatewayUnreachableError('The gateway does not answer, or its answer broke off.', {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets go of the caller's signal. */
  close(): void {
    this.#outer?.removeEventListener('abort', this.#follow);
  }
}
