import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filtersByColumn, isForSingleCalls } from '../src/filter/cdr-filter.ts';
import { searchFilters } from '../src/filter/search-filters.ts';
import { searchTexts } from '../src/filter/search-texts.ts';

test('a number is looked for however it is written, with what may have been dialled', () => {
  for (const text of [
    '+33 6 08 47 06 36',
    '0033 6 08 47 06 36',
    'tel:+33608470636',
    'sip:33608470636@192.0.2.1',
  ]) {
    assert.deepEqual(searchTexts(text, '33'), ['33608470636*'], text);
  }
  assert.deepEqual(searchTexts('06 08 47 06 36', '33'), ['33608470636*', '0608470636*']);
  assert.deepEqual(searchTexts('06 08 47 06 36', ''), ['0608470636*'], 'without a country it stays');
});

test('one that is shorter than the numbers of its country is how they begin', () => {
  assert.deepEqual(searchTexts('06 08', '33'), ['33608*', '0608*']);
  assert.deepEqual(searchTexts('+33 6', '33'), ['336*']);
  assert.deepEqual(searchTexts('112', '33'), ['112*']);
  assert.deepEqual(searchTexts('"112"', '33'), ['112'], 'in quotes it is the whole');
  assert.deepEqual(searchTexts('« 06 08 »', '33'), ['33608', '0608']);
});

test('digits that may have a country in front or be of the own one are both', () => {
  assert.deepEqual(searchTexts('608470636', '33'), ['608470636*', '33608470636*']);
  assert.deepEqual(searchTexts('33608470636', '33'), ['33608470636*']);
  assert.deepEqual(searchTexts('612345678', '34'), ['612345678*', '34612345678*']);
});

test('countries dial in ways of their own', () => {
  for (const [country, typed, stored] of [
    ['1', '(212) 555-0199', '12125550199'],
    ['1', '1 212 555 0199', '12125550199'],
    ['1', '011 33 6 08 47 06 36', '33608470636'],
    ['7', '8 (912) 345-67-89', '79123456789'],
    ['7', '810 33 608470636', '33608470636'],
    ['36', '06 30 123 4567', '36301234567'],
    ['39', '06 1234 5678', '390612345678'],
    ['225', '07 01 02 03 04', '2250701020304'],
    ['44', '020 7946 0958', '442079460958'],
    ['61', '0011 33 608470636', '33608470636'],
    ['81', '010 33 608470636', '33608470636'],
    ['65', '001 33 608470636', '33608470636'],
    ['49', '030 123456', '4930123456'],
  ]) {
    assert.equal(searchTexts(typed!, country!)[0], `${stored}*`, `${typed} in ${country}`);
  }
  assert.deepEqual(searchTexts('8 912', '7'), ['8912*'], 'too short to be sure');
});

test('a number in letters is dialled by the keys they stand on, and may be a Call-ID', () => {
  assert.deepEqual(searchTexts('1-800-FLOWERS', '33'), ['18003569377*', '1-800-FLOWERS']);
  assert.deepEqual(searchTexts('1 800 MATTRESS', '33')[0], '18006288737*', 'no more digits than are dialled');
  assert.deepEqual(searchTexts('800-FLOWERS', '1')[0], '18003569377*');
  assert.deepEqual(searchTexts('0800 FLEURS', '33').slice(0, 2), ['33800353877*', '0800353877*']);
});

test('an extension is not looked for', () => {
  for (const text of [
    '+1 212 555 0199 x123',
    '+1-212-555-0199;ext=123',
    '+1 212 555 0199 ext. 123',
    '+12125550199,,123#',
  ]) {
    assert.deepEqual(searchTexts(text, '33'), ['12125550199*'], text);
  }
});

test('stars stand for digits left open', () => {
  assert.deepEqual(searchTexts('*0636', '33'), ['*0636']);
  assert.deepEqual(searchTexts('*47 06*', '33'), ['*4706*']);
  assert.deepEqual(searchTexts('06 08*', '33'), ['33608*', '0608*']);
});

test('what is no number is a Call-ID, or the name of a caller', () => {
  for (const text of [
    'a84b4c76e66710@192.0.2.1',
    '3848276298220188511@192.0.2.1',
    'a84b4c76-e667',
    'anonymous',
    "it's 5%_",
  ]) {
    assert.deepEqual(searchTexts(` ${text} `, '33'), [text]);
  }
  assert.deepEqual(searchTexts('848276298220188511000', '33'), [
    '848276298220188511000*',
    '848276298220188511000',
  ]);
  for (const nothing of ['', '  ', '*', '""', '+', '@']) assert.deepEqual(searchTexts(nothing, '33'), []);
});

test('a number is looked for in all four of a call, as it arrived also with what is dialled before it', () => {
  const startsWith = (digits: string) => ({ startsWith: digits });
  assert.deepEqual(searchFilters(['33608*']), [
    { cld: startsWith('33608') },
    { cli: startsWith('33608') },
    { cldIn: startsWith('33608') },
    { cldIn: startsWith('+33608') },
    { cldIn: startsWith('0033608') },
    { cliIn: startsWith('33608') },
    { cliIn: startsWith('+33608') },
    { cliIn: startsWith('0033608') },
  ]);
  assert.deepEqual(searchFilters(['*0636']).length, 4);
  assert.deepEqual(searchFilters(['a@b']), [
    { callIds: ['a@b'] },
    { cli: { is: 'a@b' } },
    { cliIn: { is: 'a@b' } },
  ]);
  assert.deepEqual(searchFilters([]), []);
});

test('each column is asked for alone where it is looked for at any time', () => {
  const filter = { type: 'ERRORS' as const, anyOf: searchFilters(['33608*', '0608*']) };
  const columns = filtersByColumn(filter);
  assert.deepEqual(
    columns.map(({ anyOf }) => [...new Set([anyOf!].flat().map((each) => Object.keys(each).join()))]),
    [['cld'], ['cli'], ['cldIn'], ['cliIn']],
  );
  assert.ok(columns.every(({ type }) => type === 'ERRORS'));
  assert.equal(columns.flatMap(({ anyOf }) => anyOf!).length, filter.anyOf.length, 'none is lost');
  assert.deepEqual(filtersByColumn({ cld: { is: '1' } }), [{ cld: { is: '1' } }]);
  assert.ok(filtersByColumn({ anyOf: searchFilters(['1-800-FLOWERS', '18003569377*']) }).length <= 5);
});

test('only what an index finds is looked for at any time', () => {
  assert.equal(isForSingleCalls({ anyOf: searchFilters(['33608*']) }), true);
  assert.equal(isForSingleCalls({ anyOf: searchFilters(['a@b']) }), true);
  assert.equal(isForSingleCalls({ anyOf: searchFilters(['*0636']) }), false);
  assert.equal(isForSingleCalls({ cld: { startsWith: '336' } }), true);
  assert.equal(isForSingleCalls({ countries: ['France'] }), false);
  assert.equal(isForSingleCalls({ anyOf: [] }), false);
});
