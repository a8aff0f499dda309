import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RequestCancelledError } from '../errors.ts';
import { BlockStream } from '../streaming/body.ts';
import { recycleBlock } from '../streaming/byte-writer.ts';
import { HttpError } from './errors.ts';
import { urlOf } from './request-target.ts';

/**
 * Reads a request's body to its end; undefined where there is none. Rejects with an HttpError of 413 as soon as it is
 * longer than `limit` bytes, and when the client leaves before its end.
 */
export function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const { method, headers } = incoming;
  if (method === 'GET' || method === 'HEAD') return Promise.resolve(undefined);
  if (Number(headers['content-length']) > limit) return Promise.reject(bodyTooLong(limit));
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  const leave = () => reject(new RequestCancelledError());
  // Listeners, not a loop over an async iterator, which costs more than the rest of reading a short request.
  const take = (chunk: Buffer) => {
    size += chunk.length;
    chunks.push(chunk);
    if (size <= limit) return;
    incoming.off('data', take).pause();
    reject(bodyTooLong(limit));
  };
  incoming.on('data', take).once('error', reject).once('close', leave);
  incoming.once('end', () => {
    incoming.off('close', leave);
    resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
  });
  return promise;
}

function bodyTooLong(limit: number): HttpError {
  const message = `The body of a request may be ${limit} bytes long. Give long lists as fewer, or as ranges.`;
  return new HttpError(message, 413, { code: 'QUERY_TOO_LARGE', headers: { connection: 'close' } });
}

/** The request as the web knows it. Throws an HttpError of 400 when it cannot be one. */
export function toWebRequest(
  incoming: IncomingMessage,
  {
    body,
    signal,
    Request,
  }: { body: Buffer | undefined; signal: AbortSignal; Request: typeof globalThis.Request },
): Request {
  const { method = 'GET', headers, rawHeaders } = incoming;
  const url = urlOf(incoming.url ?? '/');
  if (countHosts(rawHeaders) > 1) throw notHttp();
  try {
    return new Request(url, {
      method,
      headers: headers as Record<string, string>,
      signal,
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
    });
  } catch {
    throw notHttp();
  }
}

/** RFC 9112 lets a request have one Host. Ours is never read; of two, a proxy in front may have read the other. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}

function notHttp(): HttpError {
  return new HttpError('This request is not one that HTTP allows.', 400);
}

/**
 * Sends a response: at once when its length is known, otherwise as fast as the client takes it. Resolves when it is
 * out; rejects when the client leaves first, or the body fails (the connection is then cut: a body that ends short
 * must not look whole).
 */
export async function sendResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  const headers: string[] = [];
  for (const [name, value] of response.headers) headers.push(name, value);
  outgoing.writeHead(response.status, headers);
  if (response.headers.has('content-length')) {
    // Not `body`, which would make a stream of them. Of Yoga's own Response they are a buffer already.
    const bytes: ArrayBuffer | Buffer = await response.arrayBuffer();
    if (Buffer.isBuffer(bytes)) outgoing.end(bytes, () => recycleBlock(bytes));
    else outgoing.end(Buffer.from(bytes));
  } else if (response.body) {
    const readable = toReadable(response.body);
    await (readable instanceof BlockStream ? readable.sendTo(outgoing) : pipeline(readable, outgoing));
  } else {
    outgoing.end();
  }
}

/** Yoga's own Response is a Node stream underneath, which closes its source at once; the web's waits for a read. */
function toReadable(body: ReadableStream): Readable {
  const { readable } = body as { readable?: unknown };
  return readable instanceof Readable ? readable : Readable.fromWeb(body as never);
}

/** Cuts the connection when the client takes nothing of what waits for it for so long. */
export function cutWhenStalled(outgoing: ServerResponse, millis: number): void {
  outgoing.setTimeout(millis, () => {
    const { socket } = outgoing;
    // Without bytes that wait, it is we who are slow: a query may run for minutes before its first row.
    if (socket && socket.writableLength > 0) outgoing.destroy();
    else socket?.setTimeout(millis);
  });
}
