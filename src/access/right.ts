import { UnauthenticatedError } from '../errors.ts';

/** Node's timers hold no more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The right of a credential to be answered. It ends at its time, or when the credential is revoked. */
export class Right {
  /** Milliseconds since 1970; infinity: it has no end of its own. */
  readonly expiresAt: number;
  readonly #listeners = new Set<() => void>();
  #isRevoked = false;

  constructor(expiresAt = Number.POSITIVE_INFINITY) {
    this.expiresAt = expiresAt;
  }

  get hasEnded(): boolean {
    return this.#isRevoked || Date.now() >= this.expiresAt;
  }

  revoke(): void {
    this.#isRevoked = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  /** Calls the listener once, when the right ends. The function that is returned ends the watching. */
  onEnd(listener: () => void): () => void {
    if (this.hasEnded) {
      listener();
      return () => {};
    }
    let timer: NodeJS.Timeout | undefined;
    const forget = () => {
      clearTimeout(timer);
      this.#listeners.delete(end);
    };
    const end = () => {
      forget();
      listener();
    };
    // A timer may be early by a millisecond, and holds no more than 24 days.
    const wait = () => {
      if (this.hasEnded) return end();
      timer = setTimeout(wait, Math.min(this.expiresAt - Date.now() + 1, MAX_TIMER_MS)).unref();
    };
    this.#listeners.add(end);
    if (this.expiresAt !== Number.POSITIVE_INFINITY) wait();
    return forget;
  }
}

/** Aborted when the client leaves, and with an UnauthenticatedError when the right ends. `forget` ends the watching. */
export function watchRight(
  right: Right,
  client: AbortSignal,
): { readonly signal: AbortSignal; forget(): void } {
  const controller = new AbortController();
  const leave = () => controller.abort(client.reason);
  const forgetRight = right.onEnd(() => controller.abort(new UnauthenticatedError(ENDED)));
  if (client.aborted) leave();
  else client.addEventListener('abort', leave, { once: true });
  return {
    signal: controller.signal,
    forget() {
      forgetRight();
      client.removeEventListener('abort', leave);
    },
  };
}

const ENDED = 'The token of this request has expired, or was revoked.';
