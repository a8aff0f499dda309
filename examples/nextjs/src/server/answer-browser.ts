import { Readable } from 'node:stream';
import { persistedDocuments } from './documents.ts';
import { askGateway, type GatewayAnswer, GatewayUnavailableError } from './gateway.ts';
import { maskNumbers } from './masking.ts';
import { type Answer, scopeAnswer, scopeVariables } from './scope.ts';
import type { Settings } from './settings.ts';
import type { User } from './users.ts';

/** What a browser asks: a committed operation by its hash, never GraphQL of its own. */
export interface BrowserQuestion {
  readonly documentId: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly accept: string;
  readonly maxStaleness: string | undefined;
  readonly signal: AbortSignal;
}

const JSON_TYPE = 'application/json';
const fileTypes = ['text/csv', 'application/x-ndjson'];

/** Headers of the gateway's answer that mean the same to the browser. */
const handedOn = ['content-type', 'content-disposition', 'x-replica', 'x-data-as-of', 'retry-after'];

/** Asks the gateway on behalf of the user, within what the user may see. Always an answer, never a throw. */
export async function answerBrowser(
  settings: Settings,
  user: User | undefined,
  question: BrowserQuestion,
): Promise<Response> {
  if (!user) return failure(401, 'UNAUTHENTICATED', 'Sign in first.');
  const document = persistedDocuments.get(question.documentId);
  if (!document) return failure(400, 'UNKNOWN_DOCUMENT', 'Only the operations of this app can be asked for.');
  const token = settings.tokens[user.role];
  if (!token) return failure(500, 'NO_TOKEN', 'The server has no token for this role.');
  const isFile = fileTypes.includes(question.accept);
  if (isFile && user.masked)
    return failure(403, 'FORBIDDEN', 'Numbers are masked for you: nothing can be downloaded.');
  const isRead = !isFile && (user.masked || user.role === 'customer');
  try {
    const answer = await askGateway({
      url: settings.gatewayUrl,
      token,
      query: document.text,
      operationName: document.name,
      variables: scopeVariables(user, document.text, question.variables),
      accept: isFile ? question.accept : JSON_TYPE,
      maxStaleness: question.maxStaleness,
      timeoutSeconds: settings.gatewayTimeoutSeconds,
      signal: question.signal,
    });
    if (answer.status === 401 || answer.status === 403) return refusedByGateway(answer);
    return isRead ? await readAnswer(user, answer) : handOn(answer, isFile);
  } catch (error) {
    if (error instanceof GatewayUnavailableError) {
      const status = error.code === 'GATEWAY_TIMEOUT' ? 504 : 502;
      return failure(status, error.code, error.message, true);
    }
    if (question.signal.aborted) return failure(499, 'REQUEST_CANCELLED', 'The browser left.');
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
function handOn({ status, headers, body }: GatewayAnswer, isFile: boolean): Response {
  const kept = keptHeaders(headers);
  // A file of a gigabyte is not squeezed here: a proxy in front may, and over a fast line nobody should.
  if (isFile) kept.append('cache-control', 'no-transform');
  return new Response(Readable.toWeb(body) as ReadableStream<Uint8Array>, { status, headers: kept });
}

async function readAnswer(user: User, { status, headers, body }: GatewayAnswer): Promise<Response> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  const answer = scopeAnswer(user, JSON.parse(Buffer.concat(chunks).toString('utf8')) as Answer);
  return Response.json(user.masked ? maskNumbers(answer) : answer, { status, headers: keptHeaders(headers) });
}

function refusedByGateway({ status, body }: GatewayAnswer): Response {
  body.resume();
  console.error(`the gateway refused the token of this server (${status}): check GATEWAY_*_TOKEN`);
  return failure(502, 'GATEWAY_REFUSED', 'The gateway does not know this server.');
}

function keptHeaders(headers: GatewayAnswer['headers']): Headers {
  const kept = new Headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  for (const name of handedOn) {
    const value = headers[name];
    if (typeof value === 'string') kept.set(name, value);
  }
  return kept;
}
