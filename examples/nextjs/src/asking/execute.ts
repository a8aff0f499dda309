import type { Operation } from '../generated/operations.ts';
import { AskError } from './ask-error.ts';

/** Which standby answered, and how old its data was: the gateway says so with every answer. */
export interface ReplicaInfo {
  readonly name: string;
  /** RFC 3339; everything committed before is in the answer. */
  readonly asOf: string | null;
  /** Upper bound; null when unknown. */
  readonly stalenessSeconds: number | null;
}

export interface AnswerError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** What our operations call lists of calls and statistics. */
const lists = ['cdrs', 'cdrStats', 'before', 'after'] as const;

/** The lists and statistics of an operation are there, or it is an error: nothing could be shown without them. */
export type Told<Result> = {
  [Root in keyof Result]: Root extends (typeof lists)[number] ? NonNullable<Result[Root]> : Result[Root];
};

/** How old an answer is, and from where. */
export interface Freshness {
  readonly replica: ReplicaInfo | null;
  /** The browser's clock when it was asked for, so that the way there and back makes the age no smaller. */
  readonly sentAt: number;
}

export interface Answer<Result> extends Freshness {
  readonly data: Told<Result>;
  /** Not empty: the answer is there in part. */
  readonly errors: readonly AnswerError[];
  /** The browser's clock when the answer was here. */
  readonly receivedAt: number;
  /** False when a list broke off; then go on after `resumeAfter`. */
  readonly isComplete: boolean;
  readonly resumeAfter: string | null;
}

interface WireAnswer<Result> {
  readonly data?: Result | null;
  readonly errors?: readonly AnswerError[];
  readonly extensions?: {
    readonly replica?: ReplicaInfo;
    readonly complete?: boolean;
    readonly resumeAfter?: string;
  };
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Refuse older answers, in seconds. */
  readonly maxStaleness?: number | null;
}

/** Asks our server one of the committed operations. Throws AskError when there are no data, or no list of them. */
export async function ask<Result, Variables>(
  operation: Operation<Result, Variables>,
  variables: Variables,
  options: AskOptions = {},
): Promise<Answer<Result>> {
  const sentAt = Date.now();
  const response = await post(operation, variables, 'application/json', options);
  return readAnswer<Result>(response, sentAt);
}

/** The same operation, answered as a stream of lines. Throws AskError when it does not even begin. */
export async function askForLines<Variables>(
  operation: Operation<unknown, Variables>,
  variables: Variables,
  { accept, ...options }: AskOptions & { readonly accept: 'application/x-ndjson' | 'text/csv' },
): Promise<Response & { readonly body: ReadableStream<Uint8Array> }> {
  const response = await post(operation, variables, accept, options);
  if (!response.ok || !response.body) {
    await readAnswer(response, Date.now());
    throw new AskError('The server answered without lines.', { code: 'UNKNOWN' });
  }
  return response as Response & { readonly body: ReadableStream<Uint8Array> };
}

let asker: string | undefined;

/** For whom the page is shown: when somebody else has signed in meanwhile, their answers do not get into it. */
export function askAs(userName: string): void {
  asker = userName;
}

async function post(
  operation: string,
  variables: unknown,
  accept: string,
  { signal, maxStaleness }: AskOptions,
): Promise<Response> {
  try {
    return await fetch('/api/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept,
        ...(asker !== undefined && { 'x-user': asker }),
        ...(maxStaleness != null && { 'x-max-staleness': String(maxStaleness) }),
      },
      body: JSON.stringify({ documentId: operation, variables }),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new AskError('The server does not answer.', { code: 'SERVER_UNREACHABLE', retryable: true });
  }
}

/** Exported for the page's first answer, which our server already asked for. */
export async function readAnswer<Result>(response: Response, sentAt: number): Promise<Answer<Result>> {
  const wire = await readJson<Result>(response);
  const errors = wire.errors ?? [];
  const [first] = errors;
  if (!isTold(wire.data)) {
    throw new AskError(first?.message ?? 'The answer is empty.', {
      ...first?.extensions,
      status: response.status,
    });
  }
  return {
    data: wire.data,
    errors,
    replica: wire.extensions?.replica ?? null,
    sentAt,
    receivedAt: Date.now(),
    isComplete: wire.extensions?.complete !== false,
    resumeAfter: wire.extensions?.resumeAfter ?? null,
  };
}

/** Why a part of an answer is not there. */
export function errorAt(answer: Answer<unknown> | undefined, root: string): AskError {
  const error = answer?.errors.find(({ path }) => path?.[0] === root);
  return new AskError(error?.message ?? 'This part of the answer is empty.', { ...error?.extensions });
}

function isTold<Result>(data: Result | null | undefined): data is Result & Told<Result> {
  if (data == null) return false;
  const isList = (root: string) => lists.some((list) => list === root) || /^slice\d+$/.test(root);
  return Object.entries(data).every(([root, value]) => value !== null || !isList(root));
}

async function readJson<Result>(response: Response): Promise<WireAnswer<Result>> {
  try {
    return (await response.json()) as WireAnswer<Result>;
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    // Cut in the middle, or the page of a proxy in between.
    throw new AskError('The answer broke off.', { code: 'GATEWAY_UNREACHABLE', retryable: true });
  }
}
