import type { SourceName } from '../../src/db/sources/sources.ts';
import { customerOf } from '../access/scope-oracle.ts';
import { insertCalls } from '../db/source-databases.ts';
import { EVERYBODY, scopedTenants } from '../security/scoped-tenants.ts';
import { anXdr } from '../support/builders.ts';
import type { TestDatabase } from '../support/postgres.ts';

export interface Owner {
  readonly account: string;
  readonly customer: string | null;
}

export const ownerOf = (account: string): Owner => ({ account, customer: customerOf[account]! });

/** Whether calls of this owner are those of the principal with this token. */
export function isTheirs(token: string, { account, customer }: Owner): boolean {
  if (token === EVERYBODY) return true;
  const { scope } = scopedTenants[token]!;
  if (scope.kind === 'accounts') return scope.accountIds.includes(account);
  return scope.kind === 'customers' && customer !== null && scope.customerIds.includes(customer);
}

/** Writes calls as a switch of either kind does. */
export class CallWriter {
  readonly #database: TestDatabase;
  readonly #source: SourceName;

  constructor(database: TestDatabase, source: SourceName) {
    this.#database = database;
    this.#source = source;
  }

  /** With these keys. */
  async insert(calls: ReadonlyMap<string, Owner>): Promise<void> {
    const rows = [...calls].map(([i_xdr, { account, customer }]) =>
      anXdr({
        ...{ i_xdr, i_account: account, i_customer: customer },
        ...{ country: null, region: null, charged_amount: '1' },
      }),
    );
    await insertCalls(this.#database, this.#source, rows);
  }

  async correct(id: string, amount: number): Promise<void> {
    const column = this.#source === 'xdrs' ? 'charged_amount' : 'cost';
    await this.#write(`update ${this.#table} set ${column} = $2 where ${this.#key} = $1`, [id, amount]);
  }

  async move(id: string, { account, customer }: Owner): Promise<void> {
    if (this.#source === 'xdrs') {
      const values = [id, account, customer];
      await this.#write('update xdrs set i_account = $2, i_customer = $3 where i_xdr = $1', values);
    } else await this.#write('update cdrs set i_account = $2 where i_cdr = $1', [id, account]);
  }

  async delete(id: string): Promise<void> {
    await this.#write(`delete from ${this.#table} where ${this.#key} = $1`, [id]);
  }

  get #table(): string {
    return this.#source === 'xdrs' ? 'xdrs' : 'cdrs';
  }

  get #key(): string {
    return this.#source === 'xdrs' ? 'i_xdr' : 'i_cdr';
  }

  async #write(text: string, values: readonly unknown[]): Promise<void> {
    await this.#database.pool.query(text, [...values]);
  }
}
