import { setTimeout as delay } from 'node:timers/promises';
import { type ReplayedMoment, selectReplayedMoment } from '../db/calls/arrived-calls.ts';
import type { Reader } from '../db/reader.ts';
import type { Source } from '../db/sources/sources.ts';
import {
  NoReplicaAvailableError,
  PositionLostError,
  ReplicaTooStaleError,
  TableChangedError,
} from '../errors.ts';
import type { Replica, Replicas } from '../replicas/replicas.ts';
import type { Token } from '../replicas/token.ts';
import { CallsByKey, POLL_MILLIS } from './calls-by-key.ts';
import type { ChangeStreamsOptions, FeedLog } from './change-streams.ts';
import { ageOfStandby, isReadable, type Sight } from './feed-age.ts';
import { type FeedLease, lsnOf } from './feed-lease.ts';
import { type ArrivedCall, type FeedCounts, FeedProgress, type FeedReader } from './feed-progress.ts';
import { LedgerLevel } from './ledger-level.ts';
import type { KeyRange } from './told-keys.ts';
import { WalLevel } from './wal-level.ts';

export interface FeedDeps {
  readonly replicas: Pick<Replicas, 'choose' | 'snapshot' | 'positions'>;
  /** Of this standby. Throws NoReplicaAvailableError until the catalogue of a standby was seen. */
  source(replica: Replica): Source;
  /** How corrections are told; without it they are not. */
  readonly changes?: ChangeStreamsOptions | undefined;
  /** After a statement did not fit the tables. */
  reread?(replica: Replica, failed: Source, error: unknown): Promise<boolean>;
  readonly logger?: FeedLog | undefined;
}

export interface FeedRunOptions {
  readonly deps: FeedDeps;
  readonly counts: FeedCounts;
  readonly tell: FeedReader;
  /** There is a moment from now on. */
  onBegun(): void;
}

/** After a failure. */
const RETRY_MILLIS = 100;
/** How long another timeline is waited to catch up with the position, before what it has lost is given up. */
const TIMELINE_MILLIS = 10_000;

interface HoleRequest {
  readonly ranges: readonly KeyRange[];
  readonly resolve: () => void;
}

/** What is known once it was looked what is there: everything by then counts as told. */
interface Begun {
  readonly keys: CallsByKey;
  readonly progress: FeedProgress;
}

/**
 * The feed while somebody reads it. What it knows is forgotten with it: whoever comes later begins at another moment, or
 * brings a cursor.
 */
export class FeedRun {
  readonly #options: FeedRunOptions;
  readonly #stopping = new AbortController();
  readonly #requests: HoleRequest[] = [];
  readonly ledger = new LedgerLevel();
  readonly wal: WalLevel | undefined;
  #begun: Begun | undefined;
  #lease: FeedLease | undefined;
  #trouble: { readonly since: number; readonly reason: string } | undefined;
  /** The next standby need not have replayed what was told last. */
  #leavesTimeline = false;

  constructor(options: FeedRunOptions) {
    this.#options = options;
    const { changes } = options.deps;
    this.wal = changes && new WalLevel(changes, options.deps);
  }

  /** Undefined until it has begun. */
  get progress(): FeedProgress | undefined {
    return this.#begun?.progress;
  }

  get keys(): CallsByKey | undefined {
    return this.#begun?.keys;
  }

  get lease(): FeedLease | undefined {
    return this.#lease;
  }

