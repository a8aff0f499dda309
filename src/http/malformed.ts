import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorCode, errorTraits } from '../errors.ts';

interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
}

/** By the code that Node gives the failure. */
const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'QUERY_TOO_LARGE',
    message: 'The headers of a request may be 16 KiB long. Send long queries with POST.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'BAD_REQUEST',
    message: 'The request did not arrive in time.',
  },
};

const notHttp: Refusal = {
  status: 400,
  code: 'BAD_REQUEST',
  message: 'This request is not one that HTTP allows.',
};

/** Answers what is no request at all, so that there is nothing to route or to log, and hangs up. */
export function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, code, message } = refusals[error.code ?? ''] ?? notHttp;
  const retryable = errorTraits(code).retryable === true;
  const body = JSON.stringify({ errors: [{ message, extensions: { code, retryable } }] });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'x-content-type-options: nosniff',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
