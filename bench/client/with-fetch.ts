import type { Exchange } from './connection.ts';
import type { WireRequest } from './jobs.ts';

/** The request as `fetch` takes it: without the headers that it sets itself. */
export function toFetch({ text }: WireRequest): { readonly path: string; readonly options: RequestInit } {
  const [head = '', body = ''] = text.split(/\r\n\r\n/, 2);
  const [line = '', ...headers] = head.split('\r\n');
  const [method = '', path = ''] = line.split(' ');
  const own = ['content-length', 'host', 'accept-encoding'];
  return {
    path,
    options: {
      method,
      headers: headers
        .map((header) => header.split(': ', 2) as [string, string])
        .filter(([name]) => !own.includes(name)),
      ...(method === 'POST' && { body }),
    },
  };
}

/** Through Node's own client as it asks by itself, decoded to the last byte. */
export async function readWithFetch(request: WireRequest): Promise<Exchange> {
  const { path, options } = toFetch(request);
  const sentAt = performance.now();
  const { status, body } = await fetch(`http://127.0.0.1:${request.port}${path}`, options);
  let [bytes, firstByte] = [0, 0];
  for await (const piece of body!) {
    if (bytes === 0) firstByte = performance.now() - sentAt;
    bytes += piece.length;
  }
  return { status, bytes, firstByte, total: performance.now() - sentAt };
}
