/**
 * What compressing costs by itself, with each setting that Node's zlib offers a server: `node bench/compressors.ts FILE`, where
 * FILE is an answer as it comes, such as a list of 100,000 calls. Batches as the gateway makes them, the settings in turns.
 */
import { readFileSync } from 'node:fs';
import { constants as c, createBrotliCompress, createDeflateRaw, createZstdCompress } from 'node:zlib';

const BATCH_BYTES = 256 * 1024;
const ROUNDS = 3;

const output = { chunkSize: 64 * 1024, readableHighWaterMark: 1024 * 1024 };
const gzip = (options: object) => () =>
  createDeflateRaw({ ...output, flush: c.Z_SYNC_FLUSH, level: 1, ...options });
const br = (quality: number, params = {}) => {
  const all = { [c.BROTLI_PARAM_QUALITY]: quality, ...params };
  return () => createBrotliCompress({ ...output, flush: c.BROTLI_OPERATION_FLUSH, params: all });
};
const zstd = (level: number) => {
  const params = {
    [c.ZSTD_c_compressionLevel]: level,
    [c.ZSTD_c_windowLog]: 19,
    [c.ZSTD_c_checksumFlag]: 0,
  };
  return () => createZstdCompress({ ...output, flush: c.ZSTD_e_flush, params });
};

const settings = {
  'gzip 1, as served': gzip({}),
  'gzip 1, more memory': gzip({ memLevel: 9 }),
  'gzip 1, a window of 8 kB': gzip({ windowBits: 13, memLevel: 9 }),
  'gzip 1, fixed codes': gzip({ strategy: c.Z_FIXED }),
  'gzip 1, run lengths': gzip({ strategy: c.Z_RLE }),
  'gzip 1, Huffman codes alone': gzip({ strategy: c.Z_HUFFMAN_ONLY }),
  'gzip 2': gzip({ level: 2 }),
  'br 1, as served': br(1),
  'br 1, text': br(1, { [c.BROTLI_PARAM_MODE]: c.BROTLI_MODE_TEXT }),
  'br 1, a window of 256 kB': br(1, { [c.BROTLI_PARAM_LGWIN]: 18 }),
  'br 0': br(0),
  'br 2': br(2),
  'zstd 1, as served': zstd(1),
  'zstd -1': zstd(-1),
};

/** Bytes that came out. */
async function compress(body: Buffer, make: () => ReturnType<typeof createDeflateRaw>): Promise<number> {
  const stream = make();
  let bytes = 0;
  for (let at = 0; at < body.length; at += BATCH_BYTES) {
    await new Promise((resolve) => stream.write(body.subarray(at, at + BATCH_BYTES), resolve));
    bytes += stream.read()?.length ?? 0;
  }
  stream.end();
  for await (const rest of stream) bytes += rest.length;
  return bytes;
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Usage: node bench/compressors.ts FILE');
const body = readFileSync(file);
const figures = Object.entries(settings).map(([name, make]) => ({
  name,
  make,
  millis: Number.POSITIVE_INFINITY,
  bytes: 0,
}));
for (let round = 0; round <= ROUNDS; round++) {
  for (const figure of figures) {
    const before = process.cpuUsage();
    figure.bytes = await compress(body, figure.make as never);
    const { user, system } = process.cpuUsage(before);
    figure.millis = Math.min(figure.millis, (user + system) / 1000);
  }
}
for (const { name, millis, bytes } of figures) {
  const size = `${(bytes / 1e6).toFixed(2)} MB`;
  console.log(`${name.padEnd(30)} ${millis.toFixed(0).padStart(5)} ms of processor  ${size.padStart(8)}`);
}
