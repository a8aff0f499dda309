import { sql } from 'kysely';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { columnSql, firstColumnSql } from './columns.ts';
import { derivedTable } from './derived-table.ts';
import {
  type AccountsModel,
  accountsTypes,
  type CustomersModel,
  customersTypes,
  type Source,
} from './model.ts';

/** `accounts`, where there is one that says at least its id. */
export function accountsRelation({ tables }: Catalogue): Source['accountsRelation'] {
  const table = tables.get('accounts');
  const id = columnSql(table, 'i_account', accountsTypes.i_account);
  if (!id) return null;
  return derivedTable<AccountsModel, 'accounts'>(
    'accounts',
    {
      i_account: id,
      i_customer: columnSql(table, 'i_customer', accountsTypes.i_customer),
      username: columnSql(table, 'username', accountsTypes.username),
      currency: firstColumnSql(table, ['currency', 'payment_currency', 'iso_4217'], accountsTypes.currency),
      time_zone: columnSql(table, 'time_zone', accountsTypes.time_zone),
      blocked: columnSql(table, 'blocked', accountsTypes.blocked),
    },
    accountsTypes,
    sql`accounts`,
  );
}

export function customersRelation({ tables }: Catalogue): Source['customersRelation'] {
  const table = tables.get('customers');
  const id = columnSql(table, 'i_customer', customersTypes.i_customer);
  if (!id) return null;
  return derivedTable<CustomersModel, 'customers'>(
    'customers',
    { i_customer: id, name: columnSql(table, 'name', customersTypes.name) },
    customersTypes,
    sql`customers`,
  );
}
