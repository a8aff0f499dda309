import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTakenForMore } from '../../../src/streaming/csv-text.ts';
import { callColumns } from '../src/download/call-sheet.ts';
import { FORMULA, notationOf, textCell } from '../src/download/csv-sheet.ts';
import { encodeSheet } from '../src/download/encode-sheet.ts';
import { exportVariables, sheetVariables } from '../src/download/export-variables.ts';
import type { SheetColumn, SheetKind, SheetOptions } from '../src/download/sheet.ts';
import { createLocalTimes, isKept } from '../src/download/sheet-values.ts';
import { statsColumns, statsVariables } from '../src/download/stats-sheet.ts';
import { createFormats } from '../src/formats.ts';
import { en } from '../src/words/en.ts';
import { fr } from '../src/words/fr.ts';
import { readXlsx } from './read-xlsx.ts';

const columns: readonly SheetColumn[] = [
  { header: 'Called', path: ['cld'], kind: 'text', width: 18 },
  { header: 'When (Europe/Paris)', path: ['at'], kind: 'time', width: 20 },
  { header: 'Cost', path: ['cost'], kind: 'number', width: 12 },
  { header: 'Name', path: ['account', 'username'], kind: 'text', width: 12 },
];

async function encode(
  kind: SheetKind,
  records: readonly unknown[],
  given: Partial<SheetOptions> = {},
): Promise<{ readonly bytes: Buffer; readonly shortened: number }> {
  const loss = { shortened: 0 };
  const options: SheetOptions = {
    kind,
    columns,
    zone: 'Europe/Paris',
    locale: 'en',
    name: 'Calls',
    incomplete: 'INCOMPLETE: {calls} calls, {values} values',
    ...given,
  };
  async function* pieces() {
    for (const record of records) yield new TextEncoder().encode(`${JSON.stringify(record)}\n`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeSheet(options, pieces(), loss)) chunks.push(chunk);
  return { bytes: Buffer.concat(chunks), shortened: loss.shortened };
}

/** CSV as Excel takes it apart: cells are text in quotes, or bare. */
function parseCsv(text: string, separator: string): string[][] {
  const rows: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const row: string[] = [];
    for (;;) {
      let cell = '';
      if (text[at] === '"') {
        for (at += 1; !(text[at] === '"' && text[at + 1] !== '"'); at++) {
          if (text[at] === '"') at += 1;
          cell += text[at];
        }
        at += 1;
      } else for (; text[at] !== separator && text[at] !== '\r'; at++) cell += text[at];
      row.push(cell);
      if (text[at] !== separator) break;
      at += 1;
    }
    assert.equal(text.slice(at, at + 2), '\r\n');
    at += 2;
    rows.push(row);
  }
  return rows;
}

/** What Excel makes of such a cell: a text, where it would not otherwise. */
const asText = (cell: string) => /^="([^"]*)"$/.exec(cell)?.[1] ?? cell;

/** What stays text in a cell, and what must be shown as it is. */
const hostile = [
  '=1+1',
  '=cmd|calc',
  '+33123-1',
  '-1+1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  ' =1',
  '＝1+1',
  '﹢1+1',
  '\u200b=1',
  'say "hi"; there, you',
  'two\nlines',
  'two\r\nlines',
  'a\0b',
  '\u0001',
  '_x0041_',
  '<c t="str"><f>1</f></c>&amp;',
  "'quoted",
  '\ud800 alone',
  'fin\ufffe',
  '',
];
const numberLike = [
  '33608470636',
  '0033608470636',
  '+33608470636',
  '9'.repeat(40),
  '0'.repeat(300),
  '1E5',
  '1e-10',
  '12:30',
  '3/4',
  '10.12',
  '1,5',
  '10.0.0.1',
  '50%',
  'SEPT2',
  '3-MAR',
  '5 mai 2024',
  '1 p',
  'TRUE',
  'vrai',
];

