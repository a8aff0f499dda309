import { setTimeout as delay } from 'node:timers/promises';
import {
  type ReplayedMoment,
  selectCallsBetween,
  selectCallsOf,
  selectKeys,
  selectLargestKey,
  selectReplayedMoment,
  selectSmallestKey,
} from '../db/calls/arrived-calls.ts';
import type { FilteredRow } from '../db/calls/cdr-row-filter.ts';
import { NO_LEDGER, selectWhyNoLedger } from '../db/calls/ledger-entries.ts';
import { tableOfCalls } from '../db/catalogue/publication.ts';
import type { Reader } from '../db/reader.ts';
import type { Source } from '../db/sources/sources.ts';
import {
  NoReplicaAvailableError,
  PositionLostError,
  ReplicaTooStaleError,
  TableChangedError,
} from '../errors.ts';
import type { Positions } from '../replicas/positions.ts';
import type { Replica, Replicas } from '../replicas/replicas.ts';
import type { Token } from '../replicas/token.ts';
import { ChangeLog } from './change-log.ts';
import type { CallChange, TakenChanges } from './change-stream.ts';
import {
  type ChangePosition,
  ChangeStreams,
  type ChangeStreamsOptions,
  type StartedStream,
} from './change-streams.ts';
import { type CorrectedCall, changesOfLedger, correctedCalls, groupChanges } from './corrections.ts';
import { ageOfStandby, type FeedAge, isReadable } from './feed-age.ts';
import { Ledger, type LedgerPart, readLedgerPart } from './ledger.ts';
import type { FeedGapReason } from './message.ts';
import { OpenHoles, splitHoles } from './open-holes.ts';
import type { FeedPosition } from './position.ts';
import { type KeyRange, lackingIn, rangesOf, ToldKeys } from './told-keys.ts';

export const feedLevels = {
  LOGICAL: 'Inserts, corrections and deletions, from the WAL of the standby that is read.',
  LEDGER: 'Inserts, and corrections and deletions by a table that the primary keeps of them.',
  INSERTS: 'Inserts. Corrections and deletions are not told.',
  OFF: 'Nothing is told.',
} as const;

export type FeedLevel = keyof typeof feedLevels;

export interface FeedStatus {
  readonly level: FeedLevel;
  /** Opaque; null while nobody reads the feed. */
  readonly position: string | null;
  /** RFC 3339: every call that was committed until then was told; null when unknown. */
  readonly asOf: string | null;
  /** Why nothing better is offered, or why it does not advance. */
  readonly reason: string | null;
}

/** Of a gateway that reads none. */
export const noFeed = {
  status: (): FeedStatus => ({
    level: 'OFF',
    position: null,
    asOf: null,
    reason: 'This gateway reads no feed.',
  }),
};

/** Calls that have arrived or changed, and how far everything is told with them. */
export interface FeedBatch {
  readonly rows: readonly ArrivedCall[];
  readonly corrected: readonly CorrectedCall[];
  readonly position: FeedPosition;
  /** Some of the calls may have been told before. */
  readonly mayRepeat: boolean;
  /** What nobody could be told. */
  readonly gap: FeedGapReason | null;
}

export interface ArrivedCall {
  readonly key: bigint;
  readonly row: FilteredRow;
}

/** Told of each batch, in order, at once. It must not throw. */
export type FeedReader = (batch: FeedBatch) => void;

/** How far the feed is. */
export interface FeedMoment extends FeedPosition {
  /** Everything that is visible there was told. */
  readonly coveredLsn: bigint;
  readonly timeline: number;
  readonly source: Source;
}

interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface FeedDeps {
  readonly replicas: Pick<Replicas, 'choose' | 'snapshot' | 'positions'>;
  /** Of this standby. Throws NoReplicaAvailableError until the catalogue of a standby was seen. */
  source(replica: Replica): Source;
  /** How corrections are told; without it they are not. */
  readonly changes?: ChangeStreamsOptions | undefined;
  /** After a statement did not fit the tables. */
  reread?(replica: Replica, failed: Source, error: unknown): Promise<boolean>;
  readonly logger?: Log | undefined;
}

