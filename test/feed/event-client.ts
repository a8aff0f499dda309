import { setTimeout as delay } from 'node:timers/promises';
import type { Handler } from '../../src/http/routes.ts';
import { ADMIN_TOKEN } from '../support/gateway.ts';

/** One event of a subscription. */
export interface ReceivedEvent {
  readonly event: string;
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape of the answer to its own subscription
  readonly data: any;
  /** The same as it came. */
  readonly text: string;
  /** In milliseconds of the process. */
  readonly at: number;
}

export interface SubscribeOptions {
  readonly token?: string;
  readonly variables?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client of one subscription, which takes what it is sent as it comes. */
export class EventClient implements AsyncDisposable {
  readonly events: ReceivedEvent[] = [];
  hasEnded = false;
  readonly #leaving: AbortController;

  constructor(response: Response, leaving: AbortController) {
    this.#leaving = leaving;
    void this.#read(response).catch(() => {
      this.hasEnded = true;
    });
  }

  /** Messages of the field `cdrs`. */
  get messages() {
    return this.events.filter(({ data }) => data?.data?.cdrs).map(({ data }) => data.data.cdrs);
  }

  /** Of the calls told so far, in the order of being told. */
  get ids(): readonly string[] {
    return this.messages.flatMap(({ inserted }) => inserted ?? []).map(({ id }) => id);
  }

  get lastId(): string | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id;
  }

  async until(isSo: (client: this) => boolean, seconds = 10): Promise<this> {
    const deadline = performance.now() + seconds * 1000;
    while (!isSo(this)) {
      if (performance.now() > deadline) {
        throw new Error(`It did not come to be in ${seconds} s: ${JSON.stringify(this.events.slice(-3))}`);
      }
      await delay(5);
    }
    return this;
  }

  leave(): void {
    this.#leaving.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.leave();
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) this.#note(block);
    }
    this.hasEnded = true;
  }

  #note(block: string): void {
    const fields = new Map(block.split('\n').map((line) => line.split(/: ?(.*)/s) as [string, string]));
    const event = fields.get('event');
    if (event === undefined) return;
    const text = fields.get('data') ?? '';
    this.events.push({
      event,
      id: fields.get('id'),
      data: text ? JSON.parse(text) : undefined,
      text,
      at: performance.now(),
    });
  }
}

/** The response to a subscription, by the handler of a gateway. */
export async function requestEvents(
  fetch: Handler,
  query: string,
  { token = ADMIN_TOKEN, variables, headers }: SubscribeOptions = {},
  signal?: AbortSignal,
): Promise<Response> {
  const request = new Request('http://gateway/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${token}`,
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
    ...(signal && { signal }),
  });
  return fetch(request);
}

/** Begins a subscription. */
export async function subscribe(
  fetch: Handler,
  query: string,
  options: SubscribeOptions = {},
): Promise<EventClient> {
  const leaving = new AbortController();
  return new EventClient(await requestEvents(fetch, query, options, leaving.signal), leaving);
}
