import { readAnswer } from '../asking/execute.ts';
import { type Listed, listedOf, type Page, pageVariables } from '../calls/ask-page.ts';
import type { PageQuery } from '../filter/page-query.ts';
import { rangeOf } from '../filter/page-query.ts';
import type { CallPageQuery } from '../generated/graphql.ts';
import { callPage } from '../generated/operations.ts';
import { answerBrowser } from './answer-browser.ts';
import type { ServerParts } from './server-parts.ts';
import type { Session } from './sessions.ts';

/** Longer than this the page does not wait: it comes without rows, and asks for them itself. */
const PATIENCE_MILLIS = 1200;

/** The first page of the list, asked for while the document is made. Undefined when that fails: the page then says why. */
export async function firstPage(
  parts: ServerParts,
  session: Session,
  query: PageQuery,
  now: number,
): Promise<{ readonly key: string; readonly page: Page } | undefined> {
  const listed: Listed = listedOf(query, rangeOf(query, now), { maxStaleness: query.fresh, isOpen: false });
  try {
    const response = await answerBrowser(parts, session, {
      documentId: callPage,
      variables: pageVariables(listed, null),
      accept: 'application/json',
      maxStaleness: query.fresh ?? undefined,
      signal: AbortSignal.timeout(PATIENCE_MILLIS),
    });
    return { key: JSON.stringify(listed), page: await readAnswer<CallPageQuery>(response, now) };
  } catch {
    return undefined;
  }
}
