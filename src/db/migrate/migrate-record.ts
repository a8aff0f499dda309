import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely';
import { isChange } from './migrate-session.ts';

/**
 * A Kysely that looks for real and changes nothing: what only reads is answered by `db`, everything else is
 * added to `statements` in the order a migration would run it.
 */
export function recordStatements(db: Kysely<unknown>, statements: string[]): Kysely<unknown> {
  const dialect: Dialect = {
    createDriver: () => new RecordingDriver(db, statements),
    createQueryCompiler: () => new PostgresQueryCompiler(),
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (recorder) => new PostgresIntrospector(recorder),
  };
  return new Kysely({ dialect });
}

class RecordingDriver implements Driver {
  readonly #db: Kysely<unknown>;
  readonly #statements: string[];

  constructor(db: Kysely<unknown>, statements: string[]) {
    this.#db = db;
    this.#statements = statements;
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return {
      executeQuery: async <R>(query: CompiledQuery) => {
        if (!isChange(query.sql)) return this.#db.executeQuery(query as CompiledQuery<R>);
        this.#statements.push(query.sql);
        return { rows: [] };
      },
      // biome-ignore lint/correctness/useYield: a migration has no use for it.
      async *streamQuery() {
        throw new Error('A migration does not stream.');
      },
    };
  }

  async beginTransaction(): Promise<void> {
    this.#statements.push('begin');
  }

  async commitTransaction(): Promise<void> {
    this.#statements.push('commit');
  }

  async rollbackTransaction(): Promise<void> {
    this.#statements.push('rollback');
  }

  async init(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}
