import type { ReplayedMoment } from '../db/calls/arrived-calls.ts';
import { type KeyRange, lackingIn, unite } from './told-keys.ts';

/** A key whose call may still come. */
interface OpenHole {
  readonly range: KeyRange;
  /** In milliseconds of the process. */
  readonly since: number;
  /** Known once it was open for a while: its transaction, if there is one, has an id below. */
  transactionsBelow: bigint | undefined;
}

/**
 * Between drawing a key and the transaction having an id that standbys have heard of lie microseconds where the key is the
 * column's default. A hole is given so long before the transactions are looked at that may yet fill it.
 */
export const HOLE_MILLIS = 5000;

/** Whether a hole fills is known when every transaction that may have drawn its key has ended; not before. */
export class OpenHoles {
  #holes: OpenHole[] = [];

  get isEmpty(): boolean {
    return this.#holes.length === 0;
  }

  /** In order. */
  get ranges(): readonly KeyRange[] {
    return unite(this.#holes.map(({ range }) => range));
  }

  open(ranges: readonly KeyRange[], now: number): void {
    for (const range of ranges) this.#holes.push({ range, since: now, transactionsBelow: undefined });
  }

  /** Calls with these keys, which are in order, have come. */
  fill(keys: readonly bigint[]): void {
    if (keys.length === 0) return;
    this.#holes = this.#holes.flatMap((hole) => {
      const inside = keys.filter((key) => key >= hole.range.from && key <= hole.range.to);
      if (inside.length === 0) return [hole];
      return lackingIn(hole.range, inside).map((range) => ({ ...hole, range }));
    });
  }

  /**
   * Closes the holes that nothing can fill any more: they were looked at after this moment, and every transaction that could
   * have filled them had ended by then. Returns them, in order.
   */
  close({ endedBelow, nextTransaction }: ReplayedMoment, now: number): readonly KeyRange[] {
    const closed: KeyRange[] = [];
    this.#holes = this.#holes.filter((hole) => {
      if (hole.transactionsBelow !== undefined && hole.transactionsBelow <= endedBelow) {
        closed.push(hole.range);
        return false;
      }
      if (hole.transactionsBelow === undefined && now - hole.since >= HOLE_MILLIS) {
        hole.transactionsBelow = nextTransaction;
      }
      return true;
    });
    return unite(closed);
  }
}

/** Keys that are sought one by one, and ranges that are too long for that. */
export function splitHoles(ranges: readonly KeyRange[]): {
  readonly keys: readonly bigint[];
  readonly spans: readonly KeyRange[];
} {
  const keys: bigint[] = [];
  const spans: KeyRange[] = [];
  for (const range of ranges) {
    if (range.to - range.from >= MAX_KEYS_OF_HOLE) spans.push(range);
    else for (let key = range.from; key <= range.to; key++) keys.push(key);
  }
  return { keys, spans };
}

const MAX_KEYS_OF_HOLE = 64n;
