import { type Answer, ask } from '../asking/execute.ts';
import { cdrFilterOf } from '../filter/cdr-filter.ts';
import { type PageQuery, pageSizes } from '../filter/page-query.ts';
import type { TimeRange } from '../filter/time-range.ts';
import type { CallPageQuery, CallPageQueryVariables, CdrFilter, CdrOrder } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';

/** What is listed. */
export interface Listed {
  readonly filter: CdrFilter;
  readonly order: CdrOrder;
  readonly size: number;
  /** Answers older than this are refused, in seconds; null takes any, and says how old it is. */
  readonly maxStaleness: number | null;
}

export type Page = Answer<CallPageQuery>;

/** What the list is asked with. Our server asks the same for the first page, so that its answer fits. */
export function listedOf(
  query: PageQuery,
  range: TimeRange,
  { maxStaleness, isOpen }: { readonly maxStaleness: number | null; readonly isOpen: boolean },
): Listed {
  return {
    filter: cdrFilterOf(query, { from: range.from, to: isOpen ? null : range.to }),
    order: query.order === 'newest' ? 'NEWEST_FIRST' : 'OLDEST_FIRST',
    size: pageSizes.find((offered) => offered === query.size) ?? 100,
    maxStaleness,
  };
}

export function pageVariables({ filter, order, size }: Listed, after: string | null): CallPageQueryVariables {
  return { filter, orderBy: order, first: size, after, counted: after === null };
}

/** `readAfter`: a position of the gateway, than which the page is not older. */
export function askPage(
  listed: Listed,
  after: string | null,
  signal?: AbortSignal,
  readAfter?: string,
): Promise<Page> {
  const { maxStaleness } = listed;
  return ask(operations.callPage, pageVariables(listed, after), { signal, maxStaleness, readAfter });
}

/** Where the next page begins; a page that broke off goes on where it did. Undefined at the end. */
export function nextCursor({ data, isComplete, resumeAfter }: Page): string | undefined {
  if (!isComplete) return resumeAfter ?? undefined;
  const { hasNextPage, endCursor } = data.cdrs.pageInfo;
  return hasNextPage ? (endCursor ?? undefined) : undefined;
}

/** By the planner's statistics, told with the first page. */
export function estimateOf(page: Page | undefined): number | null {
  const estimate = page?.data.cdrs.estimatedCount;
  return estimate == null ? null : Number(estimate);
}
