import { type RawBuilder, sql } from 'kysely';
import { type Catalogue, type CatalogueTable, hasUnique } from '../catalogue/catalogue.ts';
import { hasKeysetIndexes } from '../catalogue/catalogue-indexes.ts';
import { columnSql } from './columns.ts';
import { type ColumnsSql, missingColumns, scopedRelation } from './derived-table.ts';
import { accountsRelation, customersRelation, ownershipOf } from './lookups.ts';
import { type Source, type XdrsModel, xdrsTypes } from './model.ts';
import { outcomeSql, sippyOutcomes, successfulSql } from './outcomes.ts';
import { sippyReasonSql } from './sippy-results.ts';

/** The tables this source looks at; only the first must be there. */
export const sippyTables = ['cdrs', 'calls', 'accounts', 'customers', 'destinations', 'countries'] as const;

/** Without these nothing true can be said about a call. */
export const sippyRequired = {
  i_cdr: 'bigint',
  i_account: 'bigint',
  connect_time: 'timestamp with time zone',
  duration: 'numeric',
  cost: 'numeric',
  result: 'integer',
} as const;

/**
 * A Sippy switch: `cdrs` has the record, `calls` the translated numbers. `disconnect_cause` is its `result`: 0, a SIP
 * status, or below zero the switch's own code; never a Q.850 cause. Since 2024 calls may live in a database of their
 * own, without accounts and destinations: whatever is not there is null.
 */
export function sippySource(catalogue: Catalogue): Source {
  const parts = partsOf(catalogue);
  const columns = columnsOf(parts);
  const from = sql.join(
    [sql`cdrs`, parts.calls?.join, parts.owner?.join, parts.destination?.join].filter(isThere),
    sql` `,
  );
  return {
    name: 'sippy',
    cdrs: scopedRelation<XdrsModel, 'xdrs'>({
      alias: 'xdrs',
      columns,
      types: xdrsTypes,
      from,
      // A condition on the joined customer would read every call to find its own.
      owners: {
        account: columns.i_account,
        customer: columnSql(parts.cdrs, 'i_customer', xdrsTypes.i_customer),
      },
      ownership: ownershipOf(catalogue),
    }),
    accounts: accountsRelation(catalogue),
    customers: customersRelation(catalogue),
    hasKeysetIndexes: hasKeysetIndexes(catalogue.tables.get('cdrs')!, 'i_cdr'),
    missing: missingColumns(columns),
  };
}

type Column = RawBuilder<unknown> | null;

/** What there is to read from: `cdrs`, and whichever of its companions can be joined. */
interface Parts {
  readonly cdrs: CatalogueTable;
  readonly calls: { readonly table: CatalogueTable; readonly join: RawBuilder<unknown> } | null;
  readonly owner: { readonly customer: Column; readonly join: RawBuilder<unknown> } | null;
  readonly destination: Destination | null;
}

interface Destination {
  readonly country: Column;
  readonly region: Column;
  readonly join: RawBuilder<unknown>;
}

function partsOf({ tables }: Catalogue): Parts {
  const cdrs = tables.get('cdrs')!;
  return {
    cdrs,
    calls: callsOf(cdrs, tables.get('calls')),
    owner: ownerOf(cdrs, tables.get('accounts')),
    destination: destinationOf(cdrs, tables.get('destinations'), tables.get('countries')),
  };
}

function callsOf(cdrs: CatalogueTable, calls: CatalogueTable | undefined): Parts['calls'] {
  if (!calls?.columns.has('i_call') || !cdrs.columns.has('i_call')) return null;
  return { table: calls, join: sql`left join calls on calls.i_call = cdrs.i_call` };
}

