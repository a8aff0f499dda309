import { setTimeout as delay } from 'node:timers/promises';
import { type Change, changesOf, type FeedUpdate, markOf } from './changes.ts';
import { SubscriptionRefusedError } from './gateway-events.ts';
import { type Sink, SinkForeignError } from './sink.ts';

interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface PublisherDeps {
  /** Connects. */
  openSink(): Promise<Sink>;
  /** The feed behind a position; without one from now on. */
  readFeed(after: string | undefined, signal: AbortSignal): AsyncIterable<FeedUpdate>;
  readonly logger: Log;
  /** The shortest and the longest pause after a failure; half a second and half a minute. */
  readonly pauses?: { readonly min: number; readonly max: number };
}

/** While nothing comes, so often is it said that nothing is missing. */
const MARK_MILLIS = 60_000;

/**
 * Publishes what the feed tells, each change once and in its order. It remembers nothing that the sink does not hold: whatever
 * fails, it begins again behind what is there last. So nothing waits here while the sink is away.
 */
export class Publisher {
  readonly #deps: PublisherDeps;
  /** Behind what was published last, for a sink that has lost everything. */
  #position: string | undefined;
  #publishedAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #told: { readonly at: number; readonly stalenessSeconds: number | null } | undefined;
  /** For metrics: by the kind of the change. */
  readonly published = new Map<Change['change'], number>();
  failed = 0;
  isUp = false;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
  }

  /** Upper bound of the age of what the sink holds; null when unknown. */
  get lagSeconds(): number | null {
    if (!this.#told || this.#told.stalenessSeconds === null) return null;
    return this.#told.stalenessSeconds + (performance.now() - this.#told.at) / 1000;
  }

  /** Until it is stopped. Rejects with what would fail again and again: a refusal, and a stream that is not ours. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#publish(signal);
        if (!signal.aborted) this.#noteFailure(new Error('The gateway has ended the subscription.'));
      } catch (error) {
        if (signal.aborted) return;
        this.#noteFailure(error);
        if (isFinal(error)) throw error;
      }
      await delay(this.#pause(), undefined, { signal }).catch(() => {});
    }
  }

  /** From the sink's own last position on, until something fails or ends. */
  async #publish(signal: AbortSignal): Promise<void> {
    const sink = await this.#deps.openSink();
    try {
      const last = await sink.readLast();
      let before = last?.position ?? this.#position;
      if (!last && before !== undefined)
        this.#deps.logger.warn({}, 'the stream is empty: what it held is not published again');
      let repeats = last?.isPartial ?? false;
      for await (const update of this.#deps.readFeed(before, signal)) {
        // What was published of it comes before everything that is new.
        repeats &&= update.asOf === null;
        const mayRepeat = update.mayRepeat || repeats;
        const changes = changesOf({ ...update, mayRepeat }, before ?? update.cursor);
        if (changes.length > 0) await this.#append(sink, changes);
        else if (this.#isMarkDue) await this.#append(sink, [markOf(update)]);
        before = update.cursor;
        this.#noteTold(update);
      }
    } finally {
      this.isUp = false;
      sink.close();
    }
  }

  /** At once when it begins, so that there is a position from which it goes on. */
  get #isMarkDue(): boolean {
    return performance.now() - this.#publishedAt > MARK_MILLIS;
  }

  async #append(sink: Sink, changes: readonly Change[]): Promise<void> {
    await sink.append(changes);
    this.#position = changes.at(-1)!.position;
    this.#publishedAt = performance.now();
    for (const { change } of changes) this.published.set(change, (this.published.get(change) ?? 0) + 1);
  }

  #noteTold({ stalenessSeconds }: FeedUpdate): void {
    if (this.#failures > 0) this.#deps.logger.info({}, 'changes are published again');
    this.#failures = 0;
    this.isUp = true;
    // While older calls are still being told it is not known, and no better than before.
    if (stalenessSeconds !== null) this.#told = { at: performance.now(), stalenessSeconds };
  }

  #noteFailure(error: unknown): void {
    this.failed++;
    if (this.#failures++ === 0) this.#deps.logger.warn({ err: error }, 'changes are not published');
  }

  /** Longer each time, and never the same for two publishers. */
  #pause(): number {
    const { min, max } = this.#deps.pauses ?? { min: 500, max: 30_000 };
    return Math.min(max, min * 2 ** (this.#failures - 1)) * (0.5 + Math.random() / 2);
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof SinkForeignError || (error instanceof SubscriptionRefusedError && !error.retryable);
}
