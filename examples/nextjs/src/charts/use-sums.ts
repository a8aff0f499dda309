'use client';

import { type Asked, useAnswer } from '../asking/use-answer.ts';
import { useView } from '../chrome/view.tsx';
import { cdrFilterOf, type ListedRange, withoutDimension } from '../filter/cdr-filter.ts';
import type { PageQuery } from '../filter/page-query.ts';
import type { TilesQuery } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { excludable } from '../table/cell-filter.ts';

export type FacetPart = 'outcome' | 'country' | 'cause' | 'account';

/** Values of a facet that are counted, and so many of one where more are wanted. */
const SHOWN = 10;
export const MAX_SHOWN = 1000;
/** Their names are looked up one by one. */
const MAX_ACCOUNTS = 200;

/** Of a part, the most values that can be listed. */
export function mostValues(part: FacetPart): number {
  return part === 'account' ? MAX_ACCOUNTS : MAX_SHOWN;
}

/** A customer's accounts are given by the session: there is nothing to choose. */
export function facetParts(role: 'customer' | 'admin'): readonly FacetPart[] {
  return role === 'admin' ? ['outcome', 'country', 'cause', 'account'] : ['outcome', 'country', 'cause'];
}

export interface SumsOptions {
  readonly query: PageQuery;
  readonly range: ListedRange;
  readonly hasFacets: boolean;
  /** Those of which more values are wanted. */
  readonly opened: readonly FacetPart[];
  readonly maxStaleness: number | null;
  /** They are requested again so often. */
  readonly everyMillis: number | false;
}

/** The sums of the filter and, where they are shown, its counts by value: one answer, of one moment. */
export function useSums(options: SumsOptions): Asked<TilesQuery> {
  const { query, range, hasFacets, opened, maxStaleness, everyMillis } = options;
  const { user } = useView();
  // Among all values, so that another one can be chosen: a facet's own filter does not count.
  const filterOf = (part: FacetPart) =>
    hasFacets ? cdrFilterOf(withoutDimension(query, part), range) : null;
  const firstOf = (part: FacetPart) => (opened.includes(part) ? mostValues(part) : SHOWN);
  const isFiltered = (part: FacetPart) => query[part].length + query[excludable[part]].length > 0;
  return useAnswer(
    operations.tiles,
    {
      filter: cdrFilterOf(query, range),
      hasFacets,
      outcomeFilter: filterOf('outcome'),
      outcomeFirst: firstOf('outcome'),
      isOutcomeFiltered: isFiltered('outcome'),
      countryFilter: filterOf('country'),
      countryFirst: firstOf('country'),
      isCountryFiltered: isFiltered('country'),
      causeFilter: filterOf('cause'),
      causeFirst: firstOf('cause'),
      isCauseFiltered: isFiltered('cause'),
      hasAccounts: hasFacets && user.role === 'admin',
      accountFilter: filterOf('account'),
      accountFirst: firstOf('account'),
      isAccountFiltered: isFiltered('account'),
    },
    { maxStaleness, everyMillis },
  );
}