/** The customer of the account, unless the record says it, or an account might be there twice. */
function ownerOf(cdrs: CatalogueTable, accounts: CatalogueTable | undefined): Parts['owner'] {
  const customer = columnSql(accounts, 'i_customer', xdrsTypes.i_customer);
  if (!accounts || !customer || cdrs.columns.has('i_customer') || !hasUnique(accounts, 'i_account'))
    return null;
  return { customer, join: sql`left join accounts on accounts.i_account = cdrs.i_account` };
}

/**
 * Where the rated prefix leads. An aggregate makes exactly one row of however many destinations share a prefix, so
 * that no call is told twice; PostgreSQL then drops the join when nobody asks, and otherwise remembers each prefix.
 */
function destinationOf(
  cdrs: CatalogueTable,
  destinations: CatalogueTable | undefined,
  countries: CatalogueTable | undefined,
): Destination | null {
  if (!destinations?.columns.has('prefix') || !cdrs.columns.has('prefix')) return null;
  const isNamed = ['iso', 'name'].every((name) => countries?.columns.has(name));
  const code = columnSql(destinations, 'country_iso', 'text');
  const country = code && isNamed ? columnSql(countries, 'name', 'text') : code;
  const region = columnSql(destinations, 'description', 'text');
  const named =
    code && isNamed ? sql`left join countries on countries.iso = destinations.country_iso` : sql``;
  return {
    country: country && sql`destination.country`,
    region: region && sql`destination.region`,
    join: sql`left join lateral (
      select min(${country ?? sql`null::text`}) as country, min(${region ?? sql`null::text`}) as region
      from destinations ${named}
      where destinations.prefix = cdrs.prefix) as destination on true`,
  };
}

function columnsOf({ cdrs, calls, owner, destination }: Parts): ColumnsSql<XdrsModel> {
  const record = (column: string, as: keyof XdrsModel) => columnSql(cdrs, column, xdrsTypes[as]);
  const call = (column: string, as: keyof XdrsModel) => columnSql(calls?.table, column, xdrsTypes[as]);
  const result = sql`cdrs.result`;
  const seconds = sql`cdrs.duration`;
  return {
    i_xdr: record('i_cdr', 'i_xdr'),
    i_account: record('i_account', 'i_account'),
    i_customer: record('i_customer', 'i_customer') ?? owner?.customer ?? null,
    cli: call('cli', 'cli'),
    cld: call('cld', 'cld'),
    cli_in: record('cli_in', 'cli_in'),
    cld_in: record('cld_in', 'cld_in'),
    setup_time: call('setup_time', 'setup_time'),
    connect_time: record('connect_time', 'connect_time'),
    disconnect_time: record('disconnect_time', 'disconnect_time'),
    duration: record('duration', 'duration'),
    // Whole seconds in a float after the tariff's rounding, so the nearest integer and not the next.
    charged_quantity: record('billed_duration', 'charged_quantity'),
    charged_amount: record('cost', 'charged_amount'),
    // A Sippy's column of this name is the tariff's fraction, not an amount.
    post_call_surcharge: null,
    disconnect_cause: record('result', 'disconnect_cause'),
    disconnect_reason: sippyReasonSql(result),
    call_id: call('call_id', 'call_id'),
    prefix: record('prefix', 'prefix'),
    country: destination?.country ?? record('country_iso', 'country'),
    region: firstOf(record('area_name', 'region'), destination?.region ?? null),
    remote_ip: record('remote_ip', 'remote_ip'),
    pdd: record('pdd1xx', 'pdd'),
    release_source: record('release_source', 'release_source'),
    user_agent: record('user_agent', 'user_agent'),
    i_protocol: record('i_protocol', 'i_protocol'),
    outcome: outcomeSql(sippyOutcomes, result, seconds),
    successful: successfulSql(sippyOutcomes, result, seconds),
  };
}

/** The first that is there and, row by row, not null. */
function firstOf(first: Column, second: Column): Column {
  return first && second ? sql`coalesce(${first}, ${second})` : (first ?? second);
}

const isThere = <T>(part: T | null | undefined): part is T => part != null;
