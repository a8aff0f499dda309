import { crc32 } from 'node:zlib';
import type { Coding } from './accept-encoding.ts';
import { BlockCompressor, ZSTD_WINDOW_LOG } from './block-compressor.ts';

/** Writes one body in one coding, block by block. Each block can be decoded as soon as it is there. */
export interface Encoder {
  /** The block as it is, in what the coding puts around it; its bytes are not copied. Not every coding can. */
  store?(block: Buffer): readonly Buffer[];
  compress(block: Buffer): Promise<readonly Buffer[]>;
  /** What belongs behind the last block. */
  end(): Promise<readonly Buffer[]>;
  destroy(): void;
}

/**
 * One member of gzip. Its blocks say themselves how they are written, and one that is compressed refers to nothing
 * before itself but what its own compressor has seen, so both kinds may follow each other in any order.
 */
class GzipEncoder implements Encoder {
  static readonly #HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  static readonly #LAST_BLOCK = Buffer.from([1, 0, 0, 0xff, 0xff]);
  static readonly #MAX_STORED_BYTES = 0xffff;

  #isBegun = false;
  #crc = 0;
  #bytes = 0;
  #compressor: BlockCompressor | undefined;

  store(block: Buffer): readonly Buffer[] {
    // What comes is not what it has seen.
    this.#forgetCompressor();
    const pieces = split(block, GzipEncoder.#MAX_STORED_BYTES).flatMap((piece) => {
      const head = Buffer.allocUnsafe(5);
      head[0] = 0;
      head.writeUInt16LE(piece.length, 1);
      head.writeUInt16LE(piece.length ^ 0xffff, 3);
      return [head, piece];
    });
    return this.#behindHead(block, pieces);
  }

  async compress(block: Buffer): Promise<readonly Buffer[]> {
    this.#compressor ??= new BlockCompressor('deflate');
    const compressed = await this.#compressor.compress(block);
    return this.#behindHead(block, [compressed]);
  }

  async end(): Promise<readonly Buffer[]> {
    this.#forgetCompressor();
    const trailer = Buffer.allocUnsafe(8);
    trailer.writeUInt32LE(this.#crc, 0);
    trailer.writeUInt32LE(this.#bytes % 2 ** 32, 4);
    return this.#behindHead(NOTHING, [GzipEncoder.#LAST_BLOCK, trailer]);
  }

  destroy(): void {
    this.#compressor?.destroy();
  }

  #forgetCompressor(): void {
    this.#compressor?.destroy();
    this.#compressor = undefined;
  }

  #behindHead(block: Buffer, written: readonly Buffer[]): readonly Buffer[] {
    this.#crc = crc32(block, this.#crc);
    this.#bytes += block.length;
    if (this.#isBegun) return written;
    this.#isBegun = true;
    return [GzipEncoder.#HEAD, ...written];
  }
}

/**
 * One frame of zstd: several would be allowed, and there are clients that stop behind the first. Within a frame a
 * compressed block goes on from the state in which the last one left the decoder, so the blocks that are compressed
 * are those of one compressor, without a stored one between them: none is stored behind them.
 */
class ZstdEncoder implements Encoder {
  static readonly #HEAD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (ZSTD_WINDOW_LOG - 10) << 3]);
  static readonly #LAST_BLOCK = Buffer.from([1, 0, 0]);
  static readonly #MAX_STORED_BYTES = 128 * 1024;

  #isBegun = false;
  #compressor: BlockCompressor | undefined;

  store(block: Buffer): readonly Buffer[] {
    if (this.#compressor) throw new Error('A stored block of zstd comes behind one that was compressed.');
    const pieces = split(block, ZstdEncoder.#MAX_STORED_BYTES).flatMap((piece) => {
      const head = Buffer.allocUnsafe(3);
      // Neither the last block nor of another kind than raw: the bits of both are 0.
      head.writeUIntLE(piece.length << 3, 0, 3);
      return [head, piece];
    });
    return this.#behindHead(pieces);
  }

  async compress(block: Buffer): Promise<readonly Buffer[]> {
    const isFirst = this.#compressor === undefined;
    this.#compressor ??= new BlockCompressor('zstd');
    const compressed = await this.#compressor.compress(block);
    return this.#behindHead([isFirst ? withoutHead(compressed, ZstdEncoder.#HEAD) : compressed]);
  }

  async end(): Promise<readonly Buffer[]> {
    return this.#behindHead([(await this.#compressor?.end()) ?? ZstdEncoder.#LAST_BLOCK]);
  }

  destroy(): void {
    this.#compressor?.destroy();
  }

  #behindHead(written: readonly Buffer[]): readonly Buffer[] {
    if (this.#isBegun) return written;
    this.#isBegun = true;
    return [ZstdEncoder.#HEAD, ...written];
  }
}

class BrotliEncoder implements Encoder {
  readonly #compressor = new BlockCompressor('br');

  async compress(block: Buffer): Promise<readonly Buffer[]> {
    return [await this.#compressor.compress(block)];
  }

  async end(): Promise<readonly Buffer[]> {
    return [await this.#compressor.end()];
  }

  destroy(): void {
    this.#compressor.destroy();
  }
}

export interface EncoderKind {
  readonly canStore: boolean;
  /** Whether blocks may be stored behind others that were compressed. */
  readonly canStoreAgain: boolean;
  create(): Encoder;
}

export const encoderKinds: Readonly<Record<Coding, EncoderKind>> = {
  gzip: { canStore: true, canStoreAgain: true, create: () => new GzipEncoder() },
  zstd: { canStore: true, canStoreAgain: false, create: () => new ZstdEncoder() },
  br: { canStore: false, canStoreAgain: false, create: () => new BrotliEncoder() },
};

const NOTHING = Buffer.alloc(0);

function split(block: Buffer, maxBytes: number): readonly Buffer[] {
  if (block.length <= maxBytes) return [block];
  const pieces: Buffer[] = [];
  for (let from = 0; from < block.length; from += maxBytes)
    pieces.push(block.subarray(from, from + maxBytes));
  return pieces;
}

/** The compressor begins with the head of a frame, of which ours is the copy. */
function withoutHead(compressed: Buffer, head: Buffer): Buffer {
  if (!head.equals(compressed.subarray(0, head.length))) {
    throw new Error(`The head of a zstd frame is ${compressed.toString('hex', 0, head.length)}.`);
  }
  return compressed.subarray(head.length);
}
