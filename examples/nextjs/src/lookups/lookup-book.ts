export interface LookupBookOptions<Value> {
  /** Position by position; null is unknown. Takes at most `perRequest` keys. */
  readonly ask: (keys: readonly string[]) => Promise<readonly (Value | null)[]>;
  readonly perRequest: number;
  /** Values remembered at most. */
  readonly most?: number;
  /** Until keys that are wanted are asked for: while a reader scrolls on they are not. */
  readonly restMillis?: number;
  /** After a look-up that failed. */
  readonly pauseMillis?: number;
}

const MAX_KNOWN = 50_000;
const REST_MILLIS = 120;
const PAUSE_MILLIS = 15_000;

/**
 * What is known about what is on the screen: asked for together when the reader rests, each key once. A look-up that
 * fails leaves a key without, and is nobody's trouble.
 */
export class LookupBook<Value> {
  readonly #options: Required<LookupBookOptions<Value>>;
  readonly #known = new Map<string, Value | null>();
  /** How many cells show the key now. */
  readonly #wanted = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #pausedUntil = 0;

  constructor({
    most = MAX_KNOWN,
    restMillis = REST_MILLIS,
    pauseMillis = PAUSE_MILLIS,
    ...options
  }: LookupBookOptions<Value>) {
    this.#options = { ...options, most, restMillis, pauseMillis };
  }

  /** Undefined while nobody knows yet; null when there is nothing to know. */
  get(key: string): Value | null | undefined {
    return this.#known.get(key);
  }

  /** The key is on the screen, until what is returned is called. */
  want(key: string): () => void {
    this.#wanted.set(key, (this.#wanted.get(key) ?? 0) + 1);
    if (!this.#known.has(key)) this.#askSoon(this.#options.restMillis);
    return () => {
      const others = this.#wanted.get(key)! - 1;
      if (others > 0) this.#wanted.set(key, others);
      else this.#wanted.delete(key);
    };
  }

  /** The first value that is known and fits. */
  find(fits: (value: Value) => boolean): Value | undefined {
    for (const value of this.#known.values()) {
      if (value !== null && fits(value)) return value;
    }
    return undefined;
  }

  /** Told when more is known. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #askSoon(millis: number): void {
    if (this.#isAsking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#askNow(), Math.max(millis, this.#pausedUntil - Date.now()));
  }

  async #askNow(): Promise<void> {
    const keys = [...this.#wanted.keys()]
      .filter((key) => !this.#known.has(key))
      .slice(0, this.#options.perRequest);
    if (keys.length === 0) return;
    this.#isAsking = true;
    try {
      const values = await this.#options.ask(keys);
      keys.forEach((key, at) => {
        this.#remember(key, values[at] ?? null);
      });
      for (const listener of this.#listeners) listener();
    } catch {
      this.#pausedUntil = Date.now() + this.#options.pauseMillis;
    } finally {
      this.#isAsking = false;
    }
    // What came to the screen meanwhile.
    if ([...this.#wanted.keys()].some((key) => !this.#known.has(key))) {
      this.#askSoon(this.#options.restMillis);
    }
  }

  #remember(key: string, value: Value | null): void {
    if (this.#known.size >= this.#options.most) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(key, value);
  }
}
