import { Client } from 'pg';
import type { Clock } from './clock.ts';
import type { Connection } from './connection-url.ts';
import { sessionSettings } from './session-settings.ts';

export interface WatcherConnectionsOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly timeoutSeconds: number;
  /** Called when the connection in use has ended by itself. */
  onLost(): void;
}

/** It asks nothing of the switch's own schemas, and must not wait for a lock or a client. */
const SESSION = {
  ...sessionSettings,
  search_path: 'pg_catalog',
  idle_in_transaction_session_timeout: '10s',
};

/** Of the time limit, for the second attempt on a server that did not answer the first. */
const HURRIED_SHARE = 0.7;

/** Every value as PostgreSQL's text. */
const types = { getTypeParser: () => (value: string) => value };

/** The connections of one watcher: the one in use, and others for as long as something is tried on them. */
export class WatcherConnections {
  /** Attempts in a row to replace the connection in use that failed. */
  refused = 0;
  readonly #options: WatcherConnectionsOptions;
  readonly #open = new Set<Client>();
  #inUse: Client | undefined;
  #connectedAt = 0;
  #isReplacing = false;
  #isClosed = false;

  constructor(options: WatcherConnectionsOptions) {
    this.#options = options;
  }

  get inUse(): Client | undefined {
    return this.#inUse;
  }

  /** For how long the connection in use has been open; 0 when there is none. */
  get ageSeconds(): number {
    return this.#inUse ? this.#options.clock.now() - this.#connectedAt : 0;
  }

  /** The connection in use, opened when there is none. */
  async use({ isHurried = false } = {}): Promise<Client> {
    if (this.#inUse) return this.#inUse;
    const client = await this.open({ isHurried });
    if (this.#isClosed) throw new Error('Connection terminated');
    this.#startUsing(client);
    return client;
  }

  /** Another connection, which its user drops. `isHurried`: the server was silent just now. */
  open({ isHurried = false } = {}): Promise<Client> {
    const { connection, timeoutSeconds } = this.#options;
    const timeoutMillis = timeoutSeconds * 1000;
    const client = new Client({
      connectionString: connection.url({ ...SESSION, statement_timeout: `${timeoutMillis}` }),
      application_name: 'cdr-gateway watcher',
      connectionTimeoutMillis: isHurried ? timeoutMillis * HURRIED_SHARE : timeoutMillis,
      query_timeout: timeoutMillis,
      keepAlive: true,
      types: types as never,
    });
    // Without a listener, the end of an idle connection would end the process.
    client.on('error', () => {});
    client.once('end', () => this.#lose(client));
    this.#open.add(client);
    return new Promise((resolve, reject) => {
      // Closing a client that is still connecting leaves node-postgres's own promise pending for ever.
      client.once('end', () => reject(new Error('Connection terminated')));
      client.connect().then(
        () => resolve(client),
        (error) => {
          this.drop(client);
          reject(error);
        },
      );
    });
  }

  drop(client: Client): void {
    if (this.#inUse === client) this.#inUse = undefined;
    if (this.#open.delete(client)) hangUp(client);
  }

  /** Opens a connection in place of the one in use, which answers until then and is passed to `retire` afterwards. */
  async replace(retire: (old: Client) => void): Promise<void> {
    if (this.#isReplacing || !this.#inUse) return;
    this.#isReplacing = true;
    try {
      const replacement = await this.open();
      this.refused = 0;
      const old = this.#inUse;
      if (this.#isClosed) return this.drop(replacement);
      this.#startUsing(replacement);
      if (old) retire(old);
    } catch {
      this.refused += 1;
    } finally {
      this.#isReplacing = false;
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const client of this.#open) this.drop(client);
  }

  #startUsing(client: Client): void {
    this.#inUse = client;
    this.#connectedAt = this.#options.clock.now();
  }

  #lose(client: Client): void {
    const wasInUse = this.#inUse === client;
    this.drop(client);
    if (wasInUse && !this.#isClosed) this.#options.onLost();
  }
}

/** Says goodbye where the socket works, and ends the socket in any case: the other side may be frozen. */
function hangUp(client: Client): void {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  const timer = setTimeout(() => stream.destroy(), 100);
  client.end().then(
    () => clearTimeout(timer),
    () => clearTimeout(timer),
  );
}
