import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Block, createBlockIndex } from '../../src/numbering/block-index.ts';

/** Few digits, so that blocks often lie in one another. */
const digit = fc.constantFrom('0', '1', '9');
const digits = (minLength: number, maxLength: number) => fc.string({ unit: digit, minLength, maxLength });

/** A block whose ends lie anywhere behind its prefix. */
const block: fc.Arbitrary<Block> = fc
  .record({ prefix: digits(1, 5), length: fc.integer({ min: 5, max: 7 }) })
  .chain(({ prefix, length }) => {
    const end = digits(length - prefix.length, length - prefix.length);
    const code = fc.constantFrom('AAAA', 'BBBB', 'CCCC');
    return fc.tuple(end, end, code).map(([one, other, holderCode]) => {
      const [first, last] = [prefix + one, prefix + other].sort() as [string, string];
      return { prefix, first, last, holderCode, territory: null };
    });
  });

/** What the index answers, the slow way. */
function search(blocks: readonly Block[], number: string): Block | undefined {
  return blocks
    .filter(({ first, last }) => number.length === first.length && first <= number && number <= last)
    .toSorted(
      (one, other) =>
        other.prefix.length - one.prefix.length ||
        Number(one.last) - Number(one.first) - (Number(other.last) - Number(other.first)),
    )[0];
}

test('the block with the longest prefix is found, as by looking at every one of them', () => {
  const lookUp = fc
    .array(block, { maxLength: 30 })
    .chain((blocks) =>
      fc.tuple(
        fc.constant(blocks),
        fc.array(fc.oneof(digits(4, 8), ...blocks.flatMap(({ first, last }) => [near(first), near(last)]))),
      ),
    );
  let found = 0;
  fc.assert(
    fc.property(lookUp, ([blocks, numbers]) => {
      const index = createBlockIndex(blocks);
      expect(index.size).toBe(blocks.length);
      for (const number of numbers) {
        const expected = search(blocks, number);
        expect(index.find(number)).toBe(expected);
        if (expected) found++;
      }
    }),
    { numRuns: 2000 },
  );
  // A test of nothing but misses would prove little.
  expect(found).toBeGreaterThan(2000);
});

/** The number itself and its neighbours. */
function near(number: string): fc.Arbitrary<string> {
  return fc
    .constantFrom(-1, 0, 1)
    .map((step) => String(Math.max(0, Number(number) + step)).padStart(number.length, '0'));
}

test('every block of the plan can be listed', () => {
  fc.assert(
    fc.property(fc.array(block), (blocks) => {
      expect(new Set(createBlockIndex(blocks))).toEqual(new Set(blocks));
    }),
  );
});

test('an empty plan finds nothing', () => {
  expect(createBlockIndex([]).find('0612345678')).toBeUndefined();
});
