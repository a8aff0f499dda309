import { GraphQLError, type GraphQLSchema } from 'graphql';
import { Places } from '../access/places.ts';
import type { Principal } from '../access/principals.ts';
import { checkPermission } from '../access/roles.ts';
import { feedStatusFor } from '../context.ts';
import type { CdrRow } from '../db/calls/cdrs.ts';
import { type ErrorCode, FeedUnavailableError, TooManyOpenError, UnauthenticatedError } from '../errors.ts';
import type { CorrectedCall } from '../feed/corrections.ts';
import type { Feed } from '../feed/feed.ts';
import { stalenessOf } from '../feed/feed-age.ts';
import type { FeedBatch } from '../feed/feed-progress.ts';
import { gapOf } from '../feed/message.ts';
import { decodeFeedCursor } from '../feed/position.ts';
import type { Positions } from '../replicas/positions.ts';
import { type CdrFilterArgument, parseFilter } from '../resolvers/cdr-filter.ts';
import { canonicalText } from '../resolvers/list-identity.ts';
import { EventFrame, EventStream } from '../streaming/event-stream.ts';
import { type ErrorMask, showFailure, shown } from './errors.ts';
import { type CorrectedParts, FeedClass } from './feed-class.ts';
import type { MessageFailure, SubscribedField } from './feed-plan.ts';
import { FeedSubscriber, QUIET_MILLIS } from './feed-subscriber.ts';
import { executeWhole } from './incremental.ts';
import type { Operation } from './operation.ts';
import type { Admitted, Opened } from './request.ts';

interface Log {
  info(facts: object, message: string): void;
}

export interface SubscriptionsDeps {
  readonly feed: Feed;
  readonly schema: GraphQLSchema;
  readonly mask: ErrorMask;
  readonly replicas: { readonly positions: Positions };
  /** A session that no request holds. */
  openSession(admitted: Admitted, signal: AbortSignal): Opened;
  /** Of one principal at once. */
  readonly maxPerPrincipal: number;
  readonly logger?: Log | undefined;
}

/** A subscription that has passed the phases before `execute`. */
export interface SubscriptionRequest {
  readonly operation: Operation;
  readonly subscribed: SubscribedField;
  readonly principal: Principal;
  readonly lastEventId: string | null;
  readonly isCompressed: boolean;
  readonly signal: AbortSignal;
}

interface Subscription {
  readonly principal: Principal;
  readonly stream: EventStream;
  readonly since: number;
  readonly feed?: { readonly subscriber: FeedSubscriber; readonly ofClass: FeedClass };
}

/** How long a subscription waits for the feed to begin. */
const BEGIN_MILLIS = 5000;
const TICK_MILLIS = 100;
const ENDED = 'Your right to be told has ended. Sign in again.';

