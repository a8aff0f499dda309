import { GatewayError, GatewayUnreachableError } from 'cdr-gateway-client';
import { readEvents } from '../asking/read-events.ts';
import type { CdrFilter } from '../generated/graphql.ts';
import type { Operation } from '../generated/operations.ts';

/** What every message of the feed says. */
interface AnyMessage {
  readonly cursor: string;
  readonly position: string;
}

export interface FollowOptions<Message extends AnyMessage> {
  readonly operation: Operation<
    { readonly cdrs: Message },
    { filter?: CdrFilter | null; after?: string | null }
  >;
  readonly filter: CdrFilter;
  readonly signal: AbortSignal;
  /** While it is not told, it is looked so often. */
  readonly pollMillis: number;
  /** Reads by a query what is there: as of the message where the feed begins, and without one where there is none. */
  look(begin?: Message): Promise<void>;
  onMessage(message: Message, sentAt: number): Promise<void> | void;
  /** What happened meanwhile is told no more. */
  onGap?(): void;
  /** The connection broke, or nobody is signed in; it is taken up again by itself. */
  onLost(error: unknown): void;
  /** It cannot be had now; `error`: nor does a look succeed. */
  onRefused(error: unknown): void;
}

/** While it is not told, it is asked for again so often. */
const REFUSED_MILLIS = 10_000;
const FIRST_WAIT_MILLIS = 250;
const MAX_WAIT_MILLIS = 2000;

/** Follows the feed of calls until the signal says so. What breaks off goes on behind the last message. */
export async function followFeed<Message extends AnyMessage>(options: FollowOptions<Message>): Promise<void> {
  const { signal, onLost } = options;
  const place: Place = { after: null, failures: 0 };
  while (!signal.aborted) {
    const error = await readFeed(options, place);
    if (signal.aborted) return;
    place.failures += 1;
    if (isLost(error)) {
      // Of a token that has ended our server has the next.
      if (!isTokenEnd(error) || place.failures > 1) onLost(error);
      await pause(waitMillis(place.failures), signal);
    } else if (place.after !== null && place.failures > 1 && !isRetryable(error)) {
      // It did not even begin: what came behind that message is told no more, such as after a promotion that has lost it.
      place.after = null;
      options.onGap?.();
    } else {
      await poll(options);
    }
  }
}

/** Behind which message it goes on, and how often in a row it has failed. */
interface Place {
  after: string | null;
  failures: number;
}

/** Reads the feed until it ends, and returns why it did. */
async function readFeed<Message extends AnyMessage>(
  { operation, filter, signal, look, onMessage }: FollowOptions<Message>,
  place: Place,
): Promise<unknown> {
  try {
    const variables = { filter, after: place.after };
    for await (const { data, sentAt } of readEvents(operation, variables, signal)) {
      const message = data.cdrs;
      // What was there before the first message is told by none. While it is read, the gateway waits.
      if (place.after === null) await look(message);
      if (signal.aborted) break;
      await onMessage(message, sentAt);
      // Not before: a message that could not be taken is told again.
      place.after = message.cursor;
      place.failures = 0;
    }
    return new GatewayUnreachableError('The connection was cut.');
  } catch (error) {
    return error;
  }
}

/** Looks again and again, for a while. */
async function poll<Message extends AnyMessage>({
  signal,
  pollMillis,
  look,
  onRefused,
}: FollowOptions<Message>): Promise<void> {
  const end = performance.now() + REFUSED_MILLIS;
  while (!signal.aborted && performance.now() < end) {
    try {
      await look();
      if (!signal.aborted) onRefused(null);
    } catch (error) {
      if (!signal.aborted) onRefused(error);
    }
    await pause(pollMillis, signal);
  }
}

const lostCodes = ['GATEWAY_UNREACHABLE', 'GATEWAY_TIMEOUT', 'UNAUTHENTICATED'];

/** Whether the same is to be taken up again soon: the connection broke, or it is not known for whom it is. */
function isLost(error: unknown): boolean {
  return !(error instanceof GatewayError) || lostCodes.includes(error.code);
}

function isRetryable(error: unknown): boolean {
  return error instanceof GatewayError && error.retryable;
}

/** It went on until then; who is signed out is told so before it begins. */
function isTokenEnd(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'UNAUTHENTICATED' && error.status === null;
}

function waitMillis(failures: number): number {
  const millis = Math.min(MAX_WAIT_MILLIS, FIRST_WAIT_MILLIS * 2 ** (failures - 1));
  // Pages that lost their gateway together do not come back together.
  return millis * (0.5 + Math.random() / 2);
}

/** Less, when the signal says so. */
function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, millis);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
