import { truncateSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readOperators } from '../../src/numbering/operators-file.ts';
import { readPlan } from '../../src/numbering/plan-file.ts';
import { aPlan, createDirectory, inWindows1252, PLAN_HEADER } from './files.ts';

const plan = `${PLAN_HEADER}
0612;0612000000;0612999999;AAAA;Métropole;01/01/2026
01001;0100100000;0100149999;BBBB;"Guadeloupe, St Martin et St Barthélemy";01/01/2026
3620;3620;3620;3620;National;22/09/2025
07000040;07000040000000;07000040999999;CCCC;;18/05/2017
`;

const blocks = [
  { prefix: '0612', first: '0612000000', last: '0612999999', holderCode: 'AAAA', territory: 'Métropole' },
  {
    prefix: '01001',
    first: '0100100000',
    last: '0100149999',
    holderCode: 'BBBB',
    territory: 'Guadeloupe, St Martin et St Barthélemy',
  },
  { prefix: '3620', first: '3620', last: '3620', holderCode: '3620', territory: 'National' },
  {
    prefix: '07000040',
    first: '07000040000000',
    last: '07000040999999',
    holderCode: 'CCCC',
    territory: null,
  },
];

async function read(content: string | Buffer) {
  using directory = createDirectory();
  const { content: index, ...reading } = await readPlan(directory.write('plan.csv', content));
  return { blocks: [...index], ...reading };
}

describe('a plan is read in whatever form it comes', () => {
  test.each<[string, string | Buffer]>([
    ['Windows-1252, as the regulator writes it', inWindows1252(plan)],
    ['UTF-8', plan],
    ['UTF-8 with a byte order mark', `\ufeff${plan}`],
    ['with carriage returns', plan.replaceAll('\n', '\r\n')],
    ['without a line end at its end', plan.trimEnd()],
    ['with blank lines', `\n\n${plan.replaceAll('\n', '\n\n')}`],
    ['with every field quoted', plan.replaceAll(/[^;\n]+/g, (field) => `"${field.replaceAll('"', '')}"`)],
    ['separated by commas', plan.replaceAll(';', ',')],
    ['separated by tabs', plan.replaceAll(';', '\t')],
    ['without accents in the header', plan.replace('Mnémo', 'MNEMO')],
    ['with a header that was decoded wrongly', plan.replace('Mnémo', 'MnÃ©mo')],
    [
      'with its columns in another order',
      plan.replaceAll(/^(.*?);(.*?);(.*?);(.*?);(.*);(.*?)$/gm, '$6;$4;$3;$2;$1;$5;more'),
    ],
  ])('%s', async (_, content) => {
    expect(await read(content)).toEqual({ blocks, entries: 4, badLines: 0, firstBad: [] });
  });

  test('one that is larger than what the disk gives at once', async () => {
    const prefixes = Array.from({ length: 20_000 }, (_, index) => `0${100_000 + index}`);
    const { entries, badLines } = await read(
      inWindows1252(aPlan(...prefixes.map((prefix) => [prefix, 'AAAA'] as const))),
    );
    expect({ entries, badLines }).toEqual({ entries: 20_000, badLines: 0 });
  });
});

