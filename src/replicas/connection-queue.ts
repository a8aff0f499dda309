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
  /**
   * The statement reads every call of a range. Those of one principal run one after another while others want connections:
   * each keeps a processor of the standby busy, so that many at once slow everybody's pages.
   */
  readonly isHeavy?: boolean | undefined;
}

type Turn = Pick<Claimant, 'principal' | 'operation'>;

/** To be called when the connection is free again. Further calls do nothing. */
export type Leave = () => void;

/** A statement that waits. */
interface Waiter {
  readonly lane: Lane;
  readonly operation: Operation;
  readonly isHeavy: boolean;
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
  /** Of those that run. */
  heavy: number;
  waiting: number;
  /** Of those that wait. */
  waitingHeavy: number;
  claims: number;
  /** When an operation last passed its connection on to its next statement, for which its others wait. */
  passedOnAt: number;
}

/** A principal that had a statement within this time is there, and would notice what others take. */
const RECENT_MILLIS = 2000;

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
  readonly #waitingBeside = new Map<string, number>();
  #free: number;
  /** Who wanted a connection last, and who did before, of the others. */
  #last = { principal: '', at: -RECENT_MILLIS };
  #other = { principal: '', at: -RECENT_MILLIS };

  constructor(options: ConnectionQueueOptions) {
    this.#options = options;
    this.#free = options.size;
  }

  /** How many statements wait, by the role of their principal. */
  waitingByRole(): ReadonlyMap<string, number> {
    const byRole = new Map(this.#waitingBeside);
    for (const { role, waiting } of this.#lanes.values()) byRole.set(role, (byRole.get(role) ?? 0) + waiting);
    return byRole;
  }

  /** Counts statements that wait for a connection which their operation has already. */
  countWaiting(role: string, more: 1 | -1): void {
    this.#waitingBeside.set(role, (this.#waitingBeside.get(role) ?? 0) + more);
  }

  /** An operation of the principal goes on with the connection that it has: whoever waits for that is not forgotten. */
  notePassedOn(principal: string): void {
    const lane = this.#lanes.get(principal);
    if (lane) lane.passedOnAt = performance.now();
  }

  /** Whether somebody waits for a connection. */
  get isWanted(): boolean {
    return this.#nested.length > 0 || [...this.#lanes.values()].some(({ waiting }) => waiting > 0);
  }

  /** Resolves when a connection was taken. Rejects with OverloadedError, or with the reason of the signal. */
  async enter(claimant: Claimant, options: EnterOptions = {}): Promise<Leave> {
    options.signal?.throwIfAborted();
    const lane = this.#laneOf(claimant);
    const operation = operationOf(lane, claimant.operation);
    const isHeavy = options.isHeavy ?? false;
    this.#seen(claimant.principal);
    lane.claims++;
    operation.claims++;
    // A statement that waits has been tried: if it could run, it would not wait.
    const mayRun = options.isNested ? this.#free > 0 : this.#mayRun(claimant.principal, lane, isHeavy);
    if (mayRun) this.#take(lane, operation, isHeavy);
    else await this.#wait(claimant, lane, operation, options);
    return this.#leaving(claimant, lane, operation, isHeavy);
  }

  /** The same of a heavy statement that would not have to wait; undefined where it would. */
  tryEnterHeavy(claimant: Claimant): Leave | undefined {
    const lane = this.#laneOf(claimant);
    if (!this.#mayRun(claimant.principal, lane, true)) {
      if (lane.claims === 0) this.#lanes.delete(claimant.principal);
      return undefined;
    }
    const operation = operationOf(lane, claimant.operation);
    lane.claims++;
    operation.claims++;
    this.#take(lane, operation, true);
    return this.#leaving(claimant, lane, operation, true);
  }

  #leaving(claimant: Claimant, lane: Lane, operation: Operation, isHeavy: boolean): Leave {
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#free++;
      lane.running--;
      if (isHeavy) lane.heavy--;
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
    const lane = {
      role,
      operations: new Map(),
      running: 0,
      heavy: 0,
      waiting: 0,
      waitingHeavy: 0,
      claims: 0,
      passedOnAt: Number.NEGATIVE_INFINITY,
    };
    this.#lanes.set(principal, lane);
    return lane;
  }

  #seen(principal: string): void {
    const at = performance.now();
    if (this.#last.principal !== principal) this.#other = this.#last;
    this.#last = { principal, at };
  }

  /** Whether a statement that arrives need not wait. Those that wait have been tried: if one could run, it would not wait. */
  #mayRun(principal: string, lane: Lane, isHeavy: boolean): boolean {
    if (lane.running >= this.#free) return false;
    if (isHeavy) return lane.waiting === 0 && this.#mayRunHeavy(principal, lane);
    return lane.waiting === lane.waitingHeavy;
  }

  #mayRunHeavy(principal: string, lane: Lane): boolean {
    if (lane.heavy === 0) return true;
    const other = this.#last.principal === principal ? this.#other : this.#last;
    return performance.now() - other.at > RECENT_MILLIS;
  }

  #take(lane: Lane, operation: Operation, isHeavy: boolean): void {
    this.#free--;
    if (isHeavy) lane.heavy++;
    lane.running++;
    operation.running++;
  }

  #wait(
    claimant: Claimant,
    lane: Lane,
    operation: Operation,
    { signal, isNested, isHeavy = false }: EnterOptions,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const queue = isNested ? this.#nested : operation.waiting;
    // Where nothing but a heavy statement of its own principal stands before it, it waits for itself.
    const isNext = () => isHeavy && lane.heavy > 0 && lane.running < this.#free;
    const isServed = () => operation.running > 0 || isNext();
    const stopWatching = this.#watchWait(lane, operation, isServed, () => refuse(new OverloadedError()));
    const abort = () => refuse(signal!.reason);
    const settle = () => {
      stopWatching();
      signal?.removeEventListener('abort', abort);
      lane.waiting--;
      if (isHeavy) lane.waitingHeavy--;
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
      isHeavy,
      admit() {
        settle();
        resolve();
      },
    };
    lane.waiting++;
    if (isHeavy) lane.waitingHeavy++;
    queue.push(waiter);
    signal?.addEventListener('abort', abort, { once: true });
    return promise;
  }

  /** Calls `refuse` when the wait has lasted too long. The result ends the watch. */
  #watchWait(lane: Lane, operation: Operation, isServed: () => boolean, refuse: () => void): () => void {
    const { maxWaitMillis, maxTotalWaitMillis } = this.#options;
    const since = performance.now();
    let timer = setTimeout(check, maxWaitMillis).unref();
    function check() {
      const now = performance.now();
      // While the operation has a connection, or had one a moment ago, it waits for itself.
      const idleMillis = isServed() ? 0 : now - Math.max(operation.advancedAt, lane.passedOnAt);
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
      this.#take(waiter.lane, waiter.operation, waiter.isHeavy);
      waiter.admit();
    }
  }

  #next(): Waiter | undefined {
    for (const [principal, lane] of this.#lanes) {
      if (lane.running >= this.#free) continue;
      const mayBeHeavy = this.#mayRunHeavy(principal, lane);
      for (const [key, operation] of lane.operations) {
        const place = operation.waiting.findIndex(({ isHeavy }) => mayBeHeavy || !isHeavy);
        if (place < 0) continue;
        const [waiter] = operation.waiting.splice(place, 1);
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
