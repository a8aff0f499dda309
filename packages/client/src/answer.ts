import { type ErrorFacts, GatewayError, GatewayUnreachableError } from './gateway-error.ts';
import { type ErrorCode, errorClasses } from './generated/error-classes.ts';

/** Which standby answered, and how old its data was. */
export interface ReplicaInfo {
  readonly name: string;
  /** RFC 3339; everything committed before is in the answer. */
  readonly asOf: string | null;
  /** Upper bound; null when unknown. */
  readonly stalenessSeconds: number | null;
  /** As `readAfter` of a later request: its answer is then not older than this one. */
  readonly token: string;
}

/** Why a part of an answer is null, as the gateway says it. `toError` makes an error of its class of it. */
export interface AnswerError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: {
    readonly code?: ErrorCode | (string & {});
    readonly retryable?: boolean;
  } & Readonly<Record<string, unknown>>;
}

/** Plain data, so that it can be stored or handed to another process. */
export interface Answer<Result> {
  readonly data: Result;
  /** Not empty: parts of `data` are null, and this is why. An answer without any data is thrown instead. */
  readonly errors: readonly AnswerError[];
  /** Null where no standby was needed. */
  readonly replica: ReplicaInfo | null;
  /** False when a list broke off; then go on after `resumeAfter`. */
  readonly isComplete: boolean;
  readonly resumeAfter: string | null;
  readonly requestId: string | null;
  /** The clock here when it was sent: an age reckoned from then is never too small. */
  readonly sentAt: number;
  readonly receivedAt: number;
}

interface WireAnswer<Result> {
  readonly data?: Result | null;
  readonly errors?: readonly AnswerError[];
  readonly extensions?: {
    readonly replica?: ReplicaInfo;
    readonly complete?: boolean;
    readonly resumeAfter?: string | null;
  };
}

/** Reads the response of a gateway, or of a server that hands it on. Throws a GatewayError where it has no data. */
export async function readAnswer<Result>(
  response: Response,
  sentAt: number = Date.now(),
): Promise<Answer<Result>> {
  const { data, errors = [], extensions } = await readJson<Result>(response);
  if (data == null || (errors.length > 0 && Object.values(data).every((root) => root === null))) {
    throw errors[0] ? toError(errors[0], response) : strangeAnswer(response);
  }
  return {
    data,
    errors,
    replica: extensions?.replica ? asProven(extensions.replica, response.headers) : null,
    isComplete: extensions?.complete !== false,
    resumeAfter: extensions?.resumeAfter ?? null,
    requestId: response.headers.get('x-request-id'),
    sentAt,
    receivedAt: Date.now(),
  };
}

/**
 * How old an answer is that was read earlier and is given again, unchanged: its headers say until when that is known. The
 * header Date has whole seconds.
 */
function asProven(replica: ReplicaInfo, headers: Headers): ReplicaInfo {
  const asOf = headers.get('x-data-as-of');
  if (!headers.has('etag') || asOf === null || asOf === replica.asOf) return replica;
  const seconds = (Date.parse(headers.get('date') ?? '') - Date.parse(asOf)) / 1000 + 1;
  return { ...replica, asOf, stalenessSeconds: Number.isFinite(seconds) ? Math.max(0, seconds) : null };
}

/** Why a response has failed. */
export async function readError(response: Response): Promise<GatewayError> {
  try {
    await readAnswer(response);
    return strangeAnswer(response);
  } catch (error) {
    return error as GatewayError;
  }
}

/** The error of the class of its code; of a code that is newer than this client, a plain GatewayError. */
export function toError({ message, path, extensions = {} }: AnswerError, response?: Response): GatewayError {
  const { code = 'INTERNAL', retryable = false, ...details } = extensions;
  const wait = Number.parseInt(response?.headers.get('retry-after') ?? '', 10);
  // The class is that of the code, which the compiler cannot know.
  const Class: new (message: string, facts: ErrorFacts<never>) => GatewayError = Object.hasOwn(
    errorClasses,
    code,
  )
    ? errorClasses[code as ErrorCode]
    : GatewayError;
  return new Class(message, {
    code: code as never,
    retryable,
    path: path ?? null,
    details,
    status: response?.status ?? null,
    requestId: response?.headers.get('x-request-id') ?? null,
    retryAfterSeconds: Number.isNaN(wait) ? null : wait,
  });
}

async function readJson<Result>(response: Response): Promise<WireAnswer<Result>> {
  const text = await response.text();
  try {
    const wire: unknown = JSON.parse(text);
    if (typeof wire === 'object' && wire !== null) return wire;
  } catch {
    // Cut in the middle, or the page of a proxy in between.
  }
  throw strangeAnswer(response);
}

function strangeAnswer({ status, headers }: Response): GatewayUnreachableError {
  return new GatewayUnreachableError(`The answer is none of the gateway's, or broke off (HTTP ${status}).`, {
    status,
    retryable: status < 400 || status >= 500,
    requestId: headers.get('x-request-id'),
  });
}
