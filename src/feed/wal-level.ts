import { selectReplayedMoment } from '../db/calls/arrived-calls.ts';
import { type CallsByKey, MAX_ROWS, selectByKeys } from './calls-by-key.ts';
import { ChangeLog } from './change-log.ts';
import type { CallChange, TakenChanges } from './change-stream.ts';
import {
  type ChangePosition,
  ChangeStreams,
  type ChangeStreamsDeps,
  type ChangeStreamsOptions,
  type StartedStream,
} from './change-streams.ts';
import { correctedCalls, groupChanges } from './corrections.ts';
import type { Sight } from './feed-age.ts';
import { type FeedLease, lsnOf } from './feed-lease.ts';
import { type FeedProgress, NO_CHANGES } from './feed-progress.ts';
import { withCustomers } from './former-owners.ts';
import type { ToldChanges } from './position.ts';

/** The level LOGICAL: what is inserted, corrected and deleted, from the WAL of the standby that is read. */
export class WalLevel {
  readonly #streams: ChangeStreams;
  readonly #logger: ChangeStreamsDeps['logger'];
  #started: StartedStream | undefined;
  #log: ChangeLog | undefined;
  /** How far changes were told, on the timeline on which they were. */
  #toldTo: ChangePosition | undefined;
  /** What was taken from the stream and is not told yet. */
  #batch: TakenChanges | undefined;
  /** What counts when the stream has come so far. */
  #awaited: Sight | undefined;
  /** Changes are told again that were told in part. */
  #repeats = false;
  /** More has come by the stream. */
  hasMore = false;
  /** What committed before may have been found by its key. */
  keysLsn = 0n;

  constructor(options: ChangeStreamsOptions, deps: ChangeStreamsDeps) {
    this.#streams = new ChangeStreams(options, deps);
    this.#logger = deps.logger;
  }

  get isRead(): boolean {
    return this.#started !== undefined;
  }

  get reason(): string | undefined {
    return this.#streams.reason;
  }

  /** The standby that can go on where the one that is read may end, by its name; undefined: none can. */
  get spare(): string | undefined {
    return this.#streams.spareName;
  }

  /** The one to read next, where something is to be gone on with. */
  get successor(): string | undefined {
    return this.#toldTo && this.#streams.spareName;
  }

  /** Corrections and deletions of transactions that committed from there on; undefined: they are known no more. */
  since(lsn: bigint): readonly CallChange[] | undefined {
    return this.#log?.since(lsn);
  }

  /** How far changes were told, as it counts on this timeline: a position on another means nothing there. */
  toldOn(timeline: number, told: ToldChanges | undefined): ToldChanges | undefined {
    const hasMoved = this.#toldTo !== undefined && this.#toldTo.timeline !== timeline;
    return told && (hasMoved ? NO_CHANGES : told);
  }

  /**
   * The stream of the standby, once what was found by keys reaches to where it begins. 'elsewhere': another standby goes on
   * where this one has ended.
   */
  async streamOf(lease: FeedLease, progress: FeedProgress): Promise<StartedStream | 'elsewhere' | undefined> {
    const { replica, reader } = lease;
    const started = await this.#streams.of(replica, reader.source, this.#toldTo);
    if (reader.signal?.aborted) return undefined;
    if (started !== this.#started) this.#change(started, progress);
    if (!started && this.#toldTo) {
      if (this.spare !== undefined && this.spare !== replica.name) return 'elsewhere';
      this.#lose(progress);
    }
    return started && progress.moment.coveredLsn >= started.from.lsn ? started : undefined;
  }

  /** Tells what the stream has brought. `sight` counts when the stream has come so far: then everything until it is told. */
  async advance(
    lease: FeedLease,
    { stream }: StartedStream,
    sight: Sight,
    { keys, progress }: { readonly keys: CallsByKey; readonly progress: FeedProgress },
  ): Promise<void> {
    this.#awaited ??= sight;
    this.#batch ??= stream.take(MAX_ROWS);
    await this.#tellBatch(lease, this.#batch, { keys, progress });
    const { changes } = progress.moment;
    if (!this.#awaited || !changes || changes.isPartial) return;
    if (changes.lsn < lsnOf(lease, this.#awaited.moment)) return;
    keys.close(this.#awaited.moment);
    progress.note({ told: keys.told });
    progress.age = this.#awaited.age;
    this.#awaited = undefined;
  }

  goBack(): void {
    this.#toldTo = undefined;
  }

  close(): void {
    this.#streams.close();
  }

  /** Nothing can go on where the stream has ended. */
  #lose(progress: FeedProgress): void {
    this.#toldTo = undefined;
    progress.note({ changes: NO_CHANGES });
    this.#logger?.warn({}, 'corrections are told no more until another stream begins');
    progress.tell({ gap: 'CORRECTIONS' });
  }

  #change(started: StartedStream | undefined, progress: FeedProgress): void {
    this.#started = started;
    this.#batch = undefined;
    this.#awaited = undefined;
    this.hasMore = false;
    if (!started) return;
    const { lsn } = started.from;
    if (!started.isContinued || !this.#log) this.#log = new ChangeLog(lsn);
    const isPartial = started.isContinued && (progress.moment.changes?.isPartial ?? false);
    this.#repeats = isPartial;
    this.#toldTo = started.from;
    progress.note({ changes: { lsn, isPartial } });
    if (!started.isContinued) progress.tell({ gap: 'CORRECTIONS' });
  }

  async #tellBatch(
    { replica, reader }: FeedLease,
    batch: TakenChanges,
    { keys, progress }: { readonly keys: CallsByKey; readonly progress: FeedProgress },
  ): Promise<void> {
    const { upTo = this.#toldTo!.lsn, isPartial, isTruncated } = batch;
    const { told } = keys;
    const isKnown = ({ key, commitLsn }: CallChange) => told.has(key) && commitLsn < this.keysLsn;
    const rows = await selectByKeys(reader, [...new Set(batch.changes.map(({ key }) => key))]);
    const changes = await withCustomers(reader, batch.changes, rows);
    const { inserted, corrected } = groupChanges(changes, { isKnown, isReused: ({ key }) => told.has(key) });
    const { lsn } = changes.length > 0 ? await selectReplayedMoment(reader) : { lsn: undefined };
    if (reader.signal?.aborted || this.#batch !== batch) return;
    // Nothing waits from here on: what is told and what is known to be told are one.
    this.#batch = undefined;
    this.hasMore = batch.hasMore;
    for (const change of changes) {
      if (change.kind !== 'insert' || (told.has(change.key) && !isKnown(change))) this.#log!.add(change);
    }
    keys.take([...inserted].sort((one, other) => (one < other ? -1 : 1)));
    this.#toldTo = { ...this.#toldTo!, lsn: upTo };
    progress.moveTo({
      told: keys.told,
      token: lsn ? replica.token(lsn) : progress.moment.token,
      coveredLsn: upTo,
      changes: { lsn: upTo, isPartial },
      source: reader.source,
    });
    // Nothing was expected of such a key: somebody who came with a cursor may have read it already.
    const mayRepeat = this.#repeats || [...inserted].some((key) => told.has(key));
    if (!isPartial) this.#repeats = false;
    const arrived = [...inserted].flatMap((key) => {
      const row = rows.get(key);
      return row ? [{ key, row }] : [];
    });
    const gap = isTruncated ? 'REMOVED' : null;
    if (arrived.length + corrected.size === 0 && !gap) return;
    progress.tell({ rows: arrived, corrected: correctedCalls(corrected, rows), gap, mayRepeat });
  }
}
