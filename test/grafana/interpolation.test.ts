import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createInterpolation, withoutVariables } from '../../src/grafana/interpolation.ts';
import { grafanaDataNote, hasGrafanaData, interpolate } from './data-frames.ts';

const formats = [
  'regex',
  'pipe',
  'csv',
  'glob',
  'json',
  'text',
  'raw',
  'singlequote',
  'doublequote',
  'sqlstring',
] as const;

const separators = [
  '(',
  ')',
  '|',
  ',',
  ', ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '\\',
  '.',
  '*',
  '+',
  ' + ',
  '/',
  '-',
  '$',
];
const name = fc
  .array(fc.oneof(fc.constantFrom(...separators), fc.string({ minLength: 1, maxLength: 3 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join(''));
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 5 });

const scopedVars = (values: readonly string[] | string, text: readonly string[] | string = values) => ({
  __interval: { text: '15s', value: '15s' },
  country: { selected: false, text, value: values },
});

describe.skipIf(!hasGrafanaData)(`what Grafana makes of a variable${grafanaDataNote}`, () => {
  test.each(formats)('is read back whatever the names are, in the format %s', (format) => {
    fc.assert(
      fc.property(names, (values) => {
        // Grafana's own for the texts of several.
        const text = interpolate(format, { name: 'country', value: values, text: values.join(' + ') });
        expect(createInterpolation(scopedVars(values)).valuesOfText(text, 'payload')).toEqual(values);
      }),
      { numRuns: 500 },
    );
  });

  test.each(formats)('is read back of a variable that has one value, in the format %s', (format) => {
    fc.assert(
      fc.property(name, (value) => {
        const text = interpolate(format, { name: 'country', value, text: value });
        expect(createInterpolation(scopedVars(value)).valuesOfText(text, 'payload')).toEqual([value]);
      }),
    );
  });

  test('is read back of several values without the variables, where the format escapes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 2, maxLength: 5 }), (values) => {
        const variable = { name: 'country', value: values, text: '' };
        for (const format of ['regex', 'json']) {
          expect(withoutVariables.valuesOfText(interpolate(format, variable), 'country')).toEqual(values);
        }
      }),
    );
  });

  test('is read back as an element of a list, beside what was typed', () => {
    fc.assert(
      fc.property(names, (values) => {
        const text = interpolate('regex', { name: 'country', value: values, text: '' });
        const { valuesOfList } = createInterpolation(scopedVars(values));
        expect(valuesOfList([text, 'Korea, Republic of'], 'country', 'builder')).toEqual([
          ...values,
          'Korea, Republic of',
        ]);
        // In a typed payload the variable is the list itself.
        expect(valuesOfList(values, 'country', 'code')).toEqual(values);
      }),
    );
  });

  test('is the values of the option whose text is shown', () => {
    const { valuesOfText } = createInterpolation(scopedVars(['14', '15'], ['acme (14)', 'beta (15)']));
    expect(valuesOfText('acme (14) + beta (15)', 'account')).toEqual(['14', '15']);
  });

  test('is of the variable that is called as the field, where two become the same', () => {
    const { valuesOfText } = createInterpolation({
      other: { text: '', value: ['a', 'b'] },
      country: { text: '', value: ['a,b'] },
    });
    expect(valuesOfText('a,b', 'country')).toEqual(['a,b']);
    expect(valuesOfText('a,b', 'region')).toEqual(['a', 'b']);
  });
});

test('elements of a list are themselves in a typed payload, and may be escaped in one of the builder', () => {
  const list = ['(a|b)', 'Congo \\(Rep\\.\\)', 'c,d'];
  expect(withoutVariables.valuesOfList(list, 'country', 'code')).toEqual(list);
  expect(withoutVariables.valuesOfList(list, 'country', 'builder')).toEqual([
    'a',
    'b',
    'Congo (Rep.)',
    'c,d',
  ]);
});

describe('a text of no variable', () => {
  test.each([
    ['France', ['France']],
    ['14,15', ['14', '15']],
    ['France,Spain', ['France', 'Spain']],
    ['Korea, Republic of', ['Korea, Republic of']],
    ['Korea, Republic of,France', ['Korea, Republic of', 'France']],
    ['France|Spain', ['France', 'Spain']],
    ['{France,Spain}', ['France', 'Spain']],
    ['{France}', ['France']],
    ['France + Spain', ['France', 'Spain']],
    ['(France|Spain)', ['France', 'Spain']],
    ['(a\\|b|c\\)|)', ['a|b', 'c)', '']],
    ['Congo \\(Rep\\.\\)', ['Congo (Rep.)']],
    ['Congo (Rep.)', ['Congo (Rep.)']],
    ['(Rep.)', ['(Rep.)']],
    ['replica\\-b', ['replica-b']],
    ['America\\/New_York', ['America/New_York']],
    ['"a \\"b\\"","c"', ['a "b"', 'c']],
    ["'it\\'s','d''or'", ["it's", "d'or"]],
    ['["a,b","c|d"]', ['a,b', 'c|d']],
    ['[not json', ['[not json']],
    ['C:\\x', ['C:\\x']],
  ])('%s is read by its form', (text, values) => {
    expect(withoutVariables.valuesOfText(text, 'country')).toEqual(values);
  });

  test('scopedVars of other shapes say nothing', () => {
    for (const odd of [null, 7, [], { a: null, b: 7, c: { value: {} }, d: { value: [{}] }, e: {} }]) {
      expect(createInterpolation(odd).valuesOfText('France', 'country')).toEqual(['France']);
    }
  });
});

describe('a text of a megabyte takes a moment', () => {
  const long = 250_000;
  const texts: Readonly<Record<string, string>> = {
    'a bracket whose end is escaped': `(${'a'.repeat(long)}\\)`,
    'a list that never ends': `(${'a|\\|'.repeat(long / 2)}\\)`,
    'quotes that are doubled': `'${"''".repeat(long)}x`,
    'quotes that are escaped': `"${'\\"'.repeat(long)}x`,
    'pairs of quotes': `${"'','',".repeat(long)}'`,
    'brackets alone': '['.repeat(long),
    'backslashes alone': `(${'\\'.repeat(long + 1)})`,
  };
  test.each(Object.entries(texts))('%s', (_, text) => {
    const before = process.cpuUsage();
    withoutVariables.valuesOfText(text, 'country');
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1500);
  });

  test('as many texts beside as many variables as there may be', () => {
    const scopedVars = Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [`v${index}`, { value: [`${index}`, 'x'] }]),
    );
    const interpolation = createInterpolation(scopedVars);
    const before = process.cpuUsage();
    for (let list = 0; list < 100; list++) {
      const values = Array.from({ length: 1000 }, (_, index) => `${list} ${index}`);
      interpolation.valuesOfList(values, 'country', 'code');
    }
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1500);
  });

  test('more variables than a dashboard has are refused', () => {
    const variables = Array.from({ length: 501 }, (_, index) => [`v${index}`, { value: 'x' }]);
    const interpolation = createInterpolation(Object.fromEntries(variables));
    expect(() => interpolation.valuesOfText('x', 'country')).toThrow('at most 500 variables');
  });

  test('what is escaped at the end of a list is no list', () => {
    expect(withoutVariables.valuesOfText('(a|b\\)', 'country')).toEqual(['(a', 'b\\)']);
  });
});