/** Between two looks at how far the standby has replayed. */
const POLL_MILLIS = 25;
/** After a failure. */
const RETRY_MILLIS = 100;
/** Calls of one statement. */
const MAX_ROWS = 500;
/** Keys that are looked up each time, and how many of them a statement of its own is worth. */
const MAX_LOOKS = 2000;
const KEYS_PER_SPAN = 20;
/** Keys below the largest that are looked through for holes when the feed begins. */
const START_KEYS = 20_000n;
/** How long the feed goes on when nobody reads it any more: a client that comes back finds it at once. */
const LINGER_MILLIS = 10_000;
/** How long another timeline is waited to catch up with the position, before what it has lost is given up. */
const TIMELINE_MILLIS = 10_000;
/** What may be told again after calls were lost with an old primary: how far back, and how often that is noted. */
const KEPT_MILLIS = 120_000;
/** Calls within a hole of a cursor. */
const MAX_EXPECTED_KEYS = 20_000;
const KEEP_MILLIS = 1000;
/** Between two looks whether there is a ledger. */
const LEDGER_MILLIS = 10_000;

/**
 * What arrives in the table of calls, in one order for all who read it. It reads one standby, and another when that fails:
 * what was told is known by keys, which are the same everywhere. It runs while somebody reads.
 */
