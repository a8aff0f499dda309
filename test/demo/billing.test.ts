import fc from 'fast-check';
import { expect, test } from 'vitest';
import { billedSeconds, charge, type Terms } from '../../src/demo/billing.ts';

const terms = fc.record({
  interval1: fc.integer({ min: 1, max: 120 }),
  intervalN: fc.integer({ min: 1, max: 60 }),
  connectFee: fc.integer({ min: 0, max: 1_000_000 }),
  priceFactor: fc.integer({ min: 1, max: 3_000 }),
}) satisfies fc.Arbitrary<Terms>;

const duration = fc.integer({ min: 1, max: 14_400_000 });
const price = fc.integer({ min: 0, max: 10_000_000 });

test('billed seconds are found by adding intervals until the call is covered', () => {
  fc.assert(
    fc.property(duration, terms, (millis, given) => {
      let expected = given.interval1;
      while (expected * 1000 < millis) expected += given.intervalN;
      expect(billedSeconds(millis, given)).toBe(expected);
    }),
  );
});

test('the amount is the exact fraction rounded half up to a millionth, never off by binary arithmetic', () => {
  fc.assert(
    fc.property(duration, price, terms, (millis, perMinute, given) => {
      const { billedSeconds: seconds, amount } = charge(millis, perMinute, given);
      const numerator = BigInt(perMinute) * BigInt(given.priceFactor) * BigInt(seconds);
      const denominator = 60_000n;
      const rounded = (2n * numerator + denominator) / (2n * denominator);
      expect(BigInt(amount)).toBe(BigInt(given.connectFee) + rounded);
    }),
    { numRuns: 1000 },
  );
});

test('a call of no duration costs nothing, not even the connect fee', () => {
  const given = { interval1: 60, intervalN: 60, connectFee: 5_000, priceFactor: 1000 };
  expect(charge(0, 10_000, given)).toEqual({ billedSeconds: 0, amount: 0 });
});

test('one second at 0.0104 a minute costs 0.000173: the third part of a millionth is rounded away', () => {
  const bySecond = { interval1: 1, intervalN: 1, connectFee: 0, priceFactor: 1000 };
  expect(charge(1_000, 10_400, bySecond)).toEqual({ billedSeconds: 1, amount: 173 });
  expect(charge(3_000, 10_400, bySecond)).toEqual({ billedSeconds: 3, amount: 520 });
});