describe('a bad line is left out, counted and named; the others are kept', () => {
  test.each([
    ['EZABPQM is not a number: "06x2"', '06x2;0612000000;0612999999;AAAA;Métropole;'],
    ['Tranche_Debut is not a number: ""', '0612;;0612999999;AAAA;Métropole;'],
    ['Tranche_Fin is not a number: "06129999990000000"', '0612;0612000000;06129999990000000;AAAA;Métropole;'],
    ['Tranche_Debut and Tranche_Fin differ in length', '0612;061200000;0612999999;AAAA;Métropole;'],
    ['Tranche_Debut is above Tranche_Fin', '0612;0612999999;0612000000;AAAA;Métropole;'],
    [
      'Tranche_Debut and Tranche_Fin do not both begin with 0612',
      '0612;0611000000;0612999999;AAAA;Métropole;',
    ],
    ['Mnémo is empty', '0612;0612000000;0612999999;;Métropole;'],
    ['Mnémo is no code: "A A"', '0612;0612000000;0612999999;A A;Métropole;'],
    ['has 2 fields, expected at least 5', '0612;0612000000'],
    ['a quote that is not closed', '"0612;0612000000;0612999999;AAAA;Métropole;'],
    ['holds bytes that are no text', '0612;0612000000;0612999999;AAAA;M\0tropole;'],
    ['the same block as line 2', '0799;0799000000;0799999999;AAAA;Métropole;'],
    ['longer than 65536 bytes', `${'x'.repeat(70_000)};`],
  ])('%s', async (reason, line) => {
    const { blocks, ...reading } = await read(
      `${PLAN_HEADER}\n0799;0799000000;0799999999;BBBB;Métropole;\n${line}\n0788;0788000000;0788999999;BBBB;Métropole;\n`,
    );
    expect(blocks.map(({ prefix }) => prefix)).toEqual(['0799', '0788']);
    expect(reading).toEqual({ entries: 2, badLines: 1, firstBad: [{ line: 3, reason }] });
  });

  test('a line in another encoding than the others', async () => {
    const [, first, second] = plan.split('\n');
    const bytes = Buffer.concat([
      Buffer.from(`${PLAN_HEADER}\n`),
      inWindows1252(`${first}\n`),
      Buffer.from(`${second}\n`),
    ]);
    const { entries, firstBad } = await read(bytes);
    expect(entries).toBe(1);
    expect(firstBad).toEqual([{ line: 2, reason: 'not UTF-8, as the lines before it are' }]);
  });

  test('a thousand of them: all are counted, five are named', async () => {
    const bad = Array.from({ length: 1000 }, (_, index) => `bad ${index}`).join('\n');
    const { entries, badLines, firstBad } = await read(`${plan}${bad}\n`);
    expect({ entries, badLines }).toEqual({ entries: 4, badLines: 1000 });
    expect(firstBad.map(({ line }) => line)).toEqual([6, 7, 8, 9, 10]);
  });

  test('a last line that was cut', async () => {
    using directory = createDirectory();
    const path = directory.write('plan.csv', aPlan(['0612', 'AAAA'], ['0613', 'AAAA']));
    truncateSync(path, 130);
    const { entries, badLines } = await readPlan(path);
    expect({ entries, badLines }).toEqual({ entries: 1, badLines: 1 });
  });
});

describe('a file that is no plan is refused as a whole', () => {
  test.each<[string, string | Buffer, string]>([
    ['empty', '', 'It is empty.'],
    ['blank', '\n\n \n', 'It is empty.'],
    ['UTF-16', Buffer.from(`\ufeff${plan}`, 'utf16le'), 'It is UTF-16'],
    ['a page of a proxy', '<!DOCTYPE html>\n<html></html>\n', 'names no column EZABPQM'],
    ['without a column', plan.replace('Mnémo', 'Code'), 'Line 1 names no column Mnémo.'],
    ['binary', Buffer.from([0, 1, 2, 255, 254, 10, 9]), 'names no column'],
  ])('%s', async (_, content, message) => {
    await expect(read(content)).rejects.toThrow(message);
  });

  test('a directory, and none at all', async () => {
    using directory = createDirectory();
    await expect(readPlan(directory.path('.'))).rejects.toThrow('It is not a file.');
    await expect(readPlan(directory.path('none'))).rejects.toThrow('ENOENT');
  });

  test('one of more than 64 MB is not read', async () => {
    using directory = createDirectory();
    const path = directory.write('plan.csv', plan);
    truncateSync(path, 65 * 1024 * 1024);
    await expect(readPlan(path)).rejects.toThrow('larger than 64 MB');
  });
});

describe('the list of operators', () => {
  async function readNames(content: string | Buffer) {
    using directory = createDirectory();
    const { content: names, ...reading } = await readOperators(directory.write('operators.csv', content));
    return { names: Object.fromEntries(names), ...reading };
  }
  const header = 'IDENTITE_OPERATEUR;CODE_OPERATEUR;SIRET_ACTEUR;ADRESSE_COMPLETE_ACTEUR';

  test('gives names to codes; addresses may go on over several lines', async () => {
    const { names, badLines } = await readNames(
      inWindows1252(
        `${header}\n"Éole ""Sud""; SARL";EOLE;1;"1 rue A\n75001 Paris"\nBise  Télécom;3620;2;\n"Cers";CERS;3;"a\r\nb\r\nc"\n`,
      ),
    );
    expect(names).toEqual({ EOLE: 'Éole "Sud"; SARL', 3620: 'Bise Télécom', CERS: 'Cers' });
    expect(badLines).toBe(0);
  });

  test('names its bad lines by where they begin; a quote that is never closed costs one line', async () => {
    const many = Array.from({ length: 50 }, (_, index) => `Name ${index};C${index};;`);
    const { names, firstBad } = await readNames(
      [header, 'One;ONE;;', 'Two;;;', ';TWO;;', 'Other;ONE;;', `"Open;OPEN;;`, ...many, 'One;ONE;;', ''].join(
        '\n',
      ),
    );
    expect(Object.keys(names)).toHaveLength(51);
    expect(firstBad).toEqual([
      { line: 3, reason: 'CODE_OPERATEUR is empty' },
      { line: 4, reason: 'IDENTITE_OPERATEUR is empty' },
      { line: 5, reason: 'ONE has another name already' },
      { line: 6, reason: 'a quote that is not closed' },
    ]);
  });
});
