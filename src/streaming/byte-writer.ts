/** Takes a full block of bytes; the block is not touched again, unless it is given back. */
export type BlockSink = (block: Buffer) => void;

const BLOCK_BYTES = 64 * 1024;
/** Blocks kept to be written again. */
const MOST_SPARE_BLOCKS = 32;

/**
 * Hands out room in blocks and hands full blocks on. Row encoders write into `block` themselves: they reserve what a
 * row may need, write from `length` on, and say with `advance` how far they came.
 */
export class ByteWriter {
  block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  /** Bytes written to the current block. */
  length = 0;
  readonly #spare: Buffer[] = [];
  readonly #sink: BlockSink;

  constructor(sink: BlockSink) {
    this.#sink = sink;
  }

  /** Makes room for so many bytes in one block, handing the current one on when it is too full. */
  reserve(bytes: number): void {
    if (this.length + bytes <= this.block.length) return;
    this.flush();
    if (bytes > this.block.length) this.block = Buffer.allocUnsafeSlow(bytes);
  }

  /** Text of any length. */
  text(text: string): void {
    this.reserve(text.length * 3);
    this.length += this.block.write(text, this.length);
  }

  /** Hands on what is written. */
  flush(): void {
    if (this.length > 0) this.#sink(this.take());
  }

  /** What is written to the current block, which is not used again. */
  take(): Buffer {
    const taken = this.block.subarray(0, this.length);
    this.block = this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.length = 0;
    return taken;
  }

  /** Gives back a block that was handed on, to be written again: nobody may read it any more. */
  recycle(block: Buffer): void {
    if (block.buffer.byteLength !== BLOCK_BYTES || this.#spare.length >= MOST_SPARE_BLOCKS) return;
    this.#spare.push(Buffer.from(block.buffer, 0, BLOCK_BYTES));
  }
}
