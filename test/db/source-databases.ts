import type { Insertable } from 'kysely';
import type { Xdrs } from '../../src/db/generated/model.ts';
import type { SourceName } from '../../src/db/sources/sources.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { insertAsSippy, sippyIndexesSql, sippyTablesSql } from '../support/sippy.ts';

export const sourceNames: readonly SourceName[] = ['xdrs', 'sippy'];

/** On which servers a database is made. */
export type CreateDatabase = (options: { readonly empty: boolean }) => Promise<TestDatabase>;

/** A database of either kind, with its tables and indexes and no rows. */
export async function createSourceDatabase(
  name: SourceName,
  createDatabase: CreateDatabase = createTestDatabase,
): Promise<TestDatabase> {
  const database = await createDatabase({ empty: name === 'sippy' });
  if (name === 'sippy') await database.pool.query(sippyTablesSql + sippyIndexesSql);
  return database;
}

/** The same calls, as either switch writes them. */
export async function insertCalls(
  database: TestDatabase,
  name: SourceName,
  rows: readonly Insertable<Xdrs>[],
): Promise<void> {
  if (name === 'sippy') await insertAsSippy(database.pool, rows);
  else await database.insertXdrs(rows);
}
