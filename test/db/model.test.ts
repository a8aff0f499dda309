import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { checkColumns, checkModel, generateModel, ModelDriftError, modelFile } from '../../codegen/model.ts';
import { createTestDatabase } from '../support/postgres.ts';

test('the committed row types are those of the migrated tables', async () => {
  await using database = await createTestDatabase();

  expect(await generateModel(database.primaryUrl)).toBe(await readFile(modelFile, 'utf8'));
});

test('a column more fails the check, which names the line and the remedy', async () => {
  await using database = await createTestDatabase();
  await database.pool.query('alter table accounts add column added text');
  const drift = await checkModel(await generateModel(database.primaryUrl)).catch((error) => error);

  expect(drift).toBeInstanceOf(ModelDriftError);
  expect(drift.message).toMatch(/first in line \d+\. Run "npm run model"/);
});

test('a column declared with another type than it has fails the check, which names both', async () => {
  await using database = await createTestDatabase();
  await checkColumns(database.primaryUrl);
  // Both are a number to TypeScript, so that no compiler would see it.
  await database.pool.query('alter table xdrs alter column i_protocol type integer');

  await expect(checkColumns(database.primaryUrl)).rejects.toThrow(
    'src/db/sources/cdr-columns.ts: xdrs.i_protocol is integer, and declared smallint.',
  );
});
