import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type CompressionMode, EncodingPolicy } from './encoding/encoding-policy.ts';
import { errorResponse, HttpError } from './errors.ts';
import { refuseMalformed } from './malformed.ts';
import {
  cutWhenStalled,
  emptyHead,
  type Received,
  type RequestHead,
  readHead,
  sendResponse,
  toWebRequest,
} from './node-http.ts';
import { type BodyLimits, BodyMemory, hasBody, isNearlyRead, readBody } from './request-body.ts';
import type { Handler } from './routes.ts';

export interface ServerOptions {
  /** How long running requests may finish after close(); then they are cut. */
  readonly drainTimeoutSeconds: number;
  /** Whether answers are compressed; `auto`. */
  readonly compression?: CompressionMode;
  /** Called with the errors that the handler let through. */
  onError(error: unknown): void;
  /** Looks at a request that has a body before that is read. Without this every body is wanted. */
  receive?(head: RequestHead): Received | Promise<Received>;
  /** Without it nobody is given another protocol: whoever asks for one is answered by HTTP. */
  readonly upgrades?: Upgrades | undefined;
  /** Answers in the place of the handler what the server refuses; by default with the error alone. */
  refuse?(request: Request, error: HttpError): Response | Promise<Response>;
  /** Longest request body; 1 MiB. */
  readonly maxBodyBytes?: number;
  /** What long bodies may take together while they arrive; 64 MiB. */
  readonly maxBodyMemoryBytes?: number;
  /** Other waits than those of `timeouts`, in milliseconds. */
  readonly timeouts?: Partial<typeof timeouts>;
  /** A client that takes nothing of a waiting answer for so long is cut; 120. */
  readonly stalledSeconds?: number;
  /** The class of requests. Yoga's own (`yoga.fetchAPI.Request`) is some ten times faster than Node's. */
  readonly Request?: typeof globalThis.Request;
}

