import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinDecimal, splitDecimal } from '../../src/rollups/decimals.ts';

const decimals = fc
  .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 17n }), fc.stringMatching(/^\d{0,18}$/))
  .map(([isNegative, whole, fraction]) => `${isNegative ? '-' : ''}${whole}${fraction && `.${fraction}`}`);

/** In units of the last digit that is kept. */
function unitsOf(text: string): bigint {
  const [whole, fraction = ''] = text.replace('-', '').split('.');
  const units = BigInt(whole! + fraction.padEnd(18, '0'));
  return text.startsWith('-') ? -units : units;
}

/** As SQLite does. */
function sumOf(texts: readonly string[]) {
  const parts = texts.map((text) => splitDecimal(text)!);
  const sum = (name: 'whole' | 'nanos' | 'rest') =>
    parts.reduce((total, each) => total + BigInt(each[name]), 0n);
  const digits = parts.reduce((most, each) => Math.max(most, Number(each.digits)), 0);
  return { whole: sum('whole'), nanos: sum('nanos'), rest: sum('rest'), digits: BigInt(digits) };
}

test('decimals are added up exactly, and shown with as many digits as PostgreSQL shows', () => {
  fc.assert(
    fc.property(fc.array(decimals, { minLength: 1, maxLength: 20 }), (texts) => {
      const shown = joinDecimal(sumOf(texts))!;
      expect(unitsOf(shown)).toBe(texts.reduce((total, text) => total + unitsOf(text), 0n));
      const digits = Math.max(...texts.map((text) => text.split('.')[1]?.length ?? 0));
      expect(shown.split('.')[1]?.length ?? 0).toBe(digits);
    }),
  );
});

test.each(['NaN', 'Infinity', '1e5', '0.1234567890123456789', '1234567890123456789', ''])(
  '%j is not kept',
  (text) => expect(splitDecimal(text)).toBeUndefined(),
);

test('a sum of nothing is none', () => {
  const { digits } = splitDecimal(null)!;
  expect(digits).toBeNull();
  expect(joinDecimal({ whole: 0n, nanos: 0n, rest: 0n, digits: null })).toBeNull();
});
