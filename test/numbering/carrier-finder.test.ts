import examples from 'libphonenumber-js/examples.mobile.json' with { type: 'json' };
import metadata from 'libphonenumber-js/metadata.max';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';
import { type Block, type BlockIndex, createBlockIndex } from '../../src/numbering/block-index.ts';
import { type CarrierFinder, createCarrierFinder } from '../../src/numbering/carrier-finder.ts';
import { type Operators, readOperators } from '../../src/numbering/operators-file.ts';
import { readPlan } from '../../src/numbering/plan-file.ts';
import { createWorldPlan } from '../../src/numbering/world-plan.ts';
import { findPlainCarrier } from './plain-carriers.ts';
import { createPlainWorldPlan } from './plain-world-plan.ts';

/** The quick way against the slow one: the same for every number. */

const world = createWorldPlan(metadata);
const plainWorld = createPlainWorldPlan(metadata);
let blocks: BlockIndex;
let operators: Operators;
let finder: CarrierFinder;

beforeAll(async () => {
  blocks = (await readPlan('src/demo/numbering-plan.sample.csv')).content;
  operators = (await readOperators('src/demo/numbering-operators.sample.csv')).content;
  finder = createCarrierFinder({ world, blocks, operators, stripPrefixes: [] });
});

const callingCodes = [...Object.keys(metadata.country_calling_codes), ...Object.keys(metadata.nonGeographic)];

