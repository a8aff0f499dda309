/** Keys from `from` up to `to`, both included. */
export interface KeyRange {
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * Which calls were told, by their keys: all up to `upTo` but those in the holes. Keys are drawn in order and committed in
 * any: a hole is a key that another call has overtaken. Immutable; the same on every standby and every gateway.
 */
export class ToldKeys {
  readonly upTo: bigint;
  /** In order, apart from one another, none above `upTo`. */
  readonly holes: readonly KeyRange[];

  constructor(upTo: bigint, holes: readonly KeyRange[] = []) {
    this.upTo = upTo;
    this.holes = holes;
  }

  has(key: bigint): boolean {
    return key <= this.upTo && !isWithin(this.holes, key);
  }

  /** Everything up to there, but for keys between the given ones, which are in order and are all above `upTo`. */
  extendedBy(keys: readonly bigint[]): ToldKeys {
    const holes = [...this.holes];
    let upTo = this.upTo;
    for (const key of keys) {
      if (key > upTo + 1n) holes.push({ from: upTo + 1n, to: key - 1n });
      upTo = key;
    }
    return new ToldKeys(upTo, holes);
  }

  /** The same with these told too, which may lie above `upTo`: what they leave out becomes a hole. */
  with(told: readonly KeyRange[]): ToldKeys {
    const beyond = told.filter(({ to }) => to > this.upTo);
    const upTo = beyond.at(-1)?.to ?? this.upTo;
    const skipped = upTo > this.upTo ? [{ from: this.upTo + 1n, to: upTo }] : [];
    return new ToldKeys(upTo, subtract([...this.holes, ...skipped], told));
  }

  /** The same without these. */
  without(ranges: readonly KeyRange[]): ToldKeys {
    return new ToldKeys(this.upTo, unite([...this.holes, ...upToKey(ranges, this.upTo)]));
  }

  /** What is told here and not there. */
  missingIn(other: ToldKeys): readonly KeyRange[] {
    const beyond = other.upTo < this.upTo ? [{ from: other.upTo + 1n, to: this.upTo }] : [];
    const lacking = [...upToKey(other.holes, this.upTo), ...beyond];
    return subtract(lacking, this.holes);
  }
}

function isWithin(ranges: readonly KeyRange[], key: bigint): boolean {
  let [low, high] = [0, ranges.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { from, to } = ranges[middle]!;
    if (key < from) high = middle - 1;
    else if (key > to) low = middle + 1;
    else return true;
  }
  return false;
}

/** The parts of ranges that lie no further. */
export function upToKey(ranges: readonly KeyRange[], key: bigint): readonly KeyRange[] {
  return ranges.flatMap(({ from, to }) => (from <= key ? [{ from, to: to < key ? to : key }] : []));
}

/** In order, and none touching the next. */
export function unite(ranges: readonly KeyRange[]): readonly KeyRange[] {
  const united: { from: bigint; to: bigint }[] = [];
  for (const { from, to } of ranges.toSorted((one, other) => (one.from < other.from ? -1 : 1))) {
    const last = united.at(-1);
    if (last && from <= last.to + 1n) last.to = to > last.to ? to : last.to;
    else united.push({ from, to });
  }
  return united;
}

/** Both in order. */
function subtract(ranges: readonly KeyRange[], taken: readonly KeyRange[]): readonly KeyRange[] {
  if (taken.length === 0) return ranges;
  const left: KeyRange[] = [];
  let at = 0;
  for (const range of ranges) {
    let { from } = range;
    while (at < taken.length && taken[at]!.to < from) at++;
    for (let next = at; next < taken.length && taken[next]!.from <= range.to && from <= range.to; next++) {
      const { from: start, to: end } = taken[next]!;
      if (start > from) left.push({ from, to: start - 1n });
      if (end >= from) from = end + 1n;
    }
    if (from <= range.to) left.push({ from, to: range.to });
  }
  return left;
}

/** Consecutive keys as ranges. */
export function rangesOf(keys: readonly bigint[]): readonly KeyRange[] {
  return unite(keys.map((key) => ({ from: key, to: key })));
}

/** The keys of a range that are none of these, which are in order. */
export function lackingIn({ from, to }: KeyRange, keys: readonly bigint[]): readonly KeyRange[] {
  return subtract([{ from, to }], rangesOf(keys));
}
