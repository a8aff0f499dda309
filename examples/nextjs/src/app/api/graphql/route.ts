import { answerBrowser, type BrowserRequest, failure, signedOut } from '../../../server/answer-browser.ts';
import { currentSessionAs } from '../../../server/current-session.ts';
import { readBody } from '../../../server/read-body.ts';
import { isSameOrigin } from '../../../server/same-origin.ts';
import { serverParts } from '../../../server/server-parts.ts';

/** A committed operation and its variables; what our largest filter needs is far below. */
const MAX_BODY_BYTES = 256 * 1024;

/** The browser's only way to the gateway: `{ documentId, variables }`, answered as JSON, CSV, NDJSON or events by `Accept`. */
export async function POST(request: Request): Promise<Response> {
  if (!isSameOrigin(request)) return failure(403, 'FORBIDDEN', 'Only the pages of this app may ask.');
  const { headers, signal } = request;
  const expected = headers.get('x-user');
  const session = await currentSessionAs(expected === null ? null : decodeURIComponent(expected));
  if (!session) return signedOut();
  const body = parseBody((await readBody(request, MAX_BODY_BYTES)) ?? '');
  if (!body) return failure(400, 'BAD_REQUEST', 'Expected JSON with documentId and variables.');
  const maxStaleness = headers.get('x-max-staleness');
  return answerBrowser(serverParts(), session, {
    ...body,
    accept: headers.get('accept')?.split(',')[0]?.trim() ?? 'application/json',
    maxStaleness: maxStaleness === null ? undefined : Number(maxStaleness),
    readAfter: headers.get('x-read-after') ?? undefined,
    signal,
  });
}

function parseBody(text: string): Pick<BrowserRequest, 'documentId' | 'variables'> | undefined {
  try {
    const { documentId, variables } = JSON.parse(text) as Record<string, unknown>;
    if (typeof documentId !== 'string') return undefined;
    if (typeof variables !== 'object' || variables === null) return undefined;
    return { documentId, variables: variables as Record<string, unknown> };
  } catch {
    return undefined;
  }
}