/** The same numbers in every run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

const randomDigits = (random: (below: number) => number, length: number): string =>
  Array.from({ length }, () => random(10)).join('');

/** The numbers for which the two differ: the first few are enough. */
function findWrong<T>(numbers: Iterable<string>, one: (number: string) => T, other: (number: string) => T) {
  const wrong: { number: string; one: T; other: T }[] = [];
  let tried = 0;
  for (const number of numbers) {
    const [first, second] = [one(number), other(number)];
    if (!isSame(first, second) && wrong.length < 5) wrong.push({ number, one: first, other: second });
    tried++;
  }
  return { tried, wrong };
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

describe('country and kind of line are found by one walk as by every expression in turn', () => {
  /** Behind each code all beginnings of up to four digits, in every length; then what chance brings. */
  function* numbersOfTheWorld(): Generator<string> {
    const random = createRandom(1);
    for (const code of callingCodes) {
      for (let beginning = 0; beginning < 11_110; beginning++) {
        const length = beginning < 10 ? 1 : beginning < 110 ? 2 : beginning < 1110 ? 3 : 4;
        const first = String(beginning - (10 ** length - 10) / 9).padStart(length, '0');
        const rest = length < 3 ? [2, 3, 4, 5, 6, 7, 8, 9, 10] : [random(4), 4 + random(3), 7, 8 + random(3)];
        if (length === 4 && random(12) > 0) continue;
        for (const more of rest) yield code + first + randomDigits(random, more);
      }
    }
    for (const [country, national] of Object.entries(examples)) {
      const code = metadata.countries[country as 'FR']![0];
      for (let at = 0; at < national.length; at++) {
        for (let digit = 0; digit < 10; digit++) {
          const changed = national.slice(0, at) + digit + national.slice(at + 1);
          for (const trunk of ['', '0', '1', '8']) yield `${code}${trunk}${changed}`;
        }
      }
    }
  }

  test('for more than a million numbers of every code', () => {
    const { tried, wrong } = findWrong(
      numbersOfTheWorld(),
      (number) => world.findPlace(number),
      (number) => plainWorld.findPlace(number),
    );
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(1_000_000);
  });
});

describe('carriers are those that reading step by step finds', () => {
  const findNow = (number: string) => {
    // Behind other bytes and before them, as in a row.
    const text = Buffer.from(`9${number}9`);
    return finder.find(text, 1, text.length - 1);
  };
  const findPlain = (number: string) =>
    findPlainCarrier(number, [], { world: plainWorld, blocks, operators });

  function* frenchNumbers(): Generator<string> {
    const random = createRandom(2);
    const ways = [
      '33',
      '0',
      '+33',
      '0033',
      '262',
      '590',
      '594',
      '596',
      '508',
      '330',
      '508508',
      '+33 (0)',
      '00508',
    ];
    for (let index = 0; index < 150_000; index++) {
      const length = [4, 5, 6, 8, 9, 9, 9, 9, 10, 12, 13, 16][random(12)]!;
      yield ways[random(ways.length)]! + randomDigits(random, length);
    }
    for (const block of blocks) {
      for (const end of [block.first, block.last]) {
        const beside = [-1, 0, 1].map((by) => String(Number(end) + by).padStart(end.length, '0'));
        for (const number of beside)
          yield* [number, `33${number.slice(1)}`, `262${number.slice(1)}`, `+33${number.slice(1)}`];
      }
    }
    for (let code = 0; code < 10_000; code++)
      yield* [String(code), String(code).padStart(4, '0'), `11${code}`];
  }

  function* demoNumbers(): Generator<string> {
    const model = createTrafficModel(1);
    for (let second = 0; second < 50_000; second++) {
      const { called, caller } = model.callEndingIn(second);
      for (const number of [called.translated, called.received, caller.translated, caller.received]) {
        if (number) yield number;
      }
    }
  }

  function* oddTexts(): Generator<string> {
    yield* [
      '',
      ' ',
      '+',
      '0',
      '00',
      '000',
      '+0',
      '++33612345678',
      '+0033612345678',
      'anonymous',
      '*31#0612345678',
    ];
    yield* [
      'conference%20room',
      '33 6 12 34 56 78',
      ' 33612345678',
      '33612345678 ',
      '33-612.345(678)',
      '٣٣٦١٢',
      'é',
    ];
    yield* [
      '3'.repeat(31),
      '3'.repeat(32),
      '3'.repeat(64),
      '3'.repeat(65),
      '\u0000',
      '33612345678\n',
      '1\u00a02',
    ];
  }

  test('for French numbers in every writing, and those beside the ends of blocks', () => {
    const { tried, wrong } = findWrong(frenchNumbers(), findNow, findPlain);
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(150_000);
  });

  test('for the numbers of the demo', () => {
    const { tried, wrong } = findWrong(demoNumbers(), findNow, findPlain);
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(100_000);
  });

  /** Every third block is cut in two somewhere, so that more than its prefix decides. */
  function cutBlocks(): Block[] {
    const random = createRandom(3);
    return [...blocks].flatMap((block, index) => {
      if (index % 3 > 0) return [block];
      const { first, last } = block;
      const middle = Number(first) + random(Number(last) - Number(first));
      const text = (number: number) => String(number).padStart(first.length, '0');
      return [
        { ...block, last: text(middle) },
        { ...block, first: text(middle + 1), holderCode: 'OTHER' },
      ];
    });
  }

  function* numbersOfAllLengths(cut: readonly Block[]): Generator<string> {
    const random = createRandom(4);
    const ends = cut.flatMap(({ first, last }) => [first, last]);
    for (let index = 0; index < 400_000; index++) {
      const code = callingCodes[random(callingCodes.length)]!;
      const end = ends[random(ends.length)]!;
      const near = String(Number(end) - 2 + random(5)).padStart(end.length, '0');
      yield ['', '+', '00', '0'][random(4)]! + code + randomDigits(random, 2 + random(11));
      yield [near, `33${near.slice(1)}`, `+33${near.slice(1)}`, `00262${near.slice(1)}`][random(4)]!;
    }
  }

  test('whatever was found before them, also where a block begins or ends among numbers that begin alike', () => {
    const cut = cutBlocks();
    const index = createBlockIndex(cut);
    const fresh = createCarrierFinder({ world, blocks: index, operators, stripPrefixes: [] });
    const { tried, wrong } = findWrong(
      numbersOfAllLengths(cut),
      (number) => fresh.find(Buffer.from(number), 0, number.length),
      (number) => findPlainCarrier(number, [], { world: plainWorld, blocks: index, operators }),
    );
    expect(wrong).toEqual([]);
    expect(tried).toBe(800_000);
  });

  test('and are found again, without looking closely, by what decided them', () => {
    const fresh = createCarrierFinder({ world, blocks, operators, stripPrefixes: [] });
    const findAgain = (number: string) => fresh.findAgain(Buffer.from(number), 0, number.length);
    for (const number of ['33612345678', '+33612345678', '0612345678', '442071838750', '999999999999'])
      fresh.find(Buffer.from(number), 0, number.length);
    expect(findAgain('33612399999')).toMatchObject({ prefix: '0612', country: 'FR' });
    expect(findAgain('+33612399999')).toBe(findAgain('33612399999'));
    expect(findAgain('442071839999')).toMatchObject({ country: 'GB' });
    expect(findAgain('999999999998')).toBeNull();
    // Of another length, of another block, and no number.
    for (const other of ['3361239999', '33612999999', '3361239999x', '336123999 9', ''])
      expect(findAgain(other)).toBeUndefined();
  });

  test('behind prefixes that are taken off', () => {
    const stripPrefixes = ['0099#', '33', '0'];
    const stripping = createCarrierFinder({ world, blocks, operators, stripPrefixes });
    const { wrong } = findWrong(
      [
        '0099#33612345678',
        '33612345678',
        '3333612345678',
        '0612345678',
        '00612345678',
        '33',
        '0',
        '330612345678',
      ],
      (number) => stripping.find(Buffer.from(number), 0, Buffer.byteLength(number)),
      (number) => findPlainCarrier(number, stripPrefixes, { world: plainWorld, blocks, operators }),
    );
    expect(wrong).toEqual([]);
  });

  test('and are one object for all numbers of which the same is known', () => {
    expect(findNow('33611345678')).toBe(findNow('+33611345679'));
    expect(findNow('442071838750')).toBe(findNow('442071838751'));
  });

  test('for what is no number', () => {
    expect(findWrong(oddTexts(), findNow, findPlain).wrong).toEqual([]);
  });
});
