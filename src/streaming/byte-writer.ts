import { usedMemory } from '../db/wire/used-memory.ts';
import { viewOf } from './wire-text.ts';

const NOTHING = Buffer.alloc(0);

/** Takes a full block of bytes; the block is not touched again, unless it is given back. */
export type BlockSink = (block: Buffer) => void;

const BLOCK_BYTES = 64 * 1024;

/** Blocks to be written again. Which answer they were part of last does not matter, so all answers share them. */
const spareBlocks: Buffer[] = [];
const MAX_SPARE_BLOCKS = 64;
/** What is under the blocks that were handed on and may come back; any other buffer is not ours. */
const lentBlocks = new WeakSet<ArrayBufferLike>();

function freshBlock(): Buffer {
  return spareBlocks.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
}

/** Marks the block as one that may come back. */
function lend(block: Buffer): Buffer {
  if (block.buffer.byteLength === BLOCK_BYTES) lentBlocks.add(block.buffer);
  return block;
}

/**
 * Gives back a block that was handed on, or a buffer that is none: it must not be read any more. The second time, and
 * what never was a block, nothing happens.
 */
export function recycleBlock({ buffer }: Buffer): void {
  if (!lentBlocks.delete(buffer) || spareBlocks.length >= MAX_SPARE_BLOCKS) return;
  const block = Buffer.from(buffer, 0, BLOCK_BYTES);
  usedMemory.overwrite?.(block);
  spareBlocks.push(block);
}

/**
 * Hands out room in blocks and hands full blocks on. Row encoders write into `block` themselves: they reserve what a
 * row may need, write from `length` on, and say with `advance` how far they came.
 */
export class ByteWriter {
  block: Buffer = freshBlock();
  /** Of the same bytes as `block`. */
  view = viewOf(this.block);
  /** Bytes written to the current block. */
  length = 0;
  readonly #sink: BlockSink;

  constructor(sink: BlockSink) {
    this.#sink = sink;
  }

  /** Makes room for so many bytes in one block, handing the current one on when it is too full. */
  reserve(bytes: number): void {
    if (this.length + bytes <= this.block.length) return;
    this.flush();
    if (bytes > this.block.length) this.#use(Buffer.allocUnsafeSlow(bytes));
  }

  /** Text of any length. */
  text(text: string): void {
    this.reserve(text.length * 3);
    this.length += this.block.write(text, this.length);
  }

  /** Hands on what is written. */
  flush(): void {
    if (this.length > 0) this.#sink(this.#take());
  }

  /** What is written to the current block: the end of an answer that stayed short. Nothing may be written after this. */
  finish(): Buffer {
    const written = lend(this.block.subarray(0, this.length));
    this.#use(NOTHING);
    return written;
  }

  /** Gives the current block back. Nothing may be written after this. */
  close(): void {
    recycleBlock(lend(this.block));
    this.#use(NOTHING);
  }

  #use(block: Buffer): void {
    this.block = block;
    this.view = viewOf(block);
    this.length = 0;
  }

  #take(): Buffer {
    const taken = lend(this.block.subarray(0, this.length));
    this.#use(freshBlock());
    return taken;
  }
}
