import fc from 'fast-check';
import pg from 'pg';
import { expect, test } from 'vitest';
import { copyIn } from '../../src/demo/copy-in.ts';
import { money, text } from '../../src/demo/copy-lines.ts';
import { createTestDatabase } from '../support/postgres.ts';

test('any text comes back from PostgreSQL as it was, tabs, line ends and backslashes included', async () => {
  await using database = await createTestDatabase({ empty: true });
  const client = await database.pool.connect();
  await client.query('create table notes (id integer, note text)');
  const letters = fc.oneof(fc.constantFrom('\\', '\t', '\n', '\r', 'N', '\\N', '\\.'), fc.string());
  const anyText = fc.array(letters).map((parts) => parts.join('').replaceAll('\0', ''));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(anyText), { maxLength: 20 }), async (notes) => {
      await client.query('truncate notes');
      const lines = notes.map((note, index) => `${index}\t${text(note)}\n`);
      await copyIn(client as unknown as pg.Client, 'copy notes from stdin', lines);
      const { rows } = await client.query('select note from notes order by id');
      expect(rows.map((row) => row.note)).toEqual(notes);
    }),
    { numRuns: 50 },
  );
  client.release();
});

test('money has six places, and nothing is a plain 0', () => {
  expect([0, 1, 173, 1_000_000, 12_345_678].map(money)).toEqual([
    '0',
    '0.000001',
    '0.000173',
    '1.000000',
    '12.345678',
  ]);
});

test('a row the server refuses fails the whole copy with its reason, and the connection goes on', async () => {
  await using database = await createTestDatabase({ empty: true });
  const client = new pg.Client({ connectionString: database.primaryUrl });
  await client.connect();
  await client.query('create table numbers (n integer)');
  await expect(copyIn(client, 'copy numbers from stdin', ['1\n', 'two\n', '3\n'])).rejects.toThrow(/two/);
  await expect(copyIn(client, 'copy nowhere from stdin', ['1\n'])).rejects.toThrow(/nowhere/);
  expect((await client.query('select count(*) from numbers')).rows).toEqual([{ count: '0' }]);
  await client.end();
});

test('a sender that fails half-way leaves no row behind', async () => {
  await using database = await createTestDatabase({ empty: true });
  const client = new pg.Client({ connectionString: database.primaryUrl });
  await client.connect();
  await client.query('create table numbers (n integer)');
  function* failing() {
    for (let n = 0; n < 100_000; n++) yield `${n}\n`;
    throw new Error('out of numbers');
  }
  await expect(copyIn(client, 'copy numbers from stdin', failing())).rejects.toThrow('out of numbers');
  expect((await client.query('select count(*) from numbers')).rows).toEqual([{ count: '0' }]);
  await client.end();
});
