import type { Client } from 'pg';
import { isServedDirectly, shareSessions, TransactionPoolingError } from '../db/wire/pooling.ts';
import type { WatcherConnections } from './watcher-connections.ts';

/** Finds out whether a pooler stands between a watcher and its server, and refuses one that lends transactions. */
export class PoolingWatch {
  readonly #connections: WatcherConnections;
  /** The process that serves each connection on which there is a pooler. */
  readonly #backends = new WeakMap<Client, number>();

  constructor(connections: WatcherConnections) {
    this.#connections = connections;
  }

  isPooled(client: Client): boolean {
    return this.#backends.has(client);
  }

  /**
   * Throws TransactionPoolingError when the pooler turns out to lend transactions: a second connection shows it once
   * per connection; after that, a poll that is answered by another `backendPid` than before.
   */
  async check(client: Client, backendPid: number): Promise<void> {
    if (isServedDirectly(client, backendPid)) return;
    const before = this.#backends.get(client);
    if (before === backendPid) return;
    this.#backends.set(client, backendPid);
    if (before !== undefined || (await this.#sharesWithAnother(client))) throw new TransactionPoolingError();
  }

  async #sharesWithAnother(client: Client): Promise<boolean> {
    let other: Client | undefined;
    try {
      other = await this.#connections.open();
      return await shareSessions(client, other);
    } catch {
      // A pooler that has no second session to lend keeps the first one for its connection.
      return false;
    } finally {
      if (other) this.#connections.drop(other);
    }
  }
}
