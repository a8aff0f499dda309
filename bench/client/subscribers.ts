import { connect, type Socket } from 'node:net';
import { quantile } from '../statistics.ts';

/** What the harness tells the process of the subscribers. */
export type SubscribersOrder =
  /** Makes so many more; `isStalled`: they read nothing. */
  | {
      readonly kind: 'connect';
      readonly port: number;
      readonly text: string;
      readonly count: number;
      readonly isStalled: boolean;
    }
  /** Forgets what was received so far. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'report' }
  /** Those that read nothing do. */
  | { readonly kind: 'resume' }
  | { readonly kind: 'disconnect' };

/** What was received since `begin`, by all of them. */
export interface SubscribersReport {
  readonly messages: number;
  /** From before the commit on the primary to a subscriber, in milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly bytes: number;
  /** Calls that each subscriber was told since it was made. */
  readonly calls: readonly number[];
  readonly closed: number;
}

const EVENT = Buffer.from('event: next');
/** When a call was written, in milliseconds since 1970, is its Call-ID. */
const CALL = Buffer.from('"callId":"');
const END = Buffer.from('\n\n');
const NOTHING = Buffer.alloc(0);
/** Connections that are made at once. */
const MAX_CONNECTING = 100;

interface Subscriber {
  readonly socket: Socket;
  /** When it is told is up to itself. */
  readonly isStalled: boolean;
  calls: number;
  /** Of an event that has not come whole. */
  rest: Buffer;
}

const subscribers: Subscriber[] = [];
let messages = 0;
let bytes = 0;
let closed = 0;
let delays: number[] = [];

const acts = {
  async connect({ count, ...place }: Extract<SubscribersOrder, { kind: 'connect' }>) {
    for (let made = 0; made < count; made += MAX_CONNECTING) {
      const size = Math.min(MAX_CONNECTING, count - made);
      await Promise.all(Array.from({ length: size }, () => subscribe(place)));
    }
  },
  begin() {
    messages = 0;
    bytes = 0;
    delays = [];
  },
  report(): SubscribersReport {
    return {
      messages,
      bytes,
      closed,
      p50: quantile(delays, 0.5),
      p95: quantile(delays, 0.95),
      p99: quantile(delays, 0.99),
      calls: subscribers.map(({ calls }) => calls),
    };
  },
  resume() {
    for (const { socket } of subscribers) socket.resume();
  },
  disconnect() {
    for (const { socket } of subscribers.splice(0)) socket.destroy();
  },
};

/** Resolves when the first message has come. */
function subscribe({ port, text, isStalled }: Omit<Extract<SubscribersOrder, { kind: 'connect' }>, 'count'>) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ port, host: '127.0.0.1' });
  const subscriber: Subscriber = { socket, isStalled, calls: 0, rest: NOTHING };
  let hasBegun = false;
  socket.on('error', reject);
  socket.on('close', () => closed++);
  socket.on('data', (chunk) => {
    note(subscriber, chunk);
    if (hasBegun || !chunk.includes(EVENT)) return;
    hasBegun = true;
    subscribers.push(subscriber);
    if (isStalled) socket.pause();
    resolve();
  });
  socket.write(text, 'latin1');
  return promise;
}

/** Events come whole or in parts, each in one piece of the body. */
function note(subscriber: Subscriber, chunk: Buffer): void {
  const now = Date.now();
  bytes += chunk.length;
  const received = subscriber.rest.length > 0 ? Buffer.concat([subscriber.rest, chunk]) : chunk;
  const end = received.lastIndexOf(END) + 1;
  subscriber.rest = received.subarray(end);
  const events = received.subarray(0, end);
  for (let at = events.indexOf(EVENT); at >= 0; at = events.indexOf(EVENT, at + 1)) messages++;
  for (let at = events.indexOf(CALL); at >= 0; at = events.indexOf(CALL, at + 1)) {
    subscriber.calls++;
    if (subscriber.isStalled) continue;
    const start = at + CALL.length;
    delays.push(now - Number(events.toString('latin1', start, events.indexOf(0x22, start))));
  }
}

process.on('message', async ({ id, order }: { id: number; order: SubscribersOrder }) => {
  try {
    process.send!({ id, result: await acts[order.kind](order as never) });
  } catch (error) {
    process.send!({ id, error: (error as Error).message });
  }
});
process.on('disconnect', () => process.exit());
