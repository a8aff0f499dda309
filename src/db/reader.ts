import {
  CompiledQuery,
  Kysely,
  type PostgresClient,
  type PostgresClientConstructor,
  PostgresDialect,
} from 'kysely';
import type { Pool } from 'pg';
import { explain } from './failures.ts';
import type { DB } from './generated/model.ts';
import type { Scope } from './scope.ts';
import type { Source } from './sources/sources.ts';
import type { SlotValues, Statement } from './statement.ts';

/**
 * The one door to the calls of one standby, for one principal. What is read through it lies within `scope`: statements
 * are built from relations that have its predicate, and each execution is checked against it.
 */
export interface Reader {
  readonly db: Pick<Kysely<DB>, 'executeQuery'>;
  readonly pool: Pool;
  readonly source: Source;
  readonly scope: Scope;
  /** Aborted when the client goes away: the statement is then cancelled in PostgreSQL. */
  readonly signal: AbortSignal | undefined;
}

/** A Kysely over a standby's pool. It is made once per pool, not per request. */
export function createDatabase(pool: Pool): Kysely<DB> {
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool, controlClient: controlClientOf(pool) }) });
}

/**
 * Statements are cancelled over a connection of its own, like those of the pool. Kysely would make it from a copy of
 * the pool's options, in which those that are hidden, and with them the server's address, are missing.
 */
function controlClientOf(pool: Pool): PostgresClientConstructor {
  const { Client } = pool as unknown as { Client: new (options: unknown) => PostgresClient };
  return class extends Client {
    constructor() {
      super(pool.options);
    }
  };
}

/**
 * Executes a statement for the scope of the reader. Throws GatewayErrors for what we can explain, and cancels in
 * PostgreSQL when the client leaves.
 */
export async function run<Row>(
  { db, scope, signal }: Pick<Reader, 'db' | 'scope' | 'signal'>,
  statement: Statement<Row>,
  values?: SlotValues,
): Promise<Row[]> {
  const bound = statement.bind(scope, values);
  const query = CompiledQuery.raw(bound.text, [...bound.values]) as CompiledQuery<Row>;
  try {
    const { rows } = await db.executeQuery(
      query,
      signal && { signal, inflightQueryAbortStrategy: 'cancel query' },
    );
    return rows;
  } catch (error) {
    throw explain(error, signal);
  }
}
