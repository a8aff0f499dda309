import {
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import type { Change } from './changes.ts';
import { type LastPublished, type Sink, SinkForeignError, SinkTakenError } from './sink.ts';

export interface NatsStreamOptions {
  readonly url: string;
  /** Made where it is missing. */
  readonly stream: string;
  /** Messages that a stream that is made keeps; 0: all. */
  readonly maxLength: number;
  /** A server that takes longer is as good as away; 10,000. */
  readonly timeoutMillis?: number;
}

/** On the last message of a batch: the ones before are there too. */
const WHOLE = 'Cdr-Whole';
/** `wrong last sequence`, and that there is no such stream or message, as JetStream counts them. */
const WRONG_SEQUENCE = 10_071;
const NO_STREAM = 10_059;

/** Messages on the subjects `stream.account.change`. Rejects when no server can be reached. */
export async function openNatsStream({
  url,
  stream,
  maxLength,
  timeoutMillis = 10_000,
}: NatsStreamOptions): Promise<Sink> {
  const connection = await connect({ ...placeOf(url), timeout: timeoutMillis, reconnect: false });
  try {
    const manager = await jetstreamManager(connection, { timeout: timeoutMillis });
    await makeStream(manager, stream, maxLength);
    return new NatsStream(connection, manager, { stream, timeoutMillis });
  } catch (error) {
    void connection.close();
    throw error;
  }
}

class NatsStream implements Sink {
  readonly #connection: NatsConnection;
  readonly #manager: JetStreamManager;
  readonly #client: JetStreamClient;
  readonly #options: Required<Pick<NatsStreamOptions, 'stream' | 'timeoutMillis'>>;
  #lastSequence = 0;

  constructor(
    connection: NatsConnection,
    manager: JetStreamManager,
    options: Required<Pick<NatsStreamOptions, 'stream' | 'timeoutMillis'>>,
  ) {
    this.#connection = connection;
    this.#manager = manager;
    this.#client = jetstream(connection, { timeout: options.timeoutMillis });
    this.#options = options;
  }

  async readLast(): Promise<LastPublished | undefined> {
    const { stream } = this.#options;
    const { state } = await this.#manager.streams.info(stream);
    this.#lastSequence = state.last_seq;
    if (state.messages === 0) return undefined;
    const message = await this.#manager.streams.getMessage(stream, { seq: state.last_seq });
    try {
      const { position } = message!.json<Change>();
      if (typeof position === 'string') return { position, isPartial: !message!.header.has(WHOLE) };
    } catch {
      // It is not JSON.
    }
    throw new SinkForeignError(stream);
  }

  /**
   * One after the other: what is sent before the answer to the one before could be taken behind a message of somebody else.
   */
  async append(changes: readonly Change[]): Promise<void> {
    const { stream, timeoutMillis: timeout } = this.#options;
    for (const [index, change] of changes.entries()) {
      const subject = `${stream}.${change.key ?? 'none'}.${change.change}`;
      const isLast = index === changes.length - 1;
      try {
        const { seq } = await this.#client.publish(subject, JSON.stringify(change), {
          timeout,
          expect: { lastSequence: this.#lastSequence },
          ...(isLast && { headers: wholeHeaders() }),
        });
        this.#lastSequence = seq;
      } catch (error) {
        throw isWrongSequence(error) ? new SinkTakenError() : error;
      }
    }
  }

  close(): void {
    void this.#connection.close();
  }
}

async function makeStream(manager: JetStreamManager, stream: string, maxLength: number): Promise<void> {
  try {
    await manager.streams.info(stream);
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== NO_STREAM) throw error;
    await manager.streams.add({
      name: stream,
      subjects: [`${stream}.>`],
      max_msgs: maxLength === 0 ? -1 : maxLength,
    });
  }
}

function wholeHeaders() {
  const made = headers();
  made.set(WHOLE, '1');
  return made;
}

function isWrongSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === WRONG_SEQUENCE;
}

/** What the client takes apart. */
function placeOf(text: string) {
  const { host, username, password, protocol } = new URL(text);
  return {
    servers: host,
    ...(password
      ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) }
      : username && { token: decodeURIComponent(username) }),
    ...(protocol === 'tls:' && { tls: {} }),
  };
}
