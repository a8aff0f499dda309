import type { Client } from 'pg';
import {
  identify,
  isSameServer,
  type ServerIdentity,
  SeveralServersError,
} from '../db/wire/server-identity.ts';
import type { Clock } from './clock.ts';
import type { WatcherConnections } from './watcher-connections.ts';

/** Held at the same time, so that what takes turns, or the least used server, gives two different ones. */
const NEW_CONNECTIONS = 2;
/** What chooses at random may give the same server twice. */
const MIN_ALIKE_SECONDS = 5;

/** Finds out whether an address leads to several servers, and follows one that leads to another than before. */
export class IdentityWatch {
  readonly #connections: WatcherConnections;
  readonly #clock: Clock;
  #polled: ServerIdentity | undefined;
  /** From the start until new connections have been compared for the first time. */
  #isDoubted = true;
  /** Gateway clock. */
  #differedAt = Number.NEGATIVE_INFINITY;

  constructor(connections: WatcherConnections, clock: Clock) {
    this.#connections = connections;
    this.#clock = clock;
  }

  /** A connection of somebody else led to another server than the one that is polled: the next check compares. */
  doubt(): void {
    this.#isDoubted = true;
  }

  /**
   * Throws SeveralServersError when new connections lead to different servers, and for a while after they did. Where
   * they lead to one that is not the polled one, the connection is dropped and a plain Error says so.
   */
  async check(client: Client, polled: ServerIdentity): Promise<void> {
    const isReplaced = this.#polled !== undefined && !isSameServer(this.#polled, polled);
    this.#polled = polled;
    if (!isReplaced && !this.#isDoubted && !this.#hasDifferedLately) return;
    const [one, other] = await this.#identifyNew();
    this.#isDoubted = false;
    if (one && other && !isSameServer(one, other)) this.#differedAt = this.#clock.now();
    if (this.#hasDifferedLately) throw new SeveralServersError();
    if (one && !isSameServer(one, polled)) {
      this.#connections.drop(client);
      throw new Error('Connection terminated: its address leads to another server by now');
    }
  }

  get #hasDifferedLately(): boolean {
    return this.#clock.now() - this.#differedAt < MIN_ALIKE_SECONDS;
  }

  /** Of those new connections that can be made. */
  async #identifyNew(): Promise<readonly ServerIdentity[]> {
    const opened: Client[] = [];
    const identifying = Array.from({ length: NEW_CONNECTIONS }, async () => {
      const client = await this.#connections.open();
      opened.push(client);
      return identify(client);
    });
    const outcomes = await Promise.allSettled(identifying);
    for (const client of opened) this.#connections.drop(client);
    return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  }
}
