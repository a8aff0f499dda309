import { OverloadedError } from '../errors.ts';

/** For whom a connection is wanted. */
export interface Claimant {
  /** The name of the principal: connections are shared out among these. */
  readonly principal: string;
  /** The class of the principal, which metrics may show. */
  readonly role: string;
  /** What the statement is part of: the operations of one principal take turns. */
  readonly operation: object;
}

export interface ConnectionQueueOptions {
  /** Connections that may be used at once. */
  readonly size: number;
  /** An operation that has no connection waits so long for its next one; then it is refused with OVERLOADED. */
  readonly maxWaitMillis: number;
  /** A statement waits no longer than this, even while other statements of its operation are served. */
  readonly maxTotalWaitMillis: number;
}

export interface EnterOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * The operation holds another connection, which it gives back only after this statement. Such a statement goes first,
   * beyond the share of its principal: otherwise operations would wait for one another.
   */
  readonly isNested?: boolean | undefined;
}

type Turn = Pick<Claimant, 'principal' | 'operation'>;

/** To be called when the connection is free again. Further calls do nothing. */
export type Leave = () => void;

/** A statement that waits. */
interface Waiter {
  readonly lane: Lane;
  readonly operation: Operation;
  /** Stops waiting: the connection is taken already. */
  admit(): void;
}

/** The statements of one operation. */
interface Operation {
  readonly waiting: Waiter[];
  running: number;
  /** Statements that run or wait; it is forgotten with the last of them. */
  claims: number;
  /** When it last had a connection, or began to wait. */
  advancedAt: number;
}

/** The statements of one principal, its operations in the order of their turns. */
interface Lane {
  readonly role: string;
  readonly operations: Map<object, Operation>;
  running: number;
  waiting: number;
  claims: number;
}

/**
 * Shares out the connections of one standby.
 *
 * A principal may take one more connection while it holds fewer than are free: alone it gets half of them, beside
 * another a third, and so on. So the next principal finds a free one at once, however much the others want. A fixed
 * limit would be used up by a few principals, or would keep a single one from connections that are idle.
 *
 * Statements that must wait are served in turn: principal by principal, within a principal operation by operation, and
 * within an operation in order.
 */
export class ConnectionQueue {
  readonly #options: ConnectionQueueOptions;
  /** Principals with statements, in the order of their turns. */
  readonly #lanes = new Map<string, Lane>();
  readonly #nested: Waiter[] = [];
  #free: number;

  constructor(options: ConnectionQueueOptions) {
    this.#options = options;
    this.#free = options.size;
  }

  /** How many statements wait, by the role of their principal. */
  waitingByRole(): ReadonlyMap<string, number> {
    const byRole = new Map<string, number>();
    for (const { role, waiting } of this.#lanes.values()) byRole.set(role, (byRole.get(role) ?? 0) + waiting);
    return byRole;
  }

  /** Resolves when a connection was taken. Rejects with OverloadedError, or with the reason of the signal. */
  async enter(claimant: Claimant, options: EnterOptions = {}): Promise<Leave> {
    options.signal?.throwIfAborted();
    const lane = this.#laneOf(claimant);
    const operation = operationOf(lane, claimant.operation);
    lane.claims++;
    operation.claims++;
    // A statement that waits has been tried: if it could run, it would not wait.
    const mayRun = options.isNested ? this.#free > 0 : lane.waiting === 0 && lane.running < this.#free;
    if (mayRun) this.#take(lane, operation);
    else await this.#wait(claimant, lane, operation, options);
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#free++;
      lane.running--;
      operation.running--;
      operation.advancedAt = performance.now();
      this.#putLast(claimant, lane, operation);
      this.#serve();
      this.#forget(claimant, lane, operation);
    };
  }

  #laneOf({ principal, role }: Claimant): Lane {
    const known = this.#lanes.get(principal);
    if (known) return known;
    const lane = { role, operations: new Map(), running: 0, waiting: 0, claims: 0 };
    this.#lanes.set(principal, lane);
    return lane;
  }

  #take(lane: Lane, operation: Operation): void {
    this.#free--;
    lane.running++;
    operation.running++;
  }

  #wait(
    claimant: Claimant,
    lane: Lane,
    operation: Operation,
    { signal, isNested }: EnterOptions,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const queue = isNested ? this.#nested : operation.waiting;
    const stopWatching = this.#watchWait(operation, () => refuse(new OverloadedError()));
    const abort = () => refuse(signal!.reason);
    const settle = () => {
      stopWatching();
      signal?.removeEventListener('abort', abort);
      lane.waiting--;
    };
    const refuse = (reason: unknown) => {
      settle();
      queue.splice(queue.indexOf(waiter), 1);
      this.#forget(claimant, lane, operation);
      reject(reason);
    };
    const waiter: Waiter = {
      lane,
      operation,
      admit() {
        settle();
        resolve();
      },
    };
    lane.waiting++;
    queue.push(waiter);
    signal?.addEventListener('abort', abort, { once: true });
    return promise;
  }

  /** Calls `refuse` when the wait has lasted too long. The result ends the watch. */
  #watchWait(operation: Operation, refuse: () => void): () => void {
    const { maxWaitMillis, maxTotalWaitMillis } = this.#options;
    const since = performance.now();
    let timer = setTimeout(check, maxWaitMillis).unref();
    function check() {
      const now = performance.now();
      // While the operation has a connection, or had one a moment ago, it waits for itself.
      const idleMillis = operation.running > 0 ? 0 : now - operation.advancedAt;
      const left = Math.min(maxWaitMillis - idleMillis, since + maxTotalWaitMillis - now);
      if (left < 1) refuse();
      else timer = setTimeout(check, left).unref();
    }
    return () => clearTimeout(timer);
  }

  /** Gives what is free to those that wait. */
  #serve(): void {
    while (this.#free > 0) {
      const waiter = this.#nested.shift() ?? this.#next();
      if (!waiter) return;
      this.#take(waiter.lane, waiter.operation);
      waiter.admit();
    }
  }

  #next(): Waiter | undefined {
    for (const [principal, lane] of this.#lanes) {
      if (lane.running >= this.#free) continue;
      for (const [key, operation] of lane.operations) {
        const waiter = operation.waiting.shift();
        if (!waiter) continue;
        this.#putLast({ principal, operation: key }, lane, operation);
        return waiter;
      }
    }
    return undefined;
  }

  /** They have had their turn. */
  #putLast({ principal, operation: key }: Turn, lane: Lane, operation: Operation): void {
    moveToEnd(this.#lanes, principal, lane);
    moveToEnd(lane.operations, key, operation);
  }

  #forget({ principal, operation: key }: Turn, lane: Lane, operation: Operation): void {
    if (--operation.claims === 0) lane.operations.delete(key);
    if (--lane.claims === 0) this.#lanes.delete(principal);
  }
}

function operationOf({ operations }: Lane, key: object): Operation {
  const known = operations.get(key);
  if (known) return known;
  const operation = { waiting: [], running: 0, claims: 0, advancedAt: performance.now() };
  operations.set(key, operation);
  return operation;
}

function moveToEnd<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  if (map.size === 1) return;
  map.delete(key);
  map.set(key, value);
}
