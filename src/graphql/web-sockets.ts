import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Caller } from '../access/caller.ts';
import { Places } from '../access/places.ts';
import type { Principal } from '../access/principals.ts';
import { TooManyOpenError } from '../errors.ts';
import { refuseMalformed } from '../http/malformed.ts';
import { type RequestHead, readHead, toWebRequest } from '../http/node-http.ts';
import { requestIdOf } from '../http/request-id.ts';
import type { Handler } from '../http/routes.ts';
import type { Upgrades } from '../http/server.ts';
import { type Closing, GOING_AWAY, SocketConnection } from './socket-connection.ts';

interface Log {
  info(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface WebSocketsDeps {
  /** Answers each subscription, as the request that it could have been. */
  readonly handler: Handler;
  readonly Request: typeof Request;
  /** Who has sent such a head. */
  callerOf(head: RequestHead): Caller;
  /** Of one principal at once. */
  readonly maxPerPrincipal: number;
  readonly logger: Log;
  /** How long a connection may be open before it signs in; 10 seconds. */
  readonly initTimeoutMillis?: number;
}

const OUR_PATH = /^\/graphql(?:\?|$)/;
/** The protocol that graphql-ws and most clients speak. The older one, which calls itself graphql-ws, is not spoken. */
const SUBPROTOCOL = 'graphql-transport-ws';
const NOT_OUR_PROTOCOL: Closing = [4406, `Ask for the subprotocol ${SUBPROTOCOL}.`];
/** Of one message. A document is some kilobytes, and its variables are. */
const MAX_MESSAGE_BYTES = 128 * 1024;
const INIT_TIMEOUT_MILLIS = 10_000;

/** Subscriptions over WebSocket, at `/graphql`. */
export class WebSockets implements Upgrades {
  readonly #deps: WebSocketsDeps;
  readonly #connections = new Set<SocketConnection>();
  readonly #places: Places;
  readonly #server: WebSocketServer;
  #isClosed = false;

  constructor(deps: WebSocketsDeps) {
    this.#deps = deps;
    this.#places = new Places(deps.maxPerPrincipal);
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: MAX_MESSAGE_BYTES,
      // Each connection would have its own, of some hundred kilobytes; events over HTTP are compressed once for all.
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    this.#server.on('wsClientError', refuseMalformed);
  }

  /** Connections that are open. */
  get size(): number {
    return this.#connections.size;
  }

  isFor({ headers, url = '' }: IncomingMessage): boolean {
    return headers.upgrade?.toLowerCase() === 'websocket' && OUR_PATH.test(url);
  }

  take(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      const request = readHead(incoming);
      const { Request } = this.#deps;
      const requestId = requestIdOf(toWebRequest(request, { body: undefined, signal: NEVER, Request }));
      this.#server.handleUpgrade(incoming, socket, head, (opened) => this.#open(opened, request, requestId));
    } catch (error) {
      refuseMalformed(error as Error, socket);
    }
  }

  /** Ends all: their clients connect again, to another gateway. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections) connection.close(GOING_AWAY);
  }

  #open(socket: WebSocket, head: RequestHead, requestId: string): void {
    const { Request, handler, callerOf, logger, initTimeoutMillis = INIT_TIMEOUT_MILLIS } = this.#deps;
    const connection = new SocketConnection(socket, {
      handler,
      Request,
      headers: headersOf(head, requestId),
      callerBy: (authorization = head.headers.authorization) =>
        callerOf({ ...head, headers: { ...head.headers, authorization } }),
      takePlace: (principal) => this.#takePlace(principal),
      initTimeoutMillis,
      onError: (error) => logger.error({ err: error, requestId }, 'a WebSocket failed'),
    });
    const openedAt = performance.now();
    this.#connections.add(connection);
    socket.once('close', (code) => {
      this.#connections.delete(connection);
      const seconds = Math.round((performance.now() - openedAt) / 100) / 10;
      logger.info({ requestId, principal: connection.principal, code, seconds }, 'WebSocket ended');
    });
    if (this.#isClosed) connection.close(GOING_AWAY);
    else if (socket.protocol !== SUBPROTOCOL) connection.close(NOT_OUR_PROTOCOL);
  }

  #takePlace(principal: Principal): () => void {
    const leave = this.#places.take(principal);
    if (!leave) throw new TooManyOpenError('WebSockets', this.#deps.maxPerPrincipal);
    return leave;
  }
}

const NEVER = new AbortController().signal;

/** Of the request that a subscription is: it is told events, and by `upgrade` it is known not to be one of HTTP. */
function headersOf({ headers }: RequestHead, requestId: string): Record<string, string> {
  const { traceparent } = headers;
  return {
    'content-type': 'application/json',
    accept: 'text/event-stream',
    upgrade: 'websocket',
    'x-request-id': requestId,
    ...(typeof traceparent === 'string' && { traceparent }),
  };
}
