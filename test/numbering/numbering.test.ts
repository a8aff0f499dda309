import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';
import { createNumbering, type Numbering } from '../../src/numbering/numbering.ts';
import { readOperators } from '../../src/numbering/operators-file.ts';
import { readPlan } from '../../src/numbering/plan-file.ts';
import { createDirectory } from './files.ts';

const PLAN = 'src/demo/numbering-plan.sample.csv';
const OPERATORS = 'src/demo/numbering-operators.sample.csv';

let numbering: Numbering;

beforeAll(async () => {
  numbering = createNumbering({ planPath: PLAN, operatorsPath: OPERATORS });
  await numbering.firstRead;
});
afterAll(() => numbering.close());

describe('what is known of a number', () => {
  test.each([
    // The longest prefix wins: 061, 0612 and 06127 are blocks of three holders.
    ['33611345678', 'Bruyère Mobile (sample)', 'EX02', 'Métropole', 'FR', 'MOBILE', '061'],
    ['33612345678', 'Bruyère Mobile (sample)', 'EX02', 'Métropole', 'FR', 'MOBILE', '0612'],
    ['33612745678', 'Cigale Télécom (sample)', 'EX03', 'Métropole', 'FR', 'MOBILE', '06127'],
    ['0612745678', 'Cigale Télécom (sample)', 'EX03', 'Métropole', 'FR', 'MOBILE', '06127'],
    // A range that is no whole prefix: what lies beyond belongs to the block around it.
    ['33189499999', 'Bruyère Mobile (sample)', 'EX02', 'Métropole', 'FR', 'FIXED', '0189'],
    ['33189500000', 'Garrigue Câble (sample)', 'EX07', 'Métropole', 'FR', 'FIXED', '018'],
    // A French number is that of its territory, whatever code it was dialled with.
    ['262692123456', 'Dune Outre-mer (sample)', 'EX04', 'La Réunion', 'RE', 'MOBILE', '0692'],
    ['33692123456', 'Dune Outre-mer (sample)', 'EX04', 'La Réunion', 'RE', 'MOBILE', '0692'],
    ['0692123456', 'Dune Outre-mer (sample)', 'EX04', 'La Réunion', 'RE', 'MOBILE', '0692'],
    ['508412345', 'Dune Outre-mer (sample)', 'EX04', 'Saint Pierre et Miquelon', 'PM', 'FIXED', '050841'],
    ['33800123456', 'Falaise Services (sample)', 'EX06', 'National', 'FR', 'TOLL_FREE', '0800'],
    ['3030', 'Falaise Services (sample)', 'EX06', 'National', 'FR', 'SHORT_CODE', '3030'],
    ['118999', 'Falaise Services (sample)', 'EX06', 'National', 'FR', 'SHORT_CODE', '118999'],
    ['337000091234567', 'Hirondelle Objets (sample)', 'EX08', 'Métropole', 'FR', 'MACHINE', '0700009'],
    [
      '33700509123456',
      'Hirondelle Objets (sample)',
      'EX08',
      'Guadeloupe, St Martin et St Barthélemy',
      'GP',
      'MACHINE',
      '0700509',
    ],
    [
      '0700509123456',
      'Hirondelle Objets (sample)',
      'EX08',
      'Guadeloupe, St Martin et St Barthélemy',
      'GP',
      'MACHINE',
      '0700509',
    ],
    // No block: what the digits say.
    ['112', null, null, null, 'FR', 'SHORT_CODE', null],
    ['442071838750', null, null, null, 'GB', 'FIXED', null],
    ['12125551234', null, null, null, 'US', 'FIXED_OR_MOBILE', null],
    ['881612345678', null, null, null, null, 'MOBILE', null],
    ['4900000000', null, null, null, 'DE', null, null],
  ])('%s', async (number, blockHolder, blockHolderCode, territory, country, lineKind, prefix) => {
    expect(await numbering.lookUp([number])).toEqual([
      { blockHolder, blockHolderCode, territory, country, lineKind, prefix },
    ]);
  });

  test.each(['', 'anonymous', '*31#0612345678', '999123456789', '0', 'conference%20room'])(
    'of "%s" it is nothing',
    async (number) => {
      expect(await numbering.lookUp([number])).toEqual([null]);
    },
  );

  test('behind the code of an overseas territory there is no block of the mainland', async () => {
    expect((await numbering.lookUp(['262612345678']))[0]?.blockHolderCode ?? null).toBeNull();
  });

  test('a holder who is not in the list of operators has a code and no name', async () => {
    using directory = createDirectory();
    const unnamed = createNumbering({
      planPath: PLAN,
      operatorsPath: directory.write('operators.csv', 'IDENTITE_OPERATEUR,CODE_OPERATEUR\nOther,ZZZZ\n'),
    });
    await unnamed.firstRead;
    expect((await unnamed.lookUp(['33612345678']))[0]).toMatchObject({
      blockHolder: null,
      blockHolderCode: 'EX02',
    });
    unnamed.close();
  });

  test('without files it is country and kind of line', async () => {
    const [carrier] = await createNumbering().lookUp(['33612345678']);
    expect(carrier).toEqual({
      blockHolder: null,
      blockHolderCode: null,
      territory: null,
      country: 'FR',
      lineKind: 'MOBILE',
      prefix: null,
    });
  });

  test('prefixes that the switch puts before are taken off', async () => {
    const tech = createNumbering({ planPath: PLAN, stripPrefixes: ['0099#'] });
    await tech.firstRead;
    const [with_, without] = await tech.lookUp(['0099#33612345678', '33612345678']);
    expect(with_).toEqual(without);
    tech.close();
  });
});

describe("the demo's sample", () => {
  test('has no bad line, and a name for every holder, each marked as a sample', async () => {
    const [plan, operators] = [await readPlan(PLAN), await readOperators(OPERATORS)];
    expect([plan.badLines, operators.badLines]).toEqual([0, 0]);
    for (const { holderCode } of plan.content)
      expect(operators.content.get(holderCode)).toMatch(/ \(sample\)$/);
  });

  test('knows the holders of nearly all French numbers that the demo calls', async () => {
    const model = createTrafficModel(1);
    const called = Array.from(
      { length: 20_000 },
      (_, second) => model.callEndingIn(second).called.translated,
    );
    const french = called.filter((number) => number?.startsWith('33')) as string[];
    const found = await numbering.lookUp(french);
    const held = found.filter((carrier) => carrier?.blockHolder).length;
    expect(french.length).toBeGreaterThan(2000);
    expect(held / french.length).toBeGreaterThan(0.9);
    expect(new Set(found.map((carrier) => carrier?.blockHolder)).size).toBeGreaterThan(5);
  });
});
