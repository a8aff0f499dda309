import { pipeline, Readable, type Transform } from 'node:stream';
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';

/** Best first: measured on calls as JSON, zstd is both smallest and quickest at its lowest level. */
const encodings = ['zstd', 'br', 'gzip'] as const;
export type Encoding = (typeof encodings)[number];

/** Below this, compressing saves no packet. */
const WORTHWHILE_BYTES = 1400;

const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const zstd = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** The encoding to answer with; undefined for none. An encoding with `q=0` is refused by the client. */
export function negotiateEncoding(acceptEncoding: string | null): Encoding | undefined {
  const accepted = new Map(
    (acceptEncoding ?? '').split(',').map((part) => {
      const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
      const quality = parameters.find((parameter) => parameter.startsWith('q='));
      return [name, quality ? Number(quality.slice(2)) : 1];
    }),
  );
  return encodings.find((encoding) => (accepted.get(encoding) ?? accepted.get('*') ?? 0) > 0);
}

/** The body as the client wants it. A stream stays one: what goes in comes out at once. */
export function compress(
  body: Buffer | Readable,
  encoding: Encoding | undefined,
): { readonly body: Buffer | Readable; readonly encoding: Encoding | undefined } {
  if (!encoding) return { body, encoding };
  if (!(body instanceof Readable)) {
    return body.length < WORTHWHILE_BYTES
      ? { body, encoding: undefined }
      : { body: compressSync(body, encoding), encoding };
  }
  // Errors and an early end travel both ways; the reader of the result sees them.
  return { body: pipeline(body, compressor(encoding), () => {}) as Transform, encoding };
}

function compressSync(body: Buffer, encoding: Encoding): Buffer {
  if (encoding === 'zstd') return zstdCompressSync(body, zstd);
  if (encoding === 'br') return brotliCompressSync(body, brotli);
  return gzipSync(body, { level: 1 });
}

function compressor(encoding: Encoding): Transform {
  if (encoding === 'zstd') return createZstdCompress({ ...zstd, flush: constants.ZSTD_e_flush });
  if (encoding === 'br') return createBrotliCompress({ ...brotli, flush: constants.BROTLI_OPERATION_FLUSH });
  return createGzip({ level: 1, flush: constants.Z_SYNC_FLUSH });
}
