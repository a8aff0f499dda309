import { createChooser } from './chooser.ts';
import { type Clock, systemClock } from './clock.ts';
import { namesOf, parseConnection } from './connection-url.ts';
import { type Assessment, createObservatory } from './observatory.ts';
import { createStandbyPool } from './pools.ts';
import type { Replica, ReplicaRequest } from './replica.ts';
import { type Purpose, tierOf } from './routing.ts';
import { Standby } from './standby.ts';
import { type ReplicaStatus, type ReplicationStatus, replicaStatus, replicationStatus } from './status.ts';
import { defaultTuning, type Tuning } from './tuning.ts';

export interface ReplicasOptions extends Partial<Tuning> {
  /** At least one. Name a standby with a fragment: `postgresql://gateway@10.0.0.5/sippy#amsterdam`. */
  readonly replicaUrls: readonly string[];
  /** Only watched, never read from: makes every bound tighter and finds split brains and lost slots. */
  readonly primaryUrl?: string | undefined;
  /** Connections per standby; the watcher has one more. */
  readonly poolSize: number;
  readonly statementTimeoutSeconds?: number;
  /** A server that is no standby, or no longer, is read from only if this is true. Default false. */
  readonly allowPrimaryReads?: boolean;
  readonly clock?: Clock;
  /** Pino, or what looks like it. */
  readonly logger?: Log;
}

export type { Freshness, Replica, ReplicaRequest } from './replica.ts';
export type { Purpose } from './routing.ts';
export type { PrimaryStatus, ReplicaStatus, ReplicationStatus, StalenessStatus } from './status.ts';

interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/** Which standby answers, and how old it is. */
export interface Replicas {
  /**
   * The standby for one request, which must give it back with `release()`. Waits a little where that may help.
   * Throws NoReplicaAvailableError, ReplicaTooStaleError, InvalidTokenError (a token of another cluster), and the
   * signal's reason when it is aborted.
   */
  choose(request?: ReplicaRequest): Promise<Replica>;
  /** What is known now. Asks no server. */
  snapshot(): ReplicationStatus;
  /** After every poll of a standby, and when its state changed for another reason. Call the result to stop. */
  onSample(listener: (status: ReplicaStatus) => void): () => void;
  /** At least one standby can be read from and has answered lately. */
  ready(): boolean;
  /** One line per standby for people: `replica-1: STREAMING`. Names no host. */
  lines(): readonly string[];
  /** Resolves when every server has been asked once, with whatever result. */
  readonly firstLook: Promise<void>;
  /** Ends every connection. Requests under way get two seconds. */
  close(): Promise<void>;
}

const READY_SECONDS = 10;
const MIN_POLL_INTERVAL = 0.02;
/** A healthy answer takes milliseconds. */
const LATE_SECONDS = 0.5;

/** Begins to watch at once. Throws a plain Error on URLs that cannot be used; it shows none of them. */
export function createReplicas(options: ReplicasOptions): Replicas {
  const {
    clock = systemClock(),
    poolSize,
    statementTimeoutSeconds = 60,
    allowPrimaryReads = false,
  } = options;
  const tuning = tuningOf(options);
  const readySeconds = Math.max(READY_SECONDS, tuning.unreachableAfter);
  const connections = options.replicaUrls.map(parseConnection);
  const names = namesOf(connections);
  const observatory = createObservatory({
    replicas: connections.map((connection, index) => ({ name: names[index]!, connection })),
    primary: options.primaryUrl === undefined ? undefined : parseConnection(options.primaryUrl),
    clock,
    tuning,
  });
  const standbys = observatory.replicas.map((observed, index) => {
    return new Standby({
      observed,
      clock,
      breakAfter: tuning.breakAfter,
      createPool: (onTrouble) =>
        createStandbyPool({
          connection: connections[index]!,
          size: poolSize,
          statementTimeoutSeconds,
          allowPrimaryReads,
          isPooled: () => observed.watcher.isPooled,
          onTrouble,
        }),
    });
  });

  function tier(standby: Standby, { verdict }: Assessment, purpose: Purpose = 'page'): number | null {
    return tierOf({
      state: verdict.state,
      isSuspect: standby.isSuspect || isLate(standby),
      isRecovering: clock.now() - standby.troubleAt < tuning.returnAfter,
      isHalfDeaf: standby.isHalfDeaf,
      allowPrimaryReads,
      purpose,
    });
  }

  /** A poll failed, or hangs. */
  function isLate({ observed: { node } }: Standby): boolean {
    const late = clock.now() - (node.sample?.answeredAt ?? 0) > 1.2 * tuning.pollInterval + LATE_SECONDS;
    return late || node.failure !== undefined;
  }

  let isClosed = false;
  const view = { observatory, standbys, clock, tierOf: tier };
  const choose = createChooser({ ...view, tuning, isClosed: () => isClosed });
  const stopNoting = observatory.observe((observed, before) => {
    const standby = standbys.find((each) => each.observed === observed);
    standby?.note(before);
    if (observed.state !== before) logChange(observed.node.name, before);
  });

  function logChange(name: string, before: string): void {
    const observed = [...observatory.replicas, observatory.primary].find((each) => each?.node.name === name)!;
    const { state, reason } = observatory.assess(observed.node).verdict;
    const isWell = ['STREAMING', 'CATCHING_UP', 'PRIMARY', 'DELAYED'].includes(state);
    options.logger?.[isWell ? 'info' : 'warn'](
      { replica: name, state, before, reason },
      'server changed its state',
    );
  }

  observatory.start();
  return {
    choose,
    snapshot: () => replicationStatus(view),
    onSample(listener) {
      return observatory.observe((observed) => {
        const standby = standbys.find((each) => each.observed === observed);
        if (standby) listener(replicaStatus(standby, view));
      });
    },
    ready() {
      return standbys.some((standby) => {
        const { node } = standby.observed;
        const isRecent = node.sample !== undefined && clock.now() - node.sample.answeredAt < readySeconds;
        return isRecent && tier(standby, observatory.assess(node)) !== null;
      });
    },
    lines: () => standbys.map((standby) => lineOf(standby, observatory.assess(standby.observed.node))),
    firstLook: Promise.all(
      [...observatory.replicas, observatory.primary].map((observed) => observed?.watcher.poll()),
    ).then(() => {}),
    async close() {
      isClosed = true;
      stopNoting();
      await observatory.close();
      await Promise.all(standbys.map((standby) => standby.close()));
    },
  };
}

/** Names no host: it is shown to whoever asks. */
export function lineOf({ name }: Standby, { verdict }: Assessment): string {
  return `${name}: ${verdict.state}`;
}

/** Polls that are far apart leave a standby silent for longer, and that must not count as an outage. */
function tuningOf(options: Partial<Tuning>): Tuning {
  const given = Object.entries(options).filter(
    ([name, value]) => name in defaultTuning && value !== undefined,
  );
  const tuning: Tuning = { ...defaultTuning, ...Object.fromEntries(given) };
  const pollInterval = Math.max(MIN_POLL_INTERVAL, tuning.pollInterval);
  const unreachableAfter = Math.max(tuning.unreachableAfter, 2 * pollInterval + tuning.pollTimeout);
  return { ...tuning, pollInterval, unreachableAfter };
}
