import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorResponse, HttpError } from './errors.ts';
import { cutWhenStalled, readBody, sendResponse, toWebRequest } from './node-http.ts';
import type { Handler } from './routes.ts';

export interface ServerOptions {
  /** How long running requests may finish after close(); then they are cut. */
  readonly drainTimeoutSeconds: number;
  /** Told of what the handler should have answered and did not. */
  onError(error: unknown): void;
  /** Longest request body; 1 MiB. */
  readonly maxBodyBytes?: number;
  /** A client that takes nothing of a waiting answer for so long is cut; 120. */
  readonly stalledSeconds?: number;
  /** The class of requests. Yoga's own (`yoga.fetchAPI.Request`) is some ten times faster than Node's. */
  readonly Request?: typeof globalThis.Request;
}

export interface GatewayServer {
  /** Resolves with the port, which matters when 0 was asked for. Throws ListenError. */
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

const timeouts = {
  /** A request's headers, and then all of it, must be here by then; how long the answer takes is no matter. */
  headersTimeout: 15_000,
  requestTimeout: 30_000,
  /** Longer than nginx keeps an idle connection (60 s), so that it never writes into one that we just closed. */
  keepAliveTimeout: 75_000,
  /** Notices clients that vanished without a word, such as laptops put to sleep. */
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
};

/** An HTTP server around a handler. A client that leaves aborts its request's signal, before the answer or during it. */
export function createGatewayServer(handler: Handler, options: ServerOptions): GatewayServer {
  const { drainTimeoutSeconds, onError, maxBodyBytes = MAX_BODY_BYTES, stalledSeconds = 120 } = options;
  const { Request = globalThis.Request } = options;
  let running = 0;
  let closing: Promise<{ cut: number }> | undefined;

  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse, signal: AbortSignal) => {
    try {
      const body = await readBody(incoming, maxBodyBytes);
      return await handler(toWebRequest(incoming, { body, signal, Request }));
    } catch (error) {
      if (error instanceof HttpError) return errorResponse(error);
      if (signal.aborted || incoming.destroyed || outgoing.destroyed) return undefined;
      onError(error);
      return errorResponse(new HttpError('Something went wrong.', 500, { code: 'INTERNAL' }));
    }
  };

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const leaving = new AbortController();
    running += 1;
    outgoing.once('close', () => {
      running -= 1;
      if (!outgoing.writableFinished) leaving.abort();
      // Node counts a connection as idle a moment after its answer has gone.
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    cutWhenStalled(outgoing, stalledSeconds * 1000);
    const response = await answer(incoming, outgoing, leaving.signal);
    if (!response) return;
    if (closing) response.headers.set('connection', 'close');
    await sendResponse(response, outgoing);
  };

  const server = createServer(timeouts, async (incoming, outgoing) => {
    try {
      await serve(incoming, outgoing);
    } catch (error) {
      if (!outgoing.destroyed) onError(error);
      outgoing.destroy();
    }
  });

  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    let cut = 0;
    const timer = setTimeout(() => {
      cut = running;
      server.closeAllConnections();
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

function explainListen({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} of ${host} is in use by another program. Stop it, or choose another port.`,
    EACCES: `Port ${port} needs the rights of root. Choose a port above 1023.`,
    EADDRNOTAVAIL: `This machine has no address ${host}.`,
    ENOTFOUND: `The host name ${host} is not known.`,
  };
  return reasons[code ?? ''] ?? `Cannot listen on port ${port} of ${host}: ${message}.`;
}
