import type { WebSocket } from 'ws';
import type { Caller } from '../access/caller.ts';
import type { Principal } from '../access/principals.ts';
import { GatewayError, UnauthenticatedError } from '../errors.ts';
import { readableOf } from '../http/node-http.ts';
import type { Handler } from '../http/routes.ts';
import { type BlockOutlet, BlockStream } from '../streaming/body.ts';
import {
  type ClientMessage,
  errorMessage,
  messagesOfEvents,
  type OperationMessage,
  parseMessage,
} from './socket-messages.ts';

/** A code of the protocol, or of WebSockets, and words of at most 123 bytes. docs/live.md lists them. */
export type Closing = readonly [code: number, reason: string];

export const GOING_AWAY: Closing = [1001, 'The gateway is stopping.'];
const NO_MESSAGE: Closing = [4400, 'This is no message of graphql-transport-ws.'];
const NOT_YET: Closing = [4401, 'Send connection_init, and wait for connection_ack, before you subscribe.'];
const SIGN_IN_REFUSED = 4403;
const RIGHT_ENDED: Closing = [SIGN_IN_REFUSED, 'The token of this connection has expired, or was revoked.'];
const INIT_TOO_LATE: Closing = [4408, 'connection_init did not come in time.'];
const ID_IN_USE: Closing = [4409, 'A subscription with this id is open.'];
const INIT_AGAIN: Closing = [4429, 'connection_init has come before.'];
const FAILED: Closing = [1011, 'Something went wrong.'];
const TRY_AGAIN_LATER = 1013;

/** Subscriptions of one connection that may be on their way at once; messages behind them are not read before. */
const MAX_OPENING = 20;
/** Answers that may wait for a client before anything else of it is read. */
const MAX_WAITING_REPLY_BYTES = 64 * 1024;

export interface SocketConnectionOptions {
  /** Answers the request that is made of a subscription. */
  readonly handler: Handler;
  readonly Request: typeof Request;
  /** Of that request: its type, and what the one that opened the connection had to say. */
  readonly headers: Readonly<Record<string, string>>;
  /** By the token of `connection_init` where it has one; otherwise by the one of the request that opened the connection. */
  callerBy(authorization: string | undefined): Caller;
  /** Throws where the principal has too many connections. What is returned is to be called when this one has ended. */
  takePlace(principal: Principal): () => void;
  readonly initTimeoutMillis: number;
  onError(error: unknown): void;
}

interface SignedIn {
  readonly caller: Caller;
  readonly principal: Principal;
  leave(): void;
}

/** One client of graphql-transport-ws. Each subscription is a request like any other, whose events are told as messages. */
export class SocketConnection {
  readonly #socket: WebSocket;
  readonly #options: SocketConnectionOptions;
  readonly #operations = new Map<string, AbortController>();
  #hasInit = false;
  #signedIn: SignedIn | undefined;
  #opening = 0;
  #waitingReplyBytes = 0;

