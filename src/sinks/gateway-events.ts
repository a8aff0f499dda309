import type { FeedUpdate } from './changes.ts';

export interface GatewayEventsOptions {
  /** `/graphql` of a gateway. */
  readonly url: string;
  readonly token: string;
  readonly document: string;
  /** The position behind which it goes on; without it with what comes from now on. */
  readonly after: string | undefined;
  readonly signal: AbortSignal;
}

/** The gateway has refused, for a reason that it names. */
export class SubscriptionRefusedError extends Error {
  override readonly name = 'SubscriptionRefusedError';
  readonly code: string;
  /** Whether the same may well be granted a moment later. */
  readonly retryable: boolean;
  constructor({ message, extensions: { code = 'UNKNOWN', retryable = true } = {} }: ShownError) {
    super(`${code}: ${message}`);
    this.code = code;
    this.retryable = retryable;
  }
}

interface ShownError {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly retryable?: boolean };
}

interface Answer {
  readonly data?: { readonly cdrs: FeedUpdate } | null;
  readonly errors?: readonly ShownError[];
}

/** A message comes each second: whoever is silent for so long is away. */
const MAX_SILENCE_MILLIS = 15_000;
const EVENT_STREAM = 'text/event-stream';

/**
 * The messages of a subscription to `cdrs`, as fast as they are taken: the gateway waits for who is slow. Ends when the gateway
 * does; throws SubscriptionRefusedError, and what fetch throws.
 */
export async function* readGatewayEvents(
  options: GatewayEventsOptions,
): AsyncGenerator<FeedUpdate, void, undefined> {
  const leaving = new AbortController();
  const signal = AbortSignal.any([options.signal, leaving.signal]);
  const silence = () => leaving.abort(new Error('The gateway sends nothing.'));
  /** Rejects when it takes too long. */
  const within = async <Value>(promise: Promise<Value>): Promise<Value> => {
    const timer = setTimeout(silence, MAX_SILENCE_MILLIS);
    return promise.finally(() => clearTimeout(timer));
  };
  try {
    const response = await within(request(options, signal));
    if (!response.headers.get('content-type')?.startsWith(EVENT_STREAM)) {
      throw refusalOf(response.status, await within(response.text()));
    }
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = await within(reader.read());
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        const update = updateOf(block);
        if (update) yield update;
      }
    }
  } finally {
    leaving.abort();
  }
}

function request(
  { url, token, document, after }: GatewayEventsOptions,
  signal: AbortSignal,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: EVENT_STREAM,
      authorization: `Bearer ${token}`,
      ...(after !== undefined && { 'last-event-id': after }),
    },
    body: JSON.stringify({ query: document }),
    signal,
  });
}

/** Undefined for what is no message. */
function updateOf(block: string): FeedUpdate | undefined {
  const data = /^data: ?(.+)$/m.exec(block)?.[1];
  if (data === undefined || !/^event: ?next$/m.test(block)) return undefined;
  const { data: answer, errors } = JSON.parse(data) as Answer;
  if (!answer) throw new SubscriptionRefusedError(errors?.[0] ?? { message: 'without a reason' });
  return answer.cdrs;
}

function refusalOf(status: number, text: string): Error {
  try {
    const { errors } = JSON.parse(text) as Answer;
    if (errors?.[0]) return new SubscriptionRefusedError(errors[0]);
  } catch {
    // It is not the gateway that answers.
  }
  return new Error(`The gateway answers ${status}, and no events.`);
}
