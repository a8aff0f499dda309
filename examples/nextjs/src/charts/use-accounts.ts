'use client';

import { useQueries } from '@tanstack/react-query';
import { ask } from '../asking/execute.ts';
import type {
  AccountNameFragment,
  AccountNamesQuery,
  AccountNamesQueryVariables,
} from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';

/** So many accounts the operation asks for at once. */
const PER_REQUEST = 20;

export interface Accounts {
  /** Names and owners by id. What is not known, or not there, is missing. */
  readonly byId: ReadonlyMap<string, AccountNameFragment>;
  /** Every account was asked for, and answered. */
  readonly isWhole: boolean;
}

export function useAccounts(ids: readonly string[]): Accounts {
  const sorted = [...new Set(ids)].sort();
  const chunks = Array.from({ length: Math.ceil(sorted.length / PER_REQUEST) }, (_, index) =>
    sorted.slice(index * PER_REQUEST, (index + 1) * PER_REQUEST),
  );
  const answers = useQueries({
    queries: chunks.map((chunk) => ({
      queryKey: ['accounts', chunk],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        ask(operations.accountNames, variablesOf(chunk), { signal }),
    })),
  });
  const accounts = answers.flatMap(({ data }) => (data ? accountsOf(data.data) : []));
  return {
    byId: new Map(accounts.map((account) => [account.id, account])),
    isWhole: answers.every(({ data }) => data !== undefined),
  };
}

function variablesOf(ids: readonly string[]): AccountNamesQueryVariables {
  return Object.fromEntries(ids.map((id, index) => [`id${index}`, id]));
}

function accountsOf(data: AccountNamesQuery): AccountNameFragment[] {
  return Object.values(data).filter((account) => account !== null);
}
