import type { CompiledQuery } from 'kysely';
import pg, { type PoolClient } from 'pg';
import utils from 'pg/lib/utils.js';
import type { Reader } from './reader.ts';
import { type RowSink, RowTap, type WireClient, type WireConnection } from './row-tap.ts';
import { explain } from './sqlstate.ts';

/**
 * Runs the query on one connection and hands its rows to `sink` in binary format as they arrive. Resolves with the
 * number of rows when PostgreSQL has sent the last one. Throws GatewayErrors for what we can explain; the reader's
 * signal cancels the statement in PostgreSQL.
 */
export async function readRawRows(reader: Reader, query: CompiledQuery, sink: RowSink): Promise<number> {
  const { pool, signal } = reader;
  let client: PoolClient | undefined;
  try {
    signal?.throwIfAborted();
    client = await pool.connect();
    signal?.throwIfAborted();
    return await submit(client, query, sink, signal);
  } catch (error) {
    throw explain(error, signal);
  } finally {
    // node-postgres itself throws away a client whose connection broke.
    client?.release();
  }
}

function submit(
  client: PoolClient,
  query: CompiledQuery,
  sink: RowSink,
  signal?: AbortSignal,
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const raw = new RawQuery(RowTap.of(client), query, sink, (error, rows) =>
    error ? reject(error) : resolve(rows),
  );
  const cancel = () => cancelBackend(client);
  signal?.addEventListener('abort', cancel, { once: true });
  client.query(raw as never);
  return promise.finally(() => signal?.removeEventListener('abort', cancel));
}

/** A query as node-postgres wants it, whose rows go to a tap instead. The row's shape is known, so none is asked for. */
class RawQuery {
  readonly name: string;
  readonly text: string;
  /** Set so that node-postgres does not set its own. */
  readonly callback: (error: Error | null) => void;
  readonly #values: readonly unknown[];
  readonly #tap: RowTap;
  readonly #sink: RowSink;
  readonly #done: (error: Error | null, rows: number) => void;
  #rows = 0;

  constructor(
    tap: RowTap,
    query: CompiledQuery,
    sink: RowSink,
    done: (error: Error | null, rows: number) => void,
  ) {
    this.#tap = tap;
    this.#sink = sink;
    this.#values = query.parameters;
    this.#done = done;
    this.text = query.sql;
    this.name = tap.statementName(query.sql);
    this.callback = (error) => this.#finish(error);
  }

  submit(connection: WireConnection): Error | null {
    this.#tap.sink = this.#sink;
    connection.stream.cork?.();
    if (this.name === '' || connection.parsedStatements[this.name] === undefined) {
      connection.parse({ name: this.name, text: this.text, types: [] });
    }
    connection.bind({
      statement: this.name,
      values: this.#values,
      binary: true,
      valueMapper: utils.prepareValue,
    });
    connection.execute({ rows: 0 });
    connection.sync();
    connection.stream.uncork?.();
    return null;
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#rows = Number(text.split(' ')[1]);
  }

  handleReadyForQuery(): void {
    this.#finish(null);
  }

  handleError(error: Error): void {
    this.#finish(error);
  }

  #finish(error: Error | null): void {
    this.#tap.sink = undefined;
    this.#done(error, this.#rows);
  }
}

/** Asks PostgreSQL to stop what the client runs, over a connection of its own, as the protocol has it. */
function cancelBackend(client: PoolClient): void {
  const { host, port, processID, secretKey } = client as unknown as WireClient;
  const connection = new pg.Connection() as unknown as CancelConnection;
  // The statement may have ended, or the server be gone: then there is nothing left to cancel.
  connection.on('error', () => {});
  connection.on('connect', () => {
    connection.cancel(processID, secretKey);
    connection.stream.end();
  });
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
}

interface CancelConnection {
  readonly stream: { end(): void };
  on(event: 'connect' | 'error', listener: () => void): void;
  connect(port: number | string, host?: string): void;
  cancel(processID: number, secretKey: number): void;
}
