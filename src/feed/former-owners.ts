import { selectAccounts } from '../db/calls/accounts.ts';
import type { FilteredRow } from '../db/calls/cdr-row-filter.ts';
import type { Reader } from '../db/reader.ts';
import type { CallOwner } from '../db/scope.ts';
import type { CallChange } from './change-stream.ts';

type Customer = CallOwner['customer'];

const NO_ROWS: ReadonlyMap<bigint, FilteredRow> = new Map();

/**
 * The changes with the customers whose calls they were of, where neither the WAL nor the ledger names them: the call does while
 * its account is what it was, otherwise the table of accounts does, as for every relation that names no customer.
 */
export async function withCustomers(
  reader: Reader,
  changes: readonly CallChange[],
  rows = NO_ROWS,
): Promise<readonly CallChange[]> {
  const unknown = new Map<CallChange, string>();
  const named = new Map<CallChange, Customer>();
  for (const change of changes) {
    const { account, customer } = change.oldOwner;
    if (account == null || customer !== undefined) continue;
    const row = reader.source.hasCustomers ? rows.get(change.key) : undefined;
    if (row?.i_account === account) named.set(change, row.i_customer);
    else unknown.set(change, account);
  }
  const customers = await selectCustomersOf(reader, [...new Set(unknown.values())]);
  for (const [change, account] of unknown) named.set(change, customers.get(account));
  return changes.map((change) =>
    named.has(change) ? { ...change, oldOwner: { ...change.oldOwner, customer: named.get(change) } } : change,
  );
}

/** By account; missing where that cannot be known. */
async function selectCustomersOf(
  reader: Reader,
  accounts: readonly string[],
): Promise<ReadonlyMap<string, Customer>> {
  const { hasCustomers, hasUniqueAccounts, accounts: relation } = reader.source;
  const ids = accounts.filter((account) => /^-?\d{1,18}$/.test(account));
  if (ids.length === 0 || (relation && !hasUniqueAccounts)) return new Map();
  const found = await selectAccounts(reader, ids);
  const known = hasCustomers ? ids.filter((id) => found.has(id)) : ids;
  // Where the accounts alone say it, one that is not there is nobody's.
  return new Map(known.map((id) => [id, found.get(id)?.customerId ?? null]));
}
