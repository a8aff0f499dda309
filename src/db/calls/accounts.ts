import { type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';

/** Whom calls are charged to. Everything but the id is null where the database has no such table or column. */
export interface AccountRow {
  readonly id: string;
  readonly customerId: string | null;
  readonly username: string | null;
  /** ISO 4217, of all amounts charged to the account. */
  readonly currency: string | null;
  /** IANA name. */
  readonly timeZone: string | null;
  readonly blocked: boolean | null;
}

/** Who owns accounts. */
export interface CustomerRow {
  readonly id: string;
  readonly name: string | null;
}

/** The accounts with these ids that the reader may see, by id. */
export async function selectAccounts(
  reader: Reader,
  ids: readonly string[],
): Promise<Map<string, AccountRow>> {
  const accounts = reader.source.accounts?.(reader.scope);
  if (!accounts) return new Map();
  const query = reader.db
    .selectFrom(accounts)
    .modifyFront(sql`/* accounts */`)
    .select([
      sql<string>`accounts.i_account::text`.as('id'),
      sql<string | null>`accounts.i_customer::text`.as('customerId'),
      'accounts.username',
      'accounts.currency',
      'accounts.time_zone as timeZone',
      'accounts.blocked',
    ])
    .where(sql<SqlBool>`accounts.i_account = any(${ids}::int8[])`);
  return byId(await run<AccountRow>(reader, query as never));
}

/** The customers with these ids that the reader may see, by id: a tenant sees the owners of its accounts. */
export async function selectCustomers(
  reader: Reader,
  ids: readonly string[],
): Promise<Map<string, CustomerRow>> {
  const customers = reader.source.customers?.(reader.scope);
  if (!customers) return new Map();
  const query = reader.db
    .selectFrom(customers)
    .modifyFront(sql`/* customers */`)
    .select([sql<string>`customers.i_customer::text`.as('id'), 'customers.name'])
    .where(sql<SqlBool>`customers.i_customer = any(${ids}::int8[])`);
  return byId(await run<CustomerRow>(reader, query as never));
}

function byId<Row extends { readonly id: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}
