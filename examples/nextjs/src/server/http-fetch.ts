import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';

/** Has no body, and of a Response there must be none. */
const NOT_MODIFIED = 304;

/**
 * `fetch` as the client needs it. The global one gives up on an answer of which a slow reader takes nothing for five
 * minutes. An answer that breaks off is an error of its body, never an end.
 */
export function httpFetch(url: string | URL, init: RequestInit): Promise<Response> {
  const target = new URL(url);
  const send = target.protocol === 'https:' ? requestHttps : requestHttp;
  const body = init.body == null ? undefined : Buffer.from(String(init.body));
  return new Promise((resolve, reject) => {
    const request = send(target, {
      method: init.method,
      headers: {
        ...(init.headers as Record<string, string>),
        ...(body && { 'content-length': body.length }),
      },
      signal: init.signal ?? undefined,
    });
    request.once('response', (incoming) => {
      const headers = new Headers();
      for (const [name, value] of Object.entries(incoming.headers)) {
        if (typeof value === 'string') headers.set(name, value);
      }
      const status = incoming.statusCode!;
      if (status === NOT_MODIFIED) incoming.resume();
      const stream =
        status === NOT_MODIFIED ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>);
      resolve(new Response(stream, { status, headers }));
    });
    request.on('error', reject);
    request.end(body);
  });
}
