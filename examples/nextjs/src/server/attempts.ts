/** An attempt to sign in, counted as failed until it has succeeded. */
export interface Attempt {
  succeeded(): void;
}

const WINDOW_MILLIS = 60_000;
/** From one address, within the window, by whatever name. */
const MAX_OF_ADDRESS = 8;
/** By one name, from whatever address: then somebody guesses from many. */
const MAX_OF_NAME = 24;
/** Addresses and names that are remembered, each. */
const MAX_KNOWN = 10_000;

/**
 * Counts failed attempts, so that a password cannot be found by trying. A name under attack is not locked: an address
 * that has not failed is heard, so its owner gets in, and the attackers have one attempt a minute from each of theirs.
 */
export class Attempts {
  readonly #byAddress = new RecentTimes();
  readonly #byName = new RecentTimes();

  /** Undefined: not now. `now` in milliseconds. */
  begin(address: string, name: string, now: number): Attempt | undefined {
    const allowed = this.#byName.count(name, now) < MAX_OF_NAME ? MAX_OF_ADDRESS : 1;
    if (this.#byAddress.count(address, now) >= allowed) return undefined;
    // Before the outcome is known, or a thousand could be under way at once.
    this.#byAddress.add(address, now);
    this.#byName.add(name, now);
    return {
      // Only this one: who has a password of their own has no more attempts at that of others.
      succeeded: () => {
        this.#byAddress.remove(address, now);
        this.#byName.remove(name, now);
      },
    };
  }
}

/** Times within the window, by key. */
class RecentTimes {
  readonly #times = new Map<string, number[]>();

  count(key: string, now: number): number {
    return this.#recent(key, now).length;
  }

  add(key: string, now: number): void {
    const times = [...this.#recent(key, now), now];
    // The key that was added last is the last to be forgotten.
    this.#times.delete(key);
    if (this.#times.size >= MAX_KNOWN) this.#times.delete(this.#times.keys().next().value!);
    this.#times.set(key, times);
  }

  remove(key: string, at: number): void {
    const times = this.#times.get(key) ?? [];
    const index = times.indexOf(at);
    if (index >= 0) times.splice(index, 1);
    if (times.length === 0) this.#times.delete(key);
  }

  #recent(key: string, now: number): readonly number[] {
    return (this.#times.get(key) ?? []).filter((time) => time > now - WINDOW_MILLIS);
  }
}
