import { type ErrorCode, errorTraits, GatewayError, RateLimitedError } from '../errors.ts';

/** A request that HTTP itself refuses: the path, the method, the type or size of the body. */
export class HttpError extends GatewayError {
  override readonly code: ErrorCode;
  readonly #status: number;
  readonly headers: Record<string, string>;
  constructor(
    message: string,
    status: number,
    { code = 'BAD_REQUEST', headers = {} }: { code?: ErrorCode; headers?: Record<string, string> } = {},
  ) {
    super(message);
    this.code = code;
    this.#status = status;
    this.headers = headers;
  }

  override get status(): number {
    return this.#status;
  }
}

/** What `extensions` of an error holds; `http` is for Yoga and never shown. */
export type ErrorExtensions = { code: ErrorCode; retryable: boolean; http?: HttpFacts } & Record<
  string,
  unknown
>;

export interface HttpFacts {
  status: number;
  headers?: Record<string, string>;
  /** True where GraphQL over HTTP wants 200 for clients that accept only application/json. */
  spec?: boolean;
}

/** The answer to a request that never reaches GraphQL: no such path, a body that is too large. */
export function errorResponse(error: GatewayError): Response {
  const { http, ...extensions } = extensionsOf(error);
  const { status, headers = {} } = http ?? { status: 200 };
  return Response.json({ errors: [{ message: error.message, extensions }] }, { status, headers });
}

/** What a client is told of the error, and what HTTP makes of it. */
export function extensionsOf(error: GatewayError): ErrorExtensions {
  const { code, retryable, status, details } = error;
  const extensions = { ...details, code, retryable };
  if (errorTraits(code).isGraphQLAnswer) return extensions;
  return {
    ...extensions,
    http: { status, spec: code === 'QUERY_TOO_LARGE' && status === 400, headers: headersOf(error) },
  };
}

function headersOf(error: GatewayError): Record<string, string> {
  if (error instanceof HttpError) return error.headers;
  if (error.status === 401) return { 'www-authenticate': 'Bearer' };
  if (error instanceof RateLimitedError) return { 'retry-after': String(error.details.retryAfterSeconds) };
  if (error.status === 503) return { 'retry-after': String(secondsToWait(error)) };
  return {};
}

function secondsToWait({ details }: GatewayError): number {
  const eta = typeof details?.etaSeconds === 'number' ? details.etaSeconds : 1;
  return Math.min(Math.max(Math.ceil(eta), 1), 60);
}
