import { setTimeout as delay } from 'node:timers/promises';
import type { Principal } from '../access/principals.ts';
import { selectCallsBetween } from '../db/calls/arrived-calls.ts';
import { passesFilter } from '../db/calls/cdr-row-filter.ts';
import type { CdrRow } from '../db/calls/cdrs.ts';
import type { Reader } from '../db/reader.ts';
import { GatewayError, ReplicaFailureError } from '../errors.ts';
import { selectByKeys } from '../feed/calls-by-key.ts';
import type { CallChange } from '../feed/change-stream.ts';
import { correctedCalls, groupChanges } from '../feed/corrections.ts';
import type { Feed } from '../feed/feed.ts';
import type { FeedAge } from '../feed/feed-age.ts';
import type { FeedMoment } from '../feed/feed-progress.ts';
import { type FeedGap, gapOf } from '../feed/message.ts';
import type { DecodedCursor, FeedPosition, ToldChanges } from '../feed/position.ts';
import { type KeyRange, type ToldKeys, upToKey } from '../feed/told-keys.ts';
import type { EventFrame, EventStream } from '../streaming/event-stream.ts';
import type { ClassMember, CorrectedParts, FeedClass } from './feed-class.ts';
import type { Opened } from './request.ts';

/** Inserts are kept to be told again only of keys that had been those of other calls. */
const ONLY_REUSED = { isKnown: () => false, isReused: () => true };

export interface FeedSubscriberOptions {
  readonly feed: Feed;
  readonly stream: EventStream;
  readonly ofClass: FeedClass;
  readonly principal: Principal;
  /** Where it goes on; without one it begins where the feed is. */
  readonly cursor: DecodedCursor | undefined;
  openSession(readAfter: string, signal: AbortSignal): Opened;
  /** It cannot go on. */
  onFailure(error: unknown): void;
}

/** Keys that one statement looks through for somebody who was away. */
const MAX_KEYS = 50_000n;
/** Calls of one message. */
const MAX_ROWS = 500;
const RETRY_MILLIS = 200;
const WAIT_MILLIS = 20;
/** Told again where a cursor is of another timeline: calls that it counts as told may have been lost with an old primary. */
const REPEATED_KEYS = 2000n;
/** A message comes at least each second. */
export const QUIET_MILLIS = 900;

/**
 * One subscriber of `cdrs`. It is told as the feed is, with all others of its class, for as long as it takes what it is sent;
 * before that, and after it was too slow, what it lacks is read from the table at its own pace.
 */
export class FeedSubscriber implements ClassMember {
  readonly stream: EventStream;
  readonly principal: Principal;
  /** Messages of its class from the next one on are for it. */
  joinedAt = 0;
  /** When it was sent something last, in milliseconds of the process. */
  sentAt = 0;
  /** For metrics. */
  timesSlow = 0;
  readonly #options: FeedSubscriberOptions;
  readonly #leaving = new AbortController();
  #told: ToldKeys;
  #token: string;
  #changes: ToldChanges | undefined;
  #ledger: ToldKeys | undefined;
  #mayRepeat = false;
  #gap: FeedGap | null = null;
  #wake: (() => void) | undefined;

