import { type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { shapeOfScope } from '../scope.ts';
import { Statement, type StatementDeps } from '../statement.ts';

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

/** As PostgreSQL writes it: a column may have another type by now than when its catalogue was read. */
type TextOf<Row> = { readonly [Column in keyof Row]: Column extends 'id' ? string : string | null };

/** What is filled in for the ids that are looked up. */
const wantedIds = Symbol('wanted ids');

/** The accounts with these ids that the reader may see, by id. */
export async function selectAccounts(
  reader: Reader,
  ids: readonly string[],
): Promise<Map<string, AccountRow>> {
  const { accounts } = reader.source;
  if (!accounts) return new Map();
  const statement = accountStatements.get(reader, (deps) =>
    Statement.build(deps, 'accounts', (relations) =>
      relations
        .selectFrom(relations.open(accounts))
        .select([
          sql<string>`accounts.i_account::text`.as('id'),
          sql<string | null>`accounts.i_customer::text`.as('customerId'),
          sql<string | null>`accounts.username::text`.as('username'),
          sql<string | null>`accounts.currency::text`.as('currency'),
          sql<string | null>`accounts.time_zone::text`.as('timeZone'),
          sql<string | null>`accounts.blocked::text`.as('blocked'),
        ])
        .where(sql<SqlBool>`accounts.i_account = any(${wantedIds}::int8[])`),
    ),
  );
  const rows = await run(reader, statement, new Map([[wantedIds, ids]]));
  return byId(rows.map((row) => ({ ...row, blocked: readFlag(row.blocked) })));
}

/** Null where the column holds what is no flag. */
function readFlag(text: string | null): boolean | null {
  return text === 'true' || text === 'false' ? text === 'true' : null;
}

/** The customers with these ids that the reader may see, by id: who sees an account sees who owns it. */
export async function selectCustomers(
  reader: Reader,
  ids: readonly string[],
): Promise<Map<string, CustomerRow>> {
  const { customers } = reader.source;
  if (!customers) return new Map();
  const statement = customerStatements.get(reader, (deps) =>
    Statement.build(deps, 'customers', (relations) =>
      relations
        .selectFrom(relations.open(customers))
        .select([
          sql<string>`customers.i_customer::text`.as('id'),
          sql<string | null>`customers.name::text`.as('name'),
        ])
        .where(sql<SqlBool>`customers.i_customer = any(${wantedIds}::int8[])`),
    ),
  );
  return byId(await run(reader, statement, new Map([[wantedIds, ids]])));
}

/** One statement, built once for each source and shape of scope: to build it costs more than to look up a few ids. */
class StatementsByScope<Row> {
  readonly #bySource = new WeakMap<object, Map<string, Statement<Row>>>();

  get({ source, scope }: StatementDeps, build: (deps: StatementDeps) => Statement<Row>): Statement<Row> {
    const ofSource = this.#bySource.get(source) ?? new Map<string, Statement<Row>>();
    this.#bySource.set(source, ofSource);
    const shape = shapeOfScope(scope);
    const statement = ofSource.get(shape) ?? build({ source, scope });
    ofSource.set(shape, statement);
    return statement;
  }
}

const accountStatements = new StatementsByScope<TextOf<AccountRow>>();
const customerStatements = new StatementsByScope<CustomerRow>();

function byId<Row extends { readonly id: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}