  constructor(socket: WebSocket, options: SocketConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    const timer = setTimeout(() => {
      if (!this.#hasInit) this.close(INIT_TOO_LATE);
    }, options.initTimeoutMillis);
    socket.on('message', (data, isBinary) => {
      const message = isBinary ? undefined : parseMessage(String(data));
      if (message) this.#follow(message);
      else this.close(NO_MESSAGE);
    });
    // What the client did wrong is in the code of the closing, which the library chooses.
    socket.on('error', () => {});
    socket.once('close', () => {
      clearTimeout(timer);
      this.#end();
    });
  }

  /** Name of the principal; undefined before it has signed in. */
  get principal(): string | undefined {
    return this.#signedIn?.principal.name;
  }

  /** Nothing is told behind this. */
  close([code, reason]: Closing): void {
    this.#socket.close(code, reason);
    this.#end();
  }

  #end(): void {
    this.#signedIn?.leave();
    for (const leaving of this.#operations.values()) leaving.abort();
    this.#operations.clear();
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #follow(message: ClientMessage): void {
    if (!this.#isOpen) return;
    switch (message.type) {
      case 'connection_init':
        this.#init(message.payload);
        break;
      case 'ping':
        this.#reply('{"type":"pong"}');
        break;
      case 'pong':
        break;
      case 'subscribe':
        this.#subscribe(message);
        break;
      case 'complete':
        this.#operations.get(message.id)?.abort();
        this.#operations.delete(message.id);
        break;
      default:
        message satisfies never;
    }
  }

  #init(payload: Readonly<Record<string, unknown>>): void {
    if (this.#hasInit) {
      this.close(INIT_AGAIN);
      return;
    }
    this.#hasInit = true;
    void this.#signIn(authorizationIn(payload));
  }

  async #signIn(authorization: string | undefined): Promise<void> {
    const { callerBy, takePlace, onError } = this.#options;
    try {
      const caller = callerBy(authorization);
      const principal = await caller.principal();
      if (!this.#isOpen) return;
      const leavePlace = takePlace(principal);
      const forgetRight = principal.right?.onEnd(() => this.close(RIGHT_ENDED));
      const leave = () => {
        leavePlace();
        forgetRight?.();
      };
      if (!this.#isOpen) {
        // The right had ended.
        leave();
        return;
      }
      this.#signedIn = { caller, principal, leave };
      this.#reply('{"type":"connection_ack"}');
    } catch (error) {
      if (!(error instanceof GatewayError)) onError(error);
      this.close(closingOf(error));
    }
  }

  #subscribe({ id, payload }: Extract<ClientMessage, { type: 'subscribe' }>): void {
    if (!this.#signedIn || this.#operations.has(id)) {
      this.close(this.#signedIn ? ID_IN_USE : NOT_YET);
      return;
    }
    const leaving = new AbortController();
    this.#operations.set(id, leaving);
    this.#opening++;
    this.#pace();
    this.#answer(id, payload, leaving.signal)
      .catch((error: unknown) => {
        if (leaving.signal.aborted) return;
        this.#options.onError(error);
        this.#sendLast(id, errorMessage(id, [INTERNAL]));
      })
      .finally(() => {
        this.#opening--;
        this.#pace();
      });
  }

  async #answer(id: string, payload: object, signal: AbortSignal): Promise<void> {
    const { Request, headers, handler } = this.#options;
    const request = new Request('http://gateway/graphql', {
      method: 'POST',
      headers,
      body: JSON.stringify(payload),
      signal,
    });
    const response = await handler(request, this.#signedIn!.caller);
    const events = readableOf(response.body);
    if (events instanceof BlockStream) {
      events.flowInto(this.#outletFor(id, events));
      return;
    }
    // Refused before it began: all of it is there.
    const [message] = messagesOfEvents(id, Buffer.from(await response.arrayBuffer()));
    if (!signal.aborted) this.#sendLast(id, message ?? errorMessage(id, [INTERNAL]));
  }

  /** What waits here for the client counts as what waits in the stream does. */
  #outletFor(id: string, events: BlockStream): BlockOutlet {
    return {
      write: (block, onTaken) => {
        const messages = messagesOfEvents(id, block);
        if (messages.length === 0) onTaken();
        for (const message of messages) {
          this.#socket.send(message.text, TEXT, message === messages.at(-1) ? onTaken : undefined);
          if (message.isLast) this.#operations.delete(id);
        }
      },
      end: () => {
        events.destroy();
        // As a response that breaks off: it is to be taken up again, elsewhere.
        if (this.#operations.has(id)) this.close(GOING_AWAY);
      },
    };
  }

  #sendLast(id: string, { text }: OperationMessage): void {
    this.#operations.delete(id);
    this.#reply(text);
  }

  #reply(text: string | Buffer): void {
    this.#waitingReplyBytes += text.length;
    this.#socket.send(text, TEXT, () => {
      this.#waitingReplyBytes -= text.length;
      this.#pace();
    });
    this.#pace();
  }

  /** Whoever sends faster than it takes its answers, or than they can be made, waits. */
  #pace(): void {
    const isBusy = this.#opening >= MAX_OPENING || this.#waitingReplyBytes > MAX_WAITING_REPLY_BYTES;
    if (isBusy === this.#socket.isPaused) return;
    if (isBusy) this.#socket.pause();
    else this.#socket.resume();
  }
}

const TEXT = { binary: false };
const INTERNAL = { message: FAILED[1], extensions: { code: 'INTERNAL', retryable: false } };

function authorizationIn(payload: Readonly<Record<string, unknown>>): string | undefined {
  const name = Object.keys(payload).find((each) => each.toLowerCase() === 'authorization');
  const value = name === undefined ? undefined : payload[name];
  return typeof value === 'string' ? value : undefined;
}

function closingOf(error: unknown): Closing {
  if (error instanceof UnauthenticatedError) return [SIGN_IN_REFUSED, error.message];
  if (error instanceof GatewayError && error.retryable) return [TRY_AGAIN_LATER, error.message];
  return FAILED;
}
