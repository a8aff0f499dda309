import { Chooser } from './chooser.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Connection, namesOf, parseConnection } from './connection-url.ts';
import { describeState } from './describe.ts';
import { type Assessment, Observatory, type Observed } from './observatory.ts';
import { createStandbyPool } from './pools.ts';
import type { Replica, ReplicaRequest } from './replica.ts';
import { type Purpose, tierOf } from './routing.ts';
import { Standby } from './standby.ts';
import { type ReplicaState, stateTraits } from './states.ts';
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
  /** Pino's, or another of this shape. */
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
  /** What is known now. Polls no server. */
  snapshot(): ReplicationStatus;
  /** After every poll of a standby, and when its state changed for another reason. Call the result to stop. */
  onSample(listener: (status: ReplicaStatus) => void): () => void;
  /** At least one standby can be read from and has answered lately. */
  ready(): boolean;
  /** One line per standby for people: `replica-1: STREAMING`. Names no host. */
  lines(): readonly string[];
  /** Resolves when every server has been polled once, successfully or not. */
  readonly firstLook: Promise<void>;
  /** Ends every connection. Requests under way get two seconds. */
  close(): Promise<void>;
}

const READY_SECONDS = 10;
const MIN_POLL_INTERVAL_SECONDS = 0.02;
/** A healthy answer takes milliseconds. */
const LATE_SECONDS = 0.5;

/** Begins to watch at once. Throws a plain Error on URLs that cannot be used; it shows none of them. */
export function createReplicas(options: ReplicasOptions): Replicas {
  const { clock = systemClock(), allowPrimaryReads = false } = options;
  const tuning = completeTuning(options);
  const readySeconds = Math.max(READY_SECONDS, tuning.unreachableAfterSeconds);
  const connections = options.replicaUrls.map(parseConnection);
  const names = namesOf(connections);
  const observatory = new Observatory({
    replicas: connections.map((connection, index) => ({ name: names[index]!, connection })),
    primary: options.primaryUrl === undefined ? undefined : parseConnection(options.primaryUrl),
    clock,
    tuning,
  });
  const standbys = createStandbys(observatory, connections, clock, tuning, options);
  let isClosed = false;

  function tier(standby: Standby, { verdict }: Assessment, purpose: Purpose = 'page'): number | null {
    return tierOf({
      state: verdict.state,
      isSuspect: standby.isSuspect || isLate(standby, clock, tuning),
      isRecovering: clock.now() - standby.troubleAt < tuning.returnAfterSeconds,
      isHalfDeaf: standby.isHalfDeaf,
      allowPrimaryReads,
      purpose,
    });
  }

  const view = { observatory, standbys, clock, tierOf: tier };
  const chooser = new Chooser({ ...view, tuning, isClosed: () => isClosed });
  const stopNoting = observatory.observe((observed, before) => {
    const standby = standbys.find((each) => each.observed === observed);
    standby?.note(before);
    if (observed.state !== before) logChange(observatory, observed, before, options.logger);
  });

  observatory.start();
  return {
    choose: (request) => chooser.choose(request),
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
    lines: () =>
      standbys.map(({ name, observed }) =>
        describeState(name, observatory.assess(observed.node).verdict.state),
      ),
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

/** One for each connection, in its order. */
function createStandbys(
  observatory: Observatory,
  connections: readonly Connection[],
  clock: Clock,
  { breakAfterSeconds }: Tuning,
  { poolSize, statementTimeoutSeconds = 60, allowPrimaryReads = false }: ReplicasOptions,
): readonly Standby[] {
  return observatory.replicas.map((observed, index) => {
    return new Standby({
      observed,
      clock,
      breakAfterSeconds,
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
}

/** A poll failed, or hangs. */
function isLate({ observed: { node } }: Standby, clock: Clock, { pollIntervalSeconds }: Tuning): boolean {
  const late = clock.now() - (node.sample?.answeredAt ?? 0) > 1.2 * pollIntervalSeconds + LATE_SECONDS;
  return late || node.failure !== undefined;
}

function logChange(
  observatory: Observatory,
  { node }: Observed,
  before: ReplicaState,
  logger: Log | undefined,
): void {
  const { state, reason } = observatory.assess(node).verdict;
  const isWell = stateTraits[state].isWell || (state === 'PRIMARY' && node.role === 'primary');
  const level = isWell ? 'info' : 'warn';
  logger?.[level]({ replica: node.name, state, before, reason }, 'server changed its state');
}

/** Polls that are far apart leave a standby silent for longer, and that must not count as an outage. */
function completeTuning(options: Partial<Tuning>): Tuning {
  const given = Object.entries(options).filter(
    ([name, value]) => name in defaultTuning && value !== undefined,
  );
  const tuning: Tuning = { ...defaultTuning, ...Object.fromEntries(given) };
  const pollIntervalSeconds = Math.max(MIN_POLL_INTERVAL_SECONDS, tuning.pollIntervalSeconds);
  const unreachableAfterSeconds = Math.max(
    tuning.unreachableAfterSeconds,
    2 * pollIntervalSeconds + tuning.pollTimeoutSeconds,
  );
  return { ...tuning, pollIntervalSeconds, unreachableAfterSeconds };
}
