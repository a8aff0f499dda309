import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CdrFilter } from '../../../src/db/calls/cdr-filter.ts';
import { cdrPageStatement } from '../../../src/db/calls/cdr-page-statement.ts';
import { checkSource } from '../../../src/db/catalogue/catalogue-check.ts';
import type { Reader } from '../../../src/db/reader.ts';
import type { Scope } from '../../../src/db/scope.ts';
import { formats } from '../../../src/db/wire/bind-message.ts';
import { readRawRows } from '../../../src/db/wire/raw-rows.ts';
import { anXdr } from '../../support/builders.ts';
import { hasPgBouncer, startPgBouncer } from '../../support/pgbouncer.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

const CALLS_EACH = 40;
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs(
    ['14', '15'].flatMap((i_account) =>
      Array.from({ length: CALLS_EACH }, (_, index) => anXdr({ i_account, duration: String(10 + index) })),
    ),
  );
});
afterAll(() => database[Symbol.asyncDispose]());

/** Who asks, and for what: texts that differ and take one value each, which one text may mistake for another's. */
const statements: readonly { readonly scope: Scope; readonly filter: CdrFilter }[] = [
  { scope: { kind: 'all' }, filter: { minDurationSeconds: '14' } },
  { scope: { kind: 'accounts', accountIds: ['14'] }, filter: {} },
  { scope: { kind: 'all' }, filter: { maxDurationSeconds: '45' } },
  { scope: { kind: 'accounts', accountIds: ['15'] }, filter: {} },
];

/** The accounts whose calls the statement was answered with. */
async function accountsRead(reader: Reader, filter: CdrFilter, limit: number): Promise<string[]> {
  const page = { filter, order: 'NEWEST_FIRST', limit } as const;
  const statement = cdrPageStatement(reader, page, ['i_account']);
  const accounts: string[] = [];
  await readRawRows(reader, {
    ...statement,
    formats: [formats.text],
    sink(bytes, start, end) {
      for (let at = start; at < end; at += 1 + bytes.readInt32BE(at + 1)) {
        accounts.push(bytes.toString('latin1', at + 11, at + 11 + bytes.readInt32BE(at + 7)));
      }
    },
  });
  return accounts;
}

describe.skipIf(!hasPgBouncer)('behind a pooler of transactions', () => {
  test('nobody is sent the calls of another, and everybody is answered', async () => {
    await using pooler = await startPgBouncer({
      url: database.replicaUrls[0]!,
      poolMode: 'transaction',
      poolSize: 2,
    });
    const { source } = await checkSource(database.primary, 'xdrs');
    const pool = new pg.Pool({ connectionString: pooler.url, max: 6 });
    pool.on('error', () => {});
    let foreign = 0;
    let answered = 0;
    for (let round = 0; round < 100; round++) {
      const running = Array.from({ length: 8 }, (_, index) => {
        const { filter, scope } = statements[(round + index) % statements.length]!;
        const reader: Reader = { pool, source, scope, signal: undefined };
        return accountsRead(reader, filter, 5).then((accounts) => {
          answered++;
          if (scope.kind === 'accounts' && accounts.some((account) => !scope.accountIds.includes(account)))
            foreign++;
        });
      });
      await Promise.all(running);
    }
    await pool.end();
    expect({ answered, foreign }).toEqual({ answered: 800, foreign: 0 });
  });
});
