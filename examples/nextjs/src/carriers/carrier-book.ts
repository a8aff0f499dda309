import { type Carrier, MAX_NUMBERS } from './ask-carriers.ts';

export interface CarrierBookOptions {
  readonly ask: (numbers: readonly string[]) => Promise<readonly (Carrier | null)[]>;
  /** Numbers remembered at most. */
  readonly most?: number;
  /** Until numbers that are wanted are asked for: while a reader scrolls on they are not. */
  readonly restMillis?: number;
  /** After a look-up that failed. */
  readonly pauseMillis?: number;
}

const MAX_KNOWN = 50_000;
const REST_MILLIS = 120;
const PAUSE_MILLIS = 15_000;

/**
 * Carriers of the numbers on the screen: asked for together when the reader rests, each once. A look-up that fails
 * leaves a number without, and is nobody's trouble.
 */
export class CarrierBook {
  readonly #options: Required<CarrierBookOptions>;
  readonly #known = new Map<string, Carrier | null>();
  /** How many cells show the number now. */
  readonly #wanted = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #pausedUntil = 0;

  constructor({
    ask,
    most = MAX_KNOWN,
    restMillis = REST_MILLIS,
    pauseMillis = PAUSE_MILLIS,
  }: CarrierBookOptions) {
    this.#options = { ask, most, restMillis, pauseMillis };
  }

  /** Undefined while nobody knows yet; null when there is nothing to know. */
  get(number: string): Carrier | null | undefined {
    return this.#known.get(number);
  }

  /** The number is on the screen, until what is returned is called. */
  want(number: string): () => void {
    this.#wanted.set(number, (this.#wanted.get(number) ?? 0) + 1);
    if (!this.#known.has(number)) this.#askSoon(this.#options.restMillis);
    return () => {
      const others = this.#wanted.get(number)! - 1;
      if (others > 0) this.#wanted.set(number, others);
      else this.#wanted.delete(number);
    };
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
    const numbers = [...this.#wanted.keys()]
      .filter((number) => !this.#known.has(number))
      .slice(0, MAX_NUMBERS);
    if (numbers.length === 0) return;
    this.#isAsking = true;
    try {
      const carriers = await this.#options.ask(numbers);
      numbers.forEach((number, at) => {
        this.#remember(number, carriers[at] ?? null);
      });
      for (const listener of this.#listeners) listener();
    } catch {
      this.#pausedUntil = Date.now() + this.#options.pauseMillis;
    } finally {
      this.#isAsking = false;
    }
    // What came to the screen meanwhile.
    if ([...this.#wanted.keys()].some((number) => !this.#known.has(number))) {
      this.#askSoon(this.#options.restMillis);
    }
  }

  #remember(number: string, carrier: Carrier | null): void {
    if (this.#known.size >= this.#options.most) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(number, carrier);
  }
}
