import type { Scope } from '../../src/db/scope.ts';
import type { SourceName } from '../../src/db/sources/sources.ts';
import { createSourceDatabase, insertCalls } from '../db/source-databases.ts';
import { aCall, type Call, inOrder, microsOf, rowOf, someCalls } from '../schema/calls-oracle.ts';
import { aCustomer, anAccount } from '../support/builders.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { insertAccountsAsSippy } from '../support/sippy.ts';

/** Who owns which account, by the table `accounts`. */
export const customerOf: Readonly<Record<string, string | null>> = {
  14: '3',
  15: '3',
  16: '4',
  17: null,
  18: '5',
  19: '6',
};
export const nameOfCustomer: Readonly<Record<string, string>> = {
  3: 'Three',
  4: 'Four',
  5: 'Five',
  6: 'Six',
};
/** By the table `accounts`: of 17 it is unknown. */
export const currencyOf: Readonly<Record<string, string | null>> = {
  14: 'EUR',
  15: 'USD',
  16: 'EUR',
  17: null,
  18: 'GBP',
  19: 'EUR',
};
export const usernameOf = (account: string) => `username-${account}`;

/** More than an estimate counts one by one. */
const MANY = 21_000;

/** What one prefix leads to, so that a Sippy can hold the same calls. */
const places = { country: 'FRANCE', region: 'Paris', prefix: '33' } as const;

/** Recent calls of five accounts, and in the year before many of a sixth. */
function callsIn(name: SourceName): Call[] {
  const recent = someCalls(150, 9).map((call, index) => {
    const i_account = String(14 + (index % 5));
    const moved = name === 'xdrs' && index % 25 === 1;
    return {
      ...call,
      ...places,
      i_account,
      // Some calls were made while another customer had the account: they stay with that customer.
      i_customer: moved ? '4' : customerOf[i_account]!,
      cld: `${index % 2 === 0 ? '33' : '44'}${1000 + index}`,
      charged_amount: '0.5',
      duration: index % 3 === 0 ? '0' : '60',
      disconnect_cause: index % 3 === 0 ? 17 : 16,
    };
  });
  const past = microsOf('2025-03-01T00:00:00Z');
  const many = Array.from({ length: MANY }, (_, index) => {
    const call = aCall(past + BigInt(index) * 60_000_000n, String(1_000_000 + index), {
      ...places,
      i_account: '19',
    });
    return { ...call, i_customer: '6', call_id: null, user_agent: null };
  });
  return [...recent, ...many];
}

/** A database of either kind with these calls, accounts and customers. */
export async function createScopeDatabase(
  name: SourceName,
): Promise<TestDatabase & { readonly calls: Call[] }> {
  const database = await createSourceDatabase(name);
  const calls = callsIn(name);
  const accounts = Object.entries(customerOf).map(([i_account, i_customer]) =>
    anAccount({
      i_account,
      i_customer,
      username: usernameOf(i_account),
      currency: currencyOf[i_account],
      time_zone: null,
    }),
  );
  if (name === 'sippy') {
    await insertAccountsAsSippy(database.pool, accounts);
    await database.pool.query(
      'grant usage on schema public to gateway_reader; grant select on all tables in schema public to gateway_reader',
    );
  } else {
    await database.insertAccounts(accounts);
    await database.insertCustomers(
      Object.entries(nameOfCustomer).map(([i_customer, name]) => aCustomer({ i_customer, name })),
    );
  }
  for (let start = 0; start < calls.length; start += 5000) {
    await insertCalls(database, name, calls.slice(start, start + 5000).map(rowOf));
  }
  await database.pool.query('analyze');
  await database.replayed();
  return Object.assign(database, { calls: inOrder(calls, 'NEWEST_FIRST') });
}

/** What a principal may see, worked out without any of the code that restricts it. */
export interface Visible {
  /** Newest first. */
  readonly calls: readonly Call[];
  readonly sees: (kind: 'account' | 'customer', id: string) => boolean;
}

export function visibleTo(scope: Scope, calls: readonly Call[]): Visible {
  switch (scope.kind) {
    case 'all':
      return { calls, sees: () => true };
    case 'accounts': {
      const owners = scope.accountIds.map((id) => customerOf[id]);
      return {
        calls: calls.filter(({ i_account }) => scope.accountIds.includes(i_account)),
        sees: (kind, id) => (kind === 'account' ? scope.accountIds.includes(id) : owners.includes(id)),
      };
    }
    case 'customers':
      return {
        calls: calls.filter(({ i_customer }) => scope.customerIds.includes(String(i_customer))),
        sees: (kind, id) => scope.customerIds.includes(String(kind === 'account' ? customerOf[id] : id)),
      };
  }
}
