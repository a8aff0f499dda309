import fc from 'fast-check';
import examples from 'libphonenumber-js/examples.mobile.json' with { type: 'json' };
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import metadata from 'libphonenumber-js/metadata.max';
import { describe, expect, test } from 'vitest';
import { createWorldPlan, type Place } from '../../src/numbering/world-plan.ts';

const world = createWorldPlan(metadata);

const kinds: Readonly<Record<string, Place['lineKind']>> = {
  FIXED_LINE: 'FIXED',
  MOBILE: 'MOBILE',
  FIXED_LINE_OR_MOBILE: 'FIXED_OR_MOBILE',
  PREMIUM_RATE: 'PREMIUM_RATE',
  TOLL_FREE: 'TOLL_FREE',
  SHARED_COST: 'SHARED_COST',
  VOIP: 'VOIP',
  PERSONAL_NUMBER: 'OTHER',
  PAGER: 'OTHER',
  UAN: 'OTHER',
  VOICEMAIL: 'OTHER',
};

/** The library's own answer. */
function ask(international: string): Place | undefined {
  const parsed = parsePhoneNumberFromString(`+${international}`);
  const type = parsed?.getType();
  return parsed && { country: parsed.country ?? null, lineKind: type ? kinds[type]! : null };
}

const callingCodes = [...Object.keys(metadata.country_calling_codes), ...Object.keys(metadata.nonGeographic)];

describe('country and kind of line are those that libphonenumber tells', () => {
  test.each(Object.entries(examples))('for the example number of %s', (country, national) => {
    const number = `${metadata.countries[country as 'FR']![0]}${national}`;
    expect(world.findPlace(number)).toEqual(ask(number));
  });

  test('for any number of any country', () => {
    const numbers = fc
      .tuple(fc.constantFrom(...callingCodes), fc.stringMatching(/^\d{4,12}$/))
      .map(([code, national]) => code + national);
    expect(countAgreeing(numbers)).toBeGreaterThan(200);
  });

  test('for numbers beside the examples: one digit different, or one too many', () => {
    const beside = fc
      .tuple(
        fc.constantFrom(...Object.entries(examples)),
        fc.nat(14),
        fc.nat(9),
        fc.constantFrom('', '0', '5'),
      )
      .map(([[country, national], at, digit, more]) => {
        const place = at % national.length;
        const changed = national.slice(0, place) + digit + national.slice(place + 1);
        return `${metadata.countries[country as 'FR']![0]}${changed}${more}`;
      });
    expect(countAgreeing(beside)).toBeGreaterThan(1000);
  });
});

/**
 * How many of the numbers are in use; the two agree about each, or this throws. Of a number that is not in use and whose
 * code several countries share, the library's guess and ours may differ.
 */
function countAgreeing(numbers: fc.Arbitrary<string>): number {
  let inUse = 0;
  fc.assert(
    fc.property(numbers, (number) => {
      const expected = ask(number);
      const place = world.findPlace(number);
      expect(place.lineKind).toBe(expected?.lineKind ?? null);
      if (place.lineKind === null) return;
      expect(place.country).toBe(expected!.country);
      inUse++;
    }),
    { numRuns: 5000 },
  );
  return inUse;
}

test.each([
  ['33612345678', 'FR', 'MOBILE'],
  ['33123456789', 'FR', 'FIXED'],
  ['33800123456', 'FR', 'TOLL_FREE'],
  ['33899123456', 'FR', 'PREMIUM_RATE'],
  ['33912345678', 'FR', 'VOIP'],
  ['262692123456', 'RE', 'MOBILE'],
  ['262639012345', 'YT', 'MOBILE'],
  ['442071838750', 'GB', 'FIXED'],
  ['4402071838750', 'GB', 'FIXED'],
  ['447781123456', 'GG', 'MOBILE'],
  ['12125551234', 'US', 'FIXED_OR_MOBILE'],
  ['15145551234', 'CA', 'FIXED_OR_MOBILE'],
  ['77011234567', 'KZ', 'MOBILE'],
  ['881612345678', null, 'MOBILE'],
  ['4912', 'DE', null],
  ['999123456789', null, null],
] as const)('%s leads to %s, %s', (number, country, lineKind) => {
  expect(world.findPlace(number)).toEqual({ country, lineKind });
});

test('metadata of another format is refused', () => {
  expect(() => createWorldPlan({ ...metadata, version: 5 })).toThrow('version 5');
});
