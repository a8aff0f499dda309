import { type IncomingHttpHeaders, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

/** All of an HTTP response, its trailers too, which `fetch` does not show. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly maxMillis: number;
}

/** POST. Rejects when there is no whole response within the time. */
export function post({ url, headers, body, maxMillis }: HttpRequest): Promise<HttpResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const outgoing = request(
    url,
    { method: 'POST', headers, signal: AbortSignal.timeout(maxMillis) },
    (incoming) => {
      buffer(incoming).then((bytes) => {
        const isCompressed = incoming.headers['content-encoding'] === 'gzip';
        resolve({
          status: incoming.statusCode!,
          headers: incoming.headers,
          trailers: incoming.trailers as Record<string, string>,
          text: (isCompressed ? gunzipSync(bytes) : bytes).toString(),
        });
      }, reject);
    },
  );
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}
