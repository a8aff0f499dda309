import { Chooser } from './chooser.ts';
import { type Clock, systemClock } from './clock.ts';
import { loginOf, splitUrls } from './connection-url.ts';
import { describeState } from './describe.ts';
import type { Node } from './node.ts';
import { type Assessment, Observatory, type Observed } from './observatory.ts';
import { createStandbyPool } from './pools.ts';
import { Positions } from './positions.ts';
import type { Replica, ReplicaRequest } from './replica.ts';
import { Roster } from './roster.ts';
import { type Purpose, tierOf } from './routing.ts';
import { readList } from './sources/list-file.ts';
import { type DiscoveryOptions, SourceWatch } from './sources/source-watch.ts';
import type { Standby } from './standby.ts';
import { type ReplicaState, stateTraits } from './states.ts';
import {
  type ReplicaStatus,
  type ReplicationStatus,
  replicaStatus,
  replicationStatus,
  type StatusView,
} from './status.ts';
import { defaultTuning, type Tuning } from './tuning.ts';

const NO_POSITION_KEY =
  'tokens and cursors are sealed with no secret, since the URLs of the standbys hold no password: set POSITION_KEY';

export interface ReplicasOptions extends Partial<Tuning> {
  /**
   * Standbys, and places where standbys are named. Name a standby with a fragment:
   * `postgresql://gateway@10.0.0.5/sippy#amsterdam`.
   */
  readonly replicaUrls: readonly string[];
  /** A file of such URLs in their place, which is read again when it changes. */
  readonly replicaUrlsFile?: string | undefined;
  /**
   * Only watched, never read from unless `readFromPrimary` says so: makes every bound tighter and finds split brains and
   * lost slots. Several with commas between them: the one that takes writes is the primary.
   */
  readonly primaryUrl?: string | undefined;
  /** How places where servers are named are asked. */
  readonly discovery?: DiscoveryOptions;
  /** Where the gateway stands: standbys of the same zone are preferred. */
  readonly zone?: string | undefined;
  /** What positions are sealed with: the first seals, all open. Without one, the login of the standbys. */
  readonly positionKeys?: readonly string[] | undefined;
  /** The primary answers, by its name, while no standby can. Default false. */
  readonly readFromPrimary?: boolean;
  /** Connections per standby; the watcher has one more. */
  readonly poolSize: number;
  readonly statementTimeoutSeconds?: number;
  /** A server that is no standby, or no longer, is read from only if this is true. Default false. */
  readonly allowPrimaryReads?: boolean;
  readonly clock?: Clock;
  /** Pino's, or another of this shape. */
  readonly logger?: Log;
}

export type { Freshness, ReplayPosition, Replica, ReplicaRequest } from './replica.ts';
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
  /** Writes and reads the positions that clients hold. */
  readonly positions: Positions;
  /** What is known now. Polls no server. */
  snapshot(): ReplicationStatus;
  /** After every poll of a standby, and when its state changed for another reason. Call the result to stop. */
  onSample(listener: (status: ReplicaStatus) => void): () => void;
  /** At least one standby can be read from and has answered lately. */
  ready(): boolean;
  /** One line per standby for people: `replica-1: STREAMING`. Names no host. */
  lines(): readonly string[];
  /** Reads now where standbys are named. */
  reload(): Promise<void>;
  /** Resolves when every server has been polled once, successfully or not. */
  readonly firstLook: Promise<void>;
  /** Ends every connection. Requests under way get two seconds. */
  close(): Promise<void>;
}

const READY_SECONDS = 10;
/** While the primary answers for its standbys, the switch comes first. */
const MAX_PRIMARY_CONNECTIONS = 4;

const defaultDiscovery: DiscoveryOptions = {
  intervalSeconds: 5,
  dnsServers: [],
  kubernetes: {
    host: undefined,
    port: 443,
    accountDir: '/var/run/secrets/kubernetes.io/serviceaccount',
  },
};
const MIN_POLL_INTERVAL_SECONDS = 0.02;
/** A healthy answer takes milliseconds. */
const LATE_SECONDS = 0.5;

/**
 * Begins to watch at once. Throws a plain Error on URLs that cannot be used; it shows none of them. Servers that the URLs
 * name themselves are known when it returns, those that are named elsewhere as soon as that place has answered.
 */
