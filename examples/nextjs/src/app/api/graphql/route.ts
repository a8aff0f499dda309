import { answerBrowser, type BrowserRequest, failure, signedOut } from '../../../server/answer-browser.ts';
import { currentSessionAs } from '../../../server/current-session.ts';
import { readBody } from '../../../server/read-body.ts';
import { isSameOrigin } from '../../../server/same-origin.ts';
import { serverParts } from '../../../server/server-parts.ts';

/** A committed operation and its variables; what our largest filter needs is far below. */
const MAX_BODY_BYTES = 256 * 1024;

/** The browser's only way to the gateway: `{ documentId, variables }`, answered as JSON, CSV, NDJSON or events by `Accept`. */
export function POST(request: Request): Promise<Response> {
  return answer(request, async () => {
    const body = parseJson(await readBody(request, MAX_BODY_BYTES));
    const { documentId, variables } = Object(body) as Record<string, unknown>;
    return operationOf(documentId, variables);
  });
}

/** The same in the URL: what has not changed since the answer whose tag is in `If-None-Match` is answered 304. */
export function GET(request: Request): Promise<Response> {
  return answer(request, async () => {
    const { searchParams } = new URL(request.url);
    return operationOf(searchParams.get('documentId'), parseJson(searchParams.get('variables')));
  });
}

type Operation = Pick<BrowserRequest, 'documentId' | 'variables'>;

async function answer(request: Request, read: () => Promise<Operation | undefined>): Promise<Response> {
  if (!isSameOrigin(request)) return failure(403, 'FORBIDDEN', 'Only the pages of this app may ask.');
  const { headers, signal } = request;
  const expected = headers.get('x-user');
  const session = await currentSessionAs(expected === null ? null : decodeURIComponent(expected));
  if (!session) return signedOut();
  const operation = await read();
  if (!operation) return failure(400, 'BAD_REQUEST', 'Expected JSON with documentId and variables.');
  const maxStaleness = headers.get('x-max-staleness');
  return answerBrowser(serverParts(), session, {
    ...operation,
    method: request.method === 'GET' ? 'GET' : 'POST',
    entityTag: headers.get('if-none-match') ?? undefined,
    accept: headers.get('accept')?.split(',')[0]?.trim() ?? 'application/json',
    maxStaleness: maxStaleness === null ? undefined : Number(maxStaleness),
    readAfter: headers.get('x-read-after') ?? undefined,
    signal,
  });
}

function operationOf(documentId: unknown, variables: unknown): Operation | undefined {
  if (typeof documentId !== 'string' || typeof variables !== 'object' || variables === null) return undefined;
  return { documentId, variables: variables as Record<string, unknown> };
}

/** Undefined where the text is no JSON. */
function parseJson(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
