/** What is known of a failure beside its message. */
export interface ErrorFacts<Code extends string = string> {
  readonly code: Code;
  readonly retryable?: boolean;
  readonly status?: number | null;
  readonly retryAfterSeconds?: number | null;
  readonly requestId?: string | null;
  readonly path?: readonly (string | number)[] | null;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Everything that the client throws, but the reason of your own AbortSignal. There is a class for each code. */
export class GatewayError<Code extends string = string> extends Error {
  /** One of the gateway's docs/errors.md, or GATEWAY_UNREACHABLE or GATEWAY_TIMEOUT. Its meaning never changes. */
  readonly code: Code;
  /** The same request may well succeed a moment later. */
  readonly retryable: boolean;
  /** Of HTTP; null where there was no answer. */
  readonly status: number | null;
  /** How long to wait before the next attempt, where the gateway said so. */
  readonly retryAfterSeconds: number | null;
  /** Finds the request in the gateway's log. */
  readonly requestId: string | null;
  /** The field of the answer that has failed, where it was one field. */
  readonly path: readonly (string | number)[] | null;
  /** Further facts by the code, such as `ceiling` of PAGE_TOO_LARGE. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, facts: ErrorFacts<Code>) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.retryable = facts.retryable ?? false;
    this.status = facts.status ?? null;
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null;
    this.requestId = facts.requestId ?? null;
    this.path = facts.path ?? null;
    this.details = facts.details ?? {};
    // Not the name of the class, which a minifier shortens.
    this.name = `${facts.code.toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Error`;
  }
}

/** There is no answer, it broke off, or something in between that is not the gateway gave it. */
export class GatewayUnreachableError extends GatewayError<'GATEWAY_UNREACHABLE'> {
  constructor(message: string, facts: Omit<ErrorFacts, 'code'> = {}) {
    super(message, { retryable: true, ...facts, code: 'GATEWAY_UNREACHABLE' });
  }
}

/** Nothing was heard of the gateway for `timeoutSeconds`. */
export class GatewayTimeoutError extends GatewayError<'GATEWAY_TIMEOUT'> {
  constructor(seconds: number) {
    super(`The gateway was silent for ${seconds} s.`, { code: 'GATEWAY_TIMEOUT', retryable: true });
  }
}
