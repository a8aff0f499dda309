import { type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { Statement } from '../statement.ts';

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
  const { accounts } = reader.source;
  if (!accounts) return new Map();
  const statement = Statement.build(reader, 'accounts', (relations) =>
    relations
      .selectFrom(relations.open(accounts))
      .select([
        sql<string>`accounts.i_account::text`.as('id'),
        sql<string | null>`accounts.i_customer::text`.as('customerId'),
        'accounts.username',
        'accounts.currency',
        'accounts.time_zone as timeZone',
        'accounts.blocked',
      ])
      .where(sql<SqlBool>`accounts.i_account = any(${ids}::int8[])`),
  );
  return byId(await run(reader, statement));
}

/** The customers with these ids that the reader may see, by id: who sees an account sees who owns it. */
export async function selectCustomers(
  reader: Reader,
  ids: readonly string[],
): Promise<Map<string, CustomerRow>> {
  const { customers } = reader.source;
  if (!customers) return new Map();
  const statement = Statement.build(reader, 'customers', (relations) =>
    relations
      .selectFrom(relations.open(customers))
      .select([sql<string>`customers.i_customer::text`.as('id'), 'customers.name'])
      .where(sql<SqlBool>`customers.i_customer = any(${ids}::int8[])`),
  );
  return byId(await run(reader, statement));
}

function byId<Row extends { readonly id: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}
