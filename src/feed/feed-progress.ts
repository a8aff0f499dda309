import type { FilteredRow } from '../db/calls/cdr-row-filter.ts';
import type { Source } from '../db/sources/sources.ts';
import type { Positions } from '../replicas/positions.ts';
import type { CorrectedCall } from './corrections.ts';
import type { FeedAge } from './feed-age.ts';
import type { FeedGapReason } from './message.ts';
import type { FeedPosition } from './position.ts';

/** How far the feed is. */
export interface FeedMoment extends FeedPosition {
  /** Everything that is visible there was told. */
  readonly coveredLsn: bigint;
  readonly timeline: number;
  readonly source: Source;
}

export interface ArrivedCall {
  readonly key: bigint;
  readonly row: FilteredRow;
}

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

/** What a batch has beside its position; nothing where it is left out. */
export interface BatchParts {
  readonly rows?: readonly ArrivedCall[];
  readonly corrected?: readonly CorrectedCall[];
  readonly gap?: FeedGapReason | null;
  readonly mayRepeat?: boolean;
}

/** Told of each batch, in order, at once. It must not throw. */
export type FeedReader = (batch: FeedBatch) => void;

/** What a feed has done, for metrics. */
export interface FeedCounts {
  calls: number;
  corrections: number;
  statements: number;
}

/** What may be told again after calls were lost with an old primary: how far back, and how often that is noted. */
const KEPT_MILLIS = 120_000;
const KEEP_MILLIS = 1000;

/** Of corrections nothing is known to have been told. */
export const NO_CHANGES = { lsn: 0n, isPartial: false } as const;

/** How far everything was told in one run of the feed, to all who read it. */
export class FeedProgress {
  readonly #positions: Positions;
  readonly #counts: FeedCounts;
  readonly #tell: FeedReader;
  #moment: FeedMoment;
  #kept: { readonly at: number; readonly position: FeedPosition }[] = [];
  /** Until the keys pass here, calls may have been told before. */
  #repeatsUpTo: bigint | undefined;
  age: FeedAge | undefined;

  constructor(
    begun: Omit<FeedMoment, 'timeline'>,
    deps: { readonly positions: Positions; readonly counts: FeedCounts; readonly tell: FeedReader },
  ) {
    this.#positions = deps.positions;
    this.#counts = deps.counts;
    this.#tell = deps.tell;
    this.#moment = this.#withTimeline(begun);
    this.#keep();
  }

  get moment(): FeedMoment {
    return this.#moment;
  }

  /** A part of the way: the standby was not read through to a moment. */
  note(part: Partial<Pick<FeedMoment, 'told' | 'token' | 'changes' | 'ledger'>>): void {
    this.#moment = { ...this.#moment, ...part };
  }

  moveTo(moment: Omit<FeedMoment, 'timeline'>): void {
    this.#moment = this.#withTimeline(moment);
    this.#keep();
  }

  tell({ rows = [], corrected = [], gap = null, mayRepeat = false }: BatchParts): void {
    this.#counts.calls += rows.length;
    this.#counts.corrections += corrected.length;
    const { told, token, changes, ledger } = this.#moment;
    const isRepeating = this.#repeatsUpTo !== undefined;
    if (isRepeating && told.upTo >= this.#repeatsUpTo!) this.#repeatsUpTo = undefined;
    this.#tell({
      rows,
      corrected,
      position: { told, token, changes, ledger },
      mayRepeat: mayRepeat || isRepeating,
      gap,
    });
  }

  /**
   * To where it was long before `since`, in milliseconds of the process; undefined where that is not known. What is told from
   * there on may have been told before.
   */
  goBack(since: number): FeedPosition | undefined {
    const kept = this.#kept.findLast(({ at }) => at <= since - KEPT_MILLIS / 2) ?? this.#kept[0];
    if (!kept) return undefined;
    const moment = this.#moment;
    this.#repeatsUpTo = moment.told.upTo;
    this.#kept = [];
    const changes = moment.changes && NO_CHANGES;
    this.#moment = { ...moment, ...kept.position, coveredLsn: 0n, changes };
    return kept.position;
  }

  #withTimeline(moment: Omit<FeedMoment, 'timeline'>): FeedMoment {
    return { ...moment, timeline: this.#positions.decode(moment.token).timeline };
  }

  #keep(): void {
    const now = performance.now();
    const last = this.#kept.at(-1);
    if (last && now - last.at < KEEP_MILLIS) return;
    const { told, token, ledger } = this.#moment;
    this.#kept.push({ at: now, position: { told, token, ledger } });
    while (this.#kept.length > 1 && now - this.#kept[0]!.at > KEPT_MILLIS) this.#kept.shift();
  }
}
