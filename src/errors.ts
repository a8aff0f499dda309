/** How a request ended, for logs and metrics. `error`: we failed. `invalid`, `denied`: the caller did something wrong, or
 * may not. `cancelled`: the caller went away. Mildest first. */
export const requestResults = ['ok', 'cancelled', 'invalid', 'denied', 'error'] as const;
export type RequestResult = (typeof requestResults)[number];

interface ErrorTraits {
  readonly meaning: string;
  /** The HTTP status of an answer that is nothing but this failure. */
  readonly status: number;
  /** True where GraphQL answers 200 all the same: the request was well-formed, and a field of it has failed. */
  readonly isGraphQLAnswer?: true;
  /** True when the same request may well succeed a moment later. */
  readonly retryable?: true;
  readonly result: RequestResult;
}

/**
 * The failures we understand and explain to the caller; every other error is masked. The list is closed:
 * docs/errors.md has one section per code, and a test compares the two.
 */
export const errorCodes = {
  GRAPHQL_PARSE_FAILED: { meaning: 'The document is not GraphQL.', status: 400, result: 'invalid' },
  GRAPHQL_VALIDATION_FAILED: {
    meaning: 'The document does not fit the schema.',
    status: 400,
    result: 'invalid',
  },
  BAD_REQUEST: { meaning: 'The HTTP request itself is malformed.', status: 400, result: 'invalid' },
  QUERY_TOO_LARGE: {
    meaning: 'The document is deeper, longer or more expensive than this principal may send.',
    status: 400,
    result: 'denied',
  },
  PERSISTED_QUERY_NOT_FOUND: {
    meaning: 'No trusted document has this hash.',
    status: 400,
    result: 'invalid',
  },
  RATE_LIMITED: {
    meaning: 'The principal has had as much done for it as it may for now.',
    status: 429,
    retryable: true,
    result: 'denied',
  },
  UNAUTHENTICATED: { meaning: 'No token, or one we do not know.', status: 401, result: 'denied' },
  FORBIDDEN: { meaning: 'The principal may not send this request.', status: 403, result: 'denied' },
  INVALID_ARGUMENT: {
    meaning: 'An argument has a value that means nothing.',
    status: 400,
    isGraphQLAnswer: true,
    result: 'invalid',
  },
  INVALID_TIME_RANGE: {
    meaning: 'The time range is empty, inverted or absurd.',
    status: 400,
    isGraphQLAnswer: true,
    result: 'invalid',
  },
  UNKNOWN_TIME_ZONE: {
    meaning: 'The time zone is not in the IANA database.',
    status: 400,
    isGraphQLAnswer: true,
    result: 'invalid',
  },
  INVALID_CURSOR: {
    meaning: 'The cursor was not written by this gateway.',
    status: 400,
    isGraphQLAnswer: true,
    result: 'invalid',
  },
  CURSOR_MISMATCH: {
    meaning: 'The cursor belongs to another filter or order.',
    status: 400,
    isGraphQLAnswer: true,
    result: 'invalid',
  },
  PAGE_TOO_LARGE: {
    meaning: 'first or last is above the ceiling of this principal.',
    status: 400,
    isGraphQLAnswer: true,
    result: 'denied',
  },
  NOT_ACCEPTABLE: {
    meaning: 'The query cannot be answered in the format that is accepted.',
    status: 406,
    result: 'invalid',
  },
  INVALID_TOKEN: {
    meaning: 'X-Read-After is not a token of this cluster.',
    status: 400,
    result: 'invalid',
  },
  POSITION_FOREIGN: {
    meaning: 'The token or cursor is of another database cluster.',
    status: 400,
    result: 'invalid',
  },
  POSITION_LOST: {
    meaning: 'What the token or cursor has seen was lost with an old primary, or may have been.',
    status: 410,
    result: 'error',
  },
  POSITION_ON_LATER_TIMELINE: {
    meaning: 'The token or cursor is of after a promotion that no standby has followed yet.',
    status: 503,
    retryable: true,
    result: 'error',
  },
  POSITION_IN_FUTURE: {
    meaning: 'The token or cursor is of WAL that the primary does not have.',
    status: 400,
    result: 'invalid',
  },
  REPLICA_TOO_STALE: {
    meaning: 'No standby is as fresh as the request demands.',
    status: 503,
    retryable: true,
    result: 'error',
  },
  NO_REPLICA_AVAILABLE: {
    meaning: 'No standby can answer now.',
    status: 503,
    retryable: true,
    result: 'error',
  },
  OVERLOADED: {
    meaning: 'The standby, or our pool of connections to it, is busy.',
    status: 503,
    retryable: true,
    result: 'error',
  },
  REPLICA_CONFLICT: {
    meaning: 'The standby cancelled the query to keep replaying WAL.',
    status: 503,
    retryable: true,
    result: 'error',
  },
  REPLICA_LOST: {
    meaning: 'The standby went away while it was answering.',
    status: 503,
    retryable: true,
    result: 'error',
  },
  UNREADABLE_VALUE: {
    meaning: 'A stored value that no API type can show, such as an infinite time.',
    status: 500,
    isGraphQLAnswer: true,
    // One bad row in an answer that is otherwise there must not ring an alarm for as long as the row exists.
    result: 'ok',
  },
  QUERY_TIMEOUT: {
    meaning: 'The statement took longer than allowed.',
    status: 504,
    retryable: true,
    result: 'error',
  },
  REQUEST_CANCELLED: {
    meaning: 'The client went away, or the gateway is shutting down.',
    status: 503,
    retryable: true,
    result: 'cancelled',
  },
  INTERNAL: {
    meaning: 'A defect of ours. The message carries a reference to quote.',
    status: 500,
    result: 'error',
  },
} as const satisfies Record<string, ErrorTraits>;

