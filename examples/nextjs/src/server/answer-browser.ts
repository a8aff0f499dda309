import { GatewayClient, GatewayError, typedDocument } from 'cdr-gateway-client';
import { persistedDocuments } from './documents.ts';
import { httpFetch } from './http-fetch.ts';
import { maskNumbers } from './masking.ts';
import { type Answer, scopeAnswer, scopeVariables } from './scope.ts';
import type { Settings } from './settings.ts';
import type { User } from './users.ts';

/** What a browser asks: a committed operation by its hash, never GraphQL of its own. */
export interface BrowserRequest {
  readonly documentId: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly accept: string;
  /** In seconds. */
  readonly maxStaleness: number | undefined;
  readonly signal: AbortSignal;
}

const JSON_TYPE = 'application/json';
const fileTypes = ['text/csv', 'application/x-ndjson'];

/** Headers of the gateway's answer that mean the same to the browser. */
const handedOn = [
  'content-type',
  'content-disposition',
  'x-replica',
  'x-data-as-of',
  'x-request-id',
  'retry-after',
];

/** Asks the gateway on behalf of the user, within what the user may see. Always an answer, never a throw. */
export async function answerBrowser(
  settings: Settings,
  user: User | undefined,
  request: BrowserRequest,
): Promise<Response> {
  if (!user) return failure(401, 'UNAUTHENTICATED', 'Sign in first.');
  const document = persistedDocuments.get(request.documentId);
  if (!document) return failure(400, 'UNKNOWN_DOCUMENT', 'Only the operations of this app can be asked for.');
  const token = settings.tokens[user.role];
  if (!token) return failure(500, 'NO_TOKEN', 'The server has no token for this role.');
  const isFile = fileTypes.includes(request.accept);
  if (isFile && user.masked)
    return failure(403, 'FORBIDDEN', 'Numbers are masked for you: nothing can be downloaded.');
  const isRead = !isFile && (user.masked || user.role === 'customer');
  const gateway = new GatewayClient({
    url: settings.gatewayUrl,
    token,
    timeoutSeconds: settings.gatewayTimeoutSeconds,
    // Next takes away the name of an encoding that it did not make itself: the bytes must come plain.
    headers: { 'accept-encoding': 'identity' },
    fetch: httpFetch,
  });
  try {
    const variables = scopeVariables(user, document.text, request.variables);
    const answer = await gateway.request(typedDocument<unknown, typeof variables>(document.text), variables, {
      operationName: document.name,
      accept: isFile ? request.accept : JSON_TYPE,
      maxStalenessSeconds: request.maxStaleness,
      signal: request.signal,
    });
    if (answer.status === 401 || answer.status === 403) return refusedByGateway(answer);
    return isRead ? await readAnswer(user, answer) : handOn(answer, isFile);
  } catch (error) {
    if (request.signal.aborted) return failure(499, 'REQUEST_CANCELLED', 'The browser left.');
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

/** The bytes as they come; when the browser leaves, the stream is cancelled and with it the gateway's statement. */
function handOn({ status, headers, body }: Response, isFile: boolean): Response {
  const kept = keptHeaders(headers);
  // A file of a gigabyte is not squeezed here: a proxy in front may, and over a fast line nobody should.
  if (isFile) kept.append('cache-control', 'no-transform');
  return new Response(body, { status, headers: kept });
}

async function readAnswer(user: User, response: Response): Promise<Response> {
  const answer = scopeAnswer(user, (await response.json()) as Answer);
  const headers = keptHeaders(response.headers);
  return Response.json(user.masked ? maskNumbers(answer) : answer, { status: response.status, headers });
}

function refusedByGateway({ status, body }: Response): Response {
  void body?.cancel();
  console.error(`the gateway refused the token of this server (${status}): check GATEWAY_*_TOKEN`);
  return failure(502, 'GATEWAY_REFUSED', 'The gateway does not know this server.');
}

function keptHeaders(headers: Headers): Headers {
  const kept = new Headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  for (const name of handedOn) {
    const value = headers.get(name);
    if (value !== null) kept.set(name, value);
  }
  return kept;
}
