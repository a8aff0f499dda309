import type { Pool, PoolClient } from 'pg';
import type { Lender } from '../db/wire/lender.ts';
import { ReplicaLostError } from '../errors.ts';
import { ConnectionQueue, type EnterOptions, type Leave } from './connection-queue.ts';
import { MomentLender } from './moment-lender.ts';

/** A connection is waited for in seconds: a client that is told at once can ask elsewhere, or again. */
const MAX_WAIT_MILLIS = 3000;

export interface ConnectionsOptions {
  readonly pool: Pool;
  /** Connections at most. */
  readonly size: number;
  readonly statementTimeoutSeconds: number;
  /** Called when a connection could not be made. */
  readonly onRefused?: () => void;
  /** Whether the server is no standby any more: what runs there ends well, and nothing begins. */
  readonly isOver?: () => boolean;
}

/** The statements of one operation, which all end when it does. */
export interface Borrower {
  /** Name and class of the principal, as in Claimant. */
  readonly principal: string;
  readonly role: string;
  /** Ends the wait for a connection; a statement that already has one is cancelled by its own signal. */
  readonly signal: AbortSignal;
  /** Connections that it has or waits for now. */
  statements: number;
  readonly use: ConnectionUse;
}

/** For how long an operation has had connections, all of them together. */
export class ConnectionUse {
  #running = 0;
  #millis = 0;
  /** Connections that it has wanted so far, got or not. */
  wanted = 0;
  /** When it got one last, by `performance.now()`. */
  begunAt = performance.now();

  begin(): void {
    this.#running++;
    this.begunAt = performance.now();
    this.#millis -= this.begunAt;
  }

  end(): void {
    this.#running--;
    this.#millis += performance.now();
  }

  /** Until now, those that it still has included. */
  get millis(): number {
    return this.#running === 0 ? this.#millis : this.#millis + this.#running * performance.now();
  }
}

/** The connections to one standby, which principals borrow in turn. */
export class Connections {
  readonly pool: Pool;
  readonly #onRefused: (() => void) | undefined;
  readonly #isOver: () => boolean;
  readonly #maxTotalWaitMillis: number;
  readonly queue: ConnectionQueue;
  /** Told how many seconds each statement waited for its connection, got or not. */
  onWaited: ((seconds: number) => void) | undefined;

  constructor({ pool, size, statementTimeoutSeconds, onRefused, isOver }: ConnectionsOptions) {
    this.pool = pool;
    this.#onRefused = onRefused;
    this.#isOver = isOver ?? (() => false);
    this.#maxTotalWaitMillis = Math.max(MAX_WAIT_MILLIS, statementTimeoutSeconds * 1000);
    this.queue = new ConnectionQueue({
      size,
      maxWaitMillis: MAX_WAIT_MILLIS,
      maxTotalWaitMillis: this.#maxTotalWaitMillis,
    });
  }

  /** Lends connections to the operation, in the way that EnterOptions tell. */
  lenderFor(borrower: Borrower, how: Omit<EnterOptions, 'signal'> = {}): Lender {
    return { connect: () => this.#lend(borrower, how) };
  }

  /** Lends connections to heavy statements of the operation, of which those that are wanted at once see the same calls. */
  momentLenderFor(borrower: Borrower): Lender {
    const { principal, role } = borrower;
    return new MomentLender({
      maxWaitMillis: this.#maxTotalWaitMillis,
      connect: () => this.#lend(borrower, { isHeavy: true }),
      tryConnect: () => this.#tryLend(borrower),
      isWanted: () => this.queue.isWanted,
      countWaiting: (more) => this.queue.countWaiting(role, more),
      notePassedOn: () => this.queue.notePassedOn(principal),
    });
  }

  #tryLend(borrower: Borrower): Promise<PoolClient> | undefined {
    const { principal, role, signal } = borrower;
    if (signal.aborted) return undefined;
    const leave = this.queue.tryEnterHeavy({ principal, role, operation: borrower });
    return leave && this.#lendBeside(borrower, leave);
  }

  async #lendBeside(borrower: Borrower, leave: Leave): Promise<PoolClient> {
    borrower.statements++;
    borrower.use.wanted++;
    try {
      return this.#returning(await this.#connect(leave), borrower, leave);
    } catch (error) {
      borrower.statements--;
      throw error;
    }
  }

  async #lend(borrower: Borrower, how: Omit<EnterOptions, 'signal'>): Promise<PoolClient> {
    const { principal, role, signal } = borrower;
    const since = performance.now();
    borrower.statements++;
    borrower.use.wanted++;
    try {
      const leave = await this.queue.enter({ principal, role, operation: borrower }, { ...how, signal });
      return this.#returning(await this.#connect(leave), borrower, leave);
    } catch (error) {
      borrower.statements--;
      throw error;
    } finally {
      this.onWaited?.((performance.now() - since) / 1000);
    }
  }

  async #connect(leave: () => void): Promise<PoolClient> {
    try {
      // The pool lends a connection that it has as it is: the next part of a list would be read from the primary.
      if (this.#isOver()) throw new ReplicaLostError();
      return await this.pool.connect();
    } catch (error) {
      leave();
      this.#onRefused?.();
      throw error;
    }
  }

  /** The pool gives a client its `release` anew each time it lends it. */
  #returning(client: PoolClient, borrower: Borrower, leave: () => void): PoolClient {
    const release = client.release;
    borrower.use.begin();
    client.release = (failure) => {
      release(failure);
      borrower.use.end();
      borrower.statements--;
      leave();
    };
    return client;
  }
}