export type ErrorCode = keyof typeof errorCodes;

export function errorTraits(code: ErrorCode): ErrorTraits {
  return errorCodes[code];
}

/** The worst of several errors names the result. */
export function resultOf(codes: Iterable<ErrorCode>): RequestResult {
  let worst = 0;
  for (const code of codes) worst = Math.max(worst, requestResults.indexOf(errorTraits(code).result));
  return requestResults[worst]!;
}

/** A failure we understand and will explain to the caller. */
export abstract class GatewayError extends Error {
  /** Listed in docs/errors.md. Clients switch on it, so its meaning never changes. */
  abstract readonly code: ErrorCode;
  /** Further machine-readable facts, shown in `extensions`. Never numbers of callers, never secrets. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;

  override get name(): string {
    return this.constructor.name;
  }

  /** True when the same request may well succeed a moment later. */
  get retryable(): boolean {
    return errorTraits(this.code).retryable ?? false;
  }

  /** The HTTP status of an answer that is nothing but this failure. */
  get status(): number {
    return errorTraits(this.code).status;
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
  constructor(problem = 'This cursor is not one of ours, or was cut or changed.') {
    super(`${problem} Ask again without "after" and "before".`);
  }
}

/** The cursor was written for another filter or order, so it points nowhere in this list. */
export class CursorMismatchError extends GatewayError {
  override readonly code = 'CURSOR_MISMATCH';
  constructor(what: 'filter' | 'order' | 'principal') {
    super(
      what === 'principal'
        ? 'This cursor was made for somebody else. Start again without a cursor.'
        : `This cursor was made with another ${what}. Keep "${what === 'order' ? 'orderBy' : 'filter'}" the same while paging, or start again without a cursor.`,
    );
  }
}

/** `first` or `last` is above the principal's ceiling. */
export class PageTooLargeError extends GatewayError {
  override readonly code = 'PAGE_TOO_LARGE';
  /** `reason`: what the ceiling is of, where it is not that of the principal. */
  constructor(wanted: number, ceiling: number, reason = '') {
    super(
      `${wanted} calls were asked for; at most ${ceiling} may be asked for at once${reason}. Page with "after".`,
    );
    this.details = { ceiling };
  }
  override readonly details: Readonly<Record<string, number>>;
}

/** The query cannot be answered as CSV or NDJSON, or the media type is unknown. */
export class NotAcceptableError extends GatewayError {
  override readonly code = 'NOT_ACCEPTABLE';
}

/** No token where one is needed, or one that no principal has. */
export class UnauthenticatedError extends GatewayError {
  override readonly code = 'UNAUTHENTICATED';
  constructor(message = 'Send "Authorization: Bearer <token>" with a token this gateway knows.') {
    super(message);
  }
}

/** The principal is known and may not ask this. */
export class ForbiddenError extends GatewayError {
  override readonly code = 'FORBIDDEN';
}

/** The document is deeper, longer or more expensive than the principal may send. */
export class QueryTooLargeError extends GatewayError {
  override readonly code = 'QUERY_TOO_LARGE';
}

/** No trusted document has this hash. */
export class PersistedQueryNotFoundError extends GatewayError {
  override readonly code = 'PERSISTED_QUERY_NOT_FOUND';
  constructor() {
    // The words that clients of persisted queries look for, to send the text instead.
    super('PersistedQueryNotFound');
  }
}

/** The principal has had as much done for it as it may for now. */
export class RateLimitedError extends GatewayError {
  override readonly code = 'RATE_LIMITED';
  override readonly details: Readonly<Record<string, string | number>>;
  /** `limit`: what there was too much of, as docs/errors.md lists them. */
  constructor(limit: string, retryAfterSeconds: number) {
    super(`Too much at once, or in this minute (${limit}). Ask again in ${retryAfterSeconds} s.`);
    this.details = { limit, retryAfterSeconds };
  }
}

/** The HTTP request itself is malformed: a header that is not a number, a body that is not an object. */
export class BadRequestError extends GatewayError {
  override readonly code = 'BAD_REQUEST';
}

/** `X-Read-After` (or the token inside a cursor) is garbage, or of another cluster. */
export class InvalidTokenError extends GatewayError {
  override readonly code = 'INVALID_TOKEN';
  constructor(
    message = 'The token in X-Read-After was not written by this gateway. Use extensions.replica.token of an earlier answer.',
  ) {
    super(message);
  }
}

/** A position that is not reached, carried by a token or by a cursor. */
interface Carried {
  readonly isOfCursor?: true;
}

const carrierOf = ({ isOfCursor }: Carried): 'cursor' | 'token' => (isOfCursor ? 'cursor' : 'token');

/** The position is of another cluster than the standbys here: it means nothing to them. */
export class PositionForeignError extends GatewayError {
  override readonly code = 'POSITION_FOREIGN';
  constructor(position: Carried) {
    super(`This ${carrierOf(position)} is of another database cluster. Ask again without it.`);
  }
}

/**
 * The position lies beyond the place where its timeline was left: what was written there is gone for good. Or nobody knows
 * where that place is.
 */
export class PositionLostError extends GatewayError {
  override readonly code = 'POSITION_LOST';
  readonly position: Carried;
  constructor(position: Carried, { isProven = true } = {}) {
    super(
      isProven
        ? `What this ${carrierOf(position)} has seen was lost with an old primary: calls that were read then may not be in the ` +
            'database any more. Ask again without it, and read again what depends on it.'
        : `This ${carrierOf(position)} is of before a promotion, and whether all that it has seen came over is not known here. ` +
            'Ask again without it, and read again what depends on it.',
    );
    this.position = position;
  }
}

/** The position is of a timeline that no server known here is on. */
export class PositionOnLaterTimelineError extends GatewayError {
  override readonly code = 'POSITION_ON_LATER_TIMELINE';
  constructor(position: Carried) {
    super(
      `This ${carrierOf(position)} is of after a promotion that no standby has followed yet. Try again in a moment, or ask ` +
        'without it.',
    );
  }
}

/** The position lies beyond the end of the WAL of the primary itself. */
export class PositionInFutureError extends GatewayError {
  override readonly code = 'POSITION_IN_FUTURE';
  constructor(position: Carried) {
    super(
      `This ${carrierOf(position)} is of WAL that the primary does not have: it was restored, or has lost what it had not ` +
        'flushed. Ask again without it.',
    );
  }
}

/** Every standby is older than the request allows. Never answered from the switch instead. */
export class ReplicaTooStaleError extends GatewayError {
  override readonly code = 'REPLICA_TOO_STALE';
  override readonly details: Readonly<Record<string, number | null>>;
  /** Both in seconds; null when not known. */
  constructor({
    stalenessSeconds,
    etaSeconds,
    reason,
  }: { stalenessSeconds: number | null; etaSeconds: number | null; reason?: string | undefined }) {
    const age = stalenessSeconds === null ? 'of unknown age' : `${stalenessSeconds.toFixed(1)} s old`;
    const usual = `The freshest standby is ${age}, older than this request allows. Try again later, or allow more.`;
    super(reason ?? usual);
    this.details = { stalenessSeconds, etaSeconds };
  }
}

/** Every standby is down, starting, or not a standby any more. */
export class NoReplicaAvailableError extends GatewayError {
  override readonly code = 'NO_REPLICA_AVAILABLE';
  constructor(reasons: readonly string[]) {
    super(
      `No standby can answer now${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}. replicationStatus tells more.`,
    );
  }
}

/** The standby failed, not the request: another standby, or the same one later, may well answer it. */
export abstract class ReplicaFailureError extends GatewayError {}

/** A statement does not fit the table any more. Answered after the catalogue was read again, if what it needs is there. */
export class TableChangedError extends ReplicaFailureError {
  override readonly code = 'NO_REPLICA_AVAILABLE';
  constructor(cause: unknown) {
    super(
      'The table of calls has been changed, and lacks what this query needs; queries that do not need it go on.',
    );
    this.cause = cause;
  }
}

/** The standby cancelled our query to keep replaying WAL (SQLSTATE 40001, 40P01). */
export class ReplicaConflictError extends ReplicaFailureError {
  override readonly code = 'REPLICA_CONFLICT';
  constructor() {
    super('The standby cancelled this query to keep replaying WAL. Ask again.');
  }
}

/** The standby has replayed a lock on what our query reads, such as that of an ALTER TABLE (SQLSTATE 55P03). */
export class ReplicaLockedError extends ReplicaFailureError {
  override readonly code = 'REPLICA_CONFLICT';
  /** The wait was ended because another standby can answer, not because it had lasted as long as is allowed. */
  readonly isEarly: boolean;
  constructor({ isEarly = false } = {}) {
    super('The standby has replayed a lock on the table that this query reads. Ask again.');
    this.isEarly = isEarly;
  }
}

/** The standby went away while it was answering: stopped, crashed, cut off (57P0x, 08xxx, a closed socket). */
export class ReplicaLostError extends ReplicaFailureError {
  override readonly code = 'REPLICA_LOST';
  constructor() {
    super('The standby went away while it was answering. Ask again.');
  }
}

/** The statement ran into statement_timeout (57014). */
export class QueryTimeoutError extends GatewayError {
  override readonly code = 'QUERY_TIMEOUT';
  constructor() {
    super('The query took longer than allowed. Narrow the time range or the filter, or ask for fewer calls.');
  }
}

/** The client went away, or the gateway is shutting down. */
export class RequestCancelledError extends GatewayError {
  override readonly code = 'REQUEST_CANCELLED';
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

/** The standby has no connection, memory or disk left for a statement (53xxx). */
export class ReplicaFullError extends ReplicaFailureError {
  override readonly code = 'OVERLOADED';
  constructor() {
    super('The standby has no room left for this query. Ask again in a moment.');
  }
}

/** Every connection to the standby that the principal may have is busy, and none became free in time. */
export class OverloadedError extends GatewayError {
  override readonly code = 'OVERLOADED';
  constructor() {
    super('Every connection to the standby that you may have is busy. Ask again in a moment.');
  }
}

/** What arrives cannot be told now: no standby has answered since the start, or the table lacks what it takes. */
export class FeedUnavailableError extends GatewayError {
  override readonly code = 'NO_REPLICA_AVAILABLE';
  constructor(reason: string) {
    super(`There are no subscriptions to calls now: ${reason} replicationStatus.feed tells more.`);
  }
}

/** The principal has as many of them open as it may have at once. */
export class TooManyOpenError extends GatewayError {
  override readonly code = 'OVERLOADED';
  override readonly details: Readonly<Record<string, number>>;
  constructor(what: 'subscriptions' | 'WebSockets', ceiling: number) {
    super(`At most ${ceiling} ${what} may be open at once. End one first.`);
    this.details = { ceiling };
  }
}
