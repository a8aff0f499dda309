import { describe, expect, test } from 'vitest';
import { readNumber } from '../../src/numbering/dialled-number.ts';

describe('a number is read as switches write it', () => {
  test.each([
    ['33612345678', '33612345678', '0612345678'],
    ['+33612345678', '33612345678', '0612345678'],
    ['0033612345678', '33612345678', '0612345678'],
    ['+33 6 12 34 56 78', '33612345678', '0612345678'],
    ['33.6.12.34.56.78', '33612345678', '0612345678'],
    [' +33-6-12-34-56-78 ', '33612345678', '0612345678'],
    ['+33\u00a06\u202f12345678', '33612345678', '0612345678'],
    ['+33 (0)6 12 34 56 78', '330612345678', '0612345678'],
    ['0612345678', undefined, '0612345678'],
    ['06 12 34 56 78', undefined, '0612345678'],
    ['262692123456', '262692123456', '0692123456'],
    ['262262123456', '262262123456', '0262123456'],
    ['590690123456', '590690123456', '0690123456'],
    ['594694123456', '594694123456', '0694123456'],
    ['596696123456', '596696123456', '0696123456'],
    ['508412345', '508412345', '0508412345'],
    ['508708561234', '508708561234', '0708561234'],
    ['07000012345678', undefined, '07000012345678'],
    ['337000012345678', '337000012345678', '07000012345678'],
    ['0700500123456', undefined, '0700500123456'],
    ['590700500123456', '590700500123456', '0700500123456'],
    ['442071838750', '442071838750', undefined],
    ['0012125551234', '12125551234', undefined],
    // Too short or too long for France, so of no block.
    ['3361234567', '3361234567', undefined],
    ['336123456789', '336123456789', undefined],
  ])('%s', (text, international, national) => {
    expect(readNumber(text)).toEqual({ international, national, isShort: false });
  });

  test.each(['15', '112', '3620', '1034', '118000', '116006'])('%s is a short code', (text) => {
    expect(readNumber(text)).toEqual({ international: undefined, national: text, isShort: true });
  });

  test.each([
    '',
    ' ',
    '+',
    '00',
    'anonymous',
    '*31#0612345678',
    '0099#612345678',
    '000612345678',
    '+0612345678',
    '++33612345678',
    '0',
    '061234567',
    '06123456789',
    '4',
    '9999',
    'sip:33612345678@example',
    '٣٣٦١٢٣٤٥٦٧٨',
    '33612345678'.repeat(2),
  ])('is none: %s', (text) => {
    expect(readNumber(text)).toBeUndefined();
  });
});

test('a text of any length is looked at no further than a number goes', () => {
  expect(readNumber('1'.repeat(10_000_000))).toBeUndefined();
});

describe('prefixes that the switch puts before numbers', () => {
  const prefixes = ['0099#', '00', '8101'];

  test.each([
    ['0099#33612345678', '33612345678'],
    ['810133612345678', '33612345678'],
    ['8101+33612345678', '33612345678'],
    ['0033612345678', '33612345678'],
    ['33612345678', '33612345678'],
  ])('%s', (text, international) => {
    expect(readNumber(text, prefixes)?.international).toBe(international);
  });

  test('the longest that fits is taken off, once', () => {
    expect(readNumber('810133612345678', ['81', '8101', '810'])?.international).toBe('33612345678');
    expect(readNumber('8101810133612345678', ['8101'])?.international).toBe('810133612345678');
  });
});
