import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import {
  type BrotliCompress,
  brotliCompress,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createDeflateRaw,
  createZstdCompress,
  type DeflateRaw,
  gzip,
  gzipSync,
  type ZstdCompress,
  zstdCompress,
  zstdCompressSync,
} from 'node:zlib';
import type { Coding } from './accept-encoding.ts';

/** Of what comes out at once; a block of calls becomes some ten kilobytes. */
const OUTPUT_BYTES = 64 * 1024;
/** A block is compressed before its output is looked at, however much that is. */
const output = { chunkSize: OUTPUT_BYTES, readableHighWaterMark: 1024 * 1024 };

const deflate = { level: 1 };
const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

/** What a decoder must remember: our own frame headers say it too. */
export const ZSTD_WINDOW_LOG = 19;
const zstd = {
  params: {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_windowLog]: ZSTD_WINDOW_LOG,
    [constants.ZSTD_c_checksumFlag]: 0,
  },
};

const streams = {
  deflate: () => createDeflateRaw({ ...output, ...deflate, flush: constants.Z_SYNC_FLUSH }),
  br: () => createBrotliCompress({ ...output, ...brotli, flush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdCompress({ ...output, ...zstd, flush: constants.ZSTD_e_flush }),
};

/** Compresses blocks, one after the other, on another thread; of each, all that a decoder needs comes out at once. */
export class BlockCompressor {
  readonly #stream: BrotliCompress | DeflateRaw | ZstdCompress;

  constructor(format: keyof typeof streams) {
    this.#stream = streams[format]();
    // Whoever waits is told by the callback; a stream that is destroyed while nobody waits tells nobody.
    this.#stream.on('error', () => {});
  }

  /** Rejects when it is destroyed first: then the block may still be read, and must not be written again. */
  async compress(block: Buffer): Promise<Buffer> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(block, (error) => (error ? reject(error) : resolve()));
    });
    return this.#stream.read() ?? NOTHING;
  }

  /** What belongs behind the last block. */
  async end(): Promise<Buffer> {
    this.#stream.end();
    return buffer(this.#stream);
  }

  destroy(): void {
    this.#stream.destroy();
  }
}

const NOTHING = Buffer.alloc(0);

/** Longer ones would hold up every other request. */
const MAX_BYTES_AT_ONCE = 64 * 1024;

const [gzipAsync, brotliAsync, zstdAsync] = [
  promisify(gzip),
  promisify(brotliCompress),
  promisify(zstdCompress),
];

/** A body that is there as a whole. */
export function compressWhole(body: Buffer, coding: Coding): Buffer | Promise<Buffer> {
  const atOnce = body.length <= MAX_BYTES_AT_ONCE;
  if (coding === 'zstd') return atOnce ? zstdCompressSync(body, zstd) : zstdAsync(body, zstd);
  if (coding === 'br') return atOnce ? brotliCompressSync(body, brotli) : brotliAsync(body, brotli);
  return atOnce ? gzipSync(body, deflate) : gzipAsync(body, deflate);
}
