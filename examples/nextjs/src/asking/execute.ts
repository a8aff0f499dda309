import {
  type AnswerError,
  type Answer as AnyAnswer,
  GatewayClient,
  type GatewayError,
  keepAnswers,
  type ReplicaInfo,
  readAnswer as readAnyAnswer,
  readError,
  toError,
} from 'cdr-gateway-client';
import type { Operation } from '../generated/operations.ts';

/** What our operations call lists of calls and statistics. */
const lists = ['cdrs', 'cdrStats', 'before', 'after'] as const;

/** The lists and statistics of an operation are there, or it is an error: nothing could be shown without them. */
export type Told<Result> = {
  [Root in keyof Result]: Root extends (typeof lists)[number] ? NonNullable<Result[Root]> : Result[Root];
};

export type Answer<Result> = AnyAnswer<Told<Result>>;

/** How old an answer is, and from where; of what is told as it comes, nobody says from where. */
export interface Freshness extends Pick<AnyAnswer<unknown>, 'sentAt'> {
  readonly replica: (Omit<ReplicaInfo, 'token' | 'name'> & { readonly name?: string }) | null;
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  /** Refuse older answers, in seconds. */
  readonly maxStaleness?: number | null;
  /** A position of the gateway: nothing older than that. */
  readonly readAfter?: string | undefined;
}

let asker: string | undefined;

/** For whom the page is shown: when somebody else has signed in meanwhile, their answers do not get into it. */
export function askAs(userId: string): void {
  asker = encodeURIComponent(userId);
}

/** Our server, which knows the committed operations by the hash of their text. */
export const gateway = new GatewayClient({
  url: '/api/graphql',
  headers: (): Record<string, string> => (asker === undefined ? {} : { 'x-user': asker }),
  encode: ({ query, variables }) => ({ documentId: query, variables }),
  fetch: keepAnswers(),
});

/**
 * Throws GatewayError when there are no data, or no list of them. What is tried again is decided elsewhere. Sent by GET, so
 * that what has not changed since the same was sent before need not be read again.
 */
export async function ask<Result, Variables>(
  operation: Operation<Result, Variables>,
  variables: NoInfer<Variables>,
  { signal, maxStaleness, readAfter }: AskOptions = {},
): Promise<Answer<Result>> {
  const method = namesNumbers(variables) ? 'POST' : 'GET';
  const options = { signal, maxStalenessSeconds: maxStaleness, readAfter, maxAttempts: 1, method } as const;
  return told(await gateway.execute<Result, Variables>(operation, ...([variables, options] as const)));
}

/** Whether telephone numbers are in it: they are not to stand in URLs, which are written into logs. */
function namesNumbers(variables: unknown): boolean {
  return /"(?:cl[id](?:In)?|numbers)":/.test(JSON.stringify(variables));
}

/** The same operation, answered as a stream of lines. Throws GatewayError when it does not even begin. */
export async function askForLines<Variables>(
  operation: Operation<unknown, Variables>,
  variables: NoInfer<Variables>,
  { accept, signal, maxStaleness }: AskOptions & { readonly accept: 'application/x-ndjson' | 'text/csv' },
): Promise<Response & { readonly body: ReadableStream<Uint8Array> }> {
  const options = { accept, signal, maxStalenessSeconds: maxStaleness };
  const response = await gateway.request(operation, variables, options);
  if (!response.ok || !response.body) throw await readError(response);
  return response as Response & { readonly body: ReadableStream<Uint8Array> };
}

/** Exported for the page's first answer, which our server already asked for. */
export async function readAnswer<Result>(response: Response, sentAt: number): Promise<Answer<Result>> {
  return told(await readAnyAnswer<Result>(response, sentAt));
}

/** Why a part of an answer is not there. */
export function errorAt(answer: Answer<unknown> | undefined, root: string): GatewayError {
  return toError(answer?.errors.find(({ path }) => path?.[0] === root) ?? emptyPart);
}

const emptyPart: AnswerError = { message: 'This part of the answer is empty.' };

function told<Result>(answer: AnyAnswer<Result>): Answer<Result> {
  const isList = (root: string) => lists.some((list) => list === root) || /^slice\d+$/.test(root);
  const isTold = Object.entries(answer.data as object).every(
    ([root, value]) => value !== null || !isList(root),
  );
  if (!isTold) throw toError(answer.errors[0] ?? emptyPart);
  return answer as Answer<Result>;
}
