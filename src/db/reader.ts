import { Kysely, PostgresDialect } from 'kysely';
import type { Pool } from 'pg';
import { explain } from './failures.ts';
import type { DB } from './generated/model.ts';
import type { Scope } from './scope.ts';
import type { Source } from './sources/sources.ts';
import type { SlotValues, Statement } from './statement.ts';
import type { Lender } from './wire/lender.ts';
import { readRows } from './wire/rows.ts';
import { encodeScope } from './wire/scope-messages.ts';

/**
 * The one door to the calls of one standby, for one principal. What is read through it lies within `scope`: statements
 * are built from relations that have its predicate, and each execution is checked against it.
 */
export interface Reader {
  /** Lends the connection for each statement, when it is the turn of the principal. */
  readonly pool: Lender;
  readonly source: Source;
  readonly scope: Scope;
  /** Aborted when the client goes away or the answer has ended: the statement is then cancelled in PostgreSQL. */
  readonly signal: AbortSignal | undefined;
  /** Told how many rows each statement returned. */
  readonly onRows?: ((rows: number) => void) | undefined;
}

/** What is needed of it to execute a statement. */
export type Executor = Pick<Reader, 'pool' | 'scope' | 'signal' | 'onRows'> & {
  readonly source: Pick<Source, 'hasScopePolicies'>;
};

/** A Kysely over a pool, for statements that are of no principal: the catalogue, when the gateway starts. */
export function createDatabase(pool: Pool): Kysely<DB> {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
}

/**
 * Executes a statement for the scope of the reader. Throws GatewayErrors for what we can explain, and cancels in
 * PostgreSQL when the client leaves.
 */
export async function run<Row>(
  { pool, source, scope, signal, onRows }: Executor,
  statement: Statement<Row>,
  values?: SlotValues,
): Promise<Row[]> {
  const bound = statement.bind(scope, values);
  const prelude = source.hasScopePolicies ? encodeScope(scope) : undefined;
  try {
    const rows = await readRows<Row>(pool, { ...bound, prelude }, signal);
    onRows?.(rows.length);
    return rows;
  } catch (error) {
    throw explain(error, signal);
  }
}
