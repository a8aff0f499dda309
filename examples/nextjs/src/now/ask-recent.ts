import { type Answer, ask, type Freshness } from '../asking/execute.ts';
import type { CdrFilter, RecentCallsQuery } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { MAX_CALLS, type RecentCall } from './call-window.ts';

/** Calls of one request. */
const MAX_PAGE = 5000;

export interface RecentOptions {
  /** Epoch milliseconds. */
  readonly from: number;
  /** Nothing older than this position. */
  readonly readAfter: string | undefined;
  /** What the user may have at once. */
  readonly maxPage: number;
  readonly signal: AbortSignal;
}

export interface Recent {
  readonly calls: readonly RecentCall[];
  /** All calls since then are there. */
  readonly since: number;
  /** Of the first page. */
  readonly freshness: Freshness;
}

/** The calls since then, the newest first, page after page: as many as the page can hold. */
export async function askRecent(
  filter: CdrFilter,
  { from, readAfter, maxPage, signal }: RecentOptions,
): Promise<Recent> {
  const ofTime = { ...filter, from: new Date(from).toISOString() };
  const askPart = (after: string | null) => {
    const variables = { filter: ofTime, first: Math.min(MAX_PAGE, maxPage), after };
    return ask(operations.recentCalls, variables, { signal, readAfter });
  };
  const freshness = await askPart(null);
  const calls = callsOf(freshness);
  let after = nextOf(freshness);
  while (after !== null && calls.length < MAX_CALLS) {
    const page = await askPart(after);
    calls.push(...callsOf(page));
    after = nextOf(page);
  }
  // Of a millisecond that did not come in whole nothing is kept.
  const since = after === null ? from : Date.parse(calls.at(-1)!.connectTime) + 1;
  return { calls, since, freshness };
}

type Part = Answer<RecentCallsQuery>;

function callsOf({ data }: Part): RecentCall[] {
  return data.cdrs.nodes.filter((call) => call !== null);
}

/** Where the next part begins; one that broke off goes on where it did. */
function nextOf({ data, isComplete, resumeAfter }: Part): string | null {
  const { hasNextPage, endCursor } = data.cdrs.pageInfo;
  return isComplete ? (hasNextPage ? endCursor : null) : resumeAfter;
}
