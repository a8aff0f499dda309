import fc from 'fast-check';
import { coerceInputValue, type GraphQLInputType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selectCallsBetween } from '../../src/db/calls/arrived-calls.ts';
import { type FilteredRow, passesFilter } from '../../src/db/calls/cdr-row-filter.ts';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { createDatabase, type Reader } from '../../src/db/reader.ts';
import type { SourceName } from '../../src/db/sources/sources.ts';
import { type CdrFilterArgument, parseFilter } from '../../src/resolvers/cdr-filter.ts';
import { schema } from '../../src/schema/index.ts';
import { createSourceDatabase, insertCalls } from '../db/source-databases.ts';
import type { CdrFilter } from '../generated/operations.ts';
import { callsOfEitherSwitch, filterNames, filters, filtersBy, rowOf } from '../schema/calls-oracle.ts';
import type { TestDatabase } from '../support/postgres.ts';

const ALL = { above: -1n, upTo: 2n ** 62n };

describe.each(['xdrs', 'sippy'] as const)(
  'of %s, a call passes in memory as it does in SQL',
  (name: SourceName) => {
    let database: TestDatabase;
    let reader: Reader;
    let rows: readonly FilteredRow[];

    beforeAll(async () => {
      database = await createSourceDatabase(name);
      await insertCalls(database, name, callsOfEitherSwitch(250, 9).map(rowOf));
      if (name === 'xdrs') {
        await database.pool.query(
          `update xdrs set duration = 'NaN', pdd = 'NaN' where i_xdr in (select i_xdr from xdrs order by i_xdr limit 5);
         update xdrs set duration = 'Infinity', pdd = '-Infinity', connect_time = 'infinity' where i_xdr in
           (select i_xdr from xdrs order by i_xdr desc limit 5)`,
        );
      }
      const { source } = await checkSource(createDatabase(database.pool), name);
      reader = { pool: database.pool, source, scope: { kind: 'all' }, signal: undefined };
      rows = await selectCallsBetween(reader, ALL, 1000);
      expect(rows.length).toBe(250);
    });

    afterAll(() => database[Symbol.asyncDispose]());

    const input = schema.getType('CdrFilter') as GraphQLInputType;

    async function compare(given: CdrFilter) {
      const filter = parseFilter(coerceInputValue(given, input) as CdrFilterArgument, { role: 'ADMIN' });
      const bySql = await selectCallsBetween(reader, ALL, 1000, filter);
      const inMemory = rows.filter((row) => passesFilter(filter, row));
      expect(inMemory.map(({ i_xdr }) => i_xdr)).toEqual(bySql.map(({ i_xdr }) => i_xdr));
    }

    test('by filters of every kind, and those within them', async () => {
      await fc.assert(fc.asyncProperty(filters, compare), { numRuns: 150 });
      const nested = fc.record(
        { not: filters, anyOf: fc.array(filters, { maxLength: 3 }) },
        { requiredKeys: [] },
      );
      await fc.assert(fc.asyncProperty(nested, compare), { numRuns: 80 });
    });

    test.each(filterNames)('by %s alone, and without it', async (filterName) => {
      const alone = filtersBy(filterName);
      await fc.assert(
        fc.asyncProperty(alone, fc.boolean(), (filter, isNot) => compare(isNot ? { not: filter } : filter)),
        { numRuns: 15 },
      );
    });
  },
);
