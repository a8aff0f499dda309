import { sql } from 'kysely';
import { type Catalogue, type CatalogueTable, hasUnique } from '../catalogue/catalogue.ts';
import type { Ownership } from '../scope.ts';
import { columnSql, firstColumnSql, tableSql, type ValueSql } from './columns.ts';
import { scopedRelation } from './derived-table.ts';
import {
  type AccountsModel,
  accountsTypes,
  type CustomersModel,
  customersTypes,
  type Source,
} from './model.ts';

/** `accounts`, where there is one that says at least its id. */
export function accountsRelation(catalogue: Catalogue): Source['accounts'] {
  const table = catalogue.tables.get('accounts');
  const account = columnSql(table, 'i_account', accountsTypes.i_account);
  if (!table || !account) return null;
  const customer = columnSql(table, 'i_customer', accountsTypes.i_customer);
  return scopedRelation<AccountsModel, 'accounts'>({
    alias: 'accounts',
    columns: {
      i_account: account,
      i_customer: customer,
      username: columnSql(table, 'username', accountsTypes.username),
      currency: currencySql(table),
      time_zone: columnSql(table, 'time_zone', accountsTypes.time_zone),
      blocked: columnSql(table, 'blocked', accountsTypes.blocked),
    },
    types: accountsTypes,
    from: tableSql(table),
    owners: { account, customer },
    ownership: ownershipOf(catalogue),
  });
}

/** A blank is as good as nothing: the currency is unknown. */
function currencySql(table: CatalogueTable): ValueSql {
  const names = ['currency', 'payment_currency', 'iso_4217'];
  const found = firstColumnSql(table, names, accountsTypes.currency);
  return found && sql`nullif(trim(${found}), '')`;
}

export function hasUniqueAccounts({ tables }: Catalogue): boolean {
  const table = tables.get('accounts');
  return table !== undefined && hasUnique(table, 'i_account');
}

export function hasScopePolicies({ tables }: Catalogue): boolean {
  return [...tables.values()].some(({ hasScopePolicy }) => hasScopePolicy);
}

/** A scope that has an account has the customer who owns it. */
export function customersRelation(catalogue: Catalogue): Source['customers'] {
  const table = catalogue.tables.get('customers');
  const customer = columnSql(table, 'i_customer', customersTypes.i_customer);
  if (!table || !customer) return null;
  return scopedRelation<CustomersModel, 'customers'>({
    alias: 'customers',
    columns: { i_customer: customer, name: columnSql(table, 'name', customersTypes.name) },
    types: customersTypes,
    from: tableSql(table),
    owners: { account: null, customer },
    ownership: ownershipOf(catalogue),
  });
}

/** Null where no table says which customer owns which account. */
export function ownershipOf({ tables }: Catalogue): Ownership | null {
  const table = tables.get('accounts');
  const account = columnSql(table, 'i_account', accountsTypes.i_account);
  const customer = columnSql(table, 'i_customer', accountsTypes.i_customer);
  return table && account && customer ? { from: tableSql(table), account, customer } : null;
}
