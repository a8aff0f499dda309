import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CdrColumnName, cdrColumnNames } from '../../src/db/sources/cdr-columns.ts';
import { RowShapeError } from '../../src/db/wire/data-row.ts';
import { ByteWriter } from '../../src/streaming/byte-writer.ts';
import { createCsvEncoder } from '../../src/streaming/csv-encoder.ts';
import { hasKey } from '../../src/streaming/key-columns.ts';
import type { RelatedSource } from '../../src/streaming/related-objects.ts';
import { createRowEncoder, type Member } from '../../src/streaming/row-encoder.ts';

/** What lies before and behind a row in the read buffer: in production the rows of others. */
const FOREIGN = Buffer.from('FOREIGN1FOREIGN2');

/** A DataRow of these lengths, true or not, and bytes. */
function dataRow(values: readonly { length: number; bytes: Buffer }[], columns = values.length): Buffer {
  const parts = values.flatMap(({ length, bytes }) => {
    const head = Buffer.alloc(4);
    head.writeInt32BE(length);
    return [head, bytes];
  });
  const head = Buffer.from([0x44, 0, 0, 0, 0, 0, 0]);
  head.writeInt16BE(columns, 5);
  const row = Buffer.concat([head, ...parts]);
  row.writeInt32BE(row.length - 1, 1);
  return row;
}

const anyBytes = fc
  .uint8Array({ maxLength: 24 })
  .map((bytes) => Buffer.from(bytes).fill(0x35, 0, Math.min(3, bytes.length)));
const value = fc.oneof(
  { weight: 30, arbitrary: anyBytes.map((bytes) => ({ length: bytes.length, bytes })) },
  { weight: 2, arbitrary: fc.constant({ length: -1, bytes: Buffer.alloc(0) }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(-2, -3, 1, 8, 9, 60, 2 ** 30, 2 ** 31 - 1), anyBytes)
      .map(([length, bytes]) => ({ length, bytes })),
  },
);
const key = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .uint8Array({ minLength: 8, maxLength: 8 })
      .map((bytes) => ({ length: 8, bytes: Buffer.from(bytes) })),
  },
  { weight: 1, arbitrary: value },
);

const members = fc
  .array(fc.constantFrom(...cdrColumnNames), { minLength: 1, maxLength: 5 })
  .map((names) =>
    names.map((column, index): Member => ({ kind: 'column', key: `${column}${index}`, column })),
  );

const kinds = {
  json: (given: readonly Member[]) => createRowEncoder(given),
  ndjson: (given: readonly Member[]) => createRowEncoder(given, { keepsObjects: true }),
  csv: (given: readonly Member[]) => createCsvEncoder(given as never),
};

test.each(Object.keys(kinds) as (keyof typeof kinds)[])(
  'whatever a row announces, %s shows nothing that lies outside of it',
  (kind) => {
    let shown = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        members,
        key,
        key,
        fc.array(value, { minLength: 9, maxLength: 9 }),
        fc.constantFrom(0, 0, 0, 0, 0, -1, 1),
        (given, one, other, values, more) => {
          const encoder = kinds[kind](given);
          const row = dataRow(
            [one, other, ...values.slice(0, encoder.columns.length)],
            2 + encoder.columns.length + more,
          );
          const bytes = Buffer.concat([FOREIGN, row, FOREIGN]);
          const blocks: Buffer[] = [];
          const writer = new ByteWriter((block) => blocks.push(block));
          const [start, end] = [FOREIGN.length, FOREIGN.length + row.length];
          try {
            if (hasKey(bytes, start, end, 2 + encoder.columns.length))
              encoder.encode(writer, bytes, start, end, false);
            shown++;
          } catch (error) {
            if (!(error instanceof RowShapeError)) throw error;
            expect(writer.length).toBe(0);
            refused++;
          }
          writer.flush();
          const text = Buffer.concat(blocks).toString('latin1');
          expect(text).not.toContain('FOREIGN');
        },
      ),
      { numRuns: 3000, seed: 5 },
    );
    expect(shown).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(1000);
  },
);

test('a value that is cut at the end of its row is refused before a byte of it is read', () => {
  const column: CdrColumnName = 'cli';
  const whole = dataRow([
    { length: 8, bytes: Buffer.alloc(8) },
    { length: 8, bytes: Buffer.alloc(8) },
    { length: 14, bytes: Buffer.from('33') },
  ]);
  const bytes = Buffer.concat([whole, FOREIGN]);
  const writer = new ByteWriter(() => {});
  for (const encoder of Object.values(kinds).map((create) =>
    create([{ kind: 'column', key: 'cli', column }]),
  )) {
    expect(() => encoder.encode(writer, bytes, 0, whole.length, true)).toThrow(RowShapeError);
    expect(writer.length).toBe(0);
  }
});

describe('the key of an object that calls refer to', () => {
  const shown: Member = { kind: 'column', key: 'number', column: 'cld' };
  const again: Member = { ...shown, key: 'again' };
  const other: Member = { kind: 'column', key: 'cli', column: 'cli' };
  const carrier = (key: string): Member => ({
    kind: 'related',
    key,
    object: {
      name: 'carrier',
      column: 'cld',
      leaves: [{ path: [], form: 'text' }],
      selection: null as never,
    },
  });
  const orders: Member[][] = [
    [shown, carrier('a')],
    [carrier('a'), other, shown],
    [other, carrier('a'), carrier('b'), shown],
    [shown, other, carrier('a'), again],
  ];
  /** Each number is its own carrier: what is written tells where it was read. */
  const source: RelatedSource = {
    obtain: async (_plan, keys) => keys.map((key) => ({ value: `of ${key}`, failures: [] })),
    answer: async () => [],
    answerNow: () => undefined,
    foresee: () => [],
    findNow: () => undefined,
  };

  test.each(Object.keys(kinds) as (keyof typeof kinds)[])(
    'is read once, wherever it stands, in %s',
    async (kind) => {
      for (const order of orders) {
        const encoder = kinds[kind](order);
        expect(encoder.columns.filter((column) => column === 'cld')).toHaveLength(
          order.includes(again) ? 2 : 1,
        );
        const key = { length: 8, bytes: Buffer.alloc(8) };
        const values = encoder.columns.map((column) => Buffer.from(column === 'cld' ? '331' : '442'));
        const row = dataRow([key, key, ...values.map((bytes) => ({ length: bytes.length, bytes }))]);
        for (const objects of encoder.related) objects.useSource(source);
        encoder.want(row, 0, row.length);
        await Promise.all(encoder.related.map((objects) => objects.obtain()));
        const writer = new ByteWriter(() => {});
        encoder.encode(writer, row, 0, row.length, false);
        const expected = order.map(({ key: name, kind: of }) =>
          of === 'related' ? 'of 331' : name === 'cli' ? '442' : '331',
        );
        const text = writer.finish().toString();
        const cells =
          kind === 'csv'
            ? text
                .trim()
                .split(',')
                .map((cell) => JSON.parse(cell))
            : Object.values(JSON.parse(text));
        expect(cells).toEqual(expected);
      }
    },
  );
});
