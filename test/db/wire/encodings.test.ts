import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodingNamed } from '../../../src/db/wire/encodings.ts';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from '../../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

const singleByte = [
  'LATIN1',
  'LATIN2',
  'LATIN3',
  'LATIN4',
  'LATIN5',
  'LATIN6',
  'LATIN7',
  'LATIN8',
  'LATIN9',
  'LATIN10',
  'ISO_8859_5',
  'ISO_8859_6',
  'ISO_8859_7',
  'ISO_8859_8',
  'KOI8R',
  'KOI8U',
  'WIN866',
  'WIN874',
  'WIN1250',
  'WIN1251',
  'WIN1252',
  'WIN1253',
  'WIN1254',
  'WIN1255',
  'WIN1256',
  'WIN1257',
  'WIN1258',
];

describe('each byte of an encoding', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase({ empty: true });
    await database.pool.query(`
      create function character_of(byte int, encoding name) returns text language plpgsql as $$
      begin
        return convert_from(decode(lpad(to_hex(byte), 2, '0'), 'hex'), encoding);
      exception when others then
        return null;
      end $$`);
  });
  afterAll(() => database[Symbol.asyncDispose]());

  test.each(singleByte)('of %s is the character that PostgreSQL makes of it', async (name) => {
    const { rows } = await database.pool.query(
      'select byte, character_of(byte, $1) as character from generate_series(1, 255) as byte',
      [name],
    );
    const encoding = encodingNamed(name)!;
    for (const { byte, character } of rows) {
      const decoded = encoding.decode(Buffer.from([byte]))?.toString() ?? null;
      expect([byte, decoded]).toEqual([byte, character]);
      if (character !== null) expect([byte, encoding.encode(character)]).toEqual([byte, Buffer.from([byte])]);
    }
  });
});

test('UTF-8 needs nothing, and what takes several bytes is left to PostgreSQL', () => {
  expect(['UTF8', 'EUC_JP', 'EUC_KR'].map(encodingNamed)).toEqual([undefined, undefined, undefined]);
});

/** Bytes as they would be stored: in SQL that no conversion touches. */
const stored = (bytes: readonly number[]) =>
  `convert_from('\\x${Buffer.from(bytes).toString('hex')}', 'SQL_ASCII')`;

async function ordinary(gateway: TestGateway, document: string): Promise<GraphQLAnswer> {
  const response = await gateway.ask(document, {}, { headers: { accept: 'multipart/mixed' } });
  const text = await response.text();
  return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
}

describe.each([
  // Bytes that are text, the text, and bytes that are none.
  ['UTF8', [0xc3, 0xa9], 'é', undefined],
  ['LATIN1', [0xe9], 'é', undefined],
  ['WIN1252', [0x80], '€', [0x41, 0x81]],
  ['SQL_ASCII', [0xc3, 0xa9], 'é', [0xe9, 0x41]],
  ['KOI8R', [0xc1], 'а', undefined],
] as const)('a database in %s', (encoding, bytes, text, nonsense) => {
  let database: TestDatabase;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await createTestDatabase({ encoding });
    const client = await database.pool.connect();
    await client.query("set client_encoding = 'SQL_ASCII'");
    const insert = async (id: number, cli: string) =>
      client.query(
        `insert into xdrs (i_xdr, i_account, cli, country, cld, connect_time) values (${id}, 14, ${cli}, ${cli}, '44', '2026-01-05Z')`,
      );
    await insert(1, stored(bytes));
    await insert(2, "'plain'");
    await insert(3, stored([0x5c, 0x22, ...bytes, 0x0a]));
    if (nonsense) await insert(4, stored(nonsense));
    await client.query(
      `insert into accounts (i_account, username) values (14, ${stored(nonsense ?? bytes)})`,
    );
    await client.query('reset client_encoding');
    client.release();
    await database.replayed();
    gateway = await createTestGateway(database, { tuning: { poolSize: 2 } });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  test('shows its text on both paths and in files, and of bytes that are none only that they are unreadable', async () => {
    const document = '{ cdrs(orderBy: OLDEST_FIRST) { nodes { id cli cld } } }';
    for (const { data, errors = [] } of [await gateway.query(document), await ordinary(gateway, document)]) {
      expect(data.cdrs.nodes).toEqual([
        { id: '1', cli: text, cld: '44' },
        { id: '2', cli: 'plain', cld: '44' },
        { id: '3', cli: `\\"${text}\n`, cld: '44' },
        ...(nonsense ? [{ id: '4', cli: null, cld: '44' }] : []),
      ]);
      expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual(
        nonsense ? [[['cdrs', 'nodes', 3, 'cli'], 'UNREADABLE_VALUE']] : [],
      );
    }
    const csv = await (await gateway.ask(document, {}, { headers: { accept: 'text/csv' } })).text();
    expect(csv.split('\r\n').slice(1, 4)).toEqual([
      `"1","${text}","44"`,
      '"2","plain","44"',
      `"3","\\""${text}\n","44"`,
    ]);
  });

  test('is searched for its text; for what it cannot hold nothing is found', async () => {
    const ids = async (filter: string) => {
      const { data, errors } = await gateway.query(
        `{ cdrs(orderBy: OLDEST_FIRST, filter: ${filter}) { nodes { id } totalCount } }`,
      );
      expect(errors).toBeUndefined();
      expect(data.cdrs.totalCount).toBe(data.cdrs.nodes.length);
      return data.cdrs.nodes.map(({ id }: { id: string }) => id);
    };
    expect(await ids(`{ cli: { is: "${text}" } }`)).toEqual(['1']);
    expect(await ids(`{ cli: { contains: "${text}" } }`)).toEqual(['1', '3']);
    expect(await ids(`{ cli: { startsWith: "${text}" } }`)).toEqual(['1']);
    for (const character of ['漢', '’', '😀', 'ﷺ', '\u0081']) {
      expect(await ids(`{ cli: { is: "${character}" } }`)).toEqual([]);
      expect(await ids(`{ cli: { contains: "{\\"${character}" } }`)).toEqual([]);
      expect(await ids(`{ countries: ["${character}", "plain", "a\\"\\\\${character}"] }`)).toEqual(['2']);
    }
    expect(await ids(`{ countries: ["${text}", "漢"] }`)).toEqual(['1']);
  });

  test('has statistics and accounts that one byte cannot void', async () => {
    const { data, errors = [] } = await gateway.query(
      '{ cdrStats(groupBy: [COUNTRY]) { rows { country attempts } totals { attempts } } account(id: 14) { id username } }',
    );
    const countries = data.cdrStats.rows.map(({ country }: { country: string | null }) => country);
    expect(countries).toContain(text);
    expect(data.cdrStats.totals.attempts).toBe(nonsense ? 4 : 3);
    expect(data.account).toEqual({ id: '14', username: nonsense ? null : text });
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(
      nonsense ? Array(2).fill('UNREADABLE_VALUE') : [],
    );
  });
});

test('any text that an encoding has comes back from it', () => {
  for (const name of [...singleByte, 'SQL_ASCII']) {
    const encoding = encodingNamed(name)!;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = encoding.encode(text.toWellFormed());
        if (bytes) expect(encoding.decode(bytes)?.toString()).toBe(text.toWellFormed());
      }),
      { numRuns: 50, seed: 3 },
    );
  }
});
