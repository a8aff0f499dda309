import { type ReplayedMoment, selectReplayedMoment } from '../db/calls/arrived-calls.ts';
import { NO_LEDGER, selectWhyNoLedger } from '../db/calls/ledger-entries.ts';
import { tableOfCalls } from '../db/catalogue/publication.ts';
import { selectByKeys } from './calls-by-key.ts';
import type { CallChange } from './change-stream.ts';
import { changesOfLedger, correctedCalls, groupChanges } from './corrections.ts';
import type { FeedLease } from './feed-lease.ts';
import type { FeedProgress } from './feed-progress.ts';
import { withCustomers } from './former-owners.ts';
import { Ledger, type LedgerPart, readLedgerPart } from './ledger.ts';
import type { KeyRange, ToldKeys } from './told-keys.ts';

/** Between two looks whether there is a ledger. */
const LOOK_MILLIS = 10_000;
/** The ledger has none. */
const NO_INSERTS = { isKnown: () => false, isReused: () => false };

/** What somebody lacks of the ledger, as changes of calls. */
export interface OwedPart extends Omit<LedgerPart, 'entries'> {
  readonly changes: readonly CallChange[];
  /** The table of calls was emptied. */
  readonly isTruncated: boolean;
}

/** The level LEDGER: corrections and deletions as the primary notes them, where it does. */
export class LedgerLevel {
  #ledger: Ledger | undefined;
  #reason: string | undefined;
  /** From then on it is looked whether there is one, in milliseconds of the process. */
  #dueAt = 0;
  /** Not all of what is visible by now was read. */
  hasMore = false;

  get isThere(): boolean {
    return this.#ledger !== undefined;
  }

  /** Why there is none; undefined also where nobody has asked for one. */
  get reason(): string | undefined {
    return this.#reason;
  }

  get told(): ToldKeys | undefined {
    return this.#ledger?.told;
  }

  /** Now and then, looks whether the primary notes corrections; tells when that has begun or ended. */
  async tend({ reader }: FeedLease, progress: FeedProgress): Promise<void> {
    const now = performance.now();
    if (now < this.#dueAt) return;
    const hadLooked = this.#dueAt > 0;
    const reason = await selectWhyNoLedger(reader, tableOfCalls[reader.source.name]);
    const ledger = reason === null ? (this.#ledger ?? (await Ledger.begin(reader))) : undefined;
    if (reader.signal?.aborted) return;
    this.#dueAt = now + LOOK_MILLIS;
    this.#reason = reason === null || reason === NO_LEDGER ? undefined : reason;
    if (ledger === this.#ledger) return;
    this.#ledger = ledger;
    progress.note({ ledger: ledger?.told });
    if (hadLooked) progress.tell({ gap: 'CORRECTIONS' });
  }

  /** Tells what the primary has noted since; `moment` was read before. */
  async advance(lease: FeedLease, moment: ReplayedMoment, progress: FeedProgress): Promise<void> {
    const ledger = this.#ledger;
    if (!ledger) return;
    const { replica, reader } = lease;
    this.hasMore = true;
    const look = await ledger.look(reader);
    const noted = changesOfLedger(look.entries, reader.source);
    const rows = await selectByKeys(reader, [...new Set(noted.map(({ key }) => key))]);
    const { corrected } = groupChanges(await withCustomers(reader, noted, rows), NO_INSERTS);
    const { lsn } = corrected.size > 0 ? await selectReplayedMoment(reader) : { lsn: null };
    if (reader.signal?.aborted) return;
    ledger.take(look, moment);
    this.hasMore = look.hasMore;
    const token = lsn === null ? progress.moment.token : replica.token(lsn);
    progress.note({ token, ledger: ledger.told });
    const gap = look.entries.some(({ key }) => key === null) ? 'REMOVED' : null;
    if (corrected.size > 0 || gap) progress.tell({ corrected: correctedCalls(corrected, rows), gap });
  }

  /** Nothing has come by this moment. */
  close(moment: ReplayedMoment, progress: FeedProgress): void {
    if (!this.#ledger) return;
    this.#ledger.close(moment);
    progress.note({ ledger: this.#ledger.told });
  }

  goBack(told: ToldKeys | undefined): void {
    if (this.#ledger) this.#ledger = Ledger.at(told ?? this.#ledger.told);
  }

  /** What somebody lacks: the first part of it; undefined: it cannot be read now. */
  async read({ reader }: FeedLease, ranges: readonly KeyRange[]): Promise<OwedPart | undefined> {
    if (!this.#ledger) return undefined;
    try {
      const { entries, told, smallest } = await readLedgerPart(reader, ranges);
      const changes = await withCustomers(reader, changesOfLedger(entries, reader.source));
      return { changes, told, smallest, isTruncated: entries.some(({ key }) => key === null) };
    } catch {
      // What fails here fails the feed too, which goes elsewhere.
      return undefined;
    }
  }
}
