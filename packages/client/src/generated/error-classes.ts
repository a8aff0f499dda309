// Written by "npm run schema" from src/errors.ts.

import { GatewayError } from '../gateway-error.ts';

/** The document is not GraphQL. */
export class GraphqlParseFailedError extends GatewayError<'GRAPHQL_PARSE_FAILED'> {}

/** The document does not fit the schema. */
export class GraphqlValidationFailedError extends GatewayError<'GRAPHQL_VALIDATION_FAILED'> {}

/** The HTTP request itself is malformed. */
export class BadRequestError extends GatewayError<'BAD_REQUEST'> {}

/** The document is deeper, longer or more expensive than this principal may send. */
export class QueryTooLargeError extends GatewayError<'QUERY_TOO_LARGE'> {}

/** No trusted document has this hash. */
export class PersistedQueryNotFoundError extends GatewayError<'PERSISTED_QUERY_NOT_FOUND'> {}

/** The principal has had as much done for it as it may for now. */
export class RateLimitedError extends GatewayError<'RATE_LIMITED'> {}

/** No token, or one we do not know. */
export class UnauthenticatedError extends GatewayError<'UNAUTHENTICATED'> {}

/** The principal may not send this request. */
export class ForbiddenError extends GatewayError<'FORBIDDEN'> {}

/** An argument has a value that means nothing. */
export class InvalidArgumentError extends GatewayError<'INVALID_ARGUMENT'> {}

/** The time range is empty, inverted or absurd. */
export class InvalidTimeRangeError extends GatewayError<'INVALID_TIME_RANGE'> {}

/** The time zone is not in the IANA database. */
export class UnknownTimeZoneError extends GatewayError<'UNKNOWN_TIME_ZONE'> {}

/** The cursor was not written by this gateway. */
export class InvalidCursorError extends GatewayError<'INVALID_CURSOR'> {}

/** The cursor belongs to another filter or order. */
export class CursorMismatchError extends GatewayError<'CURSOR_MISMATCH'> {}

/** first or last is above the ceiling of this principal. */
export class PageTooLargeError extends GatewayError<'PAGE_TOO_LARGE'> {}

/** The query cannot be answered in the format that is accepted. */
export class NotAcceptableError extends GatewayError<'NOT_ACCEPTABLE'> {}

/** X-Read-After is not a token of this cluster. */
export class InvalidTokenError extends GatewayError<'INVALID_TOKEN'> {}

/** The token or cursor is of another database cluster. */
export class PositionForeignError extends GatewayError<'POSITION_FOREIGN'> {}

/** What the token or cursor has seen was lost with an old primary, or may have been. */
export class PositionLostError extends GatewayError<'POSITION_LOST'> {}

/** The token or cursor is of after a promotion that no standby has followed yet. */
export class PositionOnLaterTimelineError extends GatewayError<'POSITION_ON_LATER_TIMELINE'> {}

/** The token or cursor is of WAL that the primary does not have. */
export class PositionInFutureError extends GatewayError<'POSITION_IN_FUTURE'> {}

/** No standby is as fresh as the request demands. */
export class ReplicaTooStaleError extends GatewayError<'REPLICA_TOO_STALE'> {}

/** No standby can answer now. */
export class NoReplicaAvailableError extends GatewayError<'NO_REPLICA_AVAILABLE'> {}

/** The standby, or our pool of connections to it, is busy. */
export class OverloadedError extends GatewayError<'OVERLOADED'> {}

/** The standby cancelled the query to keep replaying WAL. */
export class ReplicaConflictError extends GatewayError<'REPLICA_CONFLICT'> {}

/** The standby went away while it was answering. */
export class ReplicaLostError extends GatewayError<'REPLICA_LOST'> {}

/** A stored value that no API type can show, such as an infinite time. */
export class UnreadableValueError extends GatewayError<'UNREADABLE_VALUE'> {}

/** The statement took longer than allowed. */
export class QueryTimeoutError extends GatewayError<'QUERY_TIMEOUT'> {}

/** The client went away, or the gateway is shutting down. */
export class RequestCancelledError extends GatewayError<'REQUEST_CANCELLED'> {}

/** A defect of ours. The message carries a reference to quote. */
export class InternalError extends GatewayError<'INTERNAL'> {}

/** The class of each code. */
export const errorClasses = {
  GRAPHQL_PARSE_FAILED: GraphqlParseFailedError,
  GRAPHQL_VALIDATION_FAILED: GraphqlValidationFailedError,
  BAD_REQUEST: BadRequestError,
  QUERY_TOO_LARGE: QueryTooLargeError,
  PERSISTED_QUERY_NOT_FOUND: PersistedQueryNotFoundError,
  RATE_LIMITED: RateLimitedError,
  UNAUTHENTICATED: UnauthenticatedError,
  FORBIDDEN: ForbiddenError,
  INVALID_ARGUMENT: InvalidArgumentError,
  INVALID_TIME_RANGE: InvalidTimeRangeError,
  UNKNOWN_TIME_ZONE: UnknownTimeZoneError,
  INVALID_CURSOR: InvalidCursorError,
  CURSOR_MISMATCH: CursorMismatchError,
  PAGE_TOO_LARGE: PageTooLargeError,
  NOT_ACCEPTABLE: NotAcceptableError,
  INVALID_TOKEN: InvalidTokenError,
  POSITION_FOREIGN: PositionForeignError,
  POSITION_LOST: PositionLostError,
  POSITION_ON_LATER_TIMELINE: PositionOnLaterTimelineError,
  POSITION_IN_FUTURE: PositionInFutureError,
  REPLICA_TOO_STALE: ReplicaTooStaleError,
  NO_REPLICA_AVAILABLE: NoReplicaAvailableError,
  OVERLOADED: OverloadedError,
  REPLICA_CONFLICT: ReplicaConflictError,
  REPLICA_LOST: ReplicaLostError,
  UNREADABLE_VALUE: UnreadableValueError,
  QUERY_TIMEOUT: QueryTimeoutError,
  REQUEST_CANCELLED: RequestCancelledError,
  INTERNAL: InternalError,
} as const;

/** The closed list of docs/errors.md. */
export type ErrorCode = keyof typeof errorClasses;
