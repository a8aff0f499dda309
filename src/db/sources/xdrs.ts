import { sql } from 'kysely';
import type { Catalogue, CatalogueTable } from '../catalogue/catalogue.ts';
import { hasCustomerKeysets, hasKeyIndex, hasKeysetIndexes } from '../catalogue/catalogue-indexes.ts';
import {
  type CdrColumnName,
  cdrColumn,
  cdrColumnNames,
  findGone,
  numberColumns,
  textsSql,
  xdrsTypes,
} from './cdr-columns.ts';
import { columnSql, isUnreadableSql, secondsSql, tableSql, textSql, type ValueSql } from './columns.ts';
import { type ColumnsSql, scopedRelation } from './derived-table.ts';
import {
  accountsRelation,
  customersRelation,
  hasScopePolicies,
  hasUniqueAccounts,
  ownershipOf,
} from './lookups.ts';
import type { Source, XdrsModel } from './model.ts';
import { outcomeSql, q850Outcomes, successfulSql } from './outcomes.ts';

/** The tables this source looks at; only the first must be there. */
export const xdrsTables = ['xdrs', 'accounts', 'customers'] as const;

/** Columns without which nothing true can be said about a call. */
export const xdrsRequired: Readonly<Record<string, string>> = Object.fromEntries(
  cdrColumnNames
    .filter((name) => cdrColumn(name).requiredBy?.includes('xdrs'))
    .map((name) => [name, xdrsTypes[name]]),
);

/** The switch's own `xdrs`, or the development copy: one table, with a Q.850 cause. */
export function xdrsSource(catalogue: Catalogue): Source {
  const table = catalogue.tables.get('xdrs')!;
  const columns = columnsOf(table);
  const gone = findGone('xdrs', columns, ['duration']);
  const texts = textsSql((name) => textSql(table, name, xdrsTypes[name]));
  return {
    name: 'xdrs',
    cdrs: scopedRelation<XdrsModel, 'xdrs'>({
      alias: 'xdrs',
      columns,
      types: xdrsTypes,
      texts,
      numbers: numberColumns,
      gone,
      from: tableSql(table),
      owners: { account: columns.i_account, customer: columns.i_customer },
      ownership: ownershipOf(catalogue),
    }),
    accounts: accountsRelation(catalogue),
    customers: customersRelation(catalogue),
    hasUniqueAccounts: hasUniqueAccounts(catalogue),
    hasCustomers: columns.i_customer !== null,
    hasKeysetIndexes: hasKeysetIndexes(table, 'i_xdr'),
    hasCustomerKeysets: hasCustomerKeysets(table, 'i_xdr'),
    hasKeyIndex: hasKeyIndex(table, 'i_xdr'),
    hasNullableKey: !table.notNull.has('i_xdr'),
    shownFromText: new Set(Object.keys(texts) as CdrColumnName[]),
    gone,
    hasScopePolicies: hasScopePolicies(catalogue),
    encoding: catalogue.encoding,
    missing: cdrColumnNames.filter((name) => columns[name] === null),
  };
}

function columnsOf(table: CatalogueTable): ColumnsSql<XdrsModel> {
  const stored = Object.fromEntries(
    cdrColumnNames.map((name) => [name, columnSql(table, name, xdrsTypes[name])]),
  ) as Record<CdrColumnName, ValueSql>;
  const cause = stored.disconnect_cause ?? sql`null::integer`;
  const duration = secondsSql(table, 'duration');
  return {
    ...stored,
    outcome: outcomeSql(q850Outcomes, cause, duration),
    successful: successfulSql(q850Outcomes, cause, duration),
    is_quantity_unreadable: isUnreadableSql(table, 'charged_quantity', xdrsTypes.charged_quantity),
  };
}