describe('CSV for Excel', () => {
  test('has the mark, the separator and the decimals of the language, and times of the zone', async () => {
    const record = {
      cld: '33608470636',
      at: '2026-07-01T22:30:05.999999Z',
      cost: '-1234.012500',
      account: { username: 'acme' },
    };
    const english = (await encode('csv', [record])).bytes;
    assert.deepEqual([...english.subarray(0, 3)], [0xef, 0xbb, 0xbf]);
    assert.equal(
      english.toString('utf8').slice(1),
      '"Called","When (Europe/Paris)","Cost","Name"\r\n"=""33608470636""",2026-07-02 00:30:05,-1234.012500,"acme"\r\n',
    );
    const french = (await encode('csv', [record], { locale: 'fr' })).bytes.toString('utf8').slice(1);
    assert.equal(
      french,
      '"Called";"When (Europe/Paris)";"Cost";"Name"\r\n"=""33608470636""";2026-07-02 00:30:05;-1234,012500;"acme"\r\n',
    );
    assert.deepEqual(notationOf('fr'), { separator: ';', point: ',' });
  });

  for (const locale of ['en', 'fr']) {
    test(`keeps text what is text, whatever is in it (${locale})`, async () => {
      const texts = [...hostile, ...numberLike];
      const { bytes } = await encode(
        'csv',
        texts.map((cld) => ({ cld })),
        { locale },
      );
      const rows = parseCsv(bytes.toString('utf8').slice(1), notationOf(locale).separator);
      assert.equal(rows.length, texts.length + 1);
      for (const [index, text] of texts.entries()) {
        const [cell, ...rest] = rows[index + 1]!;
        assert.deepEqual(rest, ['', '', '']);
        const shown = text.toWellFormed().replaceAll(/[\0\ufffe]/g, '\ufffd');
        assert.ok(
          [shown, `'${shown}`, `="${shown}"`].includes(cell!),
          `${JSON.stringify(text)} became ${JSON.stringify(cell)}`,
        );
        // A formula is a text and nothing else; anything else begins harmlessly.
        const isFormula = /^[\s\p{Cc}]*[=@＝]|^[\s\p{Cc}]*[-+﹢](?!\d*$)|^\p{Cc}/u.test(cell!);
        assert.ok(!isFormula || /^="[^"\p{Cc}]*"$/u.test(cell!), JSON.stringify(cell));
        if (numberLike.includes(text) && text.length <= 255) assert.equal(cell, `="${text}"`);
      }
      assert.equal(rows[texts.indexOf('0'.repeat(300)) + 1]![0], `'${'0'.repeat(300)}`);
    });
  }

  test('takes for a formula what the gateway takes for one', () => {
    for (const text of [...hostile, ...numberLike, '+33', '-', '+', '#1']) {
      assert.equal(FORMULA.test(text), isTakenForMore(text), JSON.stringify(text));
    }
  });

  test('amounts that no spreadsheet keeps are text', async () => {
    const cost = ['12345678901234567.5', '0.000000000000001', '-0', '123456789012345', '0.10', `1e400`];
    const { bytes } = await encode(
      'csv',
      cost.map((amount) => ({ cost: amount })),
      { locale: 'fr' },
    );
    const cells = parseCsv(bytes.toString('utf8').slice(1), ';').map((row) => row[2]);
    assert.deepEqual(cells.slice(1), [
      '="12345678901234567.5"',
      '0,000000000000001',
      '-0',
      '123456789012345',
      '0,10',
      '="1e400"',
    ]);
  });

  test('says in its last row that it is not whole', async () => {
    const { bytes } = await encode('csv', [
      { cld: 'one' },
      { error: { code: 'UNREADABLE_VALUE', unreadableCalls: 2, unreadableValues: 3 } },
    ]);
    assert.equal(bytes.toString('utf8').split('\r\n')[2], '"INCOMPLETE: 2 calls, 3 values"');
  });
});

