import type { Call, CallList } from './call-list.ts';

const NEWLINE = 0x0a;
/** Large enough that few lines are moved from one block into the next, small enough to be given back soon. */
const BLOCK_BYTES = 4 * 1024 * 1024;
/** Some screens full of calls, so that scrolling back and forth parses nothing twice. */
const MAX_PARSED = 4096;

interface Block {
  readonly bytes: Uint8Array;
  /** Bytes written. */
  used: number;
  /** Where each of its lines ends, without the newline. */
  ends: Uint32Array;
  lines: number;
  /** Lines in the blocks before. */
  readonly before: number;
}

/**
 * A million calls as the lines they came in: some 400 bytes each, outside the garbage collector's care. A line is
 * parsed when it is looked at.
 */
export class StreamedCalls implements CallList {
  readonly #blocks: Block[] = [];
  readonly #parsed = new Map<number, Call>();
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  #lineStart = 0;

  get length(): number {
    const last = this.#blocks.at(-1);
    return last ? last.before + last.lines : 0;
  }

  /** Takes bytes as they come from the network; a line may be cut anywhere. */
  append(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      const block = this.#blockFor(rest);
      const part = rest.subarray(0, block.bytes.length - block.used);
      block.bytes.set(part, block.used);
      this.#findLines(block, block.used, block.used + part.length);
      block.used += part.length;
      rest = rest.subarray(part.length);
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

  /** Takes the last line away and returns it: a stream that broke off says so there. */
  takeLastLine(): string | undefined {
    const last = this.length - 1;
    const text = this.#textOf(last);
    const block = this.#blocks.at(-1);
    if (text === undefined || !block) return undefined;
    block.lines -= 1;
    this.#parsed.delete(last);
    block.used = block.lines === 0 ? 0 : block.ends[block.lines - 1]! + 1;
    this.#lineStart = block.used;
    return text;
  }

  /** What came after the last newline is no line: it is thrown away before more is appended. */
  dropUnfinished(): void {
    const block = this.#blocks.at(-1);
    if (block) block.used = this.#lineStart;
  }

  #textOf(index: number): string | undefined {
    const block = this.#blockOf(index);
    const line = index - (block?.before ?? 0);
    if (!block || line < 0 || line >= block.lines) return undefined;
    const start = line === 0 ? 0 : block.ends[line - 1]! + 1;
    return this.#decoder.decode(block.bytes.subarray(start, block.ends[line]));
  }

  /** The block that holds the line; blocks grow in number, not in size, so halving finds it. */
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

  /** The last block while it has room; else a new one, which the unfinished line moves into. */
  #blockFor(rest: Uint8Array): Block {
    const last = this.#blocks.at(-1);
    if (last && last.used < last.bytes.length) return last;
    const unfinished = last ? last.bytes.slice(this.#lineStart, last.used) : this.#encoder.encode('');
    if (last) last.used = this.#lineStart;
    const size = Math.max(BLOCK_BYTES, 2 * unfinished.length + Math.min(rest.length, BLOCK_BYTES));
    const block: Block = {
      bytes: new Uint8Array(size),
      used: unfinished.length,
      ends: new Uint32Array(16_384),
      lines: 0,
      before: this.length,
    };
    block.bytes.set(unfinished);
    this.#blocks.push(block);
    this.#lineStart = 0;
    return block;
  }

  #findLines(block: Block, from: number, to: number): void {
    const written = block.bytes.subarray(from, to);
    for (let at = written.indexOf(NEWLINE); at >= 0; at = written.indexOf(NEWLINE, at + 1)) {
      if (block.lines === block.ends.length) block.ends = grown(block.ends);
      block.ends[block.lines] = from + at;
      block.lines += 1;
      this.#lineStart = from + at + 1;
    }
  }
}

function grown(numbers: Uint32Array): Uint32Array {
  const larger = new Uint32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}
