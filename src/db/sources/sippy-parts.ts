import { type RawBuilder, sql } from 'kysely';
import { type Catalogue, type CatalogueTable, hasUnique } from '../catalogue/catalogue.ts';
import { columnSql, tableSql, type ValueSql } from './columns.ts';

/** The tables a Sippy source looks at; only the first must be there. */
export const sippyTables = ['cdrs', 'calls', 'accounts', 'customers', 'destinations', 'countries'] as const;

/** What there is to read from: `cdrs`, and whichever of its companions can be joined. */
export interface SippyParts {
  readonly cdrs: CatalogueTable;
  readonly calls: { readonly table: CatalogueTable; readonly join: RawBuilder<unknown> } | null;
  readonly owner: { readonly customer: ValueSql; readonly join: RawBuilder<unknown> } | null;
  readonly destination: Destination | null;
}

interface Destination {
  readonly country: ValueSql;
  readonly region: ValueSql;
  readonly join: RawBuilder<unknown>;
}

/** The catalogue must have `cdrs`. */
export function findSippyParts({ tables }: Catalogue): SippyParts {
  const cdrs = tables.get('cdrs')!;
  return {
    cdrs,
    calls: findCalls(cdrs, tables.get('calls')),
    owner: findOwner(cdrs, tables.get('accounts')),
    destination: findDestination(cdrs, tables.get('destinations'), tables.get('countries')),
  };
}

/** All parts joined. PostgreSQL drops the joins whose columns a statement does not read. */
export function joinSippyParts({ cdrs, calls, owner, destination }: SippyParts): RawBuilder<unknown> {
  const joins = [calls?.join, owner?.join, destination?.join].filter((join) => join !== undefined);
  return sql.join([tableSql(cdrs), ...joins], sql` `);
}

function findCalls(cdrs: CatalogueTable, calls: CatalogueTable | undefined): SippyParts['calls'] {
  if (!calls?.columns.has('i_call') || !cdrs.columns.has('i_call')) return null;
  return { table: calls, join: sql`left join ${tableSql(calls)} on calls.i_call = cdrs.i_call` };
}

/** The customer of the account, unless the record says it, or an account might be there twice. */
function findOwner(cdrs: CatalogueTable, accounts: CatalogueTable | undefined): SippyParts['owner'] {
  const customer = columnSql(accounts, 'i_customer', 'bigint');
  if (!accounts || !customer || cdrs.columns.has('i_customer') || !hasUnique(accounts, 'i_account'))
    return null;
  return { customer, join: sql`left join ${tableSql(accounts)} on accounts.i_account = cdrs.i_account` };
}

/**
 * Where the rated prefix leads. An aggregate makes exactly one row of however many destinations share a prefix, so
 * that no call is listed twice; PostgreSQL then drops the join when no column of it is read, and otherwise remembers
 * each prefix.
 */
function findDestination(
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
    code && isNamed
      ? sql`left join ${tableSql(countries!)} on countries.iso = destinations.country_iso`
      : sql``;
  return {
    country: country && sql`destination.country`,
    region: region && sql`destination.region`,
    join: sql`left join lateral (
      select min(${country ?? sql`null::text`}) as country, min(${region ?? sql`null::text`}) as region
      from ${tableSql(destinations)} ${named}
      where destinations.prefix = cdrs.prefix) as destination on true`,
  };
}
