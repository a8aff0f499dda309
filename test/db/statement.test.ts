import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { run } from '../../src/db/reader.ts';
import type { Scope } from '../../src/db/scope.ts';
import type { Source } from '../../src/db/sources/sources.ts';
import {
  type Relations,
  ScopeMismatchError,
  Statement,
  UnscopedStatementError,
} from '../../src/db/statement.ts';
import { StatementCache } from '../../src/db/statement-cache.ts';
import type { Lender } from '../../src/db/wire/lender.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { recordingLender } from '../support/recording-lender.ts';

let database: TestDatabase;
let source: Source;
let pool: Lender;
const sent: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  ({ source } = await checkSource(database.primary, 'xdrs'));
  pool = recordingLender(database.pool, (text) => sent.push(text));
});
afterAll(() => database?.[Symbol.asyncDispose]());

const all: Scope = { kind: 'all' };
const one: Scope = { kind: 'accounts', accountIds: ['14'] };
const other: Scope = { kind: 'accounts', accountIds: ['15'] };
const two: Scope = { kind: 'accounts', accountIds: ['14', '15'] };
const nobody: Scope = { kind: 'accounts', accountIds: [] };
const customer: Scope = { kind: 'customers', customerIds: ['14'] };
const customers: Scope = { kind: 'customers', customerIds: ['14', '15'] };

const keysFor = (scope: Scope) =>
  Statement.build({ source, scope }, 'keys', (relations) => relations.cdrs().select('i_xdr'));

describe('a statement', () => {
  test('has the ids of the scope it is executed for, not of the one it was built for', () => {
    const statement = keysFor(one);
    expect(statement.bind(one).values).toEqual(['14']);
    expect(statement.bind(other)).toEqual({ text: statement.bind(one).text, values: ['15'] });
    expect(keysFor(two).bind(nobody).values).toEqual([[]]);
    expect(keysFor(customers).bind(customers).values).toEqual([['14', '15']]);
    expect(keysFor(all).bind(all).values).toEqual([]);
  });

  const kinds = { all, one, two, customer, customers };
  const pairs = Object.keys(kinds).flatMap((built) =>
    Object.keys(kinds).map((executed) => [built, executed] as const),
  ) as [keyof typeof kinds, keyof typeof kinds][];

  test.each(pairs.filter(([built, executed]) => built !== executed))(
    'for %s is not sent for %s',
    async (built, executed) => {
      sent.length = 0;
      const reader = { pool, source: { hasScopePolicies: false }, scope: kinds[executed], signal: undefined };
      await expect(run(reader, keysFor(kinds[built]))).rejects.toThrow(ScopeMismatchError);
      expect(sent).toEqual([]);
      await run(reader, keysFor(kinds[executed]));
      expect(sent).toHaveLength(1);
    },
  );

  test('cannot be built from a relation without the predicate of its scope', () => {
    const open: Source = { ...source, cdrs: () => source.cdrs(all) };
    const build = () =>
      Statement.build({ source: open, scope: one }, 'planted', (relations) =>
        relations.cdrs().select('i_xdr'),
      );
    expect(build).toThrow(UnscopedStatementError);
  });

  test('cannot be built from a relation beside another that lacks the predicate', () => {
    const build = () =>
      Statement.build({ source, scope: customer }, 'planted', (relations) =>
        relations
          .cdrs()
          .innerJoin(
            relations
              .selectFrom(relations.open(() => source.accounts!(all)))
              .selectAll()
              .as('accounts'),
            'accounts.i_account',
            'xdrs.i_account',
          )
          .select('i_xdr'),
      );
    expect(build).toThrow(UnscopedStatementError);
  });

  test.each([all, one, customer])('that opens no relation cannot be built for %o', (scope) => {
    const build = () =>
      Statement.build({ source, scope }, 'planted', (relations) =>
        relations.selectFrom(sql<{ i_xdr: string }>`xdrs`.as<'xdrs'>(sql`calls`)).select('i_xdr'),
      );
    expect(build).toThrow(UnscopedStatementError);
  });

  test.each([
    'select i_xdr from xdrs',
    'select now() from accounts',
    'select 1 from (select 1) as one',
    'table xdrs',
    'select now() from pg_class, xdrs',
    'select now() from pg_class, public."accounts"',
    'select (table CALLS limit 1)',
  ])('about the server reads no table: %s', (text) => {
    expect(() => Statement.ofServer('planted', sql.raw(text))).toThrow(UnscopedStatementError);
  });

  test.each([
    ['a relation', (relations: Relations) => relations.cdrs().select('i_xdr')],
    ['a table', ({ selectFrom }: Relations) => selectFrom(sql`xdrs`.as('kept')).select(sql`1`.as('one'))],
    [
      'a table in a query over rows',
      ({ selectFrom }: Relations) =>
        selectFrom(sql`pg_catalog.json_to_recordset('[]') as given (id int8)`.as('kept')).select(
          sql`(select count(*) from accounts)`.as('one'),
        ),
    ],
  ])('over rows that are given is not built where it reads %s', (_, build) => {
    expect(() => Statement.overRows({ source, scope: all }, 'planted', build as never)).toThrow(
      UnscopedStatementError,
    );
  });

  test('without a value for each place is not sent', () => {
    const place = Symbol('place');
    const statement = Statement.build({ source, scope: one }, 'keys', (relations) =>
      relations.cdrs().select('i_xdr').where(sql<boolean>`xdrs.i_xdr = ${place}::int8`),
    );
    expect(() => statement.bind(one)).toThrow('no value');
    expect(statement.bind(one, new Map([[place, '7']])).values).toEqual(['14', '7']);
  });

  test('that is kept offers no columns but those it names, which are found wherever they are named', async () => {
    const build = (isKept: boolean) =>
      Statement.build(
        { source, scope: one },
        'narrow',
        (relations) =>
          relations
            .selectFrom(
              relations
                .cdrs()
                .select(sql`xdrs.outcome`.as('shown'))
                .where(sql<boolean>`xdrs.duration > 0`)
                .as('calls'),
            )
            .select(sql`count(calls.shown)`.as('shown')),
        { isKept },
      );
    const [narrow, whole] = [build(true), build(false)];
    const namesIn = ({ text }: { readonly text: string }) =>
      [...text.matchAll(/ as "(\w+)"/g)].map(([, name]) => name!).filter((name) => name !== 'shown');
    expect(namesIn(narrow.bind(one)).toSorted()).toEqual(
      // The predicate of the scope names one too.
      ['calls', 'duration', 'i_account', 'outcome', 'xdrs', 'xdrs'],
    );
    expect(namesIn(whole.bind(one)).length).toBeGreaterThan(25);
    const reader = { pool, source: { hasScopePolicies: false }, scope: one, signal: undefined };
    expect(await run(reader, narrow)).toEqual(await run(reader, whole));
  });
});

describe('the cache of statements', () => {
  test('keeps what was used last, and no more than it may hold', () => {
    const built: string[] = [];
    const statement = keysFor(all);
    const length = 'a'.length + statement.length;
    const cache = new StatementCache(3 * length);
    const get = (key: string) =>
      cache.get(key, () => {
        built.push(key);
        return keysFor(all);
      });
    for (const key of 'abcabcadbc') get(key);
    expect(built.join('')).toBe('abcdbc');
    expect(cache.size).toBe(3);
    for (let index = 0; index < 1000; index++) get(String.fromCharCode(index));
    expect(cache.size).toBe(3);
  });
});