export class Feed {
  readonly #deps: FeedDeps;
  readonly #readers = new Set<FeedReader>();
  readonly #requests: HoleRequest[] = [];
  readonly #streams: ChangeStreams | undefined;
  #started: StartedStream | undefined;
  #log: ChangeLog | undefined;
  /** How far changes were told, on the timeline on which they were. */
  #changesAt: ChangePosition | undefined;
  /** What was taken from the stream and is not told yet. */
  #batch: TakenChanges | undefined;
  /** What counts when the stream has come so far. */
  #awaited: { readonly moment: ReplayedMoment; readonly age: FeedAge } | undefined;
  #ledger: Ledger | undefined;
  /** Why there is none. */
  #ledgerReason: string | undefined;
  /** From then on it is looked whether there is one, in milliseconds of the process. */
  #ledgerDueAt = 0;
  #ledgerHasMore = false;
  /** What committed before may have been found by its key. */
  #keysLsn = 0n;
  #holes = new OpenHoles();
  #moment: FeedMoment | undefined;
  #began = Promise.withResolvers<void>();
  #running: AbortController | undefined;
  #linger: NodeJS.Timeout | undefined;
  #lease: { readonly replica: Replica; readonly reader: Reader } | undefined;
  #age: FeedAge | undefined;
  #trouble: { readonly since: number; readonly reason: string } | undefined;
  #kept: { readonly at: number; readonly position: FeedPosition }[] = [];
  /** Until the keys pass here, calls may have been told before. */
  #repeatsUpTo: bigint | undefined;
  /** The next standby need not have replayed what was told last. */
  #leavesTimeline = false;
  #isClosed = false;
  #smallest: bigint | undefined;
  /** Changes are told again that were told in part. */
  #repeatsChanges = false;
  /** Holes are looked at again from then on, in milliseconds of the process; now, where that is worth it. */
  #holesDueAt = 0;
  /** More of what is visible by now is to be read. */
  #hasMore = false;
  /** More has come by the stream. */
  #streamHasMore = false;
  /** For metrics. */
  calls = 0;
  corrections = 0;
  statements = 0;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
    this.#streams = deps.changes && new ChangeStreams(deps.changes, deps);
  }

  /** Undefined until it has begun. */
  get moment(): FeedMoment | undefined {
    return this.#moment;
  }

  get age(): FeedAge | undefined {
    return this.#age;
  }

  get readers(): number {
    return this.#readers.size;
  }

  get openHoles(): number {
    return this.#holes.ranges.length;
  }

  /** The standby that can go on where the one that is read may end, by its name; undefined: none can. */
  get spare(): string | undefined {
    return this.#streams?.spareName;
  }

  /** Of all calls, when a cursor was followed last; undefined where there is none. */
  get smallestKey(): bigint | undefined {
    return this.#smallest;
  }

  /** Corrections and deletions of transactions that committed from there on; undefined: they are known no more. */
  changesSince(lsn: bigint): readonly CallChange[] | undefined {
    return this.#log?.since(lsn);
  }

  /** What somebody lacks of the ledger: the first part of it; undefined: it cannot be read now. */
  async readLedger(ranges: readonly KeyRange[]): Promise<LedgerPart | undefined> {
    const { reader } = this.#lease ?? {};
    if (!reader || !this.#ledger) return undefined;
    // What fails here fails the feed too, which goes elsewhere.
    return readLedgerPart(reader, ranges).catch(() => undefined);
  }

  /** Resolves when there is a moment. */
  get began(): Promise<void> {
    return this.#began.promise;
  }

  /** Call the result to leave. Readers that join hear of what comes behind `moment`. */
  join(reader: FeedReader): () => void {
    this.#readers.add(reader);
    clearTimeout(this.#linger);
    if (!this.#running && !this.#isClosed) this.#start();
    return () => {
      this.#readers.delete(reader);
      if (this.#readers.size > 0 || !this.#running) return;
      clearTimeout(this.#linger);
      this.#linger = setTimeout(() => this.#stop(), LINGER_MILLIS).unref();
    };
  }

  /**
   * Looks whether keys that somebody was never told, and that nothing was expected of here, have a call. Those that have
   * none are expected from then on. Resolves when that is so.
   */
  expect(ranges: readonly KeyRange[]): Promise<void> {
    if (!this.#running) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#requests.push({ ranges, resolve });
    return promise;
  }

  status(): FeedStatus {
    const problem = this.#problem();
    const level = problem !== undefined ? 'OFF' : this.#level;
    return {
      level,
      position: this.#moment?.token ?? null,
      asOf: this.#moment ? (this.#age?.asOf ?? null) : null,
      reason: problem ?? this.#trouble?.reason ?? this.#reasonOfLevel(level),
    };
  }

  get #level(): FeedLevel {
    if (this.#started) return 'LOGICAL';
    return this.#ledger ? 'LEDGER' : 'INSERTS';
  }

  #reasonOfLevel(level: FeedLevel): string | null {
    if (level === 'LOGICAL') return this.spare === undefined ? NO_SPARE : null;
    if (level === 'LEDGER') return null;
    const isRunning = this.#running !== undefined;
    return (isRunning && (this.#streams?.reason ?? this.#ledgerReason)) || reasonOfInserts(isRunning);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#linger);
    this.#stop();
    this.#readers.clear();
  }

  #start(): void {
    const running = new AbortController();
    this.#running = running;
    void this.#run(running.signal);
  }

  /** What it knows by then is forgotten: whoever comes later begins at another moment, or brings a cursor. */
  #stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#giveBack();
    this.#streams?.close();
    this.#started = undefined;
    this.#log = undefined;
    this.#changesAt = undefined;
    this.#batch = undefined;
    this.#awaited = undefined;
    this.#ledger = undefined;
    this.#ledgerDueAt = 0;
    this.#ledgerHasMore = false;
    if (this.#moment) this.#began = Promise.withResolvers();
    this.#moment = undefined;
    this.#holes = new OpenHoles();
    this.#kept = [];
    this.#trouble = undefined;
    this.#hasMore = false;
    this.#streamHasMore = false;
    for (const { resolve } of this.#requests.splice(0)) resolve();
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let pause = POLL_MILLIS;
      try {
        await this.#turn(signal);
        this.#trouble = undefined;
        if (this.#streamHasMore) pause = 0;
      } catch (error) {
        if (signal.aborted) return;
        pause = RETRY_MILLIS;
        await this.#recover(error);
      }
      await delay(pause, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** One look at the standby, and what has arrived by then. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { replica, reader } = this.#lease ?? (await this.#choose(signal));
    const status = this.#deps.replicas.snapshot();
    const age = ageOfStandby(status, replica.name);
    if (!isReadable(status, replica.name)) throw new NoReplicaAvailableError([]);
    const moment = await this.#count(selectReplayedMoment(reader));
    if (signal.aborted) return;
    const begun = this.#moment;
    const stream = begun && (await this.#streamOf(replica, reader));
    if (signal.aborted || !this.#lease) return;
    if (stream) return this.#advanceByStream({ replica, reader, moment, age, stream });
    if (this.#moment) await this.#tendLedger(reader);
    if (!this.#moment) await this.#begin(replica, reader, moment);
    else if (
      this.#hasMore ||
      this.#ledgerHasMore ||
      this.#requests.length > 0 ||
      lsnOf(replica, moment) !== this.#moment.coveredLsn
    ) {
      await this.#advance(replica, reader, moment);
    } else this.#closeHoles(moment);
    if (!signal.aborted && !this.#hasMore) this.#age = age;
  }

  async #begin(replica: Replica, reader: Reader, moment: ReplayedMoment): Promise<void> {
    const { signal } = reader;
    const upTo = await this.#count(selectLargestKey(reader));
    const smallest = await this.#count(selectSmallestKey(reader));
    const below = upTo - START_KEYS;
    const low = smallest === undefined ? upTo : below > smallest ? below : smallest - 1n;
    const keys = await this.#count(selectKeys(reader, low, upTo, Number(START_KEYS)));
    const told = new ToldKeys(low).extendedBy(keys);
    const after = await this.#count(selectReplayedMoment(reader));
    if (signal?.aborted) return;
    this.#holes.open(told.holes, performance.now());
    this.#setMoment(replica, reader, moment, told, replica.token(after.lsn ?? undefined));
    await this.#tendLedger(reader);
    this.#began.resolve();
  }

  /** Whether the primary notes corrections, looked at now and then. */
  async #tendLedger({ pool, source, signal }: Reader): Promise<void> {
    const now = performance.now();
    if (this.#streams || now < this.#ledgerDueAt) return;
    const hadLooked = this.#ledgerDueAt > 0;
    const reason = await this.#count(selectWhyNoLedger({ pool, signal }, tableOfCalls[source.name]));
    const ledger =
      reason === null ? (this.#ledger ?? (await this.#count(Ledger.begin({ pool, signal })))) : undefined;
    if (signal?.aborted || !this.#moment) return;
    this.#ledgerDueAt = now + LEDGER_MILLIS;
    this.#ledgerReason = reason === null || reason === NO_LEDGER ? undefined : reason;
    if (ledger === this.#ledger) return;
    this.#ledger = ledger;
    this.#moment = { ...this.#moment, ledger: ledger?.told };
    // It came, or went, while calls were told.
    if (hadLooked) this.#tell([], [], 'CORRECTIONS');
  }

  /** Tells what the primary has noted since. */
  async #advanceLedger(replica: Replica, reader: Reader, moment: ReplayedMoment): Promise<void> {
    const ledger = this.#ledger;
    if (!ledger) return;
    const { pool, signal } = reader;
    // Until all of it was read.
    this.#ledgerHasMore = true;
    const look = await this.#count(ledger.look({ pool, signal }));
    const { corrected } = groupChanges(changesOfLedger(look.entries), NO_INSERTS);
    const rows = await this.#selectCalls(reader, [...corrected.keys()]);
    const { lsn } = corrected.size > 0 ? await this.#count(selectReplayedMoment(reader)) : { lsn: null };
    if (signal?.aborted || !this.#moment || this.#ledger !== ledger) return;
    ledger.take(look, moment);
    this.#ledgerHasMore = look.hasMore;
    const token = lsn === null ? this.#moment.token : replica.token(lsn);
    this.#moment = { ...this.#moment, token, ledger: ledger.told };
    this.corrections += corrected.size;
    const gap = look.entries.some(({ key }) => key === null) ? 'REMOVED' : null;
    if (corrected.size > 0 || gap) this.#tell([], correctedCalls(corrected, rows), gap);
  }

  /** The stream of the standby, once what was found by keys reaches to where it begins. */
  async #streamOf(replica: Replica, reader: Reader): Promise<StartedStream | undefined> {
    if (!this.#streams) return undefined;
    const started = await this.#streams.of(replica, reader.source, this.#changesAt);
    if (!this.#moment || reader.signal?.aborted) return undefined;
    if (started !== this.#started) this.#changeStream(started);
    const { spareName } = this.#streams;
    if (!started && this.#changesAt) {
      // The other standby goes on where this one has ended.
      if (spareName !== undefined && spareName !== replica.name) this.#giveBack();
      else this.#loseChanges();
    }
    return started && this.#moment.coveredLsn >= started.from.lsn ? started : undefined;
  }

  /** Nothing can go on where the stream has ended. */
  #loseChanges(): void {
    this.#changesAt = undefined;
    this.#moment = { ...this.#moment!, changes: NO_CHANGES };
    this.#deps.logger?.warn({}, 'corrections are told no more until another stream begins');
    this.#tell([], [], 'CORRECTIONS');
  }

  #changeStream(started: StartedStream | undefined): void {
    this.#started = started;
    this.#batch = undefined;
    this.#awaited = undefined;
    this.#streamHasMore = false;
    if (!started) return;
    const { lsn } = started.from;
    if (!started.isContinued || !this.#log) this.#log = new ChangeLog(lsn);
    const isPartial = started.isContinued && (this.#moment!.changes?.isPartial ?? false);
    this.#repeatsChanges = isPartial;
    this.#changesAt = started.from;
    this.#moment = { ...this.#moment!, changes: { lsn, isPartial } };
    if (!started.isContinued) this.#tell([], [], 'CORRECTIONS');
  }

  /** Tells what the stream has brought. */
  async #advanceByStream({ replica, reader, moment, age, stream }: StreamTurn): Promise<void> {
    const requests = this.#requests.splice(0);
    try {
      await this.#expectKeys(reader, requests);
      this.#awaited ??= { moment, age };
      this.#batch ??= stream.stream.take(MAX_ROWS);
      await this.#tellChanges(replica, reader, this.#batch);
    } catch (error) {
      this.#requests.unshift(...requests);
      throw error;
    }
    for (const { resolve } of requests) resolve();
    const { changes } = this.#moment ?? {};
    if (!this.#awaited || !changes || changes.isPartial) return;
    if (changes.lsn < lsnOf(replica, this.#awaited.moment)) return;
    this.#closeHoles(this.#awaited.moment);
    this.#age = this.#awaited.age;
    this.#awaited = undefined;
  }

  async #tellChanges(replica: Replica, reader: Reader, batch: TakenChanges): Promise<void> {
    const { changes, upTo = this.#changesAt!.lsn, isPartial, isTruncated } = batch;
    const { told: before } = this.#moment!;
    let mayRepeat = this.#repeatsChanges;
    const isKnown = ({ key, commitLsn }: CallChange) => before.has(key) && commitLsn < this.#keysLsn;
    const { inserted, corrected } = groupChanges(changes, {
      isKnown,
      isReused: ({ key }) => before.has(key),
    });
    // Nothing was expected of such a key: somebody who came with a cursor may have read it already.
    if ([...inserted].some((key) => before.has(key))) mayRepeat = true;
    const rows = await this.#selectCalls(reader, [...inserted, ...corrected.keys()]);
    const { lsn } = changes.length > 0 ? await this.#count(selectReplayedMoment(reader)) : { lsn: undefined };
    if (reader.signal?.aborted || !this.#moment || this.#batch !== batch) return;
    // Nothing waits from here on: what is told and what is known to be told are one.
    this.#batch = undefined;
    this.#streamHasMore = batch.hasMore;
    for (const change of changes) {
      if (change.kind !== 'insert' || (before.has(change.key) && !isKnown(change))) this.#log!.add(change);
    }
    this.#noteInserted([...inserted].sort((one, other) => (one < other ? -1 : 1)));
    this.#changesAt = { ...this.#changesAt!, lsn: upTo };
    const token = lsn ? replica.token(lsn) : this.#moment.token;
    this.#setPosition(reader, {
      told: this.#moment.told,
      token,
      coveredLsn: upTo,
      changes: { lsn: upTo, isPartial },
    });
    if (!isPartial) this.#repeatsChanges = false;
    const arrived = [...inserted].flatMap((key) => {
      const row = rows.get(key);
      return row ? [{ key, row }] : [];
    });
    const calls = correctedCalls(corrected, rows);
    this.corrections += calls.length;
    const gap = isTruncated ? 'REMOVED' : null;
    if (arrived.length + calls.length > 0 || gap) this.#tell(arrived, calls, gap, mayRepeat);
  }

  /** Keys, in order, that have come: below the largest, or behind it. */
  #noteInserted(keys: readonly bigint[]): void {
    const { told } = this.#moment!;
    const late = keys.filter((key) => key <= told.upTo);
    this.#holes.fill(late);
    const extended = told.extendedBy(keys.slice(late.length));
    this.#holes.open(lackingAbove(extended, told.upTo), performance.now());
    this.#moment = { ...this.#moment!, told: extended.with(rangesOf(late)) };
  }

  async #selectCalls(reader: Reader, keys: readonly bigint[]): Promise<ReadonlyMap<bigint, FilteredRow>> {
    const found = new Map<bigint, FilteredRow>();
    for (let start = 0; start < keys.length; start += MAX_ROWS) {
      const rows = await this.#count(selectCallsOf(reader, keys.slice(start, start + MAX_ROWS)));
      for (const row of rows) found.set(BigInt(row.i_xdr!), row);
    }
    return found;
  }

  /** Reads what has come since, and tells it. */
  async #advance(replica: Replica, reader: Reader, moment: ReplayedMoment): Promise<void> {
    const requests = this.#requests.splice(0);
    try {
      await this.#expectKeys(reader, requests);
      let late = await this.#readHoles(reader);
      this.#hasMore = late === undefined || late.length > MAX_ROWS;
      late = late?.slice(0, MAX_ROWS);
      for (let isLast = false; !isLast && !reader.signal?.aborted; late = []) {
        isLast = await this.#readPart(replica, reader, moment, late);
      }
      await this.#advanceLedger(replica, reader, moment);
    } catch (error) {
      this.#requests.unshift(...requests);
      throw error;
    }
    for (const { resolve } of requests) resolve();
  }

  /** Tells what was read of the holes, and a part of what lies behind all keys so far. Whether that was the last part. */
  async #readPart(
    replica: Replica,
    reader: Reader,
    moment: ReplayedMoment,
    lateCalls: readonly ArrivedCall[] | undefined,
  ): Promise<boolean> {
    const late = lateCalls ?? [];
    const { upTo } = this.#moment!.told;
    const rows = await this.#count(selectCallsBetween(reader, { above: upTo, upTo: MAX_KEY }, MAX_ROWS));
    const arrived = [...late, ...rows.map(arrivedCall)];
    // What was read may lie behind the moment that was read before it.
    const { lsn } = arrived.length > 0 ? await this.#count(selectReplayedMoment(reader)) : moment;
    if (reader.signal?.aborted) return true;
    // Nothing waits from here on: what is told and what is known to be told are one.
    const isLast = rows.length < MAX_ROWS;
    const now = performance.now();
    const lateKeys = late.map(({ key }) => key);
    this.#holes.fill(lateKeys);
    const extended = this.#moment!.told.extendedBy(arrived.slice(late.length).map(({ key }) => key));
    this.#holes.open(lackingAbove(extended, upTo), now);
    const closed = isLast && !this.#hasMore ? this.#holes.close(moment, now) : [];
    const told = extended.with(rangesOf(lateKeys)).with(closed);
    const token = replica.token(lsn ?? undefined);
    if (isLast) this.#setMoment(replica, reader, moment, told, token);
    else this.#moment = { ...this.#moment!, told, token };
    if (arrived.length > 0) this.#tell(arrived);
    return isLast;
  }

  #closeHoles(moment: ReplayedMoment): void {
    if (this.#ledger) {
      this.#ledger.close(moment);
      this.#moment = { ...this.#moment!, ledger: this.#ledger.told };
    }
    if (this.#holes.isEmpty) return;
    const closed = this.#holes.close(moment, performance.now());
    if (closed.length > 0) this.#moment = { ...this.#moment!, told: this.#moment!.told.with(closed) };
  }

  /** Calls that have come into holes; undefined: so many are open that they are looked at less often. */
  async #readHoles(reader: Reader): Promise<readonly ArrivedCall[] | undefined> {
    if (this.#holes.isEmpty) return [];
    const now = performance.now();
    if (now < this.#holesDueAt) return undefined;
    const { keys, spans } = splitHoles(this.#holes.ranges);
    const looks = keys.length + spans.length * KEYS_PER_SPAN;
    this.#holesDueAt = looks > MAX_LOOKS ? now + (POLL_MILLIS * looks) / MAX_LOOKS : 0;
    const rows = keys.length > 0 ? await this.#count(selectCallsOf(reader, keys)) : [];
    for (const { from, to } of spans) {
      if (rows.length > MAX_ROWS) break;
      const span = { above: from - 1n, upTo: to };
      rows.push(...(await this.#count(selectCallsBetween(reader, span, MAX_ROWS + 1))));
    }
    return rows.map(arrivedCall).sort((one, other) => (one.key < other.key ? -1 : 1));
  }

  async #expectKeys(reader: Reader, requests: readonly HoleRequest[]): Promise<void> {
    if (requests.length > 0) this.#smallest = await this.#count(selectSmallestKey(reader));
    for (const { ranges } of requests) {
      for (const range of ranges) {
        const keys = await this.#count(selectKeys(reader, range.from - 1n, range.to, MAX_EXPECTED_KEYS + 1));
        // So many calls lie in no hole: the cursor is not one of ours.
        if (keys.length > MAX_EXPECTED_KEYS) continue;
        const { told } = this.#moment!;
        const without = told.without(lackingIn(range, keys));
        this.#holes.open(told.missingIn(without), performance.now());
        this.#moment = { ...this.#moment!, told: without };
      }
    }
  }

  #setMoment(
    replica: Replica,
    { source }: Reader,
    moment: ReplayedMoment,
    told: ToldKeys,
    token: string,
  ): void {
    const { timeline, lsn } = this.positions.decode(token);
    const coveredLsn = this.#hasMore ? (this.#moment?.coveredLsn ?? 0n) : lsnOf(replica, moment);
    this.#keysLsn = lsn;
    // A position on another timeline means nothing on this one.
    const hasMoved = this.#changesAt !== undefined && this.#changesAt.timeline !== timeline;
    const changes = this.#moment?.changes && (hasMoved ? NO_CHANGES : this.#moment.changes);
    this.#setPosition({ source }, { told, token, coveredLsn, changes, ledger: this.#ledger?.told });
  }

  #setPosition({ source }: Pick<Reader, 'source'>, at: FeedPosition & { readonly coveredLsn: bigint }): void {
    this.#moment = { ...at, timeline: this.positions.decode(at.token).timeline, source };
    const now = performance.now();
    const last = this.#kept.at(-1);
    if (last && now - last.at < KEEP_MILLIS) return;
    this.#kept.push({ at: now, position: { told: at.told, token: at.token, ledger: at.ledger } });
    while (this.#kept.length > 1 && now - this.#kept[0]!.at > KEPT_MILLIS) this.#kept.shift();
  }

  /** Reads the tokens of what was told. */
  get positions(): Positions {
    return this.#deps.replicas.positions;
  }

  #tell(
    rows: readonly ArrivedCall[],
    corrected: readonly CorrectedCall[] = [],
    gap: FeedGapReason | null = null,
    repeats = false,
  ): void {
    this.calls += rows.length;
    const { told, token, changes, ledger } = this.#moment!;
    const mayRepeat = repeats || this.#repeatsUpTo !== undefined;
    if (this.#repeatsUpTo !== undefined && told.upTo >= this.#repeatsUpTo) this.#repeatsUpTo = undefined;
    const batch = { rows, corrected, position: { told, token, changes, ledger }, mayRepeat, gap };
    for (const reader of this.#readers) reader(batch);
  }

  async #choose(signal: AbortSignal): Promise<{ readonly replica: Replica; readonly reader: Reader }> {
    const { replicas, source } = this.#deps;
    const readAfter =
      this.#leavesTimeline || !this.#moment ? undefined : this.positions.decode(this.#moment.token);
    const replica =
      (await this.#chooseSpare(readAfter, signal)) ??
      (await replicas.choose({ readAfter, purpose: 'stream', signal }));
    try {
      const reader: Reader = { pool: replica.pool, source: source(replica), scope: { kind: 'all' }, signal };
      const lease = { replica, reader };
      this.#lease = lease;
      this.#leavesTimeline = false;
      return lease;
    } catch (error) {
      replica.release();
      throw error;
    }
  }

  /** The standby that can go on where another has ended, if it can be read. */
  async #chooseSpare(readAfter: Token | undefined, signal: AbortSignal): Promise<Replica | undefined> {
    const { replicas } = this.#deps;
    const name = this.#changesAt && this.#streams?.spareName;
    if (name === undefined || !isReadable(replicas.snapshot(), name)) return undefined;
    const others = replicas.snapshot().replicas.flatMap((each) => (each.name === name ? [] : [each.name]));
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
    const now = performance.now();
    const reason = error instanceof Error ? error.message : 'The standby cannot be read.';
    if (!this.#trouble) this.#deps.logger?.warn({ err: error }, 'the feed is interrupted');
    this.#trouble = { since: this.#trouble?.since ?? now, reason };
    const lease = this.#lease;
    if (lease) {
      if (error instanceof TableChangedError) {
        await this.#deps.reread?.(lease.replica, lease.reader.source, error.cause).catch(() => false);
      } else if (!(error instanceof NoReplicaAvailableError)) lease.replica.report(error);
      this.#giveBack();
    }
    const isLost = error instanceof PositionLostError;
    const isLate = error instanceof ReplicaTooStaleError && now - this.#trouble.since > TIMELINE_MILLIS;
    if (isLost || isLate) this.#goBack();
  }

  /**
   * A standby was promoted that had not received what was told last: it may give the same keys to other calls. Goes back to
   * before the trouble, and tells again what it finds there.
   */
  #goBack(): void {
    const moment = this.#moment;
    const readable = this.#deps.replicas.snapshot().replicas.filter(({ routing }) => routing.tier !== null);
    if (!moment || !readable.some(({ timeline }) => (timeline ?? 0) > moment.timeline)) return;
    const since = this.#trouble!.since - KEPT_MILLIS / 2;
    const kept = this.#kept.findLast(({ at }) => at <= since) ?? this.#kept[0];
    if (!kept) return;
    this.#repeatsUpTo = moment.told.upTo;
    this.#deps.logger?.warn({}, 'the feed goes back: another timeline lacks what was told last');
    this.#holes = new OpenHoles();
    this.#holes.open(kept.position.told.holes, performance.now());
    this.#changesAt = undefined;
    if (this.#ledger) this.#ledger = Ledger.at(kept.position.ledger ?? this.#ledger.told);
    this.#moment = {
      ...moment,
      ...kept.position,
      coveredLsn: 0n,
      changes: moment.changes && NO_CHANGES,
    };
    this.#kept = [];
    this.#leavesTimeline = true;
  }

  #problem(): string | undefined {
    const { source } = this.#moment ?? {};
    if (!source) return undefined;
    if (source.gone.has('i_xdr')) return 'The table of calls has lost its key.';
    return source.hasKeyIndex ? undefined : 'No index has the keys of calls: each look would read them all.';
  }

  #count<Answer>(answer: Promise<Answer>): Promise<Answer> {
    this.statements++;
    return answer;
  }
}

interface HoleRequest {
  readonly ranges: readonly KeyRange[];
  readonly resolve: () => void;
}

interface StreamTurn {
  readonly replica: Replica;
  readonly reader: Reader;
  readonly moment: ReplayedMoment;
  readonly age: FeedAge;
  readonly stream: StartedStream;
}

const NO_SPARE =
  'No second standby holds what has not been told: if the one that is read is lost, corrections of that time are too.';
const MAX_KEY = 2n ** 63n - 1n;
/** Whoever comes back from there may have missed any change. */
/** The ledger has none. */
const NO_INSERTS = { isKnown: () => false, isReused: () => false };
const NO_CHANGES = { lsn: 0n, isPartial: false } as const;

function arrivedCall(row: FilteredRow): ArrivedCall {
  return { key: BigInt(row.i_xdr!), row };
}

/** Holes behind `key`. */
function lackingAbove({ holes }: ToldKeys, key: bigint): readonly KeyRange[] {
  return holes.filter(({ from }) => from > key);
}

function lsnOf(replica: Replica, { lsn }: ReplayedMoment): bigint {
  return replica.readAfter(lsn ?? undefined).lsn;
}

function reasonOfInserts(isRunning: boolean): string {
  const level = 'Corrections and deletions are not told: new calls are found by their keys.';
  return isRunning ? level : `${level} Nobody reads the feed now.`;
}
