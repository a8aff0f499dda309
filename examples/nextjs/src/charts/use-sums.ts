'use client';

import { type Asked, useAnswer } from '../asking/use-answer.ts';
import { useView } from '../chrome/view.tsx';
import { cdrFilterOf, withoutDimension } from '../filter/cdr-filter.ts';
import type { Question } from '../filter/question.ts';
import type { TimeRange } from '../filter/time-range.ts';
import type { TilesQuery } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';

export type FacetPart = 'outcome' | 'country' | 'cause' | 'account';

/** Values of a facet that are counted. */
const SHOWN = 10;

/** A customer's accounts are given by the session: there is nothing to choose. */
export function facetParts(role: 'customer' | 'admin'): readonly FacetPart[] {
  return role === 'admin' ? ['outcome', 'country', 'cause', 'account'] : ['outcome', 'country', 'cause'];
}

export interface SumsOptions {
  readonly question: Question;
  readonly range: TimeRange;
  readonly hasFacets: boolean;
  readonly maxStaleness: number | null;
}

/** The sums of the filter and, where they are shown, its counts by value: one answer, of one moment. */
export function useSums({ question, range, hasFacets, maxStaleness }: SumsOptions): Asked<TilesQuery> {
  const { user } = useView();
  // Among all values, so that another one can be chosen: a facet's own filter does not count.
  const filterOf = (part: FacetPart) =>
    hasFacets ? cdrFilterOf(withoutDimension(question, part), range) : null;
  return useAnswer(
    operations.tiles,
    {
      filter: cdrFilterOf(question, range),
      hasFacets,
      outcomeFilter: filterOf('outcome'),
      countryFilter: filterOf('country'),
      causeFilter: filterOf('cause'),
      hasAccounts: hasFacets && user.role === 'admin',
      accountFilter: filterOf('account'),
      first: SHOWN,
    },
    { maxStaleness },
  );
}
