import type { Socket } from 'node:net';
import type { Client, PoolClient } from 'pg';
import type { Clock } from './clock.ts';

/** A connection whose statement, or whose making, has been without an answer for a while. */
export interface SilentConnection {
  /** Of the process that serves it, or of the pooler in between; 0 while it is being made. */
  readonly processId: number;
  readonly isConnecting: boolean;
  readonly silentSeconds: number;
  /** Whether nothing has come yet. */
  isStillSilent(): boolean;
  /** Whoever waits for it is told that the connection was lost, or the reason that is given. */
  break(reason?: Error): void;
}

export interface ProgressOptions {
  readonly clock: Clock;
  /** Told of the connections that are silent, no more than once at a time. Whether the server said what it does. */
  readonly onSilence: (connections: readonly SilentConnection[]) => Promise<boolean>;
}

/** How often it looks. */
const TICK_SECONDS = 0.1;
/** Most statements have begun to answer by then. */
const SILENT_SECONDS = 0.4;
/** A statement that was found to be at work is looked at again after so long. */
const PAUSE_SECONDS = 1;
/** A timer that is later than this was held up with the whole gateway. */
const MAX_LATE_SECONDS = 0.3;

/** What node-postgres keeps in a client and does not put into its types. */
interface BusyClient {
  readonly readyForQuery: boolean;
  readonly processID: number;
  readonly connection: { readonly stream: Socket };
}

interface Watched {
  readonly client: BusyClient;
  readonly isConnecting: boolean;
  bytesRead: number;
  /** Gateway clock: when something came last, or the statement was first seen. */
  since: number;
  /** Until then it is not looked at again: its process was at work. */
  pausedUntil: number;
}

/**
 * Notices statements that wait for an answer and get none. A long statement is silent too, so it judges nothing: it tells
 * whoever can find out whether the server is at work. Looks only while connections are lent.
 */
export class ProgressWatch {
  readonly #options: ProgressOptions;
  readonly #watched = new Map<object, Watched>();
  #lookedAt = 0;
  #isLooking = false;
  #isTelling = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** When a connection begins to be made. */
  onConnecting(client: Client): void {
    this.#watch(client, true);
    client.once('end', () => this.#watched.delete(client));
  }

  /** When a connection is lent. */
  onLent(client: PoolClient): void {
    this.#watch(client, false);
  }

  onReturned(client: PoolClient): void {
    this.#watched.delete(client);
  }

  #watch(client: object, isConnecting: boolean): void {
    const busy = client as BusyClient;
    this.#watched.set(client, {
      client: busy,
      isConnecting,
      bytesRead: busy.connection.stream.bytesRead,
      since: this.#options.clock.now(),
      pausedUntil: 0,
    });
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#lookedAt = this.#options.clock.now();
    this.#lookSoon();
  }

  #lookSoon(): void {
    this.#options.clock.after(TICK_SECONDS, () => this.#look());
  }

  #look(): void {
    if (this.#watched.size === 0) {
      this.#isLooking = false;
      return;
    }
    this.#tellOfSilent();
    this.#lookSoon();
  }

  /** Those that were told of a moment ago are left out. */
  #tellOfSilent(told: ReadonlySet<Watched> = new Set()): void {
    const now = this.#options.clock.now();
    const wasHeldUp = now - this.#lookedAt > TICK_SECONDS + MAX_LATE_SECONDS;
    this.#lookedAt = now;
    const silent: Watched[] = [];
    for (const watched of this.#watched.values()) {
      const { stream } = watched.client.connection;
      if (wasHeldUp || !isWaiting(watched) || stream.bytesRead !== watched.bytesRead) watched.since = now;
      watched.bytesRead = stream.bytesRead;
      const isDue = now - watched.since >= SILENT_SECONDS && now >= watched.pausedUntil;
      if (isDue && !told.has(watched)) silent.push(watched);
    }
    if (silent.length > 0 && !this.#isTelling) this.#tell(silent, now, told);
  }

  #tell(silent: readonly Watched[], now: number, told: ReadonlySet<Watched>): void {
    const { clock, onSilence } = this.#options;
    this.#isTelling = true;
    void onSilence(silent.map((watched) => describe(watched, now))).then((isAnswered) => {
      this.#isTelling = false;
      if (isAnswered) for (const watched of silent) watched.pausedUntil = clock.now() + PAUSE_SECONDS;
      // What has become silent meanwhile need not wait for its own turn.
      else this.#tellOfSilent(new Set([...told, ...silent]));
    });
  }
}

/** A connection is being made, or a statement runs whose rows are not held up by ourselves. */
function isWaiting({ client, isConnecting }: Watched): boolean {
  return (isConnecting || !client.readyForQuery) && !client.connection.stream.isPaused();
}

function describe(watched: Watched, now: number): SilentConnection {
  const { client, isConnecting, bytesRead, since } = watched;
  return {
    processId: isConnecting ? 0 : client.processID,
    isConnecting,
    silentSeconds: now - since,
    isStillSilent: () =>
      isWaiting(watched) && client.connection.stream.bytesRead === bytesRead && watched.since === since,
    break: (reason) => client.connection.stream.destroy(reason),
  };
}
