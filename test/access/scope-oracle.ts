import type { Scope } from '../../src/db/scope.ts';
import type { SourceName } from '../../src/db/sources/sources.ts';
import { type CreateDatabase, createSourceDatabase, insertCalls } from '../db/source-databases.ts';
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

export interface ScopeDatabase extends TestDatabase {
  /** Newest first. */
  readonly calls: Call[];
}

/** A database of either kind with these calls, accounts and customers. */
export async function createScopeDatabase(name: SourceName): Promise<ScopeDatabase> {
  const database = await createSourceDatabase(name);
  const calls = callsIn(name);
  await fillDatabase(database, name, visibleTo({ kind: 'all' }, calls));
  return Object.assign(database, { calls: inOrder(calls, 'NEWEST_FIRST') });
}

/** A database in which nobody has been but who has this scope. */
export async function createOwnDatabase(
  name: SourceName,
  scope: Scope,
  { calls }: Pick<ScopeDatabase, 'calls'>,
  createDatabase?: CreateDatabase,
): Promise<TestDatabase> {
  const database = await createSourceDatabase(name, createDatabase);
  await fillDatabase(database, name, visibleTo(scope, calls));
  return database;
}

async function fillDatabase(
  database: TestDatabase,
  name: SourceName,
  { calls, sees }: Visible,
): Promise<void> {
  const accounts = Object.entries(customerOf).flatMap(([i_account, i_customer]) =>
    sees('account', i_account) ? anOwnAccount(i_account, i_customer) : [],
  );
  const customers = Object.entries(nameOfCustomer).flatMap(([i_customer, name]) =>
    sees('customer', i_customer) ? aCustomer({ i_customer, name }) : [],
  );
  if (name === 'sippy') {
    await insertAccountsAsSippy(database.pool, accounts);
    await database.pool.query(
      'grant usage on schema public to gateway_reader; grant select on all tables in schema public to gateway_reader',
    );
  } else {
    await insertSome(accounts, (rows) => database.insertAccounts(rows));
    await insertSome(customers, (rows) => database.insertCustomers(rows));
  }
  for (let start = 0; start < calls.length; start += 5000) {
    await insertCalls(database, name, calls.slice(start, start + 5000).map(rowOf));
  }
  await database.pool.query('analyze');
  await database.replayed();
}

const anOwnAccount = (i_account: string, i_customer: string | null) =>
  anAccount({
    i_account,
    i_customer,
    username: usernameOf(i_account),
    currency: currencyOf[i_account],
    time_zone: null,
  });

async function insertSome<Row>(
  rows: readonly Row[],
  insert: (rows: readonly Row[]) => Promise<void>,
): Promise<void> {
  if (rows.length > 0) await insert(rows);
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
