import type { Positions } from '../replicas/positions.ts';
import type { CallChange } from './change-stream.ts';
import type { FeedAge } from './feed-age.ts';
import type { FeedCounts, FeedMoment, FeedReader } from './feed-progress.ts';
import { type FeedDeps, FeedRun } from './feed-run.ts';
import type { OwedPart } from './ledger-level.ts';
import type { KeyRange } from './told-keys.ts';

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

/** How long the feed goes on when nobody reads it any more: a client that comes back finds it at once. */
const LINGER_MILLIS = 10_000;

const NO_SPARE =
  'No second standby holds what has not been told: if the one that is read is lost, corrections of that time are too.';
const ONLY_INSERTS = 'Corrections and deletions are not told: new calls are found by their keys.';

/**
 * What arrives in the table of calls, in one order for all who read it. It reads one standby, and another when that fails:
 * what was told is known by keys, which are the same everywhere. It runs while somebody reads.
 */
export class Feed {
  readonly #deps: FeedDeps;
  readonly #readers = new Set<FeedReader>();
  readonly counts: FeedCounts = { calls: 0, corrections: 0, statements: 0 };
  #run: FeedRun | undefined;
  #began = Promise.withResolvers<void>();
  #linger: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
  }

  /** Undefined until it has begun. */
  get moment(): FeedMoment | undefined {
    return this.#run?.progress?.moment;
  }

  get age(): FeedAge | undefined {
    return this.#run?.progress?.age;
  }

  get readers(): number {
    return this.#readers.size;
  }

  get openHoles(): number {
    return this.#run?.keys?.openHoles ?? 0;
  }

  /** The standby that can go on where the one that is read may end, by its name; undefined: none can. */
  get spare(): string | undefined {
    return this.#run?.wal?.spare;
  }

  /** Of all calls, when a cursor was followed last; undefined where there is none. */
  get smallestKey(): bigint | undefined {
    return this.#run?.keys?.smallest;
  }

  /** Reads the tokens of what was told. */
  get positions(): Positions {
    return this.#deps.replicas.positions;
  }

  /** Resolves when there is a moment. */
  get began(): Promise<void> {
    return this.#began.promise;
  }

  /** Corrections and deletions of transactions that committed from there on; undefined: they are known no more. */
  changesSince(lsn: bigint): readonly CallChange[] | undefined {
    return this.#run?.wal?.since(lsn);
  }

  /** What somebody lacks of the ledger: the first part of it; undefined: it cannot be read now. */
  async readLedger(ranges: readonly KeyRange[]): Promise<OwedPart | undefined> {
    const { lease, ledger } = this.#run ?? {};
    return lease && ledger?.read(lease, ranges);
  }

  /** Call the result to leave. Readers that join hear of what comes behind `moment`. */
  join(reader: FeedReader): () => void {
    this.#readers.add(reader);
    clearTimeout(this.#linger);
    if (!this.#run && !this.#isClosed) this.#start();
    return () => {
      this.#readers.delete(reader);
      if (this.#readers.size > 0 || !this.#run) return;
      clearTimeout(this.#linger);
      this.#linger = setTimeout(() => this.#stop(), LINGER_MILLIS).unref();
    };
  }

  /**
   * Looks whether keys that somebody was never told, and that nothing was expected of here, have a call. Those that have
   * none are expected from then on. Resolves when that is so.
   */
  async expect(ranges: readonly KeyRange[]): Promise<void> {
    await this.#run?.expect(ranges);
  }

  status(): FeedStatus {
    const problem = this.#problem();
    const level = problem !== undefined ? 'OFF' : this.#level;
    const { moment, age } = this;
    return {
      level,
      position: moment?.token ?? null,
      asOf: moment ? (age?.asOf ?? null) : null,
      reason: problem ?? this.#run?.trouble ?? this.#reasonOfLevel(level),
    };
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#linger);
    this.#stop();
    this.#readers.clear();
  }

  #start(): void {
    this.#run = new FeedRun({
      deps: this.#deps,
      counts: this.counts,
      tell: (batch) => {
        for (const reader of this.#readers) reader(batch);
      },
      onBegun: () => this.#began.resolve(),
    });
    this.#run.start();
  }

  #stop(): void {
    if (this.moment) this.#began = Promise.withResolvers();
    this.#run?.stop();
    this.#run = undefined;
  }

  get #level(): FeedLevel {
    if (this.#run?.wal?.isRead) return 'LOGICAL';
    return this.#run?.ledger.isThere ? 'LEDGER' : 'INSERTS';
  }

  #reasonOfLevel(level: FeedLevel): string | null {
    if (level === 'LOGICAL') return this.spare === undefined ? NO_SPARE : null;
    if (level === 'LEDGER') return null;
    if (!this.#run) return `${ONLY_INSERTS} Nobody reads the feed now.`;
    return this.#run.wal?.reason ?? this.#run.ledger.reason ?? ONLY_INSERTS;
  }

  #problem(): string | undefined {
    const { source } = this.moment ?? {};
    if (!source) return undefined;
    if (source.gone.has('i_xdr')) return 'The table of calls has lost its key.';
    return source.hasKeyIndex ? undefined : 'No index has the keys of calls: each look would read them all.';
  }
}
