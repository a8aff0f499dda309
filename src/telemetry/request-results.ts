import type { ErrorCode } from '../errors.ts';

/**
 * How a request ended, for logs and metrics. `error`: we failed. `invalid`, `denied`: the caller did something wrong,
 * or may not. `cancelled`: the caller went away.
 */
export type Outcome = 'ok' | 'cancelled' | 'invalid' | 'denied' | 'error';

/** Mildest first: the worst of several errors names the outcome. */
const order: readonly Outcome[] = ['ok', 'cancelled', 'invalid', 'denied', 'error'];

const outcomes: Readonly<Record<ErrorCode, Outcome>> = {
  GRAPHQL_PARSE_FAILED: 'invalid',
  GRAPHQL_VALIDATION_FAILED: 'invalid',
  BAD_REQUEST: 'invalid',
  QUERY_TOO_LARGE: 'denied',
  UNAUTHENTICATED: 'denied',
  FORBIDDEN: 'denied',
  INVALID_ARGUMENT: 'invalid',
  INVALID_TIME_RANGE: 'invalid',
  UNKNOWN_TIME_ZONE: 'invalid',
  INVALID_CURSOR: 'invalid',
  CURSOR_MISMATCH: 'invalid',
  PAGE_TOO_LARGE: 'denied',
  NOT_ACCEPTABLE: 'invalid',
  INVALID_TOKEN: 'invalid',
  REPLICA_TOO_STALE: 'error',
  NO_REPLICA_AVAILABLE: 'error',
  OVERLOADED: 'error',
  REPLICA_CONFLICT: 'error',
  REPLICA_LOST: 'error',
  // One bad row in an answer that is otherwise there must not ring an alarm for as long as the row exists.
  UNREADABLE_VALUE: 'ok',
  QUERY_TIMEOUT: 'error',
  REQUEST_CANCELLED: 'cancelled',
  INTERNAL: 'error',
};

export function outcomeOf(codes: Iterable<ErrorCode>): Outcome {
  let worst = 0;
  for (const code of codes) worst = Math.max(worst, order.indexOf(outcomes[code]));
  return order[worst]!;
}
