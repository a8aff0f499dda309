import { Kysely, type PostgresClient, type PostgresClientConstructor, PostgresDialect, sql } from 'kysely';
import type { Pool } from 'pg';
import type { DB } from './generated/model.ts';
import type { Scope } from './scope.ts';
import type { Source } from './sources/sources.ts';
import { explain } from './sqlstate.ts';

/**
 * The one door to the calls of one standby, for one principal. What is read through it lies within `scope`: the
 * predicate is part of the relation, below any query that could forget it.
 */
export interface Reader {
  readonly db: Kysely<DB>;
  readonly pool: Pool;
  readonly source: Source;
  readonly scope: Scope;
  /** Aborted when the client goes away: the statement is then cancelled in PostgreSQL. */
  readonly signal: AbortSignal | undefined;
}

/** Anything Kysely runs. */
interface Runnable<Row> {
  execute(options?: { signal?: AbortSignal; inflightQueryAbortStrategy?: 'cancel query' }): Promise<Row[]>;
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

/** The calls this reader may see, as the relation `xdrs`. Every query on calls begins here. */
export function fromCdrs(reader: Reader) {
  return reader.db.selectFrom(reader.source.cdrs(reader.scope));
}

/** Runs a query; throws GatewayErrors for what we can explain, and cancels in PostgreSQL when the client leaves. */
export async function run<Row>(reader: Reader, query: Runnable<Row>): Promise<Row[]> {
  const { signal } = reader;
  try {
    return await query.execute(signal ? { signal, inflightQueryAbortStrategy: 'cancel query' } : {});
  } catch (error) {
    throw explain(error, signal);
  }
}

/** The name of a statement, first thing in it, so that a slow one in PostgreSQL's log points at a line of code. */
export const named = (name: string) => sql.raw(`/* ${name} */`);
