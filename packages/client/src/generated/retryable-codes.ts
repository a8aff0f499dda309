// Written by "npm run schema" from src/errors.ts.

/** The same request may well succeed a moment later. */
export const retryableCodes: ReadonlySet<string> = new Set([
  'RATE_LIMITED',
  'POSITION_ON_LATER_TIMELINE',
  'REPLICA_TOO_STALE',
  'NO_REPLICA_AVAILABLE',
  'OVERLOADED',
  'REPLICA_CONFLICT',
  'REPLICA_LOST',
  'QUERY_TIMEOUT',
  'REQUEST_CANCELLED',
]);
