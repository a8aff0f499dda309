import type { WireRequest } from './client/jobs.ts';

/** A GraphQL operation for one server. */
export interface GraphqlRequest {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly accept?: string;
  readonly acceptEncoding?: string;
}

/** Where a server listens and what it wants to see. */
export interface Endpoint {
  readonly port: number;
  readonly token?: string;
}

/** The bytes of a POST /graphql. */
export function postGraphql(
  { port, token }: Endpoint,
  { query, variables, accept, acceptEncoding }: GraphqlRequest,
): WireRequest {
  const body = JSON.stringify({ query, variables });
  const head = [
    'POST /graphql HTTP/1.1',
    `host: 127.0.0.1:${port}`,
    'content-type: application/json',
    `accept: ${accept ?? 'application/json'}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...(acceptEncoding === undefined ? [] : [`accept-encoding: ${acceptEncoding}`]),
    ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
  ];
  return { port, text: `${head.join('\r\n')}\r\n\r\n${body}` };
}

/** The bytes of the same by GET. */
export function getGraphql(
  { port, token }: Endpoint,
  { query, variables, headers = [] }: GraphqlRequest & { readonly headers?: readonly string[] },
): WireRequest {
  const search = new URLSearchParams({ query, ...(variables && { variables: JSON.stringify(variables) }) });
  const head = [
    `GET /graphql?${search} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    'accept: application/json',
    ...headers,
    ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
  ];
  return { port, text: `${head.join('\r\n')}\r\n\r\n` };
}

export function get({ port }: Endpoint, path: string): WireRequest {
  return { port, text: `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n` };
}

const MAX_MILLIS = 180_000;

/** The same request through Node's own client, for what is looked at and not timed. */
export async function fetchWire({ port, text }: WireRequest): Promise<Response> {
  const [head = '', body = ''] = text.split(/\r\n\r\n/, 2);
  const [line = '', ...headers] = head.split('\r\n');
  const [method = '', path = ''] = line.split(' ');
  return fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: [
      ...headers
        .map((header) => header.split(': ', 2) as [string, string])
        .filter(([name]) => !['accept-encoding', 'content-length', 'host'].includes(name)),
      ['accept-encoding', 'identity'],
    ],
    ...(method === 'POST' && { body }),
    signal: AbortSignal.timeout(MAX_MILLIS),
  });
}
