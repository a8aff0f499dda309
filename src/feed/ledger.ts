import type { ReplayedMoment } from '../db/calls/arrived-calls.ts';
import {
  type LedgerEntry,
  type LedgerReader,
  selectLedgerBetween,
  selectLedgerBounds,
  selectLedgerOf,
} from '../db/calls/ledger-entries.ts';
import { OpenHoles, splitHoles } from './open-holes.ts';
import { type KeyRange, rangesOf, ToldKeys, upToKey } from './told-keys.ts';

/** Entries of one look. */
const MAX_ENTRIES = 500;
/** Numbers below the largest that are looked through for holes when it begins. */
const START_NUMBERS = 20_000n;
const MAX_NUMBER = 2n ** 63n - 1n;

/** What a look has found. It counts as told when it is `taken`. */
export interface LedgerLook {
  readonly entries: readonly LedgerEntry[];
  readonly told: ToldKeys;
  readonly hasMore: boolean;
}

/**
 * The corrections that the primary notes, found as calls are: by numbers that are drawn in order and committed in any, so that
 * those that others have overtaken are looked for until nothing can fill them.
 */
export class Ledger {
  readonly #holes = new OpenHoles();
  told: ToldKeys;

  private constructor(told: ToldKeys) {
    this.told = told;
    this.#holes.open(told.holes, performance.now());
  }

  /** Goes on behind what was told. */
  static at(told: ToldKeys): Ledger {
    return new Ledger(told);
  }

  /** Everything that is visible by now counts as told. */
  static async begin(reader: LedgerReader): Promise<Ledger> {
    const [smallest, upTo] = await selectLedgerBounds(reader);
    const below = upTo - START_NUMBERS;
    // Where none is kept they begin with 1: whoever was told none lacks nothing that went before it.
    const low = below > smallest ? below : smallest > 0n ? smallest - 1n : 0n;
    const span = { above: low, upTo };
    const entries = await selectLedgerBetween(reader, span, Number(START_NUMBERS));
    return new Ledger(new ToldKeys(low).extendedBy(entries.map(({ n }) => n)));
  }

  get openHoles(): number {
    return this.#holes.ranges.length;
  }

  /** What has come since. */
  async look(reader: LedgerReader): Promise<LedgerLook> {
    const late = await this.#readHoles(reader);
    const span = { above: this.told.upTo, upTo: MAX_NUMBER };
    const behind = await selectLedgerBetween(reader, span, MAX_ENTRIES);
    const extended = this.told.extendedBy(behind.map(({ n }) => n));
    return {
      entries: [...late, ...behind],
      told: extended.with(rangesOf(late.map(({ n }) => n))),
      hasMore: behind.length === MAX_ENTRIES,
    };
  }

  /** What was found is told; `moment` was read before the look. */
  take({ entries, told, hasMore }: LedgerLook, moment: ReplayedMoment): void {
    const now = performance.now();
    const before = this.told.upTo;
    this.#holes.fill(entries.filter(({ n }) => n <= before).map(({ n }) => n));
    this.#holes.open(
      told.holes.filter(({ from }) => from > before),
      now,
    );
    this.told = hasMore ? told : told.with(this.#holes.close(moment, now));
  }

  /** Nothing has come by this moment. */
  close(moment: ReplayedMoment): void {
    if (!this.#holes.isEmpty) this.told = this.told.with(this.#holes.close(moment, performance.now()));
  }

  async #readHoles(reader: LedgerReader): Promise<readonly LedgerEntry[]> {
    if (this.#holes.isEmpty) return [];
    const { keys, spans } = splitHoles(this.#holes.ranges);
    const found = [...(await selectLedgerOf(reader, keys))];
    for (const { from, to } of spans) {
      if (found.length > MAX_ENTRIES) break;
      found.push(...(await selectLedgerBetween(reader, { above: from - 1n, upTo: to }, MAX_ENTRIES)));
    }
    return found;
  }
}

/** What somebody lacks of the ledger: the first part of it. */
export interface LedgerPart {
  readonly entries: readonly LedgerEntry[];
  readonly told: readonly KeyRange[];
  /** The smallest number that is kept; 0 where none is. */
  readonly smallest: bigint;
}

/** Entries of the first of these ranges, which are in order. */
export async function readLedgerPart(reader: LedgerReader, ranges: readonly KeyRange[]): Promise<LedgerPart> {
  const [above, last] = [ranges[0]!.from - 1n, ranges.at(-1)!.to];
  const [smallest] = await selectLedgerBounds(reader);
  const entries = await selectLedgerBetween(reader, { above, upTo: last }, MAX_ENTRIES);
  const end = entries.length < MAX_ENTRIES ? last : entries.at(-1)!.n;
  const told = upToKey(ranges, end);
  const inside = entries.filter(({ n }) => told.some(({ from, to }) => n >= from && n <= to));
  return { entries: inside, told, smallest };
}
