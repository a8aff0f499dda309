import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { checkModel, generateModel, ModelDriftError, modelFile } from '../../codegen/model.ts';
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
