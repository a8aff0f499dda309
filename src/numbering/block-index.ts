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
  [Symbol.iterator](): Iterator<Block>;
}

/** Digits that blocks have: as numbers they are exact. */
const MAX_DIGITS = 15;
const ZERO = 0x30;

/** A block as numbers that digits are compared with. */
interface Span {
  readonly block: Block;
  readonly length: number;
  readonly first: number;
  readonly last: number;
}

/** A tree of digits: at the end of each prefix its blocks, the smallest first. */
interface Branch {
  readonly next: (Branch | undefined)[];
  readonly spans: Span[];
}

/** One walk along the digits passes every prefix that the number begins with; the last that has a block for it counts. */
export function createBlockIndex(blocks: Iterable<Block>): BlockIndex {
  const root = createBranch();
  const all = [...blocks];
  for (const block of all) growTo(root, block.prefix).spans.push(spanOf(block));
  sortSpans(root);

  function findIn(digits: Uint8Array, from: number, to: number): Block | undefined {
    const length = to - from;
    if (length > MAX_DIGITS) return undefined;
    let number = 0;
    for (let at = from; at < to; at++) number = number * 10 + digits[at]! - ZERO;
    let found: Block | undefined;
    let branch: Branch | undefined = root;
    for (let at = from; at < to; at++) {
      branch = branch.next[digits[at]! - ZERO];
      if (!branch) return found;
      if (branch.spans.length > 0) found = findAmong(branch.spans, number, length) ?? found;
    }
    return found;
  }

  return {
    size: all.length,
    findIn,
    find(national) {
      const digits = Buffer.from(national, 'latin1');
      return findIn(digits, 0, digits.length);
    },
    [Symbol.iterator]: () => all.values(),
  };
}

function findAmong(spans: readonly Span[], number: number, length: number): Block | undefined {
  for (let index = 0; index < spans.length; index++) {
    const span = spans[index]!;
    if (span.length === length && span.first <= number && number <= span.last) return span.block;
  }
  return undefined;
}

function createBranch(): Branch {
  return { next: Array(10).fill(undefined), spans: [] };
}

function growTo(root: Branch, prefix: string): Branch {
  let branch = root;
  for (const character of prefix) {
    const digit = Number(character);
    branch.next[digit] ??= createBranch();
    branch = branch.next[digit];
  }
  return branch;
}

function spanOf(block: Block): Span {
  const { first, last } = block;
  return { block, length: first.length, first: Number(first), last: Number(last) };
}

function sortSpans({ next, spans }: Branch): void {
  spans.sort((one, other) => one.last - one.first - (other.last - other.first));
  for (const branch of next) if (branch) sortSpans(branch);
}
