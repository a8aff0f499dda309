/** How long a smallest difference is believed; clocks drift and are stepped. */
const WINDOW_SECONDS = 300;

/**
 * The smallest difference seen lately between the standby's clock on receipt of a message and its upstream's
 * clock on sending it: the offset of the two clocks plus the time the quickest message travelled.
 *
 * Nothing travels back in time, so a negative difference proves that the standby's clock is behind by at least
 * that much, and every age computed with it is too small by as much. A positive one proves nothing: it is a
 * clock ahead or a slow link, and is left in, where it only makes ages too large.
 */
export class ClockSkew {
  #current: number | null = null;
  #previous: number | null = null;
  #since = Number.NEGATIVE_INFINITY;

  note(difference: number, now: number): void {
    if (now - this.#since > WINDOW_SECONDS) {
      this.#previous = this.#current;
      this.#current = null;
      this.#since = now;
    }
    this.#current = Math.min(this.#current ?? difference, difference);
  }

  /** Seconds; null until a message was seen. */
  get smallest(): number | null {
    if (this.#current === null || this.#previous === null) return this.#current ?? this.#previous;
    return Math.min(this.#current, this.#previous);
  }

  /** What every age on this standby's clock must be lengthened by. */
  get correction(): number {
    return Math.max(0, -(this.smallest ?? 0));
  }
}