/** Runs subscriptions: whose rights last, at least one message each second, each written once for all who get the same. */
export class Subscriptions {
  readonly #deps: SubscriptionsDeps;
  readonly #all = new Set<Subscription>();
  readonly #places: Places;
  readonly #classes = new Map<string, FeedClass>();
  /** Those that calls of an account can belong to, and those that calls of every account can. */
  readonly #byAccount = new Map<string, Set<FeedClass>>();
  readonly #ofEveryAccount = new Set<FeedClass>();
  readonly #operationIds = new WeakMap<Operation, number>();
  #nextOperationId = 1;
  readonly #statusClasses = new Map<string, StatusClass>();
  #leaveFeed: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: SubscriptionsDeps) {
    this.#deps = deps;
    this.#places = new Places(deps.maxPerPrincipal);
  }

  /** For metrics. */
  get figures() {
    const { feed } = this.#deps;
    const { age, counts, openHoles } = feed;
    const subscribers = [...this.#all].flatMap(({ feed }) => feed?.subscriber ?? []);
    return {
      level: feed.status().level,
      stalenessSeconds: feed.moment && age ? stalenessOf(age) : null,
      ...counts,
      openHoles,
      subscriptions: this.#all.size,
      classes: this.#classes.size,
      behind: subscribers.filter(({ isLive }) => !isLive).length,
      waitingBytes: [...this.#all].reduce((sum, { stream }) => sum + stream.waitingBytes, 0),
    };
  }

  /** Begins one. Throws GatewayErrors, as a query does. */
  async open(request: SubscriptionRequest): Promise<EventStream> {
    const { principal, signal } = request;
    if (this.#isClosed) throw new FeedUnavailableError('The gateway is stopping.');
    // Taken before anything is waited for: of many that come at once no more pass than there are places.
    const leavePlace = this.#places.take(principal);
    if (!leavePlace) throw new TooManyOpenError('subscriptions', this.#deps.maxPerPrincipal);
    const stream = new EventStream(request);
    const close = () => stream.body.destroy();
    signal.addEventListener('abort', close, { once: true });
    stream.body.once('close', () => {
      signal.removeEventListener('abort', close);
      leavePlace();
    });
    try {
      await this.#begin(request, stream);
    } catch (error) {
      close();
      throw error;
    }
    if (signal.aborted) close();
    return stream;
  }

  async #begin(request: SubscriptionRequest, stream: EventStream): Promise<void> {
    this.#startTimer();
    if (request.subscribed.field.name === 'replicationStatus') this.#openStatus(request, stream);
    else await this.#openFeed(request, stream);
  }

  /** Ends all without the event that says so: their clients connect again, to another gateway. */
  close(): void {
    this.#isClosed = true;
    for (const { feed, stream } of this.#all) {
      if (feed) feed.subscriber.end();
      else stream.end();
    }
    this.#stopTimer();
  }

  async #openFeed(request: SubscriptionRequest, stream: EventStream): Promise<void> {
    const { subscribed, principal, lastEventId } = request;
    const { feed } = this.#deps;
    checkPermission(principal, 'CALLS', 'Subscription.cdrs');
    const args = subscribed.arguments as { filter?: CdrFilterArgument | null; after?: string | null };
    const filter = parseFilter(args.filter, principal);
    const filterText = canonicalText(filter);
    const after = lastEventId || args.after;
    const identity = { scope: principal.scope, filter: filterText };
    const cursor =
      after == null ? undefined : decodeFeedCursor(after, identity, this.#deps.replicas.positions);
    this.#leaveFeed ??= feed.join((batch) => this.#tell(batch));
    if (!(await this.#hasBegun())) {
      this.#leaveIfUnused();
      throw new FeedUnavailableError(feedStatusFor(principal, feed).reason ?? 'The feed has not begun.');
    }
    const { level, reason } = feedStatusFor(principal, feed);
    if (level === 'OFF') throw new FeedUnavailableError(reason ?? 'The feed is off.');
    const ofClass = this.#classOf(request, { filter, filterText });
    const subscriber = new FeedSubscriber({
      feed,
      stream,
      ofClass,
      principal,
      cursor,
      openSession: (readAfter, signal) =>
        this.#deps.openSession(
          { principal, freshness: freshnessOf(readAfter, this.#deps.replicas.positions) },
          signal,
        ),
      onFailure: (error) => this.#fail(stream, error),
    });
    this.#register(request, stream, { subscriber, ofClass });
    void subscriber.run();
  }

  async #hasBegun(): Promise<boolean> {
    const { feed } = this.#deps;
    if (feed.moment) return true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, BEGIN_MILLIS);
    });
    await Promise.race([feed.began, late]);
    clearTimeout(timer);
    return feed.moment !== undefined;
  }

  #classOf(
    { operation, subscribed, principal }: SubscriptionRequest,
    { filter, filterText }: Pick<FeedClass, 'filter' | 'filterText'>,
  ): FeedClass {
    const id = this.#operationIds.get(operation) ?? this.#nextOperationId++;
    this.#operationIds.set(operation, id);
    const key = [
      id,
      subscribed.selectionKey,
      principal.role,
      JSON.stringify(principal.scope),
      filterText,
    ].join('\n');
    const known = this.#classes.get(key);
    if (known) return known;
    const { schema, openSession } = this.#deps;
    const made = new FeedClass({
      schema,
      operation,
      subscribed,
      principal,
      filter,
      filterText,
      positions: this.#deps.replicas.positions,
      beginEncoding: (who, inputs) => beginEncoding(openSession, who, inputs),
      formatErrors: (failures) => failures.map((failure) => this.#format(failure)),
      onFailure: (members, error) => {
        for (const { stream } of members) this.#fail(stream, error);
      },
    });
    this.#classes.set(key, made);
    this.#index(made, (set) => set.add(made));
    return made;
  }

  /** Does something with every set that the class belongs into. */
  #index({ accounts }: FeedClass, put: (set: Set<FeedClass>) => void): void {
    if (typeof accounts === 'string') {
      put(this.#ofEveryAccount);
      return;
    }
    for (const account of accounts) {
      const set = this.#byAccount.get(account) ?? new Set();
      put(set);
      if (set.size > 0) this.#byAccount.set(account, set);
      else this.#byAccount.delete(account);
    }
  }

  #tell({ rows, corrected, position, mayRepeat, gap }: FeedBatch): void {
    const arrived = new Map<FeedClass, CdrRow[]>();
    for (const call of rows) {
      for (const set of this.#setsOf(call.row.i_account)) {
        for (const each of set) if (each.live.size > 0 && each.passes(call)) note(arrived, each, call.row);
      }
    }
    const changed = this.#changedFor(corrected);
    const { age } = this.#deps.feed;
    const told = gap ? this.#classes.values() : new Set([...arrived.keys(), ...changed.keys()]);
    for (const each of told) {
      if (each.live.size === 0) continue;
      const parts = changed.get(each);
      const found = arrived.get(each) ?? [];
      each.tell(position, {
        ...parts,
        rows: found,
        mayRepeat,
        age,
        gap: gap ? gapOf(gap) : (parts?.gap ?? null),
      });
    }
  }

  /** Classes that calls of the account can belong to. */
  #setsOf(account: string | null): readonly Set<FeedClass>[] {
    const own = this.#byAccount.get(String(account));
    return own ? [own, this.#ofEveryAccount] : [this.#ofEveryAccount];
  }

  #changedFor(corrected: readonly CorrectedCall[]): ReadonlyMap<FeedClass, CorrectedParts> {
    const calls = new Map<FeedClass, CorrectedCall[]>();
    for (const call of corrected) {
      for (const each of this.#classesOf(call)) if (each.live.size > 0) note(calls, each, call);
    }
    const parts = [...calls].map(([each, own]) => [each, each.partsOf(own)] as const);
    return new Map(
      parts.filter(([, { corrected, deletedIds, gap }]) => corrected.length + deletedIds.length > 0 || gap),
    );
  }

  /** Those that may have been told the call; all, where nothing says whose it was. */
  #classesOf({ row, oldOwners }: CorrectedCall): Iterable<FeedClass> {
    const accounts = [row?.i_account ?? null, ...oldOwners.map(({ account }) => account)];
    if (accounts.includes(undefined)) return this.#classes.values();
    return new Set(accounts.flatMap((account) => this.#setsOf(account!)).flatMap((set) => [...set]));
  }

  #openStatus(request: SubscriptionRequest, stream: EventStream): void {
    const { operation, subscribed, principal } = request;
    const id = this.#operationIds.get(operation) ?? this.#nextOperationId++;
    this.#operationIds.set(operation, id);
    const key = [id, subscribed.selectionKey, principal.role, JSON.stringify(principal.scope)].join('\n');
    const ofClass = this.#statusClasses.get(key) ?? new StatusClass(this.#deps, request);
    this.#statusClasses.set(key, ofClass);
    ofClass.streams.add(stream);
    stream.body.once('close', () => {
      ofClass.streams.delete(stream);
      if (ofClass.streams.size === 0) this.#statusClasses.delete(key);
    });
    this.#register(request, stream);
    void ofClass.tell(stream).catch((error: unknown) => this.#fail(stream, error));
  }

  #register(request: SubscriptionRequest, stream: EventStream, feed?: Subscription['feed']): void {
    const { principal } = request;
    const subscription: Subscription = {
      principal,
      stream,
      since: performance.now(),
      ...(feed && { feed }),
    };
    this.#all.add(subscription);
    if (feed) feed.ofClass.members++;
    const forgetRight = principal.right?.onEnd(() => this.#fail(stream, new UnauthenticatedError(ENDED)));
    stream.body.once('close', () => {
      forgetRight?.();
      this.#forget(subscription);
    });
    if (stream.isClosed) this.#forget(subscription);
  }

  #forget(subscription: Subscription): void {
    if (!this.#all.delete(subscription)) return;
    const { feed, principal, since } = subscription;
    const seconds = Math.round((performance.now() - since) / 100) / 10;
    this.#deps.logger?.info({ principal: principal.name, seconds }, 'subscription ended');
    if (feed && --feed.ofClass.members === 0) {
      for (const [key, each] of this.#classes) if (each === feed.ofClass) this.#classes.delete(key);
      this.#index(feed.ofClass, (set) => set.delete(feed.ofClass));
    }
    this.#leaveIfUnused();
    if (this.#all.size === 0) this.#stopTimer();
  }

  #leaveIfUnused(): void {
    if (this.#classes.size > 0) return;
    this.#leaveFeed?.();
    this.#leaveFeed = undefined;
  }

  #startTimer(): void {
    this.#timer ??= setInterval(() => this.#breakSilence(), TICK_MILLIS);
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Nobody is left without a message for a second. */
  #breakSilence(): void {
    const { moment, age } = this.#deps.feed;
    const now = performance.now();
    for (const each of this.#classes.values()) {
      if (moment && each.live.size > 0 && now - each.sentAt > QUIET_MILLIS) {
        each.tell(moment, { rows: [], mayRepeat: false, age, gap: null });
      }
    }
    for (const { feed, stream } of this.#all) {
      if (!feed || feed.subscriber.isLive || now - feed.subscriber.sentAt <= QUIET_MILLIS) continue;
      feed.subscriber.sendQuiet().catch((error: unknown) => this.#fail(stream, error));
    }
    for (const each of this.#statusClasses.values()) {
      if (now - each.sentAt <= QUIET_MILLIS) continue;
      each.tell().catch((error: unknown) => {
        for (const stream of each.streams) this.#fail(stream, error);
      });
    }
  }

  #fail(stream: EventStream, error: unknown): void {
    if (stream.isClosed) return;
    const failures = showFailure(error, this.#deps.mask);
    for (const { extensions } of failures) stream.codes.add(extensions.code as ErrorCode);
    const errors = failures.map((each) => shown(each));
    stream.send(new EventFrame('next', JSON.stringify({ errors })));
    stream.send(new EventFrame('complete', ''));
    stream.end();
  }

  #format({ path, error }: MessageFailure): object {
    const message = error instanceof Error ? error.message : 'Unknown failure';
    return shown(this.#deps.mask(new GraphQLError(message, { path, originalError: error as Error })));
  }
}

function note<Item>(found: Map<FeedClass, Item[]>, ofClass: FeedClass, item: Item): void {
  const known = found.get(ofClass);
  if (known) known.push(item);
  else found.set(ofClass, [item]);
}

/** Calls refer to accounts and carriers, which a session of its own looks up. */
function beginEncoding(
  openSession: SubscriptionsDeps['openSession'],
  principal: Principal,
  inputs: SubscribedField['inputs'],
) {
  const ending = new AbortController();
  const admitted = { principal, freshness: { maxStalenessSeconds: undefined, readAfter: undefined } };
  const { session, context } = openSession(admitted, ending.signal);
  return {
    execution: () => ({ contextValue: context, variableValues: inputs }),
    end: () => session.end(),
  };
}

function freshnessOf(token: string, positions: Positions): Admitted['freshness'] {
  return { maxStalenessSeconds: undefined, readAfter: positions.decode(token) };
}

/** Subscribers of `replicationStatus` with one selection and the same rights. */
class StatusClass {
  readonly streams = new Set<EventStream>();
  sentAt = 0;
  readonly #deps: SubscriptionsDeps;
  readonly #request: SubscriptionRequest;

  constructor(deps: SubscriptionsDeps, request: SubscriptionRequest) {
    this.#deps = deps;
    this.#request = request;
  }

  /** To all, or to one who is new. */
  async tell(only?: EventStream): Promise<void> {
    if (!only) this.sentAt = performance.now();
    const frame = await this.#write();
    for (const stream of only ? [only] : this.streams) if (!stream.isFull) stream.send(frame);
  }

  async #write(): Promise<EventFrame> {
    const { schema, openSession, mask } = this.#deps;
    const { operation, principal, subscribed } = this.#request;
    const { document, definition } = operation;
    const admitted = { principal, freshness: { maxStalenessSeconds: undefined, readAfter: undefined } };
    const { session, context } = openSession(admitted, new AbortController().signal);
    const { data, errors } = await executeWhole({
      schema,
      document,
      operationName: definition.name?.value,
      variableValues: subscribed.inputs,
      rootValue: { replicationStatus: context.replicas.snapshot() },
      contextValue: context,
    }).finally(() => session.end());
    const shownErrors = errors?.map((error) => shown(mask(error)));
    return new EventFrame('next', JSON.stringify({ data, ...(shownErrors && { errors: shownErrors }) }));
  }
}
