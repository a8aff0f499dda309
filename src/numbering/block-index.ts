/** Consecutive numbers that one operator was given. Numbers are text: they begin with 0. */
export interface Block {
  /** What all of its numbers begin with. */
  readonly prefix: string;
  /** First and last number, of one length. */
  readonly first: string;
  readonly last: string;
  readonly holderCode: string;
  readonly territory: string | null;
}

export interface BlockIndex {
  readonly size: number;
  /** Of the blocks the number lies in, the one with the longest prefix, and of these the smallest. */
  find(national: string): Block | undefined;
  [Symbol.iterator](): Iterator<Block>;
}

/**
 * The lengths that prefixes have are few, so each is tried, the longest first. Blocks of one prefix stand together, the
 * smallest first.
 */
export function createBlockIndex(blocks: Iterable<Block>): BlockIndex {
  const byPrefix = new Map<string, Block[]>();
  let size = 0;
  for (const block of blocks) {
    const neighbours = byPrefix.get(block.prefix);
    if (neighbours) neighbours.push(block);
    else byPrefix.set(block.prefix, [block]);
    size++;
  }
  for (const neighbours of byPrefix.values()) neighbours.sort(bySize);
  const lengths = [...new Set([...byPrefix.keys()].map(({ length }) => length))].sort((a, b) => b - a);

  return {
    size,
    find(national) {
      for (const length of lengths) {
        const found = byPrefix.get(national.slice(0, length))?.find((block) => holds(block, national));
        if (found) return found;
      }
      return undefined;
    },
    *[Symbol.iterator]() {
      for (const neighbours of byPrefix.values()) yield* neighbours;
    },
  };
}

/** Text of one length compares as numbers do. */
function holds({ first, last }: Block, national: string): boolean {
  return national.length === first.length && first <= national && national <= last;
}

/** At most fifteen digits, so the difference is exact. */
function bySize(one: Block, other: Block): number {
  return countNumbers(one) - countNumbers(other);
}

function countNumbers({ first, last }: Block): number {
  return Number(last) - Number(first);
}
