import type { PoolClient } from 'pg';
import { cancelBackend } from './cancel-backend.ts';
import type { Lender } from './lender.ts';

/** A text with its values. */
export interface PlainStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * The rows of a statement, as objects. When the signal is aborted the statement is cancelled in PostgreSQL, and its
 * connection given back only after that: a cancellation that comes late would hit whatever runs there next.
 */
export async function readRows<Row>(
  lender: Lender,
  { text, values }: PlainStatement,
  signal: AbortSignal | undefined,
): Promise<Row[]> {
  signal?.throwIfAborted();
  const client = await lender.connect();
  if (signal?.aborted) client.release();
  signal?.throwIfAborted();
  const answer = client.query({ text, values: [...values] });
  if (!signal) return rowsOf<Row>(answer.finally(() => client.release()));
  return rowsOf<Row>(untilAborted(client, answer, signal));
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
