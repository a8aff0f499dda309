import { callExport } from '../../../generated/operations.ts';
import { answerBrowser, failure, signedOut } from '../../../server/answer-browser.ts';
import { currentSessionAs } from '../../../server/current-session.ts';
import { serverParts } from '../../../server/server-parts.ts';

/** A download that the browser itself writes to disk: a plain link, of any size, without progress of ours. */
export async function GET(request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url);
  const session = await currentSessionAs(searchParams.get('user'));
  if (!session) return signedOut();
  const variables = parseVariables(searchParams.get('variables'));
  if (!variables) return failure(400, 'BAD_REQUEST', 'Expected ?variables= with JSON.');
  return answerBrowser(serverParts(), session, {
    documentId: callExport,
    variables,
    accept: 'text/csv',
    maxStaleness: undefined,
    signal: request.signal,
  });
}

function parseVariables(text: string | null): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
