import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rfc3339OfMicros } from '../../src/db/timestamps.ts';
import {
  DayMemo,
  GLUE_SLACK,
  Glue,
  viewOf,
  writeDoubling,
  writeJsonText,
  writeSlice,
  writeTimestamp,
} from '../../src/streaming/wire-text.ts';

/** What a function writes of a text that lies in the midst of other bytes. */
function written(write: typeof writeJsonText, text: string): string {
  const bytes = Buffer.from(text);
  const source = Buffer.concat([Buffer.from('"\\"'), bytes, Buffer.from('"\\"')]);
  const block = Buffer.alloc(6 * bytes.length + 1);
  const end = write(block, viewOf(block), 1, source, viewOf(source), 3, 3 + bytes.length);
  return block.toString('utf8', 1, end);
}

const characters = [...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)), 'é', '漢', '😀'];
/** Each character at each place of a word of four bytes, also as the last of a text. */
const texts = characters.flatMap((character) =>
  ['', 'a', 'ab', 'abc', 'abcd'].flatMap((before) =>
    ['', 'z', 'yz', 'xyz', 'wxyz', `w${character}yz`].map((after) => `${before}${character}${after}`),
  ),
);

describe('text that is copied four bytes at a time', () => {
  test('is escaped as JSON has it, wherever the character is', () => {
    for (const text of texts) expect(`"${written(writeJsonText, text)}"`).toBe(JSON.stringify(text));
  });

  test('has its quotes doubled, wherever they are', () => {
    for (const text of texts) expect(written(writeDoubling, text)).toBe(text.replaceAll('"', '""'));
  });
});

describe('what is written more than a byte at a time', () => {
  test('is any text that stands between values', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(9), (text, at) => {
        const bytes = Buffer.from(text);
        const block = Buffer.alloc(at + bytes.length + GLUE_SLACK);
        expect(new Glue(text).write(viewOf(block), at)).toBe(at + bytes.length);
        expect(block.subarray(at, at + bytes.length).equals(bytes)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  test('is a slice of any length, of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(5), (bytes, at) => {
        const source = Buffer.concat([Buffer.alloc(at, 1), bytes]);
        const block = Buffer.alloc(2 + bytes.length);
        const end = writeSlice(block, viewOf(block), 2, source, viewOf(source), at, source.length);
        expect(end).toBe(2 + bytes.length);
        expect(block.subarray(2).equals(bytes)).toBe(true);
      }),
    );
  });

  test('is a time of any microsecond, and nothing behind it', () => {
    const epoch = BigInt(Date.UTC(2000, 0, 1)) * 1000n;
    const source = Buffer.alloc(8);
    const block = Buffer.alloc(32);
    const memo = new DayMemo();
    const micros = fc.oneof(
      fc.bigInt({ min: -62_167_219_200_000_000n, max: 253_402_300_799_999_999n }),
      fc.bigInt({ min: 1_767_225_600_000_000n, max: 1_767_229_200_000_000n }),
      fc.constantFrom(
        0n,
        -1n,
        86_399_999_999n,
        86_400_000_000n,
        253_402_300_799_999_999n,
        253_402_300_800_000_000n,
      ),
    );
    fc.assert(
      fc.property(micros, (each) => {
        source.writeBigInt64BE(each - epoch);
        block.fill(0x23);
        const end = writeTimestamp(block, viewOf(block), 1, source, viewOf(source), 0, memo);
        const expected = rfc3339OfMicros(each);
        if (expected === undefined) expect(end).toBe(-1);
        else expect(block.toString('latin1')).toBe(`#${expected}${'#'.repeat(31 - expected.length)}`);
      }),
      { numRuns: 5000 },
    );
  });
});
