import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { Lender } from '../db/wire/lender.ts';
import { OverloadedError } from '../errors.ts';

/** How connections of one operation are had. */
export interface MomentConnections extends Lender {
  /** One that nobody has to be made to wait for; undefined where there is none. */
  tryConnect(): Promise<PoolClient> | undefined;
  /** Whether somebody waits for a connection. */
  isWanted(): boolean;
  /** Told of statements that wait for a connection which the operation has already. */
  countWaiting(more: 1 | -1): void;
  /** Told when a connection goes on to the next statement, for which others of the principal wait. */
  notePassedOn(): void;
  /** A statement waits no longer than this. */
  readonly maxWaitMillis: number;
}

const BEGIN = 'begin transaction isolation level repeatable read, read only';
const EXPORT = `${BEGIN}; select /* exportSnapshot */ pg_export_snapshot() as snapshot`;

/** A statement that waits for its connection. */
interface Waiter {
  readonly since: number;
  /** Beside the one that stands in the queue for all of them. */
  readonly isCounted: boolean;
  resolve(client: PoolClient): void;
  reject(error: unknown): void;
}

/** What the connections of one moment share. */
interface Moment {
  /** By which another connection joins, as long as the first one is there. */
  readonly snapshot: string;
  /** Connections that are joining. */
  readonly joining: Set<Promise<void>>;
}

/**
 * Lends connections on which the statements that one operation wants at once see the same calls: sums, and the counts
 * beside them, add up although calls are written meanwhile. A statement alone gets its connection as it is.
 *
 * They run one after another on one connection, so that they cannot wait for one another however few there are. Others join
 * it while nobody else wants these. A statement that fails ends its transaction, and what waits then sees a later moment: a
 * savepoint would keep it, but within one PostgreSQL ends the connection where it otherwise ends a statement that is in
 * the way of recovery.
 */
export class MomentLender implements Lender {
  readonly #connections: MomentConnections;
  readonly #waiting: Waiter[] = [];
  #isGathering = false;
  /** Connections that take what waits when they are free. */
  #serving = 0;
  /** Of the first connection, while it is there. */
  #moment: Moment | undefined;

  constructor(connections: MomentConnections) {
    this.#connections = connections;
  }

  connect(): Promise<PoolClient> {
    const { promise, resolve, reject } = Promise.withResolvers<PoolClient>();
    const isCounted = this.#serving > 0 || this.#waiting.length > 0;
    if (isCounted) this.#connections.countWaiting(1);
    this.#waiting.push({ since: performance.now(), isCounted, resolve, reject });
    if (this.#serving === 0) this.#begin();
    else if (this.#moment) this.#widen(this.#moment);
    return promise;
  }

  #begin(): void {
    if (this.#isGathering || this.#waiting.length === 0) return;
    this.#isGathering = true;
    void this.#gather().finally(() => {
      this.#isGathering = false;
      if (this.#serving === 0) this.#begin();
    });
  }

  /** What resolvers want at once they want within one turn of the event loop. */
  async #gather(): Promise<void> {
    await nextTurn();
    try {
      const client = await this.#connections.connect();
      if (this.#waiting.length > 1) void this.#serveFirst(client, client.release);
      else this.#lendAlone(client);
    } catch (error) {
      this.#refuseAll(error);
    }
  }

  #lendAlone(client: PoolClient): void {
    const only = this.#next();
    if (only) only.resolve(client);
    else client.release();
  }

  async #serveFirst(client: PoolClient, giveBack: PoolClient['release']): Promise<void> {
    this.#serving++;
    try {
      const moment: Moment = { snapshot: await exportSnapshot(client), joining: new Set() };
      this.#moment = moment;
      this.#widen(moment);
      await this.#serve(client, () => true);
      this.#moment = undefined;
      await Promise.all(moment.joining);
      await end(client);
    } catch (error) {
      // The connection is gone, and with it the standby or what was read of it.
      this.#refuseAll(error);
    }
    this.#moment = undefined;
    this.#leave(client, giveBack);
  }

  /** Lets as many more join as there are statements that wait, of those that are free. */
  #widen(moment: Moment): void {
    for (let wanted = this.#waiting.length - moment.joining.size; wanted > 0; wanted--) {
      const connecting = this.#connections.tryConnect();
      if (!connecting) return;
      const joining = this.#join(connecting, moment).finally(() => moment.joining.delete(joining));
      moment.joining.add(joining);
    }
  }

  /** Resolves when the connection has joined, or cannot: what waits is then served by the first one. */
  async #join(connecting: Promise<PoolClient>, { snapshot }: Moment): Promise<void> {
    const client = await connecting.catch(() => undefined);
    if (!client) return;
    this.#serving++;
    const giveBack = client.release;
    try {
      await client.query(`${BEGIN}; set transaction snapshot '${snapshot}'`);
      void this.#serveBeside(client, giveBack);
    } catch {
      // Behind a pooler it may lead to another server.
      await end(client).catch(() => {});
      this.#leave(client, giveBack);
    }
  }

  /** Until somebody else wants it. */
  async #serveBeside(client: PoolClient, giveBack: PoolClient['release']): Promise<void> {
    await this.#serve(client, () => !this.#connections.isWanted());
    await end(client).catch(() => {});
    this.#leave(client, giveBack);
  }

  /** Lends the connection to what waits, one after another, while its transaction is good and it may be kept. */
  async #serve(client: PoolClient, mayBeKept: () => boolean): Promise<void> {
    while (isInTransaction(client)) {
      // Whoever had it may want it for another statement at once.
      if (this.#waiting.length === 0) await nextTurn();
      const waiter = mayBeKept() ? this.#next() : undefined;
      if (!waiter) return;
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      client.release = () => release();
      this.#connections.notePassedOn();
      waiter.resolve(client);
      await released;
    }
  }

  /** The next that waits; those that have waited for too long are refused. */
  #next(): Waiter | undefined {
    for (;;) {
      const waiter = this.#waiting.shift();
      if (waiter?.isCounted) this.#connections.countWaiting(-1);
      if (!waiter || performance.now() - waiter.since <= this.#connections.maxWaitMillis) return waiter;
      waiter.reject(new OverloadedError());
    }
  }

  #refuseAll(error: unknown): void {
    while (this.#waiting.length > 0) this.#next()?.reject(error);
  }

  #leave(client: PoolClient, giveBack: PoolClient['release']): void {
    client.release = giveBack;
    client.release();
    this.#serving--;
    if (this.#serving === 0) this.#begin();
  }
}

async function exportSnapshot(client: PoolClient): Promise<string> {
  const results = (await client.query(EXPORT)) as unknown as readonly {
    readonly rows: { snapshot: string }[];
  }[];
  return results.flatMap(({ rows }) => rows)[0]!.snapshot;
}

/** Nothing was written, so that this is an end like any other; it also ends what has failed. */
async function end(client: PoolClient): Promise<void> {
  await client.query('rollback');
}

/** A failed statement is told before the server says that it is ready, and until then what it said last stands. */
function isInTransaction(client: PoolClient): boolean {
  const { readyForQuery } = client as PoolClient & { readonly readyForQuery?: boolean };
  return readyForQuery === true && client.getTransactionStatus() === 'T';
}