describe('a workbook', () => {
  test('has numbers as text, times as dates of the zone, amounts as numbers', async () => {
    const { bytes } = await encode('xlsx', [
      {
        cld: '0033608470636',
        at: '2026-07-01T22:30:05.500000Z',
        cost: '-1234.012500',
        account: { username: 'acme' },
      },
      { cld: null, at: null, cost: '12345678901234567.5', account: null },
      { at: '1899-12-31T00:00:00.000000Z', cost: 66.66666666666667 },
      { at: 'infinity', cost: '9007199254740993' },
    ]);
    const [sheet, ...others] = readXlsx(bytes);
    assert.deepEqual([sheet!.name, others.length], ['Calls', 0]);
    const at = (place: string) => sheet!.row(Number(place.slice(1))).get(place[0]!);
    assert.deepEqual(at('A1'), { type: 'text', value: 'Called', format: undefined });
    assert.deepEqual(at('A2'), { type: 'text', value: '0033608470636', format: undefined });
    const when = at('B2')!;
    assert.deepEqual([when.type, when.format], ['number', 'yyyy-mm-dd hh:mm:ss']);
    // Days since 1899-12-30, of which Excel counts one too many.
    const millis = Number(when.value) * 86_400_000 + Date.UTC(1899, 11, 30);
    assert.equal(new Date(Math.round(millis)).toISOString(), '2026-07-02T00:30:05.500Z');
    assert.deepEqual(at('C2'), { type: 'number', value: '-1234.0125', format: undefined });
    assert.equal(at('D2')!.value, 'acme');
    assert.deepEqual([at('A3'), at('B3'), at('D3')], [undefined, undefined, undefined]);
    assert.deepEqual([at('C3')!.type, at('C3')!.value], ['text', '12345678901234567.5']);
    assert.deepEqual([at('B4')!.type, at('B4')!.value], ['text', '1899-12-31 00:09:21']);
    assert.deepEqual([at('C4')!.type, at('C4')!.value], ['number', '66.66666666666667']);
    assert.deepEqual([at('B5')!.type, at('B5')!.value], ['text', 'infinity']);
    assert.deepEqual([at('C5')!.type, at('C5')!.value], ['text', '9007199254740993']);
  });

  test('has texts as they are, and no formula', async () => {
    const texts = [...hostile, ...numberLike];
    const { bytes } = await encode(
      'xlsx',
      texts.map((cld) => ({ cld })),
    );
    const [sheet] = readXlsx(bytes);
    for (const [index, text] of texts.entries()) {
      const shown = text.toWellFormed().replaceAll(/[\0\ufffe]/g, '\ufffd');
      const cell = sheet!.row(index + 2).get('A');
      assert.deepEqual([cell?.type, cell?.value], ['text', shown], JSON.stringify(text));
    }
  });

  test('cuts what is longer than a cell, between characters, and counts it', async () => {
    const { bytes, shortened } = await encode('xlsx', [
      { cld: `${'x'.repeat(32_766)}😀` },
      { cld: 'y'.repeat(32_767) },
    ]);
    const [sheet] = readXlsx(bytes);
    assert.equal(shortened, 1);
    assert.equal(sheet!.row(2).get('A')!.value, `${'x'.repeat(32_766)}\ufffd`);
    assert.equal(sheet!.row(3).get('A')!.value.length, 32_767);
  });

  test('goes on in another sheet with the same head where one is full, to its very last row', async () => {
    const records = [
      ...Array.from({ length: 5 }, (_, index) => ({ cld: `3361234567${index}` })),
      { error: { code: 'UNREADABLE_VALUE', unreadableCalls: 2, unreadableValues: 3 } },
    ];
    const { bytes } = await encode('xlsx', records, {
      columns: [{ header: 'Called', path: ['cld'], kind: 'text', width: 18 }],
      maxRows: 3,
    });
    const shown = readXlsx(bytes).map((sheet) =>
      Array.from({ length: sheet.rows }, (_, index) => sheet.row(index + 1).get('A')!.value),
    );
    assert.deepEqual(shown, [
      ['Called', '33612345670', '33612345671'],
      ['Called', '33612345672', '33612345673'],
      ['Called', '33612345674', 'INCOMPLETE: 2 calls, 3 values'],
    ]);
  });

  test('says in its last row that it is not whole, and is a workbook without calls', async () => {
    const { bytes } = await encode('xlsx', [
      { error: { code: 'UNREADABLE_VALUE', unreadableCalls: 2, unreadableValues: 3 } },
    ]);
    assert.equal(readXlsx(bytes)[0]!.row(2).get('A')!.value, 'INCOMPLETE: 2 calls, 3 values');
    const [empty] = readXlsx((await encode('xlsx', [])).bytes);
    assert.deepEqual([empty!.rows, empty!.row(1).size], [1, 4]);
  });
});

