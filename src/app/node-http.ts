import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BlockStream } from '../streaming/body.ts';
import { HttpError } from './errors.ts';

/** Reads a request's body to its end. Throws an HttpError of 413 as soon as it is longer than `limit` bytes. */
export async function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  if (incoming.method === 'GET' || incoming.method === 'HEAD') return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  if (Number(incoming.headers['content-length']) > limit) throw bodyTooLong(limit);
  // Leaving the loop must not destroy the request: the answer goes out on the same connection.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > limit) throw bodyTooLong(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
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
  const { method = 'GET', headers, url = '/' } = incoming;
  const path = url.startsWith('/') ? url : '/';
  const origins = [`http://${headers.host}`, 'http://gateway'];
  const origin = origins.find((candidate) => URL.canParse(candidate + path));
  try {
    return new Request(origin + path, {
      method,
      headers: headers as Record<string, string>,
      signal,
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
    });
  } catch {
    throw new HttpError('This request is not one that HTTP allows.', 400);
  }
}

/**
 * Sends a response: at once when its length is known, otherwise as fast as the client takes it. Resolves when it is
 * out; rejects when the client leaves first, or the body fails (the connection is then cut: a body that ends short
 * must not look whole).
 */
export async function sendResponse(response: Response, outgoing: ServerResponse): Promise<void> {
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  outgoing.writeHead(response.status);
  const { body } = response;
  if (!body) {
    outgoing.end();
  } else if (response.headers.has('content-length')) {
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  } else {
    const readable = toReadable(body);
    await (readable instanceof BlockStream ? readable.sendTo(outgoing) : pipeline(readable, outgoing));
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
