import type { Pool, PoolClient } from 'pg';
import type { Lender } from '../db/wire/lender.ts';
import { ConnectionQueue } from './connection-queue.ts';

/** A connection is waited for in seconds: a client that is told at once can ask elsewhere, or again. */
const MAX_WAIT_MILLIS = 3000;

export interface ConnectionsOptions {
  readonly pool: Pool;
  /** Connections at most. */
  readonly size: number;
  readonly statementTimeoutSeconds: number;
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
}

/** The connections to one standby, which principals borrow in turn. */
export class Connections {
  readonly pool: Pool;
  readonly queue: ConnectionQueue;
  /** Told how many seconds each statement waited for its connection, got or not. */
  onWaited: ((seconds: number) => void) | undefined;

  constructor({ pool, size, statementTimeoutSeconds }: ConnectionsOptions) {
    this.pool = pool;
    this.queue = new ConnectionQueue({
      size,
      maxWaitMillis: MAX_WAIT_MILLIS,
      maxTotalWaitMillis: Math.max(MAX_WAIT_MILLIS, statementTimeoutSeconds * 1000),
    });
  }

  /** Lends connections to the operation. See EnterOptions for `isNested`. */
  lenderFor(borrower: Borrower, { isNested = false } = {}): Lender {
    return { connect: () => this.#lend(borrower, isNested) };
  }

  async #lend(borrower: Borrower, isNested: boolean): Promise<PoolClient> {
    const { principal, role, signal } = borrower;
    const since = performance.now();
    borrower.statements++;
    try {
      const leave = await this.queue.enter({ principal, role, operation: borrower }, { signal, isNested });
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
      return await this.pool.connect();
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** The pool gives a client its `release` anew each time it lends it. */
  #returning(client: PoolClient, borrower: Borrower, leave: () => void): PoolClient {
    const release = client.release;
    client.release = (failure) => {
      release(failure);
      borrower.statements--;
      leave();
    };
    return client;
  }
}