export function createReplicas(options: ReplicasOptions): Replicas {
  return new WatchedReplicas(options);
}

class WatchedReplicas implements Replicas {
  readonly firstLook: Promise<void>;
  readonly positions: Positions;
  readonly #options: ReplicasOptions;
  readonly #clock: Clock;
  readonly #tuning: Tuning;
  readonly #observatory: Observatory;
  readonly #roster: Roster;
  readonly #primaries: Roster;
  readonly #sources: readonly SourceWatch[];
  readonly #chooser: Chooser;
  readonly #view: StatusView;
  readonly #stopNoting: () => void;
  #isClosed = false;
  #isPrimaryAnswering = false;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
    this.#tuning = completeTuning(options);
    this.positions = createPositions(options);
    this.#observatory = new Observatory({ clock: this.#clock, tuning: this.#tuning });
    this.#roster = this.#createRoster('replica');
    this.#primaries = this.#createRoster('primary');
    this.#view = {
      observatory: this.#observatory,
      standbys: () => this.#roster.standbys,
      sources: () => this.#sources.flatMap((source) => source.reports()),
      clock: this.#clock,
      tierOf: (standby, assessment) => this.#tierOf(standby, assessment),
    };
    this.#chooser = new Chooser({
      observatory: this.#observatory,
      positions: this.positions,
      standbys: () => this.#roster.standbys,
      lastResort: () => this.#lastResort(),
      zone: options.zone,
      clock: this.#clock,
      tuning: this.#tuning,
      tierOf: (standby, assessment, purpose) => this.#tierOf(standby, assessment, purpose),
      isClosed: () => this.#isClosed,
    });
    this.#stopNoting = this.#observatory.observe((observed, before) => this.#note(observed, before));
    this.#sources = this.#watchSources();
    this.firstLook = this.#lookFirst();
  }

  async choose(request?: ReplicaRequest): Promise<Replica> {
    const replica = await this.#chooser.choose(request);
    this.#notePrimaryAnswers(replica.name === this.#lastResort()?.name);
    return replica;
  }

  snapshot(): ReplicationStatus {
    return replicationStatus(this.#view);
  }

  onSample(listener: (status: ReplicaStatus) => void): () => void {
    return this.#observatory.observe((observed) => {
      const standby = this.#roster.standbys.find((each) => each.observed === observed);
      if (standby) listener(replicaStatus(standby, this.#view));
    });
  }

  ready(): boolean {
    const primary = this.#lastResort();
    return [...this.#roster.standbys, ...(primary ? [primary] : [])].some((standby) => {
      const { node } = standby.observed;
      const readySeconds = Math.max(READY_SECONDS, this.#tuning.unreachableAfterSeconds);
      const isRecent = node.sample !== undefined && this.#clock.now() - node.sample.answeredAt < readySeconds;
      return isRecent && this.#tierOf(standby, this.#observatory.assess(node)) !== null;
    });
  }

  lines(): readonly string[] {
    return this.#roster.standbys.map(({ name, observed }) =>
      describeState(name, this.#observatory.assess(observed.node).verdict.state),
    );
  }

  async reload(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.refresh()));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopNoting();
    for (const source of this.#sources) source.close();
    await this.#observatory.close();
    await Promise.all([this.#roster.close(), this.#primaries.close()]);
  }

  #watchSources(): readonly SourceWatch[] {
    const { replicaUrls, replicaUrlsFile, primaryUrl, discovery = defaultDiscovery, logger } = this.#options;
    const common = { discovery, clock: this.#clock, logger };
    const watchStandbys = new SourceWatch({
      ...common,
      urls: replicaUrls,
      file: replicaUrlsFile,
      wanted: 'standby',
      onServers: (servers) => this.#roster.apply(servers),
      onList: (items) => this.#rekey(items),
    });
    if (primaryUrl === undefined) return [watchStandbys];
    const watchPrimaries = new SourceWatch({
      ...common,
      urls: splitUrls(primaryUrl),
      wanted: 'primary',
      onServers: (servers) => this.#primaries.apply(servers),
    });
    return [watchStandbys, watchPrimaries];
  }

  /** The file may have another password now. */
  #rekey(urls: readonly string[]): void {
    const { positionKeys = [] } = this.#options;
    const { login, hasPassword } = loginOf(urls);
    if (positionKeys.length === 0) this.positions.rekey(login, { isSecret: hasPassword });
  }

  async #lookFirst(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.start()));
    const { replicas, primary } = this.#observatory;
    await Promise.all([...replicas, primary].map((observed) => observed?.watcher.poll()));
  }

  #createRoster(role: Node['role']): Roster {
    const { poolSize, statementTimeoutSeconds = 60, allowPrimaryReads = false, logger } = this.#options;
    return new Roster({
      role,
      observatory: this.#observatory,
      clock: this.#clock,
      tuning: this.#tuning,
      logger,
      hasAlternative: (standby, mayBe) => this.#hasAlternative(standby, mayBe),
      createPool: (connection, observed, server, told) =>
        createStandbyPool({
          ...told,
          server,
          clock: this.#clock,
          connection,
          size: role === 'primary' ? Math.min(poolSize, MAX_PRIMARY_CONNECTIONS) : poolSize,
          statementTimeoutSeconds,
          allowPrimaryReads: allowPrimaryReads || role === 'primary',
          isPooled: () => observed.watcher.isPooled,
        }),
    });
  }

  #hasAlternative(standby: Standby, mayBe: (other: Standby) => boolean = () => true): boolean {
    return this.#roster.standbys.some(
      (other) =>
        other !== standby &&
        mayBe(other) &&
        other.isResponsive &&
        this.#tierOf(other, this.#observatory.assess(other.observed.node)) !== null,
    );
  }

  #note(observed: Observed, before: ReplicaState): void {
    const roster = observed.node.role === 'replica' ? this.#roster : this.#primaries;
    roster.find(observed)?.note(before);
    if (observed.state !== before) logChange(this.#observatory, observed, before, this.#options.logger);
  }

  /** The primary as requests may use it; undefined unless an operator allows that. */
  #lastResort(): Standby | undefined {
    const { primary } = this.#observatory;
    return this.#options.readFromPrimary && primary ? this.#primaries.find(primary) : undefined;
  }

  /** Never silently: the log says when it begins and when it ends, and every answer bears the primary's name. */
  #notePrimaryAnswers(isPrimary: boolean): void {
    if (isPrimary === this.#isPrimaryAnswering) return;
    this.#isPrimaryAnswering = isPrimary;
    const { logger } = this.#options;
    if (isPrimary) logger?.warn({ replicas: this.lines() }, 'no standby can answer: the primary does');
    else logger?.info({}, 'standbys answer again, and the primary no more');
  }

  #tierOf(standby: Standby, { verdict }: Assessment, purpose: Purpose = 'page'): number | null {
    const isPrimary = standby.observed.node.role === 'primary';
    return tierOf({
      state: verdict.state,
      isSuspect: standby.isSuspect || standby.isLocked || isLate(standby, this.#clock, this.#tuning),
      isRecovering: this.#clock.now() - standby.troubleAt < this.#tuning.returnAfterSeconds,
      isHalfDeaf: standby.isHalfDeaf,
      isJoining: standby.isJoining && !isPrimary,
      allowPrimaryReads: isPrimary || (this.#options.allowPrimaryReads ?? false),
      purpose,
    });
  }
}

/** A file is read at once: a client may bring a token before its servers are known. */
function createPositions({
  positionKeys = [],
  replicaUrls,
  replicaUrlsFile,
  logger,
}: ReplicasOptions): Positions {
  if (positionKeys.length > 0) return new Positions(positionKeys);
  const { login, hasPassword } = loginOf(replicaUrlsFile ? readList(replicaUrlsFile) : replicaUrls);
  if (!hasPassword) logger?.warn({}, NO_POSITION_KEY);
  return new Positions([login], { isSecret: hasPassword });
}

/** A poll failed, or hangs. */
function isLate(
  { observed: { node, watcher } }: Standby,
  clock: Clock,
  { pollIntervalSeconds }: Tuning,
): boolean {
  const late = clock.now() - (node.sample?.answeredAt ?? 0) > 1.2 * pollIntervalSeconds + LATE_SECONDS;
  return late || watcher.waitingSeconds > LATE_SECONDS || node.failure !== undefined;
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