test('local times are those of the clock, also where it is set back, and long ago', () => {
  for (const zone of [
    'UTC',
    'Europe/Paris',
    'Asia/Kathmandu',
    'America/St_Johns',
    'Pacific/Apia',
    'Africa/Monrovia',
  ]) {
    const localTime = createLocalTimes(zone);
    const format = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      dateStyle: 'short',
      timeStyle: 'medium',
    });
    for (let at = Date.UTC(1969, 0, 1); at < Date.UTC(2027, 0, 1); at += 7_919_000_000) {
      assert.equal(localTime(new Date(at).toISOString())!.text, format.format(at), `${zone} ${at}`);
    }
    for (let at = Date.UTC(2026, 9, 24, 22); at < Date.UTC(2026, 9, 25, 4); at += 450_000) {
      assert.equal(localTime(new Date(at).toISOString())!.text, format.format(at), `${zone} ${at}`);
    }
  }
  assert.equal(createLocalTimes('Europe/Paris')('0000-01-01T00:00:00.000000Z')?.text, '0000-01-01 00:09:21');
  assert.equal(createLocalTimes('America/New_York')('0000-01-01T00:00:00.000000Z'), undefined);
  assert.equal(createLocalTimes('Asia/Tokyo')('9999-12-31T23:00:00.000000Z'), undefined);
});

test('fifteen digits are kept', () => {
  for (const value of [
    '0',
    '0.00',
    '-12.5',
    '123456789012345',
    '0.000000123456789012345',
    5,
    1e15,
    0.1 + 0.2,
  ])
    assert.equal(isKept(value), true, String(value));
  for (const value of [
    '1234567890123456',
    '1.234567890123456',
    'NaN',
    'Infinity',
    `0.${'0'.repeat(400)}1`,
    2 ** 53 - 1,
  ])
    assert.equal(isKept(value), false, String(value));
});

test('an empty text is not nothing, and quotes are doubled', () => {
  assert.deepEqual(['', 'a"b', '"'].map(textCell), ['""', '"a""b"', '""""']);
  assert.equal(asText('="0033"'), '0033');
});

describe('columns', () => {
  const wishes = { filter: {}, order: 'NEWEST_FIRST', most: 5 } as const;

  test('of calls are the selected ones, by their names in the language, with the names of whom they are charged to', () => {
    const all = callColumns(sheetVariables({ ...wishes, columns: undefined }), en, 'Europe/Paris');
    const variables = exportVariables({ ...wishes, columns: undefined });
    const flags = Object.entries(variables).filter(([, value]) => value === true);
    const shown = new Set(all.map(({ path }) => path.join('.')));
    for (const [name] of flags) assert.ok(shown.has(name), name);
    for (const name of ['account.username', 'customer.name', 'carrier.blockHolder', 'currency', 'id'])
      assert.ok(shown.has(name), name);
    assert.equal(shown.size, all.length, 'none is there twice');
    assert.equal(new Set(all.map(({ header }) => header)).size, all.length, 'no two have the same name');
    const some = callColumns(
      sheetVariables({ ...wishes, columns: ['connectTime', 'accountId', 'chargedAmount'] }),
      fr,
      'UTC',
    );
    assert.deepEqual(
      some.map(({ header }) => header),
      [
        `${fr.columns.connectTime} (UTC)`,
        fr.columns.accountId,
        'Nom du compte',
        fr.columns.chargedAmount,
        'Devise',
        fr.columns.id,
      ],
    );
    assert.equal(
      exportVariables({ ...wishes, columns: undefined }).accountName,
      undefined,
      'plain files are as before',
    );
  });

  test('of statistics are what they are grouped by, and the measures', async () => {
    const variables = statsVariables({ filter: {}, zone: 'Europe/Paris', time: 'DAY', group: 'ACCOUNT' });
    assert.deepEqual(variables.groupBy, ['DAY', 'ACCOUNT']);
    const shown = statsColumns(variables, fr, createFormats('fr', 'Europe/Paris').zone);
    assert.deepEqual(
      shown.slice(0, 3).map(({ header }) => header),
      ['À partir de (Europe/Paris)', fr.columns.accountId, 'Nom du compte'],
    );
    const record = {
      bucket: '2026-01-04T23:00:00.000000Z',
      accountId: '14',
      account: { username: 'acme' },
      attempts: 3,
      asr: 66.66666666666667,
      minutes: '12.5',
      chargedAmount: null,
      amountsByCurrency: [
        { currency: 'EUR', chargedAmount: '12.50' },
        { currency: null, chargedAmount: '3' },
      ],
    };
    const { bytes } = await encode('csv', [record], { columns: shown, locale: 'fr' });
    assert.equal(
      bytes.toString('utf8').split('\r\n')[1],
      '2026-01-05 00:00:00;"=""14""";"acme";3;;;66,66666666666667;;;;12,5;;;"EUR 12,50; ? 3";',
    );
    assert.deepEqual(statsVariables({ filter: {}, zone: 'UTC', time: 'ALL', group: 'ALL' }).groupBy, []);
  });
});
