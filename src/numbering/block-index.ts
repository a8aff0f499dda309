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
  /** The same for digits that lie from `from` to `to`. */
  findIn(digits: Uint8Array, from: number, to: number): Block | undefined;
  /** Digits of the number looked up last that decide in which block it is: of those behind them only the count matters. */
  readonly decidedBy: number;
  [Symbol.iterator](): Iterator<Block>;
}

/** Digits that blocks have: as numbers they are exact. */
const MAX_DIGITS = 15;
const ZERO = 0x30;

/**
 * One walk along the digits passes every prefix that the number begins with; the last that has a block for it counts. The
 * tree of digits is a table of numbers, not of objects: a list of calls looks up a hundred thousand, and what is not in
 * the processor's caches is most of the cost.
 */
export function createBlockIndex(blocks: Iterable<Block>): BlockIndex {
  const all = [...blocks];
  const { next, begins, spans } = buildTree(all);
  const firsts = Float64Array.from(spans, ({ first }) => Number(first));
  const lasts = Float64Array.from(spans, ({ last }) => Number(last));
  const lengths = Uint8Array.from(spans, ({ first }) => first.length);
  const areWhole = Uint8Array.from(spans, (span) => (isWhole(span) ? 1 : 0));
  let decidedBy = 0;

  function findIn(digits: Uint8Array, from: number, to: number): Block | undefined {
    const length = to - from;
    decidedBy = length;
    if (length > MAX_DIGITS) return undefined;
    let walked = length;
    let seesAll = false;
    let number = 0;
    for (let at = from; at < to; at++) number = number * 10 + digits[at]! - ZERO;
    let found = -1;
    for (let at = from, branch = 0; at < to; at++) {
      branch = next[10 * branch + digits[at]! - ZERO]!;
      if (branch === 0) {
        walked = at - from + 1;
        break;
      }
      const end = begins[branch + 1]!;
      for (let span = begins[branch]!; span < end; span++) {
        if (lengths[span] !== length) continue;
        if (areWhole[span] === 0) {
          seesAll = true;
          if (number < firsts[span]! || number > lasts[span]!) continue;
        }
        found = span;
        break;
      }
    }
    if (!seesAll) decidedBy = walked;
    return spans[found];
  }

  return {
    size: all.length,
    get decidedBy() {
      return decidedBy;
    },
    findIn,
    find(national) {
      const digits = Buffer.from(national, 'latin1');
      return findIn(digits, 0, digits.length);
    },
    [Symbol.iterator]: () => all.values(),
  };
}

interface Tree {
  /** By branch and digit: the next branch; 0, the root, where there is none. */
  readonly next: Int32Array;
  /** By branch: where its blocks begin among all. */
  readonly begins: Int32Array;
  /** Branch by branch, those of one prefix the smallest first. */
  readonly spans: readonly Block[];
}

function buildTree(blocks: readonly Block[]): Tree {
  const children: number[] = Array(10).fill(0);
  const ofBranch: Block[][] = [[]];
  for (const block of blocks) {
    let branch = 0;
    for (const character of block.prefix) {
      const slot = 10 * branch + Number(character);
      if (children[slot] === 0) {
        children[slot] = ofBranch.push([]) - 1;
        for (let digit = 0; digit < 10; digit++) children.push(0);
      }
      branch = children[slot]!;
    }
    ofBranch[branch]!.push(block);
  }
  const begins = new Int32Array(ofBranch.length + 1);
  for (const [branch, own] of ofBranch.entries()) {
    own.sort((one, other) => countNumbers(one) - countNumbers(other));
    begins[branch + 1] = begins[branch]! + own.length;
  }
  return { next: Int32Array.from(children), begins, spans: ofBranch.flat() };
}

/** Whether all numbers of its length that begin with its prefix lie in it. */
function isWhole({ prefix, first, last }: Block): boolean {
  const rest = first.length - prefix.length;
  return first === prefix + '0'.repeat(rest) && last === prefix + '9'.repeat(rest);
}

/** At most fifteen digits, so the difference is exact. */
function countNumbers({ first, last }: Block): number {
  return Number(last) - Number(first);
}
