import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import { vi } from 'vitest';
import { ADMIN_TOKEN } from '../support/gateway.ts';
import type { Nginx } from './nginx.ts';

export interface RequestOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: string | Buffer;
  /** The client's address: nginx counts requests by address, and all of 127.0.0.0/8 is ours. */
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

/** An answer whose body has not been read yet. Destroying it hangs up. */
export type OpenAnswer = IncomingMessage;

/** Sends the request on a connection of its own; resolves when the answer begins. */
export function open(nginx: Nginx, options: RequestOptions): Promise<OpenAnswer> {
  const {
    path = '/graphql',
    method = 'POST',
    headers = {},
    body,
    from = '127.0.0.1',
    tls = true,
    signal,
  } = options;
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

export async function send(nginx: Nginx, options: RequestOptions): Promise<Answer> {
  const answer = await open(nginx, options);
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return { status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString() };
}

/** A GraphQL request of the administrator. */
export function graphql(query: string, rest: RequestOptions = {}): RequestOptions {
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

/** The part of an error that is for programs. */
export function errorOf({ text }: Answer): { code: string; retryable: boolean } {
  const [error] = JSON.parse(text).errors;
  return { code: error.extensions.code, retryable: error.extensions.retryable };
}

/** Resolves with the first value that is neither undefined nor false. */
export function until<T>(look: () => T | Promise<T>) {
  return vi.waitUntil(look, { timeout: 30_000, interval: 10 });
}