/** Takes connections over for another protocol. */
export interface Upgrades {
  /** Whether the request is one for it. Any other is answered as if it had asked for nothing. */
  isFor(incoming: IncomingMessage): boolean;
  /** The connection is its own from here on; `head` has come behind the request. */
  take(incoming: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface GatewayServer {
  /** Resolves with the port, which matters when `port` is 0. Throws ListenError. */
  listen(address: { readonly host: string; readonly port: number }): Promise<number>;
  /** True from close() on: readiness must say so, that no new requests are sent here. */
  readonly isDraining: boolean;
  /**
   * Accepts nothing more, closes idle connections, and lets running requests finish. Resolves when all is closed,
   * with the number of requests that took too long and were cut.
   */
  close(): Promise<{ readonly cut: number }>;
}

/** One sentence for the terminal. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** A megabyte is a hundred times the longest query of our consumers. */
const MAX_BODY_BYTES = 1024 * 1024;

/** As long as sixty-four of the longest bodies. */
const MAX_BODY_MEMORY_BYTES = 64 * MAX_BODY_BYTES;

const timeouts = {
  /** A request's headers, and then all of it, must be here by then; how long the answer takes is no matter. */
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  /** How often that is looked at. */
  connectionsCheckingInterval: 5_000,
  /** Longer than nginx keeps an idle connection (60 s), so that it never writes into one that we just closed. */
  keepAliveTimeout: 75_000,
  /** Notices clients whose connection broke without a FIN, such as laptops put to sleep. */
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
};

/** An HTTP server around a handler. A client that leaves aborts its request's signal, before the answer or during it. */
export function createGatewayServer(handler: Handler, options: ServerOptions): GatewayServer {
  const { drainTimeoutSeconds, onError, stalledSeconds = 120, compression = 'auto', upgrades } = options;
  const encodings = new EncodingPolicy(compression);
  const answer = createAnswer(handler, options);
  /** Those on which an answer is due or under way: nothing else may be written there. */
  const answering = new WeakSet<Duplex>();
  /** Those that HTTP has left, which the server still waits for when it closes. */
  const upgraded = new Set<Duplex>();
  let running = 0;
  let closing: Promise<{ cut: number }> | undefined;

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const leaving = new AbortController();
    const { socket } = incoming;
    running += 1;
    answering.add(socket);
    outgoing.once('close', () => {
      running -= 1;
      answering.delete(socket);
      if (!outgoing.writableFinished) leaving.abort();
      // Node counts a connection as idle a moment after its answer has gone.
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    cutWhenStalled(outgoing, stalledSeconds * 1000);
    const response = await answer(incoming, outgoing, leaving.signal);
    if (!response) return;
    if (closing || !isNearlyRead(incoming)) response.headers.set('connection', 'close');
    await sendResponse(response, outgoing, encodings.choose(incoming, response.headers));
  };

  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    try {
      await serve(incoming, outgoing);
    } catch (error) {
      if (!outgoing.destroyed) onError(error);
      outgoing.destroy();
    }
  };
  // Asked before Node gives up HTTP on the connection: a client that offers h2c, as Java's does, is answered as ever.
  const shouldUpgradeCallback = (incoming: IncomingMessage) => upgrades?.isFor(incoming) ?? false;
  const server = createServer({ ...timeouts, ...options.timeouts, shouldUpgradeCallback }, respond)
    // Otherwise Node itself tells such a client to send its body, before anybody has looked at the head.
    .on('checkContinue', respond)
    .on('clientError', (error, socket) => {
      if (answering.has(socket)) socket.destroy();
      else refuseMalformed(error, socket);
    })
    .on('upgrade', (incoming, socket, head) => {
      upgraded.add(socket);
      socket.once('close', () => upgraded.delete(socket));
      upgrades!.take(incoming, socket, head);
    });

  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    let cut = 0;
    const timer = setTimeout(() => {
      cut = running + upgraded.size;
      server.closeAllConnections();
      for (const socket of upgraded) socket.destroy();
    }, drainTimeoutSeconds * 1000);
    await closed;
    clearTimeout(timer);
    return { cut };
  };

  return {
    get isDraining() {
      return closing !== undefined;
    },
    async listen({ host, port }) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once('error', reject).listen({ host, port }, resolve);
      try {
        await promise;
      } catch (error) {
        throw new ListenError(explainListen(error as NodeJS.ErrnoException, host, port));
      }
      server.off('error', reject);
      return (server.address() as AddressInfo).port;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** What to answer a request; undefined when its client has left. */
function createAnswer(handler: Handler, options: ServerOptions) {
  const { onError, Request = globalThis.Request } = options;
  const refuse = options.refuse ?? ((_request, error) => errorResponse(error));
  const receive = options.receive ?? ((): Received => ({ wantsBody: true }));
  const limits = limitsOf(options);

  return async (incoming: IncomingMessage, outgoing: ServerResponse, signal: AbortSignal) => {
    let head = emptyHead(incoming);
    try {
      head = readHead(incoming);
      const { wantsBody, caller } = await receive(head);
      if (!hasBody(incoming)) {
        return await handler(toWebRequest(head, { body: undefined, signal, Request }), caller);
      }
      if (wantsBody && head.headers.expect !== undefined) outgoing.writeContinue();
      const body = wantsBody ? await readBody(incoming, limits) : undefined;
      return await handler(toWebRequest(head, { body, signal, Request }), caller);
    } catch (error) {
      if (error instanceof HttpError) {
        return await refuse(toWebRequest(head, { body: undefined, signal, Request }), error);
      }
      if (signal.aborted || incoming.destroyed || outgoing.destroyed) return undefined;
      onError(error);
      return errorResponse(new HttpError('Something went wrong.', 500, { code: 'INTERNAL' }));
    }
  };
}

function limitsOf({
  maxBodyBytes = MAX_BODY_BYTES,
  maxBodyMemoryBytes = MAX_BODY_MEMORY_BYTES,
}: ServerOptions): BodyLimits {
  return { maxBytes: maxBodyBytes, memory: new BodyMemory(maxBodyMemoryBytes) };
}

function explainListen({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} of ${host} is in use by another program. Stop it, or choose another port.`,
    EACCES: `Port ${port} needs the rights of root. Choose a port above 1023.`,
    EADDRNOTAVAIL: `This machine has no address ${host}.`,
    ENOTFOUND: `The host name ${host} is not known.`,
  };
  return reasons[code ?? ''] ?? `Cannot listen on port ${port} of ${host}: ${message}.`;
}
