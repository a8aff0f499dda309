import { classify, type FailureKind, isLoss } from '../db/failures.ts';
import { isSameServer, type ServerIdentity } from '../db/wire/server-identity.ts';
import { ReplicaLockedError } from '../errors.ts';
import type { Clock } from './clock.ts';
import type { Connection } from './connection-url.ts';
import type { Observed } from './observatory.ts';
import type { ExpectedServer, PoolListeners, StandbyPool } from './pools.ts';
import type { SilentConnection } from './progress.ts';
import { type ReplicaState, stateTraits } from './states.ts';
import type { Backend } from './watcher.ts';

/** A pool of one server, and the requests that hold it: a pool that was replaced ends with the last of them. */
interface SharedPool extends StandbyPool {
  readonly server: ServerIdentity;
  leases: number;
  isRetired: boolean;
}

export interface StandbyOptions {
  readonly observed: Observed;
  readonly clock: Clock;
  /** Seconds. */
  readonly breakAfterSeconds: number;
  /** It came to a gateway that had standbys: read from without need only when it has caught up. */
  readonly isJoining?: boolean;
  createPool(server: ExpectedServer, told: PoolListeners): StandbyPool;
  /** Seconds. */
  readonly returnAfterSeconds: number;
  /** Whether another standby can answer what this one does not; of those that it may be. */
  hasAlternative(mayBe?: (other: Standby) => boolean): boolean;
}

/** A healthy server says in milliseconds what its processes do. */
const MAX_LOOK_SECONDS = 0.6;
/** The answer of a statement that has just ended may be on its way. */
const MIN_VAIN_SECONDS = 0.3;
/** Most locks that are replayed are gone in milliseconds. */
const MIN_LOCKED_SECONDS = 0.3;

/** One standby as requests use it: its pool, the load on it, and whether it has failed them. */
export class Standby {
  readonly observed: Observed;
  inFlight = 0;
  chosenAt = Number.NEGATIVE_INFINITY;
  /** A statement failed in a way that may mean the standby is lost; the next good poll clears it. */
  isSuspect = false;
  /** It is new, and has not been seen to keep up yet. */
  isJoining: boolean;
  zone: string | undefined;
  weight = 1;
  /** Gateway clock. */
  troubleAt = Number.NEGATIVE_INFINITY;
  /** Failures that requests reported since the start, by kind. */
  readonly reported = new Map<FailureKind, number>();
  readonly #clock: Clock;
  readonly #breakAfterSeconds: number;
  readonly #createPool: StandbyOptions['createPool'];
  readonly #hasAlternative: StandbyOptions['hasAlternative'];
  /** It did not say what its processes do, and has not answered since. */
  #isSilent = false;
  /** Statements wait for a lock. */
  readonly #locked: Spell;
  /** Statements wait in vain, though the server answers. */
  readonly #vain: Spell;
  #shared: SharedPool | undefined;
  /** Replaced, and still held by requests. */
  readonly #retired = new Set<SharedPool>();
  #brokenAt = Number.NEGATIVE_INFINITY;

  constructor({
    observed,
    clock,
    breakAfterSeconds,
    returnAfterSeconds,
    isJoining = false,
    createPool,
    hasAlternative,
  }: StandbyOptions) {
    this.observed = observed;
    this.isJoining = isJoining;
    this.#clock = clock;
    this.#breakAfterSeconds = breakAfterSeconds;
    this.#createPool = createPool;
    this.#hasAlternative = hasAlternative;
    this.#locked = new Spell(clock, returnAfterSeconds);
    this.#vain = new Spell(clock, returnAfterSeconds);
  }

  get name(): string {
    return this.observed.node.name;
  }

  /** Whether it answers, as far as is known. */
  get isResponsive(): boolean {
    const { node, watcher } = this.observed;
    return !this.isSuspect && node.failure === undefined && watcher.waitingSeconds < MAX_LOOK_SECONDS;
  }

  /** It has replayed a lock that statements wait for, or had a moment ago. */
  get isLocked(): boolean {
    return this.#locked.isOn;
  }

  /** It answers on connections it had, which are worth keeping, and accepts no new ones. */
  get isHalfDeaf(): boolean {
    const { node } = this.observed;
    return node.refusedConnections >= 2 && node.failure === undefined;
  }

  /** Where it stands, and its share of the requests. */
  place({ zone, weight }: Pick<Connection, 'zone' | 'weight'>): void {
    this.zone = zone;
    this.weight = weight;
  }

  /** New connections are made anew from its URL; requests keep those that they have. */
  renewPool(): void {
    this.#retirePool();
  }

