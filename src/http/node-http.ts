import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { Caller } from '../access/caller.ts';
import { BlockStream } from '../streaming/body.ts';
import { recycleBlock } from '../streaming/byte-writer.ts';
import type { Coding } from './encoding/accept-encoding.ts';
import { compressWhole } from './encoding/block-compressor.ts';
import type { EncodingChoice } from './encoding/encoding-policy.ts';
import { createOutlet } from './encoding/outlets.ts';
import { HttpError } from './errors.ts';
import { urlOf } from './request-target.ts';
import { addTrailers } from './trailers.ts';

const NO_STORE = 'no-store';

/** What is known of a request before its body arrives. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the other end of the connection; undefined when that is closed. */
  readonly address?: string | undefined;
}

/** What its head alone tells of a request. */
export interface Received {
  /** The body of any other request is left unread: the handler gets an empty one, and is to refuse the request. */
  readonly wantsBody: boolean;
  readonly caller?: Caller | undefined;
}

/** Stands for a head that cannot be read: the path is no one's, and the headers may say who asks. */
export function emptyHead({ headers }: IncomingMessage): RequestHead {
  return { method: 'GET', url: urlOf('/'), headers };
}

/** Throws an HttpError of 400 when HTTP does not allow such a request. */
export function readHead(incoming: IncomingMessage): RequestHead {
  const { method = 'GET', url = '/', headers, rawHeaders, socket } = incoming;
  if (repeatsSingle(rawHeaders)) throw notHttp();
  return { method, url: urlOf(url), headers, address: socket.remoteAddress };
}

/** The request as the web knows it. Throws an HttpError of 400 when it cannot be one. */
export function toWebRequest(
  { method, url, headers }: RequestHead,
  {
    body,
    signal,
    Request,
  }: { body: Buffer | undefined; signal: AbortSignal; Request: typeof globalThis.Request },
): Request {
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

/** What a request says once: of two, we read the first, and a proxy in front may have looked at the other. */
function repeatsSingle(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  let authorizations = 0;
  // Names stand at even places, values behind them.
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (isNamed(name, 'host')) hosts += 1;
    else if (isNamed(name, 'authorization')) authorizations += 1;
  }
  return hosts > 1 || authorizations > 1;
}

const isNamed = (name: string, wanted: string): boolean =>
  name.length === wanted.length && name.toLowerCase() === wanted;

function notHttp(): HttpError {
  return new HttpError('This request is not one that HTTP allows.', 400);
}

/**
 * Sends a response: at once when its length is known, otherwise as fast as the client takes it. Resolves when it is
 * out; rejects when the client leaves first, or the body fails (the connection is then cut: a body that ends short
 * must not look whole).
 */
export async function sendResponse(
  response: Response,
  outgoing: ServerResponse,
  choice?: EncodingChoice,
): Promise<void> {
  if (response.headers.has('content-length')) {
    await sendWhole(response, outgoing, choice?.coding);
  } else if (response.body) {
    const readable = toReadable(response.body);
    const beforeEnd = () => addTrailers(response, outgoing);
    if (readable instanceof BlockStream) {
      // Who takes nothing of a subscription costs what waits for him, which is little, and is not cut.
      if (isOfEvents(response)) outgoing.setTimeout(0);
      if (choice?.coding) response.headers.set('content-encoding', choice.coding);
      outgoing.writeHead(response.status, headersOf(response));
      await readable.sendTo(outgoing, { beforeEnd, outlet: choice && createOutlet(outgoing, choice) });
    } else {
      outgoing.writeHead(response.status, headersOf(response));
      await sendAll(readable, outgoing, beforeEnd);
    }
  } else {
    outgoing.writeHead(response.status, headersOf(response));
    outgoing.end();
  }
}

function isOfEvents({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}

async function sendWhole(
  response: Response,
  outgoing: ServerResponse,
  coding: Coding | undefined,
): Promise<void> {
  // Not `body`, which would make a stream of them. Of Yoga's own Response they are a buffer already.
  const bytes: ArrayBuffer | Buffer = await response.arrayBuffer();
  if (coding && bytes.byteLength > 0) {
    const given = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes);
    const compressed = await compressWhole(given, coding);
    recycleBlock(given);
    response.headers.set('content-encoding', coding);
    response.headers.set('content-length', String(compressed.length));
    outgoing.writeHead(response.status, headersOf(response));
    outgoing.end(compressed);
    return;
  }
  outgoing.writeHead(response.status, headersOf(response));
  if (Buffer.isBuffer(bytes)) outgoing.end(bytes, () => recycleBlock(bytes));
  else outgoing.end(Buffer.from(bytes));
}

async function sendAll(readable: Readable, outgoing: ServerResponse, beforeEnd: () => void): Promise<void> {
  await pipeline(readable, outgoing, { end: false });
  beforeEnd();
  outgoing.end();
  await finished(outgoing);
}

/** What a response that nobody called cacheable depends on, beside what it says itself. */
const VARYING = 'Authorization, Accept, Accept-Encoding';

/**
 * The headers as they are sent. Whatever does not say how it may be kept is somebody's calls, or a refusal that is true
 * of this moment: nobody keeps it, and nobody guesses another type from its bytes.
 */
function headersOf({ headers }: Response): string[] {
  const list = ['x-content-type-options', 'nosniff'];
  let [isPrivate, vary] = [true, ''];
  for (const [name, value] of headers) {
    if (name === 'x-content-type-options') continue;
    if (name === 'vary') vary = value;
    else list.push(name, value);
    if (name === 'cache-control') isPrivate = value === NO_STORE;
  }
  if (isPrivate) vary = vary ? `${VARYING}, ${vary}` : VARYING;
  if (isPrivate && !headers.has('cache-control')) list.push('cache-control', NO_STORE);
  if (vary) list.push('vary', vary);
  return list;
}

/** Of the two, a Node stream closes its source at once; the web's waits for a read. */
function toReadable(body: ReadableStream): Readable {
  return readableOf(body) ?? Readable.fromWeb(body as never);
}

/** The Node stream that the body of Yoga's own Response is underneath; undefined for the web's. */
export function readableOf(body: ReadableStream | null): Readable | undefined {
  const { readable } = (body ?? {}) as { readable?: unknown };
  return readable instanceof Readable ? readable : undefined;
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
