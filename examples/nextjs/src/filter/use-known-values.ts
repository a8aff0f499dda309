'use client';

import { useQueries } from '@tanstack/react-query';
import { ask } from '../asking/execute.ts';
import type { CdrDimension, FacetQuery } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { cdrFilterOf, type KnownValues, needsKnown, nothingKnown, withoutDimension } from './cdr-filter.ts';
import type { Question } from './question.ts';
import type { TimeRange } from './time-range.ts';

/** As many values as one picture of the gateway may have, far more than a switch has causes or countries. */
const MOST_VALUES = 5000;

const dimensions = {
  cause: 'DISCONNECT_CAUSE',
  country: 'COUNTRY',
  account: 'ACCOUNT',
} as const satisfies Record<keyof KnownValues, CdrDimension>;

type FacetRow = NonNullable<FacetQuery['cdrStats']>['rows'][number];

const knownValueOf = {
  cause: (row: FacetRow) => row.disconnectCause,
  country: (row: FacetRow) => row.country,
  account: (row: FacetRow) => row.accountId,
} as const;

/**
 * The values that "all but these" is made of, where the question needs them. Undefined until they are known: the list
 * waits, rather than show what is to be left out. Calls without the value are left out too: the gateway cannot name them.
 */
export function useKnownValues(
  question: Question,
  range: TimeRange,
): { readonly known: KnownValues | undefined; readonly error: unknown; retry(): void } {
  const needed = needsKnown(question);
  const results = useQueries({
    queries: needed.map((part) => {
      const filter = cdrFilterOf(withoutDimension(question, part), range, nothingKnown);
      return {
        queryKey: ['known', part, JSON.stringify(filter)],
        queryFn: ({ signal }: { signal: AbortSignal }) =>
          ask(operations.facet, { filter, by: dimensions[part], first: MOST_VALUES }, { signal }),
      };
    }),
  });
  const failed = results.find(({ error }) => error !== null);
  if (results.some(({ data }) => data === undefined)) {
    return { known: undefined, error: failed?.error ?? null, retry: () => void failed?.refetch() };
  }
  const values = needed.map((part, index) => {
    const { rows } = results[index]!.data!.data.cdrStats;
    return [part, rows.map((row) => knownValueOf[part](row)).filter((value) => value !== null)];
  });
  const known: KnownValues = { ...nothingKnown, ...Object.fromEntries(values) };
  return { known, error: null, retry: () => {} };
}
