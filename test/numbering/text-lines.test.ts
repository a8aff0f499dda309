import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Line, readLines } from '../../src/numbering/text-lines.ts';

async function linesOf(chunks: readonly Buffer[]): Promise<Line[]> {
  async function* stream() {
    yield* chunks;
  }
  return (await Array.fromAsync(readLines(stream()))).flat();
}

test('lines are the same in whatever pieces the file comes', async () => {
  const text = fc
    .array(
      fc.oneof(fc.constantFrom('é', '\r', '\n', ';', '"', 'Mnémo', '漢', 'a'), fc.string({ maxLength: 5 })),
    )
    .map((parts) => parts.join(''));
  const file = fc.tuple(text, fc.constantFrom<BufferEncoding>('utf8', 'latin1'), fc.boolean());
  await fc.assert(
    fc.asyncProperty(file, fc.array(fc.nat(60)), async ([content, encoding, hasMark], cuts) => {
      const mark = hasMark ? Buffer.from([0xef, 0xbb, 0xbf]) : Buffer.alloc(0);
      const bytes = Buffer.concat([mark, Buffer.from(content, encoding)]);
      fc.pre(!/^(\xff\xfe|\xfe\xff)/.test(bytes.toString('latin1')));
      const ends = [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
      expect(await linesOf(pieces)).toEqual(await linesOf([bytes]));
    }),
    { numRuns: 1000 },
  );
});

test('every line is counted, and text comes back as it was written', async () => {
  const line = fc.string({ unit: fc.constantFrom('é', 'Ç', 'a', ';', ' ', '€', '1') });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1 }), fc.constantFrom('\n', '\r\n'), async (lines, end) => {
      const read = await linesOf([Buffer.from(lines.map((text) => text + end).join(''))]);
      expect(read).toEqual(lines.map((text, index) => ({ number: index + 1, text })));
    }),
  );
});

test('Windows-1252 has its own signs where Latin-1 has none', async () => {
  expect(await linesOf([Buffer.from([0x80, 0x20, 0x9c, 0x75, 0x66])])).toEqual([
    { number: 1, text: '€ œuf' },
  ]);
});
