import type { GraphQLSchema } from 'graphql';
import type { Principal } from '../access/principals.ts';
import type { CdrFilter } from '../db/calls/cdr-filter.ts';
import { passesFilter } from '../db/calls/cdr-row-filter.ts';
import type { CdrRow } from '../db/calls/cdrs.ts';
import { accountsOfList, type CallOwner, passesScope, type Scope } from '../db/scope.ts';
import type { CorrectedCall } from '../feed/corrections.ts';
import { type FeedAge, stalenessOf } from '../feed/feed-age.ts';
import type { ArrivedCall } from '../feed/feed-progress.ts';
import { type CallDeparture, type FeedGap, type FeedMessage, gapOf } from '../feed/message.ts';
import { digestOfIdentity, encodeFeedCursor, type FeedPosition } from '../feed/position.ts';
import type { Positions } from '../replicas/positions.ts';
import { EventFrame, type EventStream } from '../streaming/event-stream.ts';
import type { RelatedExecution } from '../streaming/related-selection.ts';
import { FeedPlan, type MessageFailure, type SubscribedField } from './feed-plan.ts';
import type { Operation } from './operation.ts';

/** One of those whom the messages of a class are for. */
export interface ClassMember {
  readonly stream: EventStream;
  /** Messages from the next one on are for it. */
  joinedAt: number;
  sendLive(frame: EventFrame, position: FeedPosition): void;
}

/** What a message is executed with, and what it has used when it is written. */
export interface Encoding {
  execution(): RelatedExecution;
  end(): void;
}

export interface FeedClassOptions {
  readonly schema: GraphQLSchema;
  readonly operation: Operation;
  readonly subscribed: SubscribedField;
  readonly principal: Principal;
  readonly filter: CdrFilter;
  /** The canonical text of it. */
  readonly filterText: string;
  readonly positions: Pick<Positions, 'decode'>;
  beginEncoding(principal: Principal, inputs: SubscribedField['inputs']): Encoding;
  formatErrors(failures: readonly MessageFailure[]): readonly object[];
  /** A message could not be written: its subscribers are told, and go. */
  onFailure(members: readonly ClassMember[], error: unknown): void;
}

/** What corrections and deletions are to the subscribers of a class. */
export interface CorrectedParts {
  readonly corrected: readonly CdrRow[];
  readonly deletedIds: readonly string[];
  readonly departures: readonly CallDeparture[];
  readonly gap: FeedGap | null;
}

/** What a message says beside its position. */
export interface MessageParts extends Partial<Omit<CorrectedParts, 'gap'>> {
  readonly rows: readonly CdrRow[];
  readonly mayRepeat: boolean;
  /** Null: everything up to some moment has been told, and which is not known, or not yet. */
  readonly age: FeedAge | undefined;
  readonly gap: FeedGap | null;
}

/** Subscribers with one selection, one filter and one scope: each message is written once for all of them. */
export class FeedClass {
  readonly filter: CdrFilter;
  readonly filterText: string;
  readonly scope: Scope;
  readonly digest: Buffer;
  /** Of which accounts calls can be: the feed looks no further than there. */
  readonly accounts: readonly string[] | 'every' | 'unknown';
  /** Those that are told as the feed is. */
  readonly live = new Set<ClassMember>();
  members = 0;
  /** When the last message was sent to all who are live, in milliseconds of the process. */
  sentAt = 0;
  /** Of the message that was begun last. */
  #sequence = 0;
  #queue: Promise<void> | undefined;
  readonly #options: FeedClassOptions;
  readonly #plan: FeedPlan;

  constructor(options: FeedClassOptions) {
    const { schema, operation, subscribed, principal, filter, filterText } = options;
    this.#options = options;
    this.#plan = new FeedPlan(schema, operation, subscribed);
    this.filter = filter;
    this.filterText = filterText;
    this.scope = principal.scope;
    this.digest = digestOfIdentity({ scope: this.scope, filter: filterText });
    this.accounts = accountsOfList(this.scope, filter.accountIds);
  }

  passes({ row }: Pick<ArrivedCall, 'row'>): boolean {
    return this.#isTheirs(row) && passesFilter(this.filter, row);
  }

