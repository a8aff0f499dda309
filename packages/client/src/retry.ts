import { GatewayError } from './gateway-error.ts';

export interface RetryOptions {
  /** Attempts in a row without success, the first one included. 1: nothing is tried again. */
  readonly maxAttempts: number;
  /** A gateway that says it will be back later than this is not waited for. */
  readonly maxWaitSeconds: number;
  readonly signal: AbortSignal | undefined;
  /** Something was received: the next attempt is shorter by that. */
  readonly hasProgress?: boolean;
}

const FIRST_WAIT_SECONDS = 0.1;
const MAX_BACKOFF_SECONDS = 5;

/**
 * Waits until the next attempt is due. Throws the error when there is to be none: it is not one that passes, too many
 * were made, or the gateway asks for more time than there is.
 */
export async function waitForRetry(
  error: unknown,
  failures: number,
  { maxAttempts, maxWaitSeconds, signal, hasProgress = false }: RetryOptions,
): Promise<void> {
  signal?.throwIfAborted();
  if (!(error instanceof GatewayError) || !error.retryable || failures >= maxAttempts) throw error;
  // The same statement would take as long again, at the cost of everybody else.
  if (error.code === 'QUERY_TIMEOUT' && !hasProgress) throw error;
  const backoff = Math.min(FIRST_WAIT_SECONDS * 2 ** (failures - 1), MAX_BACKOFF_SECONDS);
  // Clients that failed together are not to come back together.
  const seconds = Math.max(error.retryAfterSeconds ?? 0, backoff * (0.5 + Math.random() / 2));
  if (seconds > maxWaitSeconds) throw error;
  await sleep(seconds * 1000, signal);
}

function sleep(millis: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, millis);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
