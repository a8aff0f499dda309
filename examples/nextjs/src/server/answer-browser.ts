import { GatewayClient, GatewayError, typedDocument } from 'cdr-gateway-client';
import { persistedDocuments } from './documents.ts';
import { httpFetch } from './http-fetch.ts';
import { hasGrantEnded } from './identity-provider.ts';
import type { ServerParts } from './server-parts.ts';
import type { Session } from './sessions.ts';

/** What a browser asks: a committed operation by its hash, never GraphQL of its own. */
export interface BrowserRequest {
  readonly documentId: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly accept: string;
  /** POST unless told otherwise. By GET what has not changed need not be read again. */
  readonly method?: 'GET' | 'POST';
  /** Of the answer that the browser has, as the gateway gave it. */
  readonly entityTag?: string | undefined;
  /** In seconds. */
  readonly maxStaleness: number | undefined;
  /** A position of the gateway: nothing older than that. */
  readonly readAfter?: string | undefined;
  readonly signal: AbortSignal;
}

const JSON_TYPE = 'application/json';
const EVENT_STREAM = 'text/event-stream';
const fileTypes = ['text/csv', 'application/x-ndjson'];

/** Headers of the gateway's answer that mean the same to the browser. */
const handedOn = [
  'content-type',
  'content-disposition',
  'etag',
  'x-replica',
  'x-data-as-of',
  'x-request-id',
  'retry-after',
];

/**
 * Asks the gateway as the user of the session, by a token of their own: what they may see is the gateway's to judge, and
 * its answer passes as it comes. Always an answer, never a throw.
 */
export async function answerBrowser(
  { settings, sessions, gatewayTokens }: Pick<ServerParts, 'settings' | 'sessions' | 'gatewayTokens'>,
  session: Session,
  request: BrowserRequest,
): Promise<Response> {
  const document = persistedDocuments.get(request.documentId);
  if (!document) return failure(400, 'UNKNOWN_DOCUMENT', 'Only the operations of this app can be asked for.');
  const isFile = fileTypes.includes(request.accept);
  const isLong = isFile || request.accept === EVENT_STREAM;
  if (isFile && session.user.masked)
    return failure(403, 'FORBIDDEN', 'Numbers are masked for you: nothing can be downloaded.');
  const end = () => {
    sessions.endWhere((other) => other === session);
    return signedOut();
  };
  try {
    const gateway = new GatewayClient({
      url: settings.gatewayUrl,
      token: await gatewayTokens(session, { isLong, now: Date.now() }),
      timeoutSeconds: settings.gatewayTimeoutSeconds,
      // Next takes away the name of an encoding that it did not make itself: the bytes must come plain.
      headers: { 'accept-encoding': 'identity' },
      encode: ({ query, ...rest }) =>
        settings.gatewayHasDocuments ? { documentId: request.documentId, ...rest } : { query, ...rest },
      fetch: httpFetch,
    });
    const answer = await gateway.request(typedDocument(document.text), request.variables as never, {
      operationName: document.name,
      accept: isLong ? request.accept : JSON_TYPE,
      maxStalenessSeconds: request.maxStaleness,
      readAfter: request.readAfter,
      ...(request.method && { method: request.method }),
      ...(request.entityTag && { headers: { 'if-none-match': request.entityTag } }),
      // What goes on for a session ends with it.
      signal: AbortSignal.any([request.signal, session.ended]),
    });
    if (answer.status !== 401) return handOn(answer, isLong);
    void answer.body?.cancel();
    // Of a token that the user brought along, the provider and the gateway have more to say than we.
    return settings.gatewayTokens ? refusedByGateway() : end();
  } catch (error) {
    if (session.ended.aborted) return signedOut();
    if (request.signal.aborted) return failure(499, 'REQUEST_CANCELLED', 'The browser left.');
    if (hasGrantEnded(error)) return end();
    if (error instanceof GatewayError) {
      return failure(error.code === 'GATEWAY_TIMEOUT' ? 504 : 502, error.code, error.message, true);
    }
    console.error('the gateway could not be asked', error);
    return failure(502, 'GATEWAY_UNREACHABLE', 'The answer of the gateway broke off.', true);
  }
}

/** In the shape of GraphQL's errors, so that the browser reads one shape only. */
export function failure(status: number, code: string, message: string, retryable = false): Response {
  return Response.json(
    { errors: [{ message, extensions: { code, retryable } }] },
    { status, headers: { 'cache-control': 'no-store' } },
  );
}

export function signedOut(): Response {
  return failure(401, 'UNAUTHENTICATED', 'Sign in first.');
}

/** The bytes as they come; when the browser leaves, the stream is cancelled and with it the gateway's statement. */
function handOn({ status, headers, body }: Response, isLong: boolean): Response {
  const kept = new Headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  for (const name of handedOn) {
    const value = headers.get(name);
    if (value !== null) kept.set(name, value);
  }
  // A file of a gigabyte is not squeezed here: a proxy in front may, and over a fast line nobody should. Nor is a message,
  // which would wait for the next ones.
  if (isLong) kept.append('cache-control', 'no-transform');
  return new Response(body, { status, headers: kept });
}

function refusedByGateway(): Response {
  console.error("the gateway refused a token of this server: GATEWAY_JWT_… must be the gateway's JWT_…");
  return failure(502, 'GATEWAY_REFUSED', 'The gateway does not know this server.');
}
