import {
  GatewayError,
  OverloadedError,
  QueryTimeoutError,
  ReplicaConflictError,
  ReplicaLostError,
  RequestCancelledError,
} from '../errors.ts';

/** What the pool says when no client became free in time. */
const BUSY = /timeout exceeded when trying to connect/;
/** What node-postgres says, without a SQLSTATE, about a connection that broke. */
const LOST =
  /connection terminated|after calling end on the pool|connection error|not queryable|ECONNRESET|EPIPE|ECONNREFUSED|ETIMEDOUT/i;

/**
 * Turns what PostgreSQL or the driver threw into a failure we explain; anything else is returned as it is, to be
 * masked. On a standby 40001 can only mean a recovery conflict: nothing there writes.
 */
export function explain(error: unknown, signal?: AbortSignal): unknown {
  if (error instanceof GatewayError) return error;
  if (signal?.aborted) return new RequestCancelledError();
  const { code, message } = error as { code?: unknown; message?: unknown };
  const failure = typeof code === 'string' ? failureOf(code) : undefined;
  if (failure) return failure;
  if (typeof message === 'string' && BUSY.test(message)) return new OverloadedError();
  if (typeof message === 'string' && LOST.test(message)) return new ReplicaLostError();
  return error;
}

function failureOf(code: string): GatewayError | undefined {
  if (code === '40001' || code === '40P01') return new ReplicaConflictError();
  if (code === '57014' || code === '55P03') return new QueryTimeoutError();
  if (/^(08|57P0|53300)/.test(code) || LOST.test(code)) return new ReplicaLostError();
  return undefined;
}
