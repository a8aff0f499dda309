/**
 * The failures we understand and explain to the caller. Every other error is masked.
 *
 * `errorCodes` is the closed list: docs/errors.md has one section per code, and a test compares the two.
 */
export const errorCodes = {
  GRAPHQL_PARSE_FAILED: 'The document is not GraphQL.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not fit the schema.',
  BAD_REQUEST: 'The HTTP request itself is malformed.',
  QUERY_TOO_LARGE: 'The document is deeper, longer or more expensive than this principal may send.',
  UNAUTHENTICATED: 'No token, or one we do not know.',
  FORBIDDEN: 'The principal may not ask this.',
  INVALID_ARGUMENT: 'An argument has a value that means nothing.',
  INVALID_TIME_RANGE: 'The time range is empty, inverted or absurd.',
  UNKNOWN_TIME_ZONE: 'The time zone is not in the IANA database.',
  INVALID_CURSOR: 'The cursor was not written by this gateway.',
  CURSOR_MISMATCH: 'The cursor belongs to another filter or order.',
  PAGE_TOO_LARGE: 'first or last is above the ceiling of this principal.',
  NOT_ACCEPTABLE: 'The query cannot be answered in the format asked for.',
  INVALID_TOKEN: 'X-Read-After is not a token of this cluster.',
  REPLICA_TOO_STALE: 'No standby is as fresh as the request demands.',
  NO_REPLICA_AVAILABLE: 'No standby can answer now.',
  OVERLOADED: 'Every connection to the standby is busy.',
  REPLICA_CONFLICT: 'The standby cancelled the query to keep replaying WAL.',
  REPLICA_LOST: 'The standby went away while it was answering.',
  UNREADABLE_VALUE: 'A stored value that no API type can show, such as an infinite time.',
  QUERY_TIMEOUT: 'The statement took longer than allowed.',
  REQUEST_CANCELLED: 'The client went away, or the gateway is shutting down.',
  INTERNAL: 'A defect of ours. The message carries a reference to quote.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** A failure we understand and will explain to the caller. */
export abstract class GatewayError extends Error {
  /** Listed in docs/errors.md. Clients switch on it, so its meaning never changes. */
  abstract readonly code: ErrorCode;
  /** True when the same request may well succeed a moment later. */
  readonly retryable: boolean = false;
  /** The HTTP status when the whole answer fails for this reason. */
  readonly status: number = 200;
  /** Further machine-readable facts, shown in `extensions`. Never numbers of callers, never secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;

  override get name(): string {
    return this.constructor.name;
  }
}

/** An argument has a value that means nothing: a negative page, a malformed id, a contradiction. */
export class InvalidArgumentError extends GatewayError {
  override readonly code = 'INVALID_ARGUMENT';
}

/** `from` is not before `to`, or the range is one no switch has lived. */
export class InvalidTimeRangeError extends GatewayError {
  override readonly code = 'INVALID_TIME_RANGE';
}

/** The zone is unknown to PostgreSQL's IANA database. */
export class UnknownTimeZoneError extends GatewayError {
  override readonly code = 'UNKNOWN_TIME_ZONE';
  constructor(zone: string) {
    super(`"${zone.slice(0, 60)}" is not an IANA time zone. Use a name such as "Europe/Paris" or "UTC".`);
  }
}

/** `after` or `before` was not written by this gateway. */
export class InvalidCursorError extends GatewayError {
  override readonly code = 'INVALID_CURSOR';
  constructor() {
    super('This cursor is not one of ours, or was cut. Ask again without "after" and "before".');
  }
}

/** The cursor was written for another filter or order, so it points nowhere in this list. */
export class CursorMismatchError extends GatewayError {
  override readonly code = 'CURSOR_MISMATCH';
  constructor(what: 'filter' | 'order') {
    super(
      `This cursor was made with another ${what}. Keep "${what === 'order' ? 'orderBy' : 'filter'}" the same while paging, or start again without a cursor.`,
    );
  }
}

/** `first` or `last` is above the principal's ceiling. */
export class PageTooLargeError extends GatewayError {
  override readonly code = 'PAGE_TOO_LARGE';
  constructor(asked: number, ceiling: number) {
    super(`${asked} calls were asked for; at most ${ceiling} may be asked for at once. Page with "after".`);
    this.details = { ceiling };
  }
  override readonly details: Readonly<Record<string, number>>;
}

/** The query cannot be answered as CSV or NDJSON, or the media type is unknown. */
export class NotAcceptableError extends GatewayError {
  override readonly code = 'NOT_ACCEPTABLE';
  override readonly status = 406;
}

/** No token where one is needed, or one that no principal has. */
export class UnauthenticatedError extends GatewayError {
  override readonly code = 'UNAUTHENTICATED';
  override readonly status = 401;
  constructor(message = 'Send "Authorization: Bearer <token>" with a token this gateway knows.') {
    super(message);
  }
}

/** The principal is known and may not ask this. */
export class ForbiddenError extends GatewayError {
  override readonly code = 'FORBIDDEN';
  override readonly status = 403;
}

/** The document is deeper, longer or more expensive than the principal may send. */
export class QueryTooLargeError extends GatewayError {
  override readonly code = 'QUERY_TOO_LARGE';
  override readonly status = 400;
}

/** The HTTP request itself is malformed: a header that is not a number, a body that is not an object. */
export class BadRequestError extends GatewayError {
  override readonly code = 'BAD_REQUEST';
  override readonly status = 400;
}

/** `X-Read-After` (or the token inside a cursor) is garbage, or of another cluster. */
export class InvalidTokenError extends GatewayError {
  override readonly code = 'INVALID_TOKEN';
  override readonly status = 400;
  constructor(
    message = 'The token in X-Read-After was not written by this gateway. Use extensions.replica.token of an earlier answer.',
  ) {
    super(message);
  }
}

/** Every standby is older than the request allows. Never answered from the switch instead. */
export class ReplicaTooStaleError extends GatewayError {
  override readonly code = 'REPLICA_TOO_STALE';
  override readonly retryable = true;
  override readonly status = 503;
  override readonly details: Readonly<Record<string, number | null>>;
  /** Both in seconds; null when not known. */
  constructor({
    stalenessSeconds,
    etaSeconds,
  }: { stalenessSeconds: number | null; etaSeconds: number | null }) {
    const age = stalenessSeconds === null ? 'of unknown age' : `${stalenessSeconds.toFixed(1)} s old`;
    super(`The freshest standby is ${age}, older than this request allows. Try again later, or allow more.`);
    this.details = { stalenessSeconds, etaSeconds };
  }
}

/** Every standby is down, starting, or not a standby any more. */
export class NoReplicaAvailableError extends GatewayError {
  override readonly code = 'NO_REPLICA_AVAILABLE';
  override readonly retryable = true;
  override readonly status = 503;
  constructor(reasons: readonly string[]) {
    super(
      `No standby can answer now${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}. replicationStatus tells more.`,
    );
  }
}

/** The standby failed, not the request: another standby, or the same one later, may well answer it. */
export abstract class ReplicaFailureError extends GatewayError {
  override readonly retryable = true;
  override readonly status = 503;
}

/** The standby cancelled our query to keep replaying WAL (SQLSTATE 40001, 40P01). */
export class ReplicaConflictError extends ReplicaFailureError {
  override readonly code = 'REPLICA_CONFLICT';
  constructor() {
    super('The standby cancelled this query to keep replaying WAL. Ask again.');
  }
}

/** The standby went away while it was answering: stopped, crashed, cut off (57P0x, 08xxx, a closed socket). */
export class ReplicaLostError extends ReplicaFailureError {
  override readonly code = 'REPLICA_LOST';
  constructor() {
    super('The standby went away while it was answering. Ask again.');
  }
}

/** The statement ran into statement_timeout or lock_timeout (57014, 55P03). */
export class QueryTimeoutError extends GatewayError {
  override readonly code = 'QUERY_TIMEOUT';
  override readonly retryable = true;
  override readonly status = 504;
  constructor() {
    super('The query took longer than allowed. Narrow the time range or the filter, or ask for fewer calls.');
  }
}

/** The client went away, or the gateway is shutting down. */
export class RequestCancelledError extends GatewayError {
  override readonly code = 'REQUEST_CANCELLED';
  override readonly retryable = true;
  override readonly status = 503;
  constructor() {
    super('The request was cancelled.');
  }
}

/** A stored value that the API's types cannot show: the field, or the call if it must not be null, is null. */
export class UnreadableValueError extends GatewayError {
  override readonly code = 'UNREADABLE_VALUE';
  constructor() {
    super('The switch stored a value here that cannot be shown, such as an infinite time.');
  }
}

/** Every connection to the standby is busy, and none became free in time. */
export class OverloadedError extends GatewayError {
  override readonly code = 'OVERLOADED';
  override readonly retryable = true;
  override readonly status = 503;
  constructor() {
    super('Every connection to the standby is busy. Ask again in a moment.');
  }
}
