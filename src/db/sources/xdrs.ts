import { sql } from 'kysely';
import type { Catalogue, CatalogueTable } from '../catalogue/catalogue.ts';
import { hasKeysetIndexes } from '../catalogue/catalogue-indexes.ts';
import { columnSql } from './columns.ts';
import { type ColumnsSql, missingColumns, scopedRelation } from './derived-table.ts';
import { accountsRelation, customersRelation, ownershipOf } from './lookups.ts';
import { type Source, type XdrsModel, xdrsTypes } from './model.ts';
import { outcomeSql, q850Outcomes, successfulSql } from './outcomes.ts';

/** The tables this source looks at; only the first must be there. */
export const xdrsTables = ['xdrs', 'accounts', 'customers'] as const;

/**
 * Without these nothing true can be said about a call: the key, whose it is, when, how long, how much.
 * A duration or an amount that is not there would be told as zero in every sum.
 */
export const xdrsRequired = {
  i_xdr: 'bigint',
  i_account: 'bigint',
  connect_time: 'timestamp with time zone',
  duration: 'numeric',
  charged_amount: 'numeric',
} as const;

/** The switch's own `xdrs`, or the development copy: one table, with a Q.850 cause. */
export function xdrsSource(catalogue: Catalogue): Source {
  const table = catalogue.tables.get('xdrs')!;
  const columns = columnsOf(table);
  return {
    name: 'xdrs',
    cdrs: scopedRelation<XdrsModel, 'xdrs'>({
      alias: 'xdrs',
      columns,
      types: xdrsTypes,
      from: sql`xdrs`,
      owners: { account: columns.i_account, customer: columns.i_customer },
      ownership: ownershipOf(catalogue),
    }),
    accounts: accountsRelation(catalogue),
    customers: customersRelation(catalogue),
    hasKeysetIndexes: hasKeysetIndexes(table, 'i_xdr'),
    missing: missingColumns(columns),
  };
}

function columnsOf(table: CatalogueTable): ColumnsSql<XdrsModel> {
  const stored = Object.fromEntries(
    Object.entries(xdrsTypes).map(([name, type]) => [name, columnSql(table, name, type)]),
  ) as ColumnsSql<XdrsModel>;
  const cause = stored.disconnect_cause ?? sql`null::integer`;
  const duration = sql`xdrs.duration`;
  return {
    ...stored,
    outcome: outcomeSql(q850Outcomes, cause, duration),
    successful: successfulSql(q850Outcomes, cause, duration),
  };
}
