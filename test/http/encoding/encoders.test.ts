import { randomBytes } from 'node:crypto';
import {
  brotliDecompressSync,
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  zstdDecompressSync,
} from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Coding } from '../../../src/http/encoding/accept-encoding.ts';
import { compressWhole } from '../../../src/http/encoding/block-compressor.ts';
import { type Encoder, encoderKinds } from '../../../src/http/encoding/encoders.ts';

const decode = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

interface Block {
  readonly bytes: Buffer;
  readonly isStored: boolean;
}

/** What calls look like, what random bytes look like, one byte over and over; also longer than any coding stores at once. */
const bytes = fc.oneof(
  fc
    .integer({ min: 1, max: 900 })
    .map((count) =>
      Buffer.from(
        Array.from(
          { length: count },
          (_, index) =>
            `{"id":"${index * 7919}","connectTime":"2026-01-05T09:00:${index % 60}Z","cld":"4420718"},`,
        ).join(''),
      ),
    ),
  fc.integer({ min: 1, max: 70_000 }).map((length) => randomBytes(length)),
  fc.integer({ min: 1, max: 400_000 }).map((length) => Buffer.alloc(length, 'a')),
);

const blocks = fc.array(fc.record({ bytes, isStored: fc.boolean() }), { maxLength: 12 });

/** The blocks as the coding can have them. */
function possible(coding: Coding, given: readonly Block[]): readonly Block[] {
  const { canStore, canStoreAgain } = encoderKinds[coding];
  let wasCompressed = false;
  return given.map(({ bytes, isStored }) => {
    const stores = isStored && canStore && (canStoreAgain || !wasCompressed);
    wasCompressed ||= !stores;
    return { bytes, isStored: stores };
  });
}

async function encode(encoder: Encoder, { bytes, isStored }: Block): Promise<Buffer> {
  return Buffer.concat(isStored ? encoder.store!(bytes) : await encoder.compress(bytes));
}

test.each(['gzip', 'zstd', 'br'] as const)(
  'whatever blocks are stored and compressed in %s, what is decoded is what was given',
  async (coding) => {
    await fc.assert(
      fc.asyncProperty(blocks, async (given) => {
        const encoder = encoderKinds[coding].create();
        const written: Buffer[] = [];
        for (const block of possible(coding, given)) {
          const { bytes } = block;
          // The memory is written again as soon as the block is encoded.
          const lent = { ...block, bytes: Buffer.from(bytes) };
          written.push(await encode(encoder, lent));
          lent.bytes.fill(0);
        }
        written.push(...(await encoder.end()));
        encoder.destroy();
        const plain = Buffer.concat(given.map(({ bytes }) => bytes));
        expect(decode[coding](Buffer.concat(written)).equals(plain)).toBe(true);
      }),
      { numRuns: 60 },
    );
  },
);

test.each([
  ['gzip', createGunzip],
  ['zstd', createZstdDecompress],
] as const)('each block in %s can be decoded before the next one is there', async (coding, createDecoder) => {
  const encoder = encoderKinds[coding].create();
  const decoder = createDecoder();
  const given = [true, true, false, true, false].map((isStored, index) => ({
    bytes: Buffer.from(`block ${index} `.repeat(2000)),
    isStored,
  }));
  for (const block of possible(coding, given)) {
    const expected = block.bytes.toString();
    await new Promise((resolve, reject) => {
      decoder.once('error', reject);
      encode(encoder, block).then((written) => decoder.write(written, resolve), reject);
    });
    let decoded = '';
    while (decoded.length < expected.length) decoded += decoder.read() ?? '';
    expect(decoded === expected).toBe(true);
  }
  encoder.destroy();
  decoder.destroy();
});

test('zstd is one frame: there are clients that read no second one', async () => {
  const encoder = encoderKinds.zstd.create();
  const block = Buffer.from('calls '.repeat(20_000));
  const written = [...encoder.store!(block), ...(await encoder.compress(block)), ...(await encoder.end())];
  const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
  const encoded = Buffer.concat(written);

  expect([encoded.indexOf(magic), encoded.lastIndexOf(magic)]).toEqual([0, 0]);
  expect(() => encoder.store!(block)).toThrow('behind one that was compressed');
});

test('stored blocks are not copied', () => {
  const block = Buffer.from('calls '.repeat(20_000));
  for (const coding of ['gzip', 'zstd'] as const) {
    const pieces = encoderKinds[coding].create().store!(block).filter(
      ({ buffer }) => buffer === block.buffer,
    );
    expect(pieces.reduce((sum, { length }) => sum + length, 0)).toBe(block.length);
  }
});

test.each(['gzip', 'zstd', 'br'] as const)('a whole body in %s, short or long', async (coding) => {
  for (const length of [0, 1, 64 * 1024, 64 * 1024 + 1, 3_000_000]) {
    const body = Buffer.alloc(length, '{"id":"12345"}');
    expect(decode[coding](await compressWhole(body, coding)).equals(body)).toBe(true);
  }
});