  constructor(options: FeedSubscriberOptions) {
    const { cursor, feed, stream, principal } = options;
    this.#options = options;
    this.stream = stream;
    this.principal = principal;
    const from: FeedPosition = cursor ?? feed.moment!;
    this.#told = from.told;
    this.#token = from.token;
    this.#changes = from.changes;
    this.#ledger = from.ledger;
    this.#mayRepeat = cursor?.mayRepeat ?? false;
    stream.body.once('close', () => this.#leave());
  }

  get isLive(): boolean {
    return this.#options.ofClass.live.has(this);
  }

  get position(): FeedPosition {
    return { told: this.#told, token: this.#token, changes: this.#changes, ledger: this.#ledger };
  }

  /** Runs until the client has left, or something ends it. */
  async run(): Promise<void> {
    const { signal } = this.#leaving;
    try {
      await this.#followCursor();
      while (!signal.aborted) {
        await this.#catchUp();
        await this.#untilWoken();
        await this.stream.drained();
      }
    } catch (error) {
      if (!signal.aborted) this.#options.onFailure(error);
    } finally {
      this.#leave();
    }
  }

  /**
   * A message of its class. Who has not taken what came before leaves the others, and is read for; one message may be longer
   * than what may wait.
   */
  sendLive(frame: EventFrame, { told, token, changes, ledger }: FeedPosition): void {
    if (this.stream.isFull) {
      this.timesSlow++;
      this.#options.ofClass.live.delete(this);
      this.#wake?.();
      return;
    }
    this.#told = told;
    this.#token = token;
    this.#changes = changes;
    this.#ledger = ledger;
    this.#send(frame);
  }

  /** Says that nothing has come, to somebody who is not told with the others. */
  async sendQuiet(): Promise<void> {
    if (this.stream.isFull) return;
    this.sentAt = performance.now();
    await this.#sendOwn([]);
  }

  /** Ends the response behind what was sent. */
  end(): void {
    this.stream.end();
    this.#leave();
  }

  #send(frame: EventFrame): void {
    this.sentAt = performance.now();
    this.stream.send(frame);
  }

  async #sendOwn(rows: readonly CdrRow[], age?: FeedAge, changed?: CorrectedParts): Promise<void> {
    const mayRepeat = this.#mayRepeat || (this.#changes?.isPartial ?? false);
    const parts = { ...changed, rows, mayRepeat, age, gap: this.#gap ?? changed?.gap ?? null };
    this.#gap = null;
    const frame = await this.#options.ofClass.write(this.position, parts);
    this.#send(frame);
  }

  /** What a cursor counts as told must be told here too, before anything is compared by keys. */
  async #followCursor(): Promise<void> {
    const { feed, cursor } = this.#options;
    if (!cursor) return;
    const { lsn, timeline } = feed.positions.decode(cursor.token);
    const { signal } = this.#leaving;
    await this.#until(() => {
      const { moment } = feed;
      if (moment === undefined || moment.timeline > timeline) return moment !== undefined;
      const { lsn: changesLsn = 0n } = moment.changes ?? {};
      // What is read of the WAL may lie a little behind what another gateway had read.
      return moment.coveredLsn >= lsn && (changesLsn === 0n || changesLsn >= (this.#changes?.lsn ?? 0n));
    });
    if (signal.aborted) return;
    if (feed.moment!.timeline !== timeline) {
      const { upTo } = this.#told;
      this.#told = this.#told.without([{ from: upTo - REPEATED_KEYS, to: upTo }]);
      this.#mayRepeat = true;
      // What committed there on the other timeline may have been something else.
      if (this.#changes) this.#changes = { lsn: 0n, isPartial: false };
      const { upTo: number } = this.#ledger ?? { upTo: 0n };
      this.#ledger = this.#ledger?.without([{ from: number - REPEATED_KEYS, to: number }]);
    }
    if (this.#changes && !feed.moment!.changes) {
      this.#gap = gapOf('CORRECTIONS');
      this.#changes = undefined;
    }
    const open = feed.moment!.told.missingIn(this.#told).filter(({ from }) => from <= this.#told.upTo);
    await feed.expect(open);
    const smallest = feed.smallestKey;
    if (smallest !== undefined && smallest > this.#told.upTo + 1n) this.#gap = gapOf('REMOVED');
  }

  /** Reads what it lacks, until it lacks nothing and is told with the others. */
  async #catchUp(): Promise<void> {
    const { feed, ofClass } = this.#options;
    const { signal } = this.#leaving;
    let isFirst = true;
    while (!signal.aborted) {
      const moment = feed.moment;
      if (!moment) {
        // The feed has ended, or goes back: what is told next is not known.
        await this.#wait(WAIT_MILLIS);
        continue;
      }
      const missing = moment.told.missingIn(this.#told);
      if (missing.length > 0) {
        await this.#readStep(missing, moment.token);
        continue;
      }
      const owed = this.#owedChanges(moment);
      if (owed.length > 0) {
        const lsn = owed.at(-1)!.commitLsn + 1n;
        await this.#readChanges(owed, moment.token, () => {
          this.#changes = { lsn, isPartial: false };
        });
        continue;
      }
      const lacking = this.#lackingOfLedger(moment);
      if (lacking.length > 0) {
        await this.#readLedger(lacking, moment.token);
        continue;
      }
      if (moment.changes?.isPartial) {
        // The others have been told a part of what follows.
        await this.#wait(WAIT_MILLIS);
        continue;
      }
      this.#told = moment.told;
      this.#token = moment.token;
      this.#changes = moment.changes;
      this.#ledger = moment.ledger;
      this.#mayRepeat = false;
      if (ofClass.canBeLive(moment.source.hasCustomers)) {
        // Nothing waits between the two: no message is missed, and none comes twice.
        ofClass.admit(this);
        const frame = ofClass.write(moment, { rows: [], mayRepeat: false, age: feed.age, gap: this.#gap });
        this.#gap = null;
        if ('plain' in frame) this.#send(frame);
        return;
      }
      if (isFirst || performance.now() - this.sentAt > QUIET_MILLIS) await this.#sendOwn([], feed.age);
      isFirst = false;
      await this.#wait(WAIT_MILLIS);
    }
  }

  /** Corrections that it lacks, in whole transactions; notes a gap where they are known no more. */
  #owedChanges({ changes }: FeedMoment): readonly CallChange[] {
    if (!changes) return [];
    const own = this.#changes?.lsn;
    const owed = own !== undefined && changes.lsn >= own ? this.#options.feed.changesSince(own) : undefined;
    if (!owed) {
      // Who has been told so is not told it again while nothing else is known.
      if (own !== changes.lsn) this.#gap = gapOf('CORRECTIONS');
      this.#changes = changes;
      return [];
    }
    const whole = owed.filter(({ commitLsn }) => commitLsn < changes.lsn);
    // There is a position behind each transaction, and none within.
    const last = whole[MAX_ROWS - 1]?.commitLsn;
    return last === undefined ? whole : whole.filter(({ commitLsn }) => commitLsn <= last);
  }

  /** Entries of the ledger that it lacks; notes a gap where there is no telling. */
  #lackingOfLedger({ ledger }: FeedMoment): readonly KeyRange[] {
    if (ledger && this.#ledger) return ledger.missingIn(this.#ledger);
    if (ledger || this.#ledger) this.#gap = gapOf('CORRECTIONS');
    this.#ledger = ledger;
    return [];
  }

  async #readLedger(lacking: readonly KeyRange[], token: string): Promise<void> {
    const part = await this.#options.feed.readLedger(lacking);
    if (!part) {
      await this.#wait(RETRY_MILLIS);
      return;
    }
    const ledger = this.#ledger!;
    // What was noted longer ago is kept no more.
    if (part.smallest > ledger.upTo + 1n) this.#gap = gapOf('CORRECTIONS');
    if (part.isTruncated) this.#gap = gapOf('REMOVED');
    const { changes } = part;
    const take = () => {
      this.#ledger = ledger.with(part.told);
    };
    if (changes.length === 0) take();
    else await this.#readChanges(changes, token, take);
  }

  /** What these changes are to it; then they are `taken`. */
  #readChanges(step: readonly CallChange[], token: string, take: () => void): Promise<void> {
    const { ofClass } = this.#options;
    return this.#read(token, async (reader) => {
      for (let start = 0; start < step.length; start += MAX_ROWS) {
        const part = step.slice(start, start + MAX_ROWS);
        const { inserted, corrected } = groupChanges(part, ONLY_REUSED);
        const keys = [...inserted, ...corrected.keys()];
        const rows = await selectByKeys(reader, keys);
        const arrived = [...inserted].flatMap((key) => rows.get(key) ?? []);
        const parts = ofClass.partsOf(correctedCalls(corrected, rows), true);
        if (start + MAX_ROWS >= step.length) take();
        this.#token = token;
        const found = arrived.filter((row) => passesFilter(ofClass.filter, row));
        if (found.length + parts.corrected.length + parts.deletedIds.length > 0 || parts.gap) {
          await this.#sendOwn(found, undefined, parts);
        }
      }
    });
  }

  /** The first calls that it was not told. */
  #readStep(missing: readonly KeyRange[], token: string): Promise<void> {
    const { ofClass } = this.#options;
    const ranges = firstOf(missing);
    const [above, upTo] = [ranges[0]!.from - 1n, ranges.at(-1)!.to];
    return this.#read(token, async (reader) => {
      const rows = await selectCallsBetween(reader, { above, upTo }, MAX_ROWS, ofClass.filter);
      const end = rows.length < MAX_ROWS ? upTo : BigInt(rows.at(-1)!.i_xdr!);
      const told = upToKey(ranges, end);
      const inside = rows.filter(({ i_xdr }) => told.some((range) => isIn(range, BigInt(i_xdr!))));
      this.#told = this.#told.with(told);
      this.#token = token;
      if (inside.length > 0) await this.#sendOwn(inside);
    });
  }

  /**
   * Reads within its scope, from a standby that has replayed what the token says; resolves when the client has taken what it was
   * sent. What may well go on a moment later is left to the next attempt.
   */
  async #read(token: string, act: (reader: Reader) => Promise<void>): Promise<void> {
    const { session } = this.#options.openSession(token, this.#leaving.signal);
    try {
      await act(await session.reader({ purpose: 'stream' }));
    } catch (error) {
      if (!isPassing(error)) throw error;
      await this.#wait(RETRY_MILLIS);
    } finally {
      session.end();
    }
    await this.stream.drained();
  }

  /** Less, when it leaves meanwhile. */
  #wait(millis: number): Promise<void> {
    return delay(millis, undefined, { signal: this.#leaving.signal, ref: false }).catch(() => {});
  }

  async #until(isSo: () => boolean): Promise<void> {
    const { signal } = this.#leaving;
    while (!signal.aborted && !isSo()) {
      await this.#wait(WAIT_MILLIS);
    }
  }

  async #untilWoken(): Promise<void> {
    if (!this.isLive || this.#leaving.signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
  }

  #leave(): void {
    this.#leaving.abort();
    this.#options.ofClass.live.delete(this);
    this.#wake?.();
  }
}

/** What one statement looks through: ranges that lie close together, from the first on. */
function firstOf(missing: readonly KeyRange[]): readonly KeyRange[] {
  const end = missing[0]!.from + MAX_KEYS - 1n;
  return upToKey(missing, end);
}

function isIn({ from, to }: KeyRange, key: bigint): boolean {
  return key >= from && key <= to;
}

/** Whether it may well go on a moment later. */
function isPassing(error: unknown): boolean {
  return error instanceof ReplicaFailureError || (error instanceof GatewayError && error.retryable);
}
