import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { ADMIN_TOKEN } from '../support/gateway.ts';
import type { Nginx } from './nginx.ts';

export interface Question {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: string | Buffer;
  /** The address we ask from: nginx counts requests by address, and all of 127.0.0.0/8 is ours. */
  readonly from?: string;
  /** Default true. */
  readonly tls?: boolean;
  /** Hangs up, also before there is an answer. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** An answer whose body nobody has read yet. Whoever destroys it hangs up. */
export type OpenAnswer = IncomingMessage;

/** Sends the request on a connection of its own; resolves when the answer begins. */
export function open(nginx: Nginx, question: Question): Promise<OpenAnswer> {
  const {
    path = '/graphql',
    method = 'POST',
    headers = {},
    body,
    from = '127.0.0.1',
    tls = true,
    signal,
  } = question;
  const { promise, resolve, reject } = Promise.withResolvers<OpenAnswer>();
  const send = tls ? requestTls : requestPlain;
  const request = send({
    // By name, so that the certificate's name is checked; by address, because of `from`.
    host: '127.0.0.1',
    servername: 'localhost',
    port: tls ? nginx.httpsPort : nginx.httpPort,
    ca: nginx.ca,
    agent: false,
    localAddress: from,
    path,
    method,
    ...(signal && { signal }),
    headers: { host: `localhost:${nginx.httpsPort}`, ...headers },
  });
  request.once('response', resolve).once('error', reject);
  request.end(body);
  return promise;
}

export async function ask(nginx: Nginx, question: Question): Promise<Answer> {
  const answer = await open(nginx, question);
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return { status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString() };
}

/** A GraphQL request of the administrator. */
export function graphql(query: string, rest: Question = {}): Question {
  return {
    ...rest,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${ADMIN_TOKEN}`,
      ...rest.headers,
    },
    body: JSON.stringify({ query }),
  };
}

/** What an error of ours says to programs. */
export function errorOf({ text }: Answer): { code: string; retryable: boolean } {
  const [error] = JSON.parse(text).errors;
  return { code: error.extensions.code, retryable: error.extensions.retryable };
}

const PATIENCE_MS = 15_000;

/** Resolves with the first value that is neither undefined nor false. */
export async function until<T>(look: () => T | Promise<T>): Promise<Exclude<T, undefined | false>> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (Date.now() > deadline) throw new Error(`Not within ${PATIENCE_MS / 1000} s: ${look}`);
    await delay(10);
  }
}
