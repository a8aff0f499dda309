import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePattern } from '../../src/grafana/pattern.ts';

/** Patterns of everything that is known, over few letters, so that some match. */
const pattern = fc.letrec<{ choices: string; sequence: string; repeated: string; one: string }>((tie) => ({
  choices: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('|')),
  sequence: fc.array(tie('repeated'), { maxLength: 3 }).map((parts) => parts.join('')),
  repeated: fc
    .tuple(tie('one'), fc.constantFrom('', '', '*', '+', '?', '{2}', '{3}', '{1,2}', '{0,}', '*?'))
    .map((parts) => parts.join('')),
  one: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '[b-d]', '\\.', '\\d', '\\W', '-', ' '),
    tie('choices').map((inside) => `(${inside})`),
    tie('choices').map((inside) => `(?:${inside})`),
  ),
})).choices;
const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.', '1', '-', ' '), maxLength: 6 });

describe('a regular expression of a filter', () => {
  test('matches what JavaScript matches as a whole', () => {
    fc.assert(
      fc.property(pattern, text, (given, value) => {
        // JavaScript itself must come to an end.
        fc.pre(given.length < 80);
        const expected = new RegExp(`^(?:${given})$`, 's').test(value);
        expect(parsePattern(given, 'x').matches(value)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['Fr.*', 'France', true],
    ['Fr', 'France', false],
    ['^France$', 'France', true],
    ['', '', true],
    ['[]a]+', ']a]', true],
    ['[[]', '[', true],
    ['a\\/b', 'a/b', true],
    ['Côte d.Ivoire', "Côte d'Ivoire", true],
    ['a{2,}', 'aaaa', true],
  ])('%s of %s', (given, value, expected) => {
    expect(parsePattern(given, 'x').matches(value)).toBe(expected);
  });

  test.each([
    '(a',
    'a)',
    '[a',
    '*a',
    'a{x}',
    'a{101}',
    '(?=a)',
    '(?<n>a)',
    '\\1',
    '\\b',
    '[z-a]',
    'a\\',
    '{',
  ])('%s cannot be read, and that is said', (given) => {
    expect(() => parsePattern(given, 'Filter "country"')).toThrow(
      /^Filter "country": the regular expression/,
    );
  });

  test('is bounded in its length and depth', () => {
    expect(() => parsePattern('a'.repeat(1001), 'x')).toThrow('at most 1000 characters');
    expect(() => parsePattern('('.repeat(30) + ')'.repeat(30), 'x')).toThrow('at most 20 groups');
  });

  test.each([
    '(a+)+b',
    '(a|a)*b',
    '(a*)*(a*)*(a*)*b',
    '(.*){20}b',
    '((((a*)*)*)*)*b',
    '(((((a?){100}){100}){100}){100}){100}b',
  ])('%s, which would take JavaScript years, takes a moment', (given) => {
    const began = performance.now();
    expect(parsePattern(given, 'x').matches('a'.repeat(128))).toBe(false);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test('that is only texts is these texts', () => {
    const literalsOf = (given: string) => parsePattern(given, 'x').literals;
    expect(literalsOf('a|b c|d')).toEqual(['a', 'b c', 'd']);
    expect(literalsOf('(Congo \\(Rep\\.\\)|a\\|b)')).toEqual(['Congo (Rep.)', 'a|b']);
    expect(literalsOf('France')).toEqual(['France']);
    for (const other of ['a.', 'a*', '[a]', '(a)(b)', '\\d', '^a']) expect(literalsOf(other)).toBeUndefined();
  });
});
