import type { CallChange } from './change-stream.ts';

/** Changes that are kept for those who come back. */
const MAX_CHANGES = 200_000;

/**
 * The corrections and deletions of the last while, in the order of their commits: what somebody lacks who comes back, or was
 * too slow. The table does not say what changed, so that what is not here can be told no more.
 */
export class ChangeLog {
  #changes: CallChange[] = [];
  #from = 0;
  /** Every change of a transaction that committed from there on is here. */
  start: bigint;

  constructor(start: bigint) {
    this.start = start;
  }

  get size(): number {
    return this.#changes.length - this.#from;
  }

  add(change: CallChange): void {
    this.#changes.push(change);
    if (this.size <= MAX_CHANGES) return;
    this.start = this.#changes[this.#from++]!.commitLsn + 1n;
    if (this.#from < MAX_CHANGES / 2) return;
    this.#changes = this.#changes.slice(this.#from);
    this.#from = 0;
  }

  /** Those of transactions that committed from there on; undefined where some of them are here no more. */
  since(lsn: bigint): readonly CallChange[] | undefined {
    if (lsn < this.start) return undefined;
    let [low, high] = [this.#from, this.#changes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#changes[middle]!.commitLsn < lsn) low = middle + 1;
      else high = middle;
    }
    return this.#changes.slice(low);
  }
}
