import { type AnswerError, GatewayError } from 'cdr-gateway-client';

/** What the page can do about a failed request: each has its own words and its own look. */
export type TroubleKind = 'down' | 'slow' | 'stale' | 'signedOut' | 'refused';

/** By the code of the gateway (docs/errors.md there), of its client, or of our server. */
const kinds: Readonly<Record<string, TroubleKind>> = {
  GATEWAY_UNREACHABLE: 'down',
  NO_REPLICA_AVAILABLE: 'down',
  REPLICA_LOST: 'down',
  GATEWAY_TIMEOUT: 'slow',
  QUERY_TIMEOUT: 'slow',
  OVERLOADED: 'slow',
  RATE_LIMITED: 'slow',
  REPLICA_CONFLICT: 'slow',
  REPLICA_TOO_STALE: 'stale',
  POSITION_ON_LATER_TIMELINE: 'stale',
  UNAUTHENTICATED: 'signedOut',
};

export function troubleKind(error: unknown): TroubleKind {
  return (error instanceof GatewayError && kinds[error.code]) || 'refused';
}

/** Whether it ends by itself, so that the same is to be requested again when the standbys are well. */
export function isPassing(error: unknown): boolean {
  return ['down', 'stale', 'signedOut'].includes(troubleKind(error));
}

/**
 * Whether a part that is missing from an answer may be there when the same is requested again. What took too long would take
 * as long again, at the cost of everybody else.
 */
export function mayPass({ extensions }: AnswerError): boolean {
  return extensions?.retryable === true && extensions.code !== 'QUERY_TIMEOUT';
}
