import {
  type AnswerError,
  GatewayTimeoutError,
  GatewayUnreachableError,
  readError,
  toError,
} from 'cdr-gateway-client';
import type { Operation } from '../generated/operations.ts';
import { gateway } from './execute.ts';

/** A message of a subscription, and the latest time by the clock here at which it was not written yet. */
export interface Told<Result> {
  readonly data: Result;
  readonly sentAt: number;
}

interface Wire<Result> {
  readonly data?: Result | null;
  readonly errors?: readonly AnswerError[];
}

/** A message comes each second: whoever is silent for so long is away. */
const MAX_SILENCE_SECONDS = 15;
const EVENT_STREAM = 'text/event-stream';

/**
 * The messages of a subscription, as fast as they are taken: the gateway waits for who is slow. Ends where the response was
 * cut. Throws GatewayError where the gateway refuses or ends it, with the status of HTTP where it did not even begin.
 */
export async function* readEvents<Result, Variables>(
  operation: Operation<Result, Variables>,
  variables: NoInfer<Variables>,
  outer: AbortSignal,
): AsyncGenerator<Told<Result>, void, undefined> {
  const leaving = new AbortController();
  const signal = AbortSignal.any([outer, leaving.signal]);
  let sentAt = Date.now();
  try {
    const response = await gateway.request(operation, variables, {
      accept: EVENT_STREAM,
      signal,
      timeoutSeconds: MAX_SILENCE_SECONDS,
    });
    if (!response.headers.get('content-type')?.startsWith(EVENT_STREAM)) throw await readError(response);
    for await (const block of readBlocks(response.body!, leaving)) {
      const data = dataOf<Result>(block);
      if (data === undefined) continue;
      yield { data, sentAt };
      // The next one may have been on its way since this one came.
      sentAt = Date.now();
    }
  } finally {
    leaving.abort();
  }
}

/** The text of each event. Silence aborts `leaving`, and with it the response. */
async function* readBlocks(
  body: ReadableStream<Uint8Array>,
  leaving: AbortController,
): AsyncGenerator<string, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const silence = setTimeout(
      () => leaving.abort(new GatewayTimeoutError(MAX_SILENCE_SECONDS)),
      MAX_SILENCE_SECONDS * 1000,
    );
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    yield* blocks;
  }
}

/** Undefined for what is no message. */
function dataOf<Result>(block: string): Result | undefined {
  const json = /^data: ?(.+)$/m.exec(block)?.[1];
  if (json === undefined || !/^event: ?next$/m.test(block)) return undefined;
  const { data, errors } = JSON.parse(json) as Wire<Result>;
  if (data) return data;
  throw errors?.[0] ? toError(errors[0]) : new GatewayUnreachableError('A message of the gateway is empty.');
}