  /**
   * A call that does not match, or no more, is named as gone to whoever may have been told it before. Where nothing says whose
   * it was, nobody is told which call it is but those who see the calls of all. `isRead`: the rows were read within the scope.
   */
  partsOf(calls: readonly CorrectedCall[], isRead = false): CorrectedParts {
    const corrected: CdrRow[] = [];
    const deletedIds: string[] = [];
    const departures: CallDeparture[] = [];
    let gap: FeedGap | null = null;
    for (const call of calls) {
      const { row, oldOwners } = call;
      departures.push(...this.#departuresOf(call));
      const isTheirs = row !== undefined && (isRead || this.#isTheirs(row));
      if (isTheirs && passesFilter(this.filter, row)) {
        corrected.push(row);
        continue;
      }
      const wasTheirs = isTheirs || this.#wasTheirs(oldOwners);
      if (wasTheirs === null) gap = gapOf('OWNER');
      else if (wasTheirs && this.#couldMatch(row, oldOwners)) deletedIds.push(String(call.key));
    }
    return { corrected, deletedIds, departures, gap };
  }

  /** The accounts within their scope and filter that had the call and do not have it now. */
  #departuresOf({ key, row, oldOwners }: CorrectedCall): readonly CallDeparture[] {
    const { accountIds } = this.filter;
    const left = oldOwners.flatMap((owner) => {
      const { account } = owner;
      if (account == null || account === row?.i_account || !passesScope(this.scope, owner)) return [];
      return accountIds == null || accountIds.includes(account) ? [account] : [];
    });
    return [...new Set(left)].map((accountId) => ({ cdrId: String(key), accountId }));
  }

  #isTheirs({ i_account, i_customer }: CdrRow): boolean {
    return passesScope(this.scope, { account: i_account, customer: i_customer }) === true;
  }

  /** Null: nothing says whose it was. */
  #wasTheirs(oldOwners: readonly CallOwner[]): boolean | null {
    const passes = oldOwners.map((owner) => passesScope(this.scope, owner));
    if (passes.includes(true)) return true;
    return passes.includes(null) ? null : false;
  }

  /** By the accounts of the filter, which leave most calls out. */
  #couldMatch(row: CdrRow | undefined, oldOwners: CorrectedCall['oldOwners']): boolean {
    const { accountIds } = this.filter;
    if (accountIds == null || (row?.i_account != null && accountIds.includes(row.i_account))) return true;
    return oldOwners.some((owner) => owner.account == null || accountIds.includes(owner.account));
  }

  /**
   * Whether the calls of the feed are theirs to see as they are, and whose each is can be told from the call alone. Otherwise
   * each subscriber is read for, within its scope.
   */
  canBeLive(hasCustomers: boolean): boolean {
    return !this.scope.numbers && (this.scope.kind !== 'customers' || hasCustomers);
  }

  /** The subscriber is told from the next message on. */
  admit(subscriber: ClassMember): void {
    subscriber.joinedAt = this.#sequence;
    this.live.add(subscriber);
  }

  /** Writes a message for all who are live, and sends it behind those that are being written. */
  tell(position: FeedPosition, parts: MessageParts): void {
    this.#sequence++;
    this.sentAt = performance.now();
    const sequence = this.#sequence;
    const send = (frame: EventFrame) => {
      for (const subscriber of this.live) {
        if (subscriber.joinedAt < sequence) subscriber.sendLive(frame, position);
      }
    };
    const frame = this.#queue
      ? this.#queue.then(() => this.write(position, parts))
      : this.write(position, parts);
    if (frame instanceof EventFrame) send(frame);
    else this.#enqueue(frame.then(send));
  }

  /** A message for one subscriber, or for all. */
  write(
    position: FeedPosition,
    { rows, corrected = [], deletedIds = [], departures = [], mayRepeat, age, gap }: MessageParts,
  ): EventFrame | Promise<EventFrame> {
    const cursor = encodeFeedCursor(position, this.digest, this.#options.positions);
    const message: FeedMessage = {
      cursor,
      position: position.token,
      asOf: age?.asOf ?? null,
      stalenessSeconds: age ? stalenessOf(age) : null,
      mayRepeat,
      inserted: rows,
      corrected,
      deletedIds,
      departures,
      gap,
    };
    const { principal, subscribed, beginEncoding, formatErrors } = this.#options;
    let encoding: Encoding | undefined;
    const execution = () => {
      encoding = beginEncoding(principal, subscribed.inputs);
      return encoding.execution();
    };
    const text = this.#plan.encode(message, execution, formatErrors);
    const frameOf = (json: string) => new EventFrame('next', json, cursor, rows.length + corrected.length);
    return typeof text === 'string' ? frameOf(text) : text.finally(() => encoding?.end()).then(frameOf);
  }

  #enqueue(work: Promise<void>): void {
    const queue = work
      .catch((error: unknown) => this.#options.onFailure([...this.live], error))
      .finally(() => {
        if (this.#queue === queue) this.#queue = undefined;
      });
    this.#queue = queue;
  }
}
