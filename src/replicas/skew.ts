/** How long a smallest difference is believed; clocks drift and are stepped. */
const WINDOW_SECONDS = 300;
/** On a link without a queue a message takes no longer than this. */
const MAX_TRAVEL_SECONDS = 0.5;

/** The differences seen in one window. */
interface Window {
  smallest: number;
  /** One of them was of a message that found no queue before it. */
  hasPrompt: boolean;
}

/**
 * The smallest difference seen lately between the standby's clock on receipt of a message and its upstream's
 * clock on sending it: the offset of the two clocks plus the time the quickest message travelled.
 *
 * Nothing travels back in time, so a negative difference proves that the standby's clock is behind by at least
 * that much, and every age computed with it is too small by as much. A positive one is a clock ahead or a slow link,
 * and is left in, where it only makes ages too large. But a clock that is behind by ten seconds, seen through a link
 * on which messages queue for eleven, looks like one that is ahead by one second: see `isPlausible`.
 */
export class ClockSkew {
  #current: Window | null = null;
  #previous: Window | null = null;
  #since = Number.NEGATIVE_INFINITY;

  /** `isPrompt`: the message answered a ping on an idle link, so it cannot have waited in a queue. */
  note(difference: number, now: number, isPrompt = false): void {
    if (now - this.#since > WINDOW_SECONDS) {
      this.#previous = this.#current;
      this.#current = null;
      this.#since = now;
    }
    this.#current ??= { smallest: difference, hasPrompt: false };
    this.#current.smallest = Math.min(this.#current.smallest, difference);
    this.#current.hasPrompt ||= isPrompt;
  }

  /** The standby's clock was set back by so many seconds: so are all differences that it will show from now on. */
  setBack(seconds: number): void {
    for (const window of this.#windows) window.smallest -= seconds;
  }

  /** Seconds; null until a message was seen. */
  get smallest(): number | null {
    const windows = this.#windows;
    return windows.length === 0 ? null : Math.min(...windows.map(({ smallest }) => smallest));
  }

  /** What every age on this standby's clock must be lengthened by. */
  get correction(): number {
    return Math.max(0, -(this.smallest ?? 0));
  }

  /**
   * Whether `correction` can be all of it. A difference that is about nothing would need a wrong clock and a queue that
   * cancel each other out; any other one is believed only if a message without a queue before it was seen.
   */
  get isPlausible(): boolean {
    const { smallest } = this;
    if (smallest === null || Math.abs(smallest) <= MAX_TRAVEL_SECONDS) return true;
    return this.#windows.some(({ hasPrompt }) => hasPrompt);
  }

  get #windows(): Window[] {
    return [this.#current, this.#previous].filter((window) => window !== null);
  }
}
