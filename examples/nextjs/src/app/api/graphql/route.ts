import { answerBrowser, failure } from '../../../server/answer-browser.ts';
import { currentUserAs } from '../../../server/current-user.ts';
import { settingsOfProcess } from '../../../server/environment.ts';
import { isSameOrigin } from '../../../server/same-origin.ts';

/** A committed operation and its variables; what our largest filter needs is far below. */
const MAX_BODY_BYTES = 256 * 1024;

/** The browser's only way to the gateway: `{ documentId, variables }`, answered as JSON, CSV or NDJSON by `Accept`. */
export async function POST(request: Request): Promise<Response> {
  if (!isSameOrigin(request)) return failure(403, 'FORBIDDEN', 'Only the pages of this app may ask.');
  const text = await request.text();
  const body = text.length <= MAX_BODY_BYTES ? parseBody(text) : undefined;
  if (!body) return failure(400, 'BAD_REQUEST', 'Expected JSON with documentId and variables.');
  const { headers, signal } = request;
  const maxStaleness = headers.get('x-max-staleness');
  return answerBrowser(settingsOfProcess(), await currentUserAs(headers.get('x-user')), {
    ...body,
    accept: headers.get('accept')?.split(',')[0]?.trim() ?? 'application/json',
    maxStaleness: maxStaleness === null ? undefined : Number(maxStaleness),
    signal,
  });
}

function parseBody(text: string): { documentId: string; variables: Record<string, unknown> } | undefined {
  try {
    const { documentId, variables } = JSON.parse(text) as Record<string, unknown>;
    if (typeof documentId !== 'string') return undefined;
    if (typeof variables !== 'object' || variables === null) return undefined;
    return { documentId, variables: variables as Record<string, unknown> };
  } catch {
    return undefined;
  }
}
