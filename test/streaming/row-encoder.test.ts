import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cdrPageStatement } from '../../src/db/calls/cdr-page-statement.ts';
import { selectCdrPage } from '../../src/db/calls/cdrs.ts';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { createDatabase, type Reader } from '../../src/db/reader.ts';
import {
  type CdrColumnName,
  cdrColumns,
  cdrColumnNames as columns,
  wireFormats,
} from '../../src/db/sources/cdr-columns.ts';
import { formats } from '../../src/db/wire/bind-message.ts';
import { readRawRows } from '../../src/db/wire/raw-rows.ts';
import { shownValue } from '../../src/resolvers/values.ts';
import { ByteWriter } from '../../src/streaming/byte-writer.ts';
import { createRowEncoder, type Member } from '../../src/streaming/row-encoder.ts';
import { anXdr } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const members: Member[] = columns.map((column) => ({ kind: 'column', key: column, column }));

/** Times, as numbers already, stay PostgreSQL's text. */
const types = {
  getTypeParser: (oid: number) =>
    oid === pg.types.builtins.TIMESTAMPTZ ? (text: string) => text : pg.types.getTypeParser(oid),
} as never;

let database: TestDatabase;
let pool: pg.Pool;
let reader: Reader;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({
    connectionString: database.replicaUrls[0],
    options: '-c TimeZone=UTC',
    max: 2,
    types,
  });
  const { source } = await checkSource(createDatabase(pool), 'xdrs');
  reader = { pool, source, scope: { kind: 'all' }, signal: undefined };
});

afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

/** All calls as the streaming path writes them. */
async function written(): Promise<unknown[]> {
  const blocks: Buffer[] = [];
  const writer = new ByteWriter((block) => blocks.push(block));
  const encoder = createRowEncoder(members);
  const page = { filter: {}, order: 'NEWEST_FIRST', limit: 1_000_000 } as const;
  const statement = cdrPageStatement(reader, page, ['connect_time', 'i_xdr', ...encoder.columns]);
  let follows = false;
  writer.text('[');
  const columnFormats = encoder.columns.map((name) => wireFormats[cdrColumns[name].wire]);
  await readRawRows(reader, {
    ...statement,
    formats: [formats.binary, formats.binary, ...columnFormats],
    sink(bytes, start, end) {
      for (let at = start, next = 0; at < end; at = next) {
        next = at + 1 + bytes.readInt32BE(at + 1);
        encoder.encode(writer, bytes, at, next, follows);
        follows = true;
      }
    },
  });
  writer.text(']');
  writer.flush();
  return JSON.parse(Buffer.concat(blocks).toString());
}

/** All calls as node-postgres reads them and the ordinary path shows them. */
async function selected(): Promise<unknown[]> {
  const rows = await selectCdrPage(reader, { filter: {}, order: 'NEWEST_FIRST', limit: 1_000_000 });
  return rows.map((row) => {
    const values = columns.map((name) => [name, shown(name, row[name])] as const);
    const isVoid = values.some(([name, value]) => value === null && !cdrColumns[name].nullable);
    return isVoid ? null : Object.fromEntries(values);
  });
}

