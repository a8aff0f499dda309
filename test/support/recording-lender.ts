import type { Pool } from 'pg';
import type { Lender } from '../../src/db/wire/lender.ts';

/** A lender of the pool's connections that notes the text of each statement sent on them. */
export function recordingLender(pool: Pool, onStatement: (text: string, values: unknown[]) => void): Lender {
  return {
    async connect() {
      const client = await pool.connect();
      return new Proxy(client, {
        get(target, name) {
          if (name !== 'query') return Reflect.get(target, name, target);
          return (statement: { text: string; values: unknown[] }) => {
            onStatement(statement.text, statement.values);
            return target.query(statement);
          };
        },
      });
    },
  };
}
