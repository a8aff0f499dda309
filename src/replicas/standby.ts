import { classify, type FailureKind, isLoss } from '../db/failures.ts';
import type { Clock } from './clock.ts';
import type { Connections } from './connections.ts';
import type { Observed } from './observatory.ts';
import type { StandbyPool } from './pools.ts';
import { type ReplicaState, stateTraits } from './states.ts';

/** A pool and the requests that hold it: a pool that was replaced ends with the last of them. */
interface SharedPool extends StandbyPool {
  leases: number;
  isRetired: boolean;
}

export interface StandbyOptions {
  readonly observed: Observed;
  readonly clock: Clock;
  /** Seconds. */
  readonly breakAfterSeconds: number;
  createPool(onTrouble: () => void): StandbyPool;
}

/** One standby as requests use it: its pool, the load on it, and whether it has failed them. */
export class Standby {
  readonly observed: Observed;
  inFlight = 0;
  chosenAt = Number.NEGATIVE_INFINITY;
  /** A statement failed in a way that may mean the standby is lost; the next good poll clears it. */
  isSuspect = false;
  /** Gateway clock. */
  troubleAt = Number.NEGATIVE_INFINITY;
  /** Failures that requests reported since the start, by kind. */
  readonly reported = new Map<FailureKind, number>();
  readonly #clock: Clock;
  readonly #breakAfterSeconds: number;
  readonly #createPool: StandbyOptions['createPool'];
  #shared: SharedPool | undefined;
  /** Replaced, and still held by requests. */
  readonly #retired = new Set<SharedPool>();
  #brokenAt = Number.NEGATIVE_INFINITY;

  constructor({ observed, clock, breakAfterSeconds, createPool }: StandbyOptions) {
    this.observed = observed;
    this.#clock = clock;
    this.#breakAfterSeconds = breakAfterSeconds;
    this.#createPool = createPool;
  }

  get name(): string {
    return this.observed.node.name;
  }

  /** It answers on connections it had, which are worth keeping, and accepts no new ones. */
  get isHalfDeaf(): boolean {
    const { node } = this.observed;
    return node.refusedConnections >= 2 && node.failure === undefined;
  }

  /** The pool's connections, kept alive until `giveBack` is called. */
  take(): { readonly connections: Connections; giveBack(): void } {
    this.#shared ??= { ...this.#createPool(() => this.verify()), leases: 0, isRetired: false };
    const shared = this.#shared;
    shared.leases += 1;
    this.inFlight += 1;
    this.chosenAt = this.#clock.now();
    let isGivenBack = false;
    return {
      connections: shared.connections,
      giveBack: () => {
        if (isGivenBack) return;
        isGivenBack = true;
        shared.leases -= 1;
        this.inFlight -= 1;
        if (shared.isRetired && shared.leases === 0) this.#end(shared);
      },
    };
  }

  /** What a request ran into. A conflict is counted; a loss makes the standby suspect until a poll disproves it. */
  report(error: unknown): FailureKind {
    const kind = classify(error);
    this.reported.set(kind, (this.reported.get(kind) ?? 0) + 1);
    if (isLoss(kind)) {
      this.isSuspect = true;
      this.troubleAt = this.#clock.now();
      this.verify();
    }
    return kind;
  }

  /** After each poll. */
  note(before: ReplicaState): void {
    const { node, state } = this.observed;
    if (node.failure) this.troubleAt = node.failure.failedAt;
    // Only the answer to a poll that was sent after the failure disproves it.
    else if (node.sample && node.sample.sentAt >= this.troubleAt) this.isSuspect = false;
    if (before !== 'UNKNOWN' && state !== before && stateTraits[state].isLost && !this.isHalfDeaf)
      this.#retirePool();
    this.#breakSilent();
  }

  async close(): Promise<void> {
    const shared = this.#shared;
    this.#shared = undefined;
    await Promise.all([shared, ...this.#retired].map((each) => each?.end()));
  }

  /** Polls the server at once. */
  verify(): void {
    void this.observed.watcher.pollAfresh();
  }

  /** The connections of a server that went away are dead, even if no packet has said so. */
  #retirePool(): void {
    const shared = this.#shared;
    if (!shared) return;
    this.#shared = undefined;
    shared.isRetired = true;
    this.#retired.add(shared);
    if (shared.leases === 0) this.#end(shared);
  }

  #end(shared: SharedPool): void {
    this.#retired.delete(shared);
    void shared.end();
  }

  /** Looks twice, `breakAfter` apart: a statement may well be silent for a moment. */
  #breakSilent(): void {
    const { node, state } = this.observed;
    const now = this.#clock.now();
    const isLongGone = node.sample && now - node.sample.answeredAt > this.#breakAfterSeconds;
    if (
      state !== 'UNREACHABLE' ||
      !node.failure ||
      !isLongGone ||
      now - this.#brokenAt < this.#breakAfterSeconds
    )
      return;
    this.#brokenAt = now;
    for (const { breakSilent } of this.#retired) breakSilent();
  }
}
