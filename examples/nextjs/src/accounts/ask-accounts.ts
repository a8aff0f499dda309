import { ask } from '../asking/execute.ts';
import type { AccountNameFragment, AccountNamesQueryVariables } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';

/** The name of an account, and whose it is. */
export type AccountName = AccountNameFragment;

/** So many accounts the operation has places for. */
export const MAX_ACCOUNTS = 20;

/** Position by position; null where there is no such account, or none that the user may see. Throws GatewayError. */
export async function askAccounts(ids: readonly string[]): Promise<readonly (AccountName | null)[]> {
  const variables: AccountNamesQueryVariables = Object.fromEntries(ids.map((id, at) => [`id${at}`, id]));
  const { data } = await ask(operations.accountNames, variables);
  const accounts = Object.values(data);
  return ids.map((id) => accounts.find((account) => account?.id === id) ?? null);
}
