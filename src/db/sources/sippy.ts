import type { Catalogue } from '../catalogue/catalogue.ts';
import { hasKeyIndex, hasKeysetIndexes } from '../catalogue/catalogue-indexes.ts';
import {
  type CdrColumnName,
  cdrColumn,
  cdrColumnNames,
  findGone,
  numberColumns,
  textsSql,
  xdrsTypes,
} from './cdr-columns.ts';
import { columnSql, isUnreadableSql, textSql, type ValueSql } from './columns.ts';
import { type ColumnsSql, scopedRelation } from './derived-table.ts';
import {
  accountsRelation,
  customersRelation,
  hasScopePolicies,
  hasUniqueAccounts,
  ownershipOf,
} from './lookups.ts';
import type { Source, XdrsModel } from './model.ts';
import { sippySuccessful } from './sippy-columns.ts';
import { findSippyParts, joinSippyParts, type SippyParts } from './sippy-parts.ts';

/** Columns of `cdrs` without which nothing true can be said about a call. */
export const sippyRequired: Readonly<Record<string, string>> = Object.fromEntries(
  cdrColumnNames.flatMap((name) => {
    const { requiredBy, sippy, type } = cdrColumn(name);
    return requiredBy?.includes('sippy') && sippy?.stored ? [[sippy.stored.column, type]] : [];
  }),
);

/**
 * A Sippy switch: `cdrs` has the record, `calls` the translated numbers. `disconnect_cause` is its `result`: 0, a SIP
 * status, or below zero the switch's own code; never a Q.850 cause. Since 2024 calls may live in a database of their
 * own, without accounts and destinations: whatever is not there is null.
 */
export function sippySource(catalogue: Catalogue): Source {
  const parts = findSippyParts(catalogue);
  let columns = columnsOf(parts);
  const gone = findGone('sippy', columns, ['duration', 'disconnect_cause']);
  if (gone.has('disconnect_cause')) columns = { ...columns, disconnect_reason: null };
  const texts = textsSql((name) => {
    const stored = cdrColumn(name).sippy?.stored;
    const table = stored?.table === 'calls' ? parts.calls?.table : parts.cdrs;
    return stored ? textSql(table, stored.column, xdrsTypes[name]) : null;
  });
  const from = joinSippyParts(parts);
  // A condition on the joined customer would read every call to find its own.
  const customer = columnSql(parts.cdrs, 'i_customer', xdrsTypes.i_customer);
  return {
    name: 'sippy',
    cdrs: scopedRelation<XdrsModel, 'xdrs'>({
      alias: 'xdrs',
      columns,
      types: xdrsTypes,
      texts,
      numbers: numberColumns,
      gone,
      from,
      owners: { account: columns.i_account, customer },
      ownership: ownershipOf(catalogue),
    }),
    accounts: accountsRelation(catalogue),
    customers: customersRelation(catalogue),
    hasUniqueAccounts: hasUniqueAccounts(catalogue),
    hasCustomers: customer !== null,
    hasKeysetIndexes: hasKeysetIndexes(catalogue.tables.get('cdrs')!, 'i_cdr'),
    hasCustomerKeysets: false,
    hasKeyIndex: hasKeyIndex(catalogue.tables.get('cdrs')!, 'i_cdr'),
    hasNullableKey: !parts.cdrs.notNull.has('i_cdr'),
    shownFromText: new Set(Object.keys(texts) as CdrColumnName[]),
    gone,
    hasScopePolicies: hasScopePolicies(catalogue),
    encoding: catalogue.encoding,
    // Where no Sippy has anything to read, this one lacks nothing.
    missing: cdrColumnNames.filter((name) => columns[name] === null && cdrColumn(name).sippy),
  };
}

function columnsOf(parts: SippyParts): ColumnsSql<XdrsModel> {
  const declared = Object.fromEntries(
    cdrColumnNames.map((name) => {
      const { sippy, type } = cdrColumn(name);
      return [name, sippy?.toSql(parts, type) ?? null];
    }),
  ) as Record<CdrColumnName, ValueSql>;
  return {
    ...declared,
    successful: sippySuccessful(parts),
    is_quantity_unreadable: isUnreadableSql(parts.cdrs, 'billed_duration', xdrsTypes.charged_quantity),
  };
}
