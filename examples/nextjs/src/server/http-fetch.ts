import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Readable } from 'node:stream';

/**
 * `fetch` as the client needs it. The global one gives up on an answer of which a slow reader takes nothing for five
 * minutes. An answer that breaks off is an error of its body, never an end.
 */
export function httpFetch(url: string | URL, init: RequestInit): Promise<Response> {
  const target = new URL(url);
  const send = target.protocol === 'https:' ? requestHttps : requestHttp;
  const body = Buffer.from(String(init.body));
  return new Promise((resolve, reject) => {
    const request = send(target, {
      method: init.method,
      headers: { ...(init.headers as Record<string, string>), 'content-length': body.length },
      signal: init.signal ?? undefined,
    });
    request.once('response', (incoming) => {
      const headers = new Headers();
      for (const [name, value] of Object.entries(incoming.headers)) {
        if (typeof value === 'string') headers.set(name, value);
      }
      const stream = Readable.toWeb(incoming) as ReadableStream<Uint8Array>;
      resolve(new Response(stream, { status: incoming.statusCode!, headers }));
    });
    request.on('error', reject);
    request.end(body);
  });
}
