import type { Call, CallList } from './call-list.ts';

const NEWLINE = 0x0a;
const OPENING_BRACE = 0x7b;
/** Large enough that little of it stays empty, small enough to be given back soon. */
const BLOCK_BYTES = 4 * 1024 * 1024;
/** Some screens full of calls, so that scrolling back and forth parses nothing twice. */
const MAX_PARSED = 4096;

interface Block {
  readonly bytes: Uint8Array;
  /** Where each of its calls ends. */
  ends: Uint32Array;
  calls: number;
  /** Calls in the blocks before. */
  readonly before: number;
}

/**
 * A million calls as the JSON they came in: some 400 bytes each, outside the garbage collector's care. A call is parsed
 * when it is looked at.
 */
export class StreamedCalls implements CallList {
  readonly #blocks: Block[] = [];
  readonly #parsed = new Map<number, Call>();
  readonly #decoder = new TextDecoder();

  get length(): number {
    const last = this.#blocks.at(-1);
    return last ? last.before + last.calls : 0;
  }

  /** Takes whole lines, `{"cursor":"…","node":{…}}`, and keeps the node of each. */
  append(lines: Uint8Array): void {
    for (let start = 0, end = 0; start < lines.length; start = end + 1) {
      end = lines.indexOf(NEWLINE, start);
      // No cursor has a brace in it.
      const node = lines.indexOf(OPENING_BRACE, start + 1);
      if (node > start && node < end) this.#keep(lines.subarray(node, end - 1));
    }
  }

  at(index: number): Call | undefined {
    const known = this.#parsed.get(index);
    if (known) return known;
    const text = this.#textOf(index);
    if (text === undefined) return undefined;
    if (this.#parsed.size >= MAX_PARSED) this.#parsed.delete(this.#parsed.keys().next().value!);
    const call = JSON.parse(text) as Call;
    this.#parsed.set(index, call);
    return call;
  }

  #keep(node: Uint8Array): void {
    const block = this.#blockFor(node.length);
    const used = endOf(block);
    if (block.calls === block.ends.length) block.ends = grown(block.ends);
    block.bytes.set(node, used);
    block.ends[block.calls] = used + node.length;
    block.calls += 1;
  }

  #textOf(index: number): string | undefined {
    const block = this.#blockOf(index);
    const call = index - (block?.before ?? 0);
    if (!block || call < 0 || call >= block.calls) return undefined;
    const start = call === 0 ? 0 : block.ends[call - 1]!;
    return this.#decoder.decode(block.bytes.subarray(start, block.ends[call]));
  }

  /** The block that holds the call; blocks grow in number, not in size, so halving finds it. */
  #blockOf(index: number): Block | undefined {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#blocks[middle]!.before <= index) low = middle;
      else high = middle - 1;
    }
    return this.#blocks[low];
  }

  /** The last block while there is room in it. */
  #blockFor(length: number): Block {
    const last = this.#blocks.at(-1);
    if (last && last.bytes.length - endOf(last) >= length) return last;
    const block: Block = {
      bytes: new Uint8Array(Math.max(BLOCK_BYTES, length)),
      ends: new Uint32Array(16_384),
      calls: 0,
      before: this.length,
    };
    this.#blocks.push(block);
    return block;
  }
}

function endOf({ calls, ends }: Block): number {
  return calls === 0 ? 0 : ends[calls - 1]!;
}

function grown(numbers: Uint32Array): Uint32Array {
  const larger = new Uint32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}