function shown(name: CdrColumnName, value: string | number | null) {
  try {
    return shownValue(cdrColumns[name], value);
  } catch {
    return null;
  }
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '"',
    '\\',
    '\n\r\t\b\f',
    '\u0001\u001f\u007f',
    '\u2028',
    'é',
    '漢字',
    '😀',
    '+33 1',
    '%_',
  ),
);
const numberText = anyText.map((text) => text.replaceAll('\0', '').toWellFormed());
const decimal = fc.oneof(
  fc
    .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(40))
    .map(([digits, scale]) => `${digits}e-${scale}`),
  fc.constantFrom(
    '0',
    '0.000000',
    '-0.5',
    '1e100',
    '1e-100',
    '9999',
    '10000',
    '0.0001',
    '12345.67890',
    'NaN',
    'Infinity',
  ),
);
const instant = fc.oneof(
  fc
    .date({ min: new Date('1900-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
    .chain((date) =>
      fc.nat(999).map((micros) => `${date.toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`),
    ),
  fc.constantFrom(
    '4713-01-01 00:00:00 BC',
    '0001-01-01 00:00:00+00',
    '294276-12-31 23:59:59.999999+00',
    '10000-01-01Z',
  ),
  fc.constantFrom('2000-01-01T00:00:00Z', '1999-12-31T23:59:59.999999Z', '2024-02-29T12:00:00Z'),
);
const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 4 });

const anyXdr = fc.record({
  i_xdr: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  i_account: fc.oneof(
    fc.nat().map(String),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  ),
  cli: nullable(numberText),
  cld: nullable(numberText),
  connect_time: instant,
  setup_time: nullable(instant),
  duration: decimal,
  charged_amount: decimal,
  pdd: nullable(decimal),
  charged_quantity: nullable(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
  disconnect_cause: nullable(fc.integer({ min: -40, max: 700 })),
});

test('whatever a switch stores, rows become the JSON that the ordinary path makes of them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyXdr, { selector: ({ i_xdr }) => i_xdr, maxLength: 60 }),
      async (rows) => {
        await database.primary.deleteFrom('xdrs').execute();
        await database.insertXdrs(rows.map((row) => anXdr(row as never)));
        await database.replayed();
        expect(await written()).toEqual(await selected());
      },
    ),
    { numRuns: 60 },
  );
});

const FIRST_SAYABLE = -63_113_904_000_000_000n;
const FIRST_BEYOND = 252_455_616_000_000_000n;

test.each([
  ['infinity', 0x7fff_ffff_ffff_ffffn],
  ['-infinity', -0x8000_0000_0000_0000n],
  ['a moment before the year 0', FIRST_SAYABLE - 1n],
  ['the year 10000', FIRST_BEYOND],
  ['294276-12-31', 9_223_371_331_199_999_999n],
])('%s is null where null is allowed, and voids the call where it is not', (_, micros) => {
  expect(encodeTime('setup_time', micros)).toEqual(['{"t":null}', [{ path: ['t'] }]]);
  expect(encodeTime('connect_time', micros)).toEqual(['null', [{ path: ['t'] }]]);
  expect(encodeTime('connect_time', micros, true)).toEqual(['{"t":null}', [{ path: ['t'] }]]);
});

test('the first and the last moment that RFC 3339 can say are said', () => {
  expect(encodeTime('setup_time', FIRST_SAYABLE)).toEqual(['{"t":"0000-01-01T00:00:00.000000Z"}', undefined]);
  expect(encodeTime('setup_time', FIRST_BEYOND - 1n)).toEqual([
    '{"t":"9999-12-31T23:59:59.999999Z"}',
    undefined,
  ]);
});

/** A row of this time, in microseconds since 2000, as JSON; and what could not be shown. */
function encodeTime(column: 'setup_time' | 'connect_time', micros: bigint, keepsObjects = false) {
  const time = Buffer.alloc(8);
  time.writeBigInt64BE(micros);
  const row = dataRow([time, Buffer.alloc(8), time]);
  const blocks: Buffer[] = [];
  const writer = new ByteWriter((block) => blocks.push(block));
  const encoder = createRowEncoder([{ kind: 'column', key: 't', column }], { keepsObjects });
  const failures = encoder.encode(writer, row, 0, row.length, false);
  writer.flush();
  return [Buffer.concat(blocks).toString(), failures];
}

function dataRow(values: readonly Buffer[]): Buffer {
  const parts = values.flatMap((value) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value.length);
    return [length, value];
  });
  const head = Buffer.from([0x44, 0, 0, 0, 0, 0, values.length]);
  const row = Buffer.concat([head, ...parts]);
  row.writeInt32BE(row.length - 1, 1);
  return row;
}
