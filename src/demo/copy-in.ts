import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Client, Connection, Submittable } from 'pg';

/** What node-postgres' connection can do and its types do not say. */
interface CopyConnection {
  readonly stream: Socket;
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

/** Large enough that the messages around them cost nothing, small enough to keep the server fed evenly. */
const CHUNK_CHARACTERS = 128 * 1024;

/** Sends lines in COPY's text format as they come, no faster than the server takes them. */
export async function copyIn(client: Client, statement: string, lines: Iterable<string>): Promise<void> {
  const copy = new CopyIn(statement);
  client.query(copy);
  const connection = await copy.begun;
  try {
    for (const chunk of chunksOf(lines)) {
      connection.sendCopyFromChunk(chunk);
      // Without a turn of the event loop an error of the server would be read only at the end.
      if (connection.stream.writableNeedDrain)
        await Promise.race([once(connection.stream, 'drain'), copy.ended]);
    }
    connection.endCopyFrom();
  } catch (error) {
    connection.sendCopyFail('the sender failed');
    await copy.ended.catch(() => {});
    throw error;
  }
  await copy.ended;
}

function* chunksOf(lines: Iterable<string>): Generator<Buffer> {
  let pending = '';
  for (const line of lines) {
    pending += line;
    if (pending.length < CHUNK_CHARACTERS) continue;
    yield Buffer.from(pending);
    pending = '';
  }
  if (pending !== '') yield Buffer.from(pending);
}

/** A query object by node-postgres' own protocol: the client hands it the messages that answer its statement. */
class CopyIn implements Submittable {
  /** Resolves when the server is ready for rows. */
  readonly begun: Promise<CopyConnection>;
  /** Resolves when the rows are in; rejects with the server's error. */
  readonly ended: Promise<void>;
  readonly #statement: string;
  readonly #begun = Promise.withResolvers<CopyConnection>();
  readonly #ended = Promise.withResolvers<void>();

  constructor(statement: string) {
    this.#statement = statement;
    this.begun = this.#begun.promise;
    this.ended = this.#ended.promise;
    this.ended.catch(() => {});
  }

  submit(connection: Connection): void {
    (connection as unknown as CopyConnection).query(this.#statement);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    this.#begun.resolve(connection);
  }

  handleError(error: Error): void {
    this.#begun.reject(error);
    this.#ended.reject(error);
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#ended.resolve();
  }
}