  /** Connections to the server that was polled last, kept alive until `giveBack` is called. There is a sample of it. */
  take(): Pick<StandbyPool, 'connections' | 'verify'> & { giveBack(): void } {
    const shared = this.#poolOf(this.observed.node.sample!);
    shared.leases += 1;
    this.inFlight += 1;
    this.chosenAt = this.#clock.now();
    let isGivenBack = false;
    return {
      connections: shared.connections,
      verify: shared.verify,
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
    if (keepsUp(state)) this.isJoining = false;
    if (node.failure) this.troubleAt = node.failure.failedAt;
    // Only the answer to a poll that was sent after the failure disproves it.
    else if (node.sample && node.sample.sentAt >= this.troubleAt) {
      this.isSuspect = false;
      this.#isSilent = false;
    }
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

  /** Its address may lead to another server by now, or the server was started anew. */
  #poolOf(server: ServerIdentity): SharedPool {
    if (this.#shared && !isSameServer(this.#shared.server, server)) this.#retirePool();
    this.#shared ??= this.#openPool(this.#expect(server));
    return this.#shared;
  }

  #expect({ systemIdentifier, startStamp }: ServerIdentity): ExpectedServer {
    const { node } = this.observed;
    const server = { systemIdentifier, startStamp };
    const seen = () => (node.sample && isSameServer(node.sample, server) ? node.sample : undefined);
    return {
      ...server,
      position: () => seen()?.lsn ?? 0n,
      isPromoted: () => seen()?.standby === null,
      polledAt: () => seen()?.sentAt ?? 0,
    };
  }

  #openPool(server: ExpectedServer): SharedPool {
    const pool = this.#createPool(server, {
      onTrouble: () => this.verify(),
      onOtherServer: () => this.observed.watcher.doubtIdentity(),
      onRefused: () => void this.observed.watcher.tryToConnect(),
      onSilence: (connections) => this.#examine(connections),
    });
    return { ...pool, server, leases: 0, isRetired: false };
  }

  /**
   * Statements wait for an answer. One that its process is at work on is let live, however long it takes. One that the
   * process has ended, or has never got, waits in vain: packets are swallowed. When the server says nothing at all,
   * whoever waits goes elsewhere, where there is an elsewhere.
   */
  async #examine(connections: readonly SilentConnection[]): Promise<boolean> {
    const { watcher } = this.observed;
    const processIds = connections.flatMap(({ processId }) => processId || []);
    // One that was silent a moment ago, and has not answered since, need not be found silent again.
    const backends = this.#isSilent ? undefined : await watcher.lookAt(processIds, MAX_LOOK_SECONDS);
    const silent = connections.filter((connection) => connection.isStillSilent());
    if (!backends) {
      if (!this.#isSilent) this.troubleAt = this.#clock.now();
      this.#isSilent = true;
      this.isSuspect = true;
      if (this.#hasAlternative()) for (const connection of silent) connection.break();
      return false;
    }
    // A pooler numbers its connections itself.
    if (watcher.isPooled) return true;
    for (const connection of silent) {
      if (!connection.isConnecting) this.#judge(connection, backends.get(connection.processId));
    }
    return true;
  }

  /** The server answers: this statement alone is silent. */
  #judge(connection: SilentConnection, backend: Backend | undefined): void {
    const isInVain = !backend || (!backend.isAtWork && backend.stateSeconds > MIN_VAIN_SECONDS);
    if (isInVain) {
      this.#vain.note();
      connection.break();
    } else if (backend.isLocked && backend.stateSeconds > MIN_LOCKED_SECONDS) {
      this.#locked.note();
      // One that was sent although the lock was known has nowhere else to go, and waits for its end.
      if (this.#locked.surprised(backend) && this.#hasAlternative((other) => !other.isLocked))
        connection.break(new ReplicaLockedError({ isEarly: true }));
    } else if (this.#vain.isOn && this.#vain.surprised(backend) && this.#hasAlternative()) {
      // Its process may be as dead as those of the others: one that is frozen at work looks as if it were.
      connection.break();
    }
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

/** Something that is seen again and again for a while. Gateway clock. */
class Spell {
  readonly #clock: Clock;
  readonly #lastsSeconds: number;
  #begunAt = Number.NEGATIVE_INFINITY;
  #seenAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, lastsSeconds: number) {
    this.#clock = clock;
    this.#lastsSeconds = lastsSeconds;
  }

  /** Seen now, or a moment ago. */
  get isOn(): boolean {
    return this.#clock.now() - this.#seenAt < this.#lastsSeconds;
  }

  note(): void {
    const now = this.#clock.now();
    if (!this.isOn) this.#begunAt = now;
    this.#seenAt = now;
  }

  /** The statement was sent before it was first seen. */
  surprised({ stateSeconds }: Backend): boolean {
    return this.#clock.now() - stateSeconds <= this.#begunAt;
  }
}

/** It has what it can have by now, whatever else may be wrong with it. */
function keepsUp(state: ReplicaState): boolean {
  const isOnItsWay = state === 'CATCHING_UP' || state === 'CONNECTING' || state === 'ARCHIVE_RECOVERY';
  return stateTraits[state].tier !== null && !isOnItsWay;
}
