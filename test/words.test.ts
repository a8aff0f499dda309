import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { identifiersOf } from './support/identifiers.ts';

/**
 * One word has one meaning: a request is HTTP's, a query or statement SQL's, an operation or document GraphQL's; limits
 * are MAX_… and MIN_…; what a factory is given is its …Deps, what a caller chooses are …Options.
 */
const taken: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/question|inquir/i, 'request, query, statement or operation'],
  [/^(asked|asking|ASKED)|[a-z](Asked|Asking)|_ASKED/, 'requested, wanted, or what it is'],
  [/(^|_)(MOST|LONGEST|LEAST|DEEPEST|LARGEST)_/, 'MAX_… or MIN_…'],
  [/Needs$|^needs$/, '…Deps or …Options'],
  [/patience|complain/i, 'timeout or error'],
];

const instead = (name: string): string | undefined => taken.find(([pattern]) => pattern.test(name))?.[1];

const files = globSync([
  'src/**/*.ts',
  'packages/client/src/**/*.ts',
  'bench/**/*.ts',
  'codegen/**/*.ts',
  'codegen.ts',
]).filter((file) => !file.includes('node_modules'));

test.each(files)('%s names nothing by a word that has another meaning', (file) => {
  const names = [...identifiersOf(readFileSync(file, 'utf8'))];
  const found = names.filter((name) => instead(name) !== undefined);
  expect(found.map((name) => `${name}: use ${instead(name)}`)).toEqual([]);
});

test('the words are looked for in names alone, and in all of them', () => {
  expect(files.length).toBeGreaterThan(200);
  const source = `/* aQuestion */ const a = 'bQuestion' + /c'Question/.source; // dQuestion
    call(\`eQuestion \${fQuestion(\`gQuestion \${{ hQuestion }}\`)} iQuestion\`, #jQuestion, { kQuestion: 1 / 2 });`;
  const found = [...identifiersOf(source)].filter((name) => instead(name) !== undefined);
  expect(found).toEqual(['fQuestion', 'hQuestion', '#jQuestion', 'kQuestion']);
});

test.each([
  ['parseQuestion', 'wasAsked', 'askedOf', 'MOST_ROWS', 'AppNeeds', 'needs', 'END_PATIENCE', 'complaints'],
])('the words are found in longer names', (...names) => {
  expect(names.filter((name) => instead(name) === undefined)).toEqual([]);
});

test.each([['maskedErrors', 'task', 'needed', 'needsApostrophe', 'request', 'MAX_ROWS', 'almost']])(
  'other names are left alone',
  (...names) => {
    expect(names.filter((name) => instead(name) !== undefined)).toEqual([]);
  },
);