  /** Why it does not advance. */
  get trouble(): string | undefined {
    return this.#trouble?.reason;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#stopping.abort();
    this.#giveBack();
    this.wal?.close();
    for (const { resolve } of this.#requests.splice(0)) resolve();
  }

  /** See Feed.expect. */
  expect(ranges: readonly KeyRange[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#requests.push({ ranges, resolve });
    return promise;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let pause = POLL_MILLIS;
      try {
        await this.#turn();
        this.#trouble = undefined;
        if (this.wal?.hasMore) pause = 0;
      } catch (error) {
        if (signal.aborted) return;
        pause = RETRY_MILLIS;
        await this.#recover(error);
      }
      await delay(pause, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** One look at the standby, and what has arrived by then. */
  async #turn(): Promise<void> {
    const { signal } = this.#stopping;
    const lease = this.#lease ?? (await this.#choose());
    const { name } = lease.replica;
    const status = this.#options.deps.replicas.snapshot();
    const age = ageOfStandby(status, name);
    if (!isReadable(status, name)) throw new NoReplicaAvailableError([]);
    const moment = await selectReplayedMoment(lease.reader);
    if (signal.aborted) return;
    if (this.#begun) await this.#goOn(lease, { moment, age }, this.#begun);
    else await this.#begin(lease, { moment, age });
  }

  async #begin(lease: FeedLease, { moment, age }: Sight): Promise<void> {
    const { replica, reader } = lease;
    const { deps, counts, tell, onBegun } = this.#options;
    const { positions } = deps.replicas;
    const keys = await CallsByKey.begin(reader);
    const after = await selectReplayedMoment(reader);
    const token = replica.token(after.lsn ?? undefined);
    const coveredLsn = lsnOf(lease, moment);
    const progress = new FeedProgress(
      { told: keys.told, token, coveredLsn, source: reader.source },
      { positions, counts, tell },
    );
    if (this.wal) this.wal.keysLsn = positions.decode(token).lsn;
    else await this.ledger.tend(lease, progress);
    if (this.#stopping.signal.aborted) return;
    progress.age = age;
    this.#begun = { keys, progress };
    onBegun();
  }

  async #goOn(lease: FeedLease, sight: Sight, begun: Begun): Promise<void> {
    const { signal } = this.#stopping;
    const { wal, ledger } = this;
    const stream = await wal?.streamOf(lease, begun.progress);
    if (signal.aborted) return;
    if (stream === 'elsewhere') return this.#giveBack();
    if (wal && stream) {
      return this.#withRequests(lease, begun, () => wal.advance(lease, stream, sight, begun));
    }
    if (!wal) await ledger.tend(lease, begun.progress);
    if (this.#isDue(lease, sight.moment, begun)) {
      await this.#withRequests(lease, begun, () => this.#advance(lease, sight.moment, begun));
    } else this.#closeHoles(sight.moment, begun);
    if (!signal.aborted && !begun.keys.hasMore) begun.progress.age = sight.age;
  }

  #isDue(lease: FeedLease, moment: ReplayedMoment, { keys, progress }: Begun): boolean {
    const isBehind = lsnOf(lease, moment) !== progress.moment.coveredLsn;
    return isBehind || keys.hasMore || this.ledger.hasMore || this.#requests.length > 0;
  }

  /** Keys that somebody wants expected are, before the turn; whoever asked waits for its end. */
  async #withRequests(
    { reader }: FeedLease,
    { keys, progress }: Begun,
    turn: () => Promise<void>,
  ): Promise<void> {
    const requests = this.#requests.splice(0);
    try {
      if (requests.length > 0) {
        const ranges = requests.flatMap((request) => request.ranges);
        await keys.expect(reader, ranges);
        progress.note({ told: keys.told });
      }
      await turn();
    } catch (error) {
      // The next turn comes to them again.
      if (!this.#stopping.signal.aborted) this.#requests.unshift(...requests.splice(0));
      throw error;
    } finally {
      for (const { resolve } of requests) resolve();
    }
  }

  /** Reads what has come since, and tells it. */
  async #advance(lease: FeedLease, moment: ReplayedMoment, begun: Begun): Promise<void> {
    const { signal } = this.#stopping;
    let late = await begun.keys.lookIntoHoles(lease.reader);
    for (let isLast = false; !isLast && !signal.aborted; late = []) {
      isLast = await this.#advancePart(lease, moment, late, begun);
    }
    if (!signal.aborted) await this.ledger.advance(lease, moment, begun.progress);
  }

  /** Tells what was found in holes, and a part of what lies behind all keys so far. Whether that was the last part. */
  async #advancePart(
    lease: FeedLease,
    moment: ReplayedMoment,
    late: readonly ArrivedCall[],
    { keys, progress }: Begun,
  ): Promise<boolean> {
    const { replica, reader } = lease;
    const { calls, isLast } = await keys.lookBehind(reader);
    const rows = [...late, ...calls];
    // What was read may lie behind the moment that was read before it.
    const { lsn } = rows.length > 0 ? await selectReplayedMoment(reader) : moment;
    if (this.#stopping.signal.aborted) return true;
    // Nothing waits from here on: what is told and what is known to be told are one.
    keys.take(rows.map(({ key }) => key));
    const token = replica.token(lsn ?? undefined);
    if (isLast) {
      if (!keys.hasMore) keys.close(moment);
      this.#moveTo(lease, moment, token, { keys, progress });
    } else progress.note({ told: keys.told, token });
    if (rows.length > 0) progress.tell({ rows });
    return isLast;
  }

  #moveTo(lease: FeedLease, moment: ReplayedMoment, token: string, { keys, progress }: Begun): void {
    const { timeline, lsn } = this.#options.deps.replicas.positions.decode(token);
    if (this.wal) this.wal.keysLsn = lsn;
    progress.moveTo({
      told: keys.told,
      token,
      coveredLsn: keys.hasMore ? progress.moment.coveredLsn : lsnOf(lease, moment),
      changes: this.wal?.toldOn(timeline, progress.moment.changes),
      ledger: this.ledger.told,
      source: lease.reader.source,
    });
  }

