import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { createGatewayServer } from '../../src/http/server.ts';
import type { TestGateway } from '../support/gateway.ts';
import { ADMIN_TOKEN } from '../support/gateway.ts';

/** A message of the protocol, as it came. */
export interface SocketMessage {
  readonly text: string;
  readonly type: string;
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape of the answer to its own subscription
  readonly payload: any;
}

/** A raw client of graphql-transport-ws: it sends what it is told to, right or wrong. */
export class SocketClient implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly messages: SocketMessage[] = [];
  closing: { readonly code: number; readonly reason: string } | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      const text = String(data);
      this.messages.push({ id: undefined, payload: undefined, ...JSON.parse(text), text });
    });
    socket.on('close', (code, reason) => {
      this.closing = { code, reason: String(reason) };
    });
    socket.on('error', () => {});
  }

  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Signs in, and waits until that is acknowledged. */
  async init(token = ADMIN_TOKEN): Promise<this> {
    this.send({ type: 'connection_init', payload: { Authorization: `Bearer ${token}` } });
    return this.until(({ messages }) => messages.some(({ type }) => type === 'connection_ack'));
  }

  subscribe(id: string, query: string, variables?: object): void {
    this.send({ id, type: 'subscribe', payload: { query, variables } });
  }

  of(id: string): readonly SocketMessage[] {
    return this.messages.filter((message) => message.id === id);
  }

  /** Of the calls that the subscription was told so far, in the order of being told. */
  callsOf(id: string): readonly string[] {
    return this.of(id)
      .flatMap(({ payload }) => payload?.data?.cdrs.inserted ?? [])
      .map((call) => call.id);
  }

  async until(isSo: (client: this) => boolean, seconds = 20): Promise<this> {
    const deadline = performance.now() + seconds * 1000;
    while (!isSo(this)) {
      if (performance.now() > deadline) {
        const last = this.messages.slice(-3).map(({ text }) => text.slice(0, 500));
        throw new Error(
          `It did not come to be in ${seconds} s: ${last.join('\n')} ${JSON.stringify(this.closing)}`,
        );
      }
      await delay(5);
    }
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
  }
}

/** A gateway behind a server that listens. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  close(): Promise<{ readonly cut: number }>;
}

export async function listen(gateway: TestGateway, drainTimeoutSeconds = 5): Promise<Listening> {
  const server = createGatewayServer(gateway.fetch, {
    Request: gateway.Request,
    receive: gateway.receive,
    upgrades: gateway.upgrades,
    drainTimeoutSeconds,
    onError() {},
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    port,
    url: `ws://127.0.0.1:${port}/graphql`,
    close: () => server.close(),
    async [Symbol.asyncDispose]() {
      gateway.endSubscriptions();
      await server.close();
    },
  };
}

export interface OpenOptions {
  readonly protocol?: string | string[];
  readonly headers?: Record<string, string>;
  /** Of a server with TLS: who signed its certificate, and for which name. */
  readonly ca?: string;
  readonly servername?: string;
}

/** Resolves when the connection is open. Rejects with what HTTP answered otherwise. */
export async function openSocket(
  url: string,
  { protocol = 'graphql-transport-ws', ...options }: OpenOptions = {},
): Promise<SocketClient> {
  const socket = new WebSocket(url, protocol, options);
  const client = new SocketClient(socket);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('open', resolve).once('error', reject);
  await promise;
  return client;
}
