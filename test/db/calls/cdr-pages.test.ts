import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CdrPage } from '../../../src/db/calls/cdr-page.ts';
import { cdrListQuery, hasOnePlan, valuesOfPage, wayTo } from '../../../src/db/calls/cdr-pages.ts';
import { selectCdrPage } from '../../../src/db/calls/cdrs.ts';
import { checkSource } from '../../../src/db/catalogue/catalogue-check.ts';
import { type Reader, run } from '../../../src/db/reader.ts';
import type { Scope } from '../../../src/db/scope.ts';
import { Statement } from '../../../src/db/statement.ts';
import { microsOfRfc3339 } from '../../../src/db/timestamps.ts';
import { anXdr } from '../../support/builders.ts';
import type { TestDatabase } from '../../support/postgres.ts';
import { createSourceDatabase, insertCalls, sourceNames } from '../source-databases.ts';

const COUNT = 400;
const minute = (number: number) => new Date(Date.UTC(2026, 0, 5, 9, number)).toISOString();

/** Ten calls a minute; account 9 has few, accounts 10 and above none. */
const calls = Array.from({ length: COUNT }, (_, index) =>
  anXdr({
    i_xdr: String(1000 + index),
    i_account: index % 97 === 0 ? '9' : String(1 + (index % 5)),
    // A Sippy looks them up: each account has one.
    i_customer: index % 97 === 0 ? '1' : String(1 + ((index % 5) % 3)),
    connect_time: minute(Math.floor(index / 10)),
    cld: `${index % 3 === 0 ? '33' : '44'}${100_000 + ((index * 7919) % 1000)}`,
    cli: `1415${index % 50}`,
  }),
);

const ids = fc.array(fc.integer({ min: 1, max: 12 }).map(String), { minLength: 1, maxLength: 6 });
const keyset = fc
  .integer({ min: -5, max: COUNT + 5 })
  .map((index) => ({ micros: microsOfRfc3339(minute(Math.floor(index / 10)))!, id: BigInt(1000 + index) }));
const scope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constant<Scope>({ kind: 'all' }),
  fc.record({ kind: fc.constant('accounts' as const), accountIds: ids }),
  fc.record({ kind: fc.constant('customers' as const), customerIds: ids }),
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const page: fc.Arbitrary<CdrPage> = fc.record({
  filter: fc.record({
    accountIds: maybe(ids),
    from: maybe(fc.integer({ min: 0, max: 45 }).map(minute)),
    to: maybe(fc.integer({ min: 0, max: 45 }).map(minute)),
    cld: maybe(
      fc.constantFrom({ startsWith: '33' }, { startsWith: '33100' }, { startsWith: '0' }, { endsWith: '7' }),
    ),
    cli: maybe(fc.constantFrom({ startsWith: '14151' }, { is: '14157' })),
  }),
  order: fc.constantFrom('NEWEST_FIRST', 'OLDEST_FIRST'),
  fromEnd: fc.boolean(),
  after: maybe(keyset),
  before: maybe(keyset),
  limit: fc.constantFrom(1, 2, 10, 51, 1001, 1002),
});

describe.each(sourceNames)('from the source %s', (name) => {
  let database: TestDatabase;
  let reader: Reader;

  beforeAll(async () => {
    database = await createSourceDatabase(name);
    await insertCalls(database, name, calls);
    await database.pool.query('analyze');
    const { source } = await checkSource(database.primary, name);
    reader = { pool: database.pool, source, scope: { kind: 'all' }, signal: undefined };
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  test('a page is the beginning of its list, whichever way it is found', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(page, scope, async (asked, scope) => {
        const scoped = { ...reader, scope };
        seen.add(`${wayTo(scoped, asked).by}, ${hasOnePlan(scoped, asked) ? 'one plan' : 'many'}`);
        const whole = Statement.build(scoped, 'list', (relations) =>
          cdrListQuery(relations, asked, ['i_xdr']),
        );
        const list = await run(scoped, whole, valuesOfPage(asked, { by: 'rows' }));
        const rows = await selectCdrPage(scoped, asked, ['i_xdr']);
        expect(rows.map(({ i_xdr }) => i_xdr)).toEqual(list.slice(0, asked.limit).map(({ i_xdr }) => i_xdr));
      }),
      { numRuns: 400, seed: 20260105 },
    );
    const ways = ['accounts, many', 'accounts, one plan', 'keys, many', 'rows, many', 'rows, one plan'];
    // A Sippy's calls do not say whose customer's they are.
    if (name === 'sippy') ways.push('owners, many', 'owners, one plan');
    else ways.push('customers, many', 'customers, one plan');
    expect([...seen].sort()).toEqual(ways.toSorted());
  });

  test('without its index no account is read for itself', async () => {
    const source = { ...reader.source, hasKeysetIndexes: false };
    const asked = { filter: { accountIds: ['1', '2'] }, order: 'NEWEST_FIRST', limit: 51 } as const;
    expect(wayTo(reader, asked)).toEqual({ by: 'accounts', accountIds: ['1', '2'] });
    expect(wayTo({ ...reader, source }, asked)).toEqual({ by: 'rows' });
  });

  test('without an index on customers none is read for itself', () => {
    const asked = { filter: {}, order: 'NEWEST_FIRST', limit: 51 } as const;
    const wayOf = (hasCustomerKeysets: boolean) =>
      wayTo(
        {
          source: { ...reader.source, hasCustomers: true, hasCustomerKeysets },
          scope: { kind: 'customers', customerIds: ['1', '3'] },
        },
        asked,
      );
    expect(wayOf(true)).toEqual({ by: 'customers', customerIds: ['1', '3'] });
    expect(wayOf(false)).toEqual({ by: 'rows' });
  });
});
