import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPicker, createRandom } from '../../src/demo/random.ts';

test('the same seed gives the same numbers, another seed others', () => {
  const draw = (seed: number) =>
    Array.from({ length: 100 }, (_, index) => index).map(createRandom(seed).bits);
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

test('numbers stay in their range and fill it evenly', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 1000 }), (seed, limit) => {
      const random = createRandom(seed);
      const drawn = Array.from({ length: 200 }, () => random.below(limit));
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...drawn)).toBeLessThan(limit);
    }),
  );
  const random = createRandom(1);
  const mean =
    Array.from({ length: 100_000 }, () => random.next()).reduce((sum, value) => sum + value, 0) / 1e5;
  expect(mean).toBeCloseTo(0.5, 2);
});

test('a picker draws every index in proportion to its weight, and none without weight', () => {
  const weights = [5, 0, 1, 3, 1];
  const pick = createPicker(weights);
  const random = createRandom(1);
  const drawn = weights.map(() => 0);
  for (let draw = 0; draw < 100_000; draw++) drawn[pick(random)]! += 1;
  expect(drawn[1]).toBe(0);
  expect(drawn.map((count) => count / 10_000)).toEqual(weights.map((weight) => expect.closeTo(weight, 1)));
});

test('half of lognormal values lie below the median', () => {
  const random = createRandom(3);
  const below = Array.from({ length: 50_000 }, () => random.lognormal(75, 1.2)).filter((value) => value < 75);
  expect(below.length / 50_000).toBeCloseTo(0.5, 2);
});
