/** What the page can do about a failed question: each has its own words and its own look. */
export type TroubleKind = 'down' | 'slow' | 'stale' | 'signedOut' | 'refused';

/** A question that got no answer. `code` is the gateway's (docs/errors.md there), or one of our server's. */
export class AskError extends Error {
  readonly code: string;
  /** The same question may well succeed a moment later. */
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, { code, retryable, ...details }: Record<string, unknown>) {
    super(message);
    this.code = typeof code === 'string' ? code : 'UNKNOWN';
    this.retryable = retryable === true;
    this.details = details;
  }
}

const kinds: Readonly<Record<string, TroubleKind>> = {
  GATEWAY_UNREACHABLE: 'down',
  SERVER_UNREACHABLE: 'down',
  NO_REPLICA_AVAILABLE: 'down',
  REPLICA_LOST: 'down',
  GATEWAY_TIMEOUT: 'slow',
  QUERY_TIMEOUT: 'slow',
  OVERLOADED: 'slow',
  REPLICA_CONFLICT: 'slow',
  REPLICA_TOO_STALE: 'stale',
  UNAUTHENTICATED: 'signedOut',
};

export function troubleKind(error: unknown): TroubleKind {
  return (error instanceof AskError && kinds[error.code]) || 'refused';
}

/** Whether it ends by itself, so that the same is to be asked again when the standbys are well. */
export function isPassing(error: unknown): boolean {
  return ['down', 'stale', 'signedOut'].includes(troubleKind(error));
}