  /** Nothing has come by this moment. */
  #closeHoles(moment: ReplayedMoment, { keys, progress }: Begun): void {
    this.ledger.close(moment, progress);
    keys.close(moment);
    progress.note({ told: keys.told });
  }

  async #choose(): Promise<FeedLease> {
    const { deps, counts } = this.#options;
    const { replicas, source } = deps;
    const { signal } = this.#stopping;
    const token = this.#leavesTimeline ? undefined : this.progress?.moment.token;
    const readAfter = token === undefined ? undefined : replicas.positions.decode(token);
    const replica =
      (await this.#chooseSuccessor(readAfter)) ??
      (await replicas.choose({ readAfter, purpose: 'stream', signal }));
    try {
      signal.throwIfAborted();
      const reader: Reader = {
        pool: replica.pool,
        source: source(replica),
        scope: { kind: 'all' },
        signal,
        onRows: () => counts.statements++,
      };
      this.#lease = { replica, reader };
      this.#leavesTimeline = false;
      return this.#lease;
    } catch (error) {
      replica.release();
      throw error;
    }
  }

  /** The standby that can go on where another has ended, if it can be read. */
  async #chooseSuccessor(readAfter: Token | undefined): Promise<Replica | undefined> {
    const { replicas } = this.#options.deps;
    const name = this.wal?.successor;
    if (name === undefined || !isReadable(replicas.snapshot(), name)) return undefined;
    const others = replicas.snapshot().replicas.flatMap((each) => (each.name === name ? [] : [each.name]));
    const { signal } = this.#stopping;
    return replicas
      .choose({ readAfter, exclude: new Set(others), purpose: 'stream', signal })
      .catch(() => undefined);
  }

  #giveBack(): void {
    this.#lease?.replica.release();
    this.#lease = undefined;
  }

  /** The next turn chooses a standby anew. */
  async #recover(error: unknown): Promise<void> {
    const { deps } = this.#options;
    const now = performance.now();
    const reason = error instanceof Error ? error.message : 'The standby cannot be read.';
    if (!this.#trouble) deps.logger?.warn({ err: error }, 'the feed is interrupted');
    const since = this.#trouble?.since ?? now;
    this.#trouble = { since, reason };
    const lease = this.#lease;
    if (lease) {
      if (error instanceof TableChangedError) {
        await deps.reread?.(lease.replica, lease.reader.source, error.cause).catch(() => false);
      } else if (!(error instanceof NoReplicaAvailableError)) lease.replica.report(error);
      this.#giveBack();
    }
    const isLost = error instanceof PositionLostError;
    const isLate = error instanceof ReplicaTooStaleError && now - since > TIMELINE_MILLIS;
    if (isLost || isLate) this.#goBack(since);
  }

  /**
   * A standby was promoted that had not received what was told last: it may give the same keys to other calls. Goes back to
   * before the trouble, and tells again what it finds there.
   */
  #goBack(since: number): void {
    const { replicas, logger } = this.#options.deps;
    const { progress } = this;
    const readable = replicas.snapshot().replicas.filter(({ routing }) => routing.tier !== null);
    if (!progress || !readable.some(({ timeline }) => (timeline ?? 0) > progress.moment.timeline)) return;
    const position = progress.goBack(since);
    if (!position) return;
    logger?.warn({}, 'the feed goes back: another timeline lacks what was told last');
    this.#begun = { keys: CallsByKey.at(position.told), progress };
    this.wal?.goBack();
    this.ledger.goBack(position.ledger);
    this.#leavesTimeline = true;
  }
}
