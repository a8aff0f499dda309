import { once } from 'node:events';
import { createServer, request as requestHttp, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/** A request that went over the wire. */
export interface Exchange {
  readonly method: string;
  readonly operation: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly accept: string | undefined;
  readonly authorization: string | undefined;
  /** Of the document, where it was sent in place of the text. */
  readonly documentId: string | undefined;
  /** Of the answer, once it has begun. */
  status: number | undefined;
  bytes: number;
  /** How the answer ended: the gateway finished it, or who asked left before. */
  end: 'open' | 'whole' | 'left';
}

export interface Wire {
  readonly url: string;
  readonly exchanges: Exchange[];
  /** Seconds that every answer is held back, for operations whose name fits. */
  slowDown(operation: RegExp, seconds: number): void;
  /** At most so many bytes a second, for operations whose name fits. */
  throttle(operation: RegExp, bytesPerSecond: number): void;
  /** Ends every answer before it begins, for operations whose name fits. */
  cut(operation: RegExp): void;
  /** Cuts the next answer of an operation whose name fits, behind so many bytes. */
  cutOnce(operation: RegExp, afterBytes: number): void;
  /** As on the first day. */
  heal(): void;
  stop(): Promise<void>;
}

const SLICES_PER_SECOND = 20;

interface SentOperation {
  readonly operationName: string;
  readonly variables: Record<string, unknown>;
  readonly query?: string | undefined;
  readonly documentId?: string | undefined;
}

/** By POST it is the body, by GET it is in the URL. */
function operationOf(url: string, body: string): SentOperation {
  if (body !== '') return JSON.parse(body) as SentOperation;
  const { variables, ...rest } = Object.fromEntries(new URL(url, 'http://wire').searchParams);
  return { ...(rest as { operationName: string }), variables: JSON.parse(variables!) };
}

/** The cable between the app and the gateway: it can be slow, and sees who leaves. Bytes pass unchanged. */
export async function startWire(gatewayUrl: string): Promise<Wire> {
  const target = new URL(gatewayUrl);
  const exchanges: Exchange[] = [];
  let late = { operation: /(?!)/, seconds: 0 };
  let severed = /(?!)/;
  let short = { operation: /(?!)/, afterBytes: 0 };
  let thin = { operation: /(?!)/, bytesPerSecond: Number.POSITIVE_INFINITY };

  const server = createServer(async (incoming, outgoing) => {
    const body = await text(incoming);
    const { operationName, variables, query, documentId } = operationOf(incoming.url!, body);
    const { accept, authorization } = incoming.headers;
    const exchange: Exchange = {
      method: incoming.method!,
      operation: operationName,
      variables,
      accept,
      authorization,
      documentId: query === undefined ? documentId : undefined,
      status: undefined,
      bytes: 0,
      end: 'open',
    };
    exchanges.push(exchange);
    const leaving = new AbortController();
    outgoing.once('close', () => {
      if (exchange.end === 'open') exchange.end = 'left';
      leaving.abort();
    });
    try {
      if (severed.test(operationName)) throw new Error('cut');
      if (late.operation.test(operationName))
        await delay(late.seconds * 1000, undefined, { signal: leaving.signal });
      await passOn(body, outgoing, exchange, leaving.signal);
    } catch {
      outgoing.destroy();
    }
  });

  const passOn = async (body: string, outgoing: ServerResponse, exchange: Exchange, signal: AbortSignal) => {
    const { headers, method, url } = outgoing.req;
    const upstream = requestHttp(new URL(url!, target), {
      method: method!,
      headers: { ...headers, host: target.host },
      signal,
    });
    upstream.end(body);
    const [answer] = await once(upstream, 'response');
    exchange.status = answer.statusCode;
    outgoing.writeHead(answer.statusCode, answer.headers);
    const isShort = short.operation.test(exchange.operation);
    const { afterBytes } = short;
    if (isShort) short = { operation: /(?!)/, afterBytes: 0 };
    for await (const chunk of answer) {
      exchange.bytes += chunk.length;
      if (isShort && exchange.bytes > afterBytes) throw new Error('cut');
      if (thin.operation.test(exchange.operation)) await trickle(outgoing, chunk, signal);
      else if (!outgoing.write(chunk)) await once(outgoing, 'drain', { signal });
    }
    exchange.end = 'whole';
    outgoing.end();
  };

  const trickle = async (outgoing: ServerResponse, chunk: Buffer, signal: AbortSignal) => {
    const slice = Math.max(1, Math.floor(thin.bytesPerSecond / SLICES_PER_SECOND));
    for (let at = 0; at < chunk.length; at += slice) {
      outgoing.write(chunk.subarray(at, at + slice));
      await delay(1000 / SLICES_PER_SECOND, undefined, { signal });
    }
  };

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    exchanges,
    slowDown(operation, seconds) {
      late = { operation, seconds };
    },
    throttle(operation, bytesPerSecond) {
      thin = { operation, bytesPerSecond };
    },
    cut(operation) {
      severed = operation;
    },
    cutOnce(operation, afterBytes) {
      short = { operation, afterBytes };
    },
    heal() {
      severed = /(?!)/;
      late = { operation: /(?!)/, seconds: 0 };
      thin = { operation: /(?!)/, bytesPerSecond: Number.POSITIVE_INFINITY };
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
