import type { IncomingMessage } from 'node:http';
import { RequestCancelledError } from '../errors.ts';
import { HttpError } from './errors.ts';

/** So much of each body is read whatever others send: longer than most operations, and little enough for thousands. */
const SMALL_BODY_BYTES = 64 * 1024;

/** The memory that large bodies may take together while they arrive: clients may be slow, and many. */
export class BodyMemory {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False when there is not so much left; then nothing is taken. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false;
    this.#bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}

export interface BodyLimits {
  /** Of this one body. */
  readonly maxBytes: number;
  readonly memory: BodyMemory;
}

/** GET and HEAD have none that means anything. */
export function hasBody({ method, headers }: IncomingMessage): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Whether what has not arrived yet of a request is so little that its end may be waited for. */
export function isNearlyRead({ complete, headers }: IncomingMessage): boolean {
  if (complete || (!headers['transfer-encoding'] && !headers['content-length'])) return true;
  return Number(headers['content-length']) <= SMALL_BODY_BYTES;
}

/**
 * Reads a request's body to its end. Rejects with an HttpError of 413 as soon as it is longer than it may be, of 503 when
 * others have taken the memory for it, and with RequestCancelledError when the client leaves before its end.
 */
export function readBody(incoming: IncomingMessage, { maxBytes, memory }: BodyLimits): Promise<Buffer> {
  if (Number(incoming.headers['content-length']) > maxBytes) return Promise.reject(bodyTooLong(maxBytes));
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let [size, taken] = [0, 0];
  const leave = () => settle(() => reject(new RequestCancelledError()));
  // Listeners, not a loop over an async iterator, which costs more than the rest of reading a short request.
  const take = (chunk: Buffer) => {
    size += chunk.length;
    chunks.push(chunk);
    if (size > maxBytes) return refuse(bodyTooLong(maxBytes));
    if (size <= SMALL_BODY_BYTES) return;
    const more = size - SMALL_BODY_BYTES - taken;
    if (!memory.take(more)) return refuse(tooManyBodies());
    taken += more;
  };
  const refuse = (error: HttpError) => {
    incoming.off('data', take).pause();
    settle(() => reject(error));
  };
  const settle = (end: () => void) => {
    incoming.off('close', leave);
    memory.giveBack(taken);
    taken = 0;
    end();
  };
  incoming.on('data', take).once('error', reject).once('close', leave);
  incoming.once('end', () => settle(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))));
  return promise;
}

function bodyTooLong(maxBytes: number): HttpError {
  const message = `The body of a request may be ${maxBytes} bytes long. Give long lists as fewer, or as ranges.`;
  return new HttpError(message, 413, { code: 'QUERY_TOO_LARGE' });
}

function tooManyBodies(): HttpError {
  const message = 'Too many long requests arrive at once. Send this one again in a moment, or a shorter one.';
  return new HttpError(message, 503, { code: 'OVERLOADED', headers: { 'retry-after': '1' } });
}
