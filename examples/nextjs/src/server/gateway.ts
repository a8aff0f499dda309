import { type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** One question to the gateway. */
export interface GatewayQuestion {
  readonly url: URL;
  readonly token: string;
  readonly query: string;
  readonly operationName: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** The media type of the answer. */
  readonly accept: string;
  /** Answers older than this are refused by the gateway, in seconds. */
  readonly maxStaleness: string | undefined;
  /** The answer must begin by then. */
  readonly timeoutSeconds: number;
  /** Aborted when the browser leaves: the gateway then stops its statement. */
  readonly signal: AbortSignal;
}

export interface GatewayAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The bytes as they come. An answer that breaks off is an error here, never an end. */
  readonly body: IncomingMessage;
}

/** The gateway could not be asked at all. `code` is for the browser. */
export class GatewayUnavailableError extends Error {
  readonly code: 'GATEWAY_UNREACHABLE' | 'GATEWAY_TIMEOUT';
  constructor(code: 'GATEWAY_UNREACHABLE' | 'GATEWAY_TIMEOUT', cause: unknown) {
    super(code === 'GATEWAY_TIMEOUT' ? 'The gateway takes too long.' : 'The gateway does not answer.', {
      cause,
    });
    this.code = code;
  }
}

/** Asks, and resolves when the answer begins. Throws GatewayUnavailableError, or the signal's reason. */
export function askGateway(question: GatewayQuestion): Promise<GatewayAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<GatewayAnswer>();
  const body = Buffer.from(
    JSON.stringify({
      query: question.query,
      operationName: question.operationName,
      variables: question.variables,
    }),
  );
  // Not fetch: it gives up on an answer of which a slow reader takes nothing for five minutes.
  const send = question.url.protocol === 'https:' ? requestHttps : requestHttp;
  const request = send(question.url, {
    method: 'POST',
    headers: headersOf(question, body.length),
    signal: question.signal,
  });
  const timer = setTimeout(() => {
    reject(new GatewayUnavailableError('GATEWAY_TIMEOUT', undefined));
    request.destroy();
  }, question.timeoutSeconds * 1000);

  request.once('response', (response) => {
    clearTimeout(timer);
    resolve({ status: response.statusCode!, headers: response.headers, body: response });
  });
  request.on('error', (error) => {
    clearTimeout(timer);
    reject(
      question.signal.aborted
        ? question.signal.reason
        : new GatewayUnavailableError('GATEWAY_UNREACHABLE', error),
    );
  });
  request.end(body);
  return promise;
}

function headersOf(question: GatewayQuestion, length: number): Record<string, string | number> {
  return {
    authorization: `Bearer ${question.token}`,
    'content-type': 'application/json',
    'content-length': length,
    accept: question.accept,
    // Next takes away the name of an encoding that it did not make itself: the bytes must come plain.
    'accept-encoding': 'identity',
    ...(question.maxStaleness && { 'x-max-staleness': question.maxStaleness }),
  };
}
