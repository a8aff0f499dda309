import pg, { type PoolClient } from 'pg';
import { cancelBackend } from './cancel-backend.ts';
import type { Lender } from './lender.ts';
import type { WireConnection } from './row-tap.ts';

/** A text with its values. */
export interface PlainStatement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** What is sent before it in the same transaction: a statement that returns no rows. */
  readonly prelude?: Buffer | undefined;
}

/**
 * The rows of a statement, as objects. When the signal is aborted the statement is cancelled in PostgreSQL, and its
 * connection given back only after that: a cancellation that comes late would hit whatever runs there next.
 */
export async function readRows<Row>(
  lender: Lender,
  { text, values, prelude }: PlainStatement,
  signal: AbortSignal | undefined,
): Promise<Row[]> {
  signal?.throwIfAborted();
  const client = await lender.connect();
  if (signal?.aborted) client.release();
  signal?.throwIfAborted();
  const answer = prelude
    ? execute(client, { text, values: [...values], prelude })
    : client.query({ text, values: [...values] });
  if (!signal) return rowsOf<Row>(answer.finally(() => client.release()));
  return rowsOf<Row>(untilAborted(client, answer, signal));
}

interface PrecededStatement {
  readonly text: string;
  readonly values: unknown[];
  readonly prelude: Buffer;
}

function execute(client: PoolClient, statement: PrecededStatement): Promise<{ readonly rows: unknown[] }> {
  return new Promise((resolve, reject) => {
    client.query(
      new PrecededQuery(statement, (error, result) => (error ? reject(error) : resolve(result!))) as never,
    );
  });
}

type Completion = (error: Error | null, result?: { readonly rows: unknown[] }) => void;

/** What node-postgres keeps in a query and does not put into its types. */
const Query = pg.Query as unknown as new (
  config: object,
  values: undefined,
  callback: Completion,
) => {
  prepare(connection: WireConnection): void;
  handleCommandComplete(message: unknown, connection: WireConnection): void;
};

/** A query of node-postgres with something before it in its transaction, of whose end it is not told. */
class PrecededQuery extends Query {
  readonly #prelude: Buffer;
  #isPreludeOver = false;

  constructor({ text, values, prelude }: PrecededStatement, callback: Completion) {
    super({ text, values, queryMode: 'extended' }, undefined, callback);
    this.#prelude = prelude;
  }

  override prepare(connection: WireConnection): void {
    connection.stream.write(this.#prelude);
    super.prepare(connection);
  }

  override handleCommandComplete(message: unknown, connection: WireConnection): void {
    if (this.#isPreludeOver) super.handleCommandComplete(message, connection);
    this.#isPreludeOver = true;
  }
}

async function rowsOf<Row>(answer: Promise<{ readonly rows: readonly unknown[] }>): Promise<Row[]> {
  return (await answer).rows as Row[];
}

/** The answer, or the reason of the signal, at once: the client of an aborted request waits for nothing. */
function untilAborted<Answer>(
  client: PoolClient,
  answer: Promise<Answer>,
  signal: AbortSignal,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  let cancelling: Promise<void> | undefined;
  const abort = () => {
    cancelling = cancelBackend(client);
    reject(signal.reason);
  };
  signal.addEventListener('abort', abort, { once: true });
  const end = () => {
    signal.removeEventListener('abort', abort);
    if (cancelling) void cancelling.then(() => client.release());
    else client.release();
  };
  answer.then(
    (value) => {
      end();
      resolve(value);
    },
    (error) => {
      end();
      reject(error);
    },
  );
  return promise;
}
