/**
 * "At this moment the primary's WAL ended at or before this position." Proven, never guessed: a standby that
 * has replayed up to the position has everything that was committed until `at`.
 */
export interface Claim {
  /** The gateway's clock: the earliest the moment can have been. */
  readonly at: number;
  /** The primary's clock at the moment, seconds since 1970. */
  readonly stamp: number;
}

interface Entry {
  readonly lsn: bigint;
  /** The gateway's clock: the WAL reached this far at this moment or before. */
  existedBy: number;
  claim: Claim | undefined;
}

/** Enough for twenty minutes of a standby that stands still, at one sample a second; then the past gets coarser. */
const CAPACITY = 2048;

/**
 * What is known of how one timeline of WAL grew: ascending positions, each with the time it certainly existed and
 * perhaps a claim. It is fed by every witness (the messages each standby got, polls of the primary), in any order,
 * and answers for any position, so standbys vouch for each other. Times are arguments; it has no clock.
 */
export class WalHistory {
  #entries: Entry[] = [];
  #newestClaimAt = Number.NEGATIVE_INFINITY;

  /** The furthest position known to exist; null before the first. A claim about a position is not its existence. */
  get newest(): bigint | null {
    return this.#entries.findLast(({ existedBy }) => Number.isFinite(existedBy))?.lsn ?? null;
  }

  /** When, at the latest reckoning, the end of the WAL was known last; minus infinity before the first claim. */
  get newestClaimAt(): number {
    return this.#newestClaimAt;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The WAL reached `lsn` at `by` or before. Refutes every claim that it ended earlier at that time or later. */
  noteExistence(lsn: bigint, by: number): void {
    const index = this.#lowerBound(lsn);
    if (this.#entries[index]?.lsn !== lsn) {
      // What comes after existed no earlier than this, or this would have existed then too.
      const later = this.#entries[index]?.existedBy ?? Number.POSITIVE_INFINITY;
      this.#entries.splice(index, 0, { lsn, existedBy: Math.min(by, later), claim: undefined });
    }
    for (let below = index; below >= 0; below--) {
      const entry = this.#entries[below]!;
      entry.existedBy = Math.min(entry.existedBy, by);
      if (below < index && entry.claim && entry.claim.at >= by) entry.claim = undefined;
    }
    if (this.#entries.length > CAPACITY) this.#thin();
  }

  /** The WAL ended at or before `lsn` at the moment of the claim. False when it is known to have been longer by then. */
  noteClaim(lsn: bigint, claim: Claim): boolean {
    this.noteExistence(lsn, Number.POSITIVE_INFINITY);
    const index = this.#lowerBound(lsn);
    const next = this.#entries[index + 1];
    if (next && next.existedBy <= claim.at) return false;
    const entry = this.#entries[index]!;
    if (!entry.claim || entry.claim.at < claim.at) entry.claim = claim;
    this.#newestClaimAt = Math.max(this.#newestClaimAt, claim.at);
    return true;
  }

  /** The latest moment whose every commit lies at or before `lsn`; undefined when nothing known says so. */
  claimFor(lsn: bigint): Claim | undefined {
    let best: Claim | undefined;
    for (const entry of this.#entries) {
      if (entry.lsn > lsn) break;
      if (entry.claim && (!best || entry.claim.at > best.at)) best = entry.claim;
    }
    return best;
  }

  /** Since when, at least, there has been WAL beyond `lsn`; undefined when none is known. */
  beyondSince(lsn: bigint): number | undefined {
    const index = this.#lowerBound(lsn + 1n);
    const since = this.#entries[index]?.existedBy;
    return since !== undefined && Number.isFinite(since) ? since : undefined;
  }

  /** Drops what no standby at or beyond `lsn` needs, and keeps the best claim for those exactly there. */
  forgetBelow(lsn: bigint): void {
    const index = this.#lowerBound(lsn + 1n) - 1;
    if (index <= 0) return;
    const claim = this.claimFor(lsn);
    this.#entries[index]!.claim = claim;
    this.#entries.splice(0, index);
  }

  /** First position that is `lsn` or more. */
  #lowerBound(lsn: bigint): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]!.lsn < lsn) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Every second entry of the older half goes. A lost claim only makes an answer older, a lost existence later. */
  #thin(): void {
    const half = this.#entries.length >>> 1;
    this.#entries = this.#entries.filter((_, index) => index >= half || index % 2 === 0);
  }
}
