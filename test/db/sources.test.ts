import { type Compilable, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { run } from '../../src/db/reader.ts';
import type { Scope } from '../../src/db/scope.ts';
import type { Outcome, Source } from '../../src/db/sources/sources.ts';
import { type Relations, Statement } from '../../src/db/statement.ts';
import { aCustomer, anAccount, anXdr } from '../support/builders.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { createSourceDatabase, insertCalls, sourceNames } from './source-databases.ts';

describe.each(sourceNames)('the source %s', (name) => {
  let database: TestDatabase;
  let source: Source;

  beforeAll(async () => {
    database = await createSourceDatabase(name);
    ({ source } = await checkSource(database.primary, name));
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  const read = <Row>(scope: Scope, build: (relations: Relations) => Compilable<Row>): Promise<Row[]> =>
    run(
      { pool: database.pool, source, scope, signal: undefined },
      Statement.build({ source, scope }, 'test', build),
    );

  test('reads a call with every column as it was written', async () => {
    const given = anXdr({
      setup_time: '2026-01-05 08:59:57.25+00',
      connect_time: '2026-01-05 09:00:00.000001+00',
      duration: '62.921805825',
      charged_amount: '0.0133',
      user_agent: 'phone',
    });
    await insertCalls(database, name, [given]);

    const read = await database.primary
      .selectFrom(source.cdrs({ kind: 'all' }))
      .selectAll()
      .executeTakeFirstOrThrow();

    // A Sippy has its own results, no amount of that name, and numbers of types beyond the model's.
    const ofSippy = {
      disconnect_cause: 0,
      disconnect_cause_text: '0',
      charged_quantity_text: '61',
      disconnect_reason: 'Success',
      post_call_surcharge: null,
    };
    expectTypeOf(read.outcome).toEqualTypeOf<Outcome | null>();
    expectTypeOf(read.charged_amount).toEqualTypeOf<string>();
    expect(read).toEqual({
      ...given,
      outcome: 'ANSWERED',
      successful: true,
      is_quantity_unreadable: false,
      ...(name === 'sippy' ? ofSippy : {}),
    });
  });

  test('finds nothing for an empty list of accounts, and only their own calls for one or several', async () => {
    await insertCalls(
      database,
      name,
      ['21', '22', '23'].map((id) => anXdr({ i_xdr: id, i_account: id })),
    );
    const idsIn = async (accountIds: readonly string[]) => {
      const rows = await read({ kind: 'accounts', accountIds }, (relations) =>
        relations.cdrs().select('i_xdr').orderBy('i_xdr'),
      );
      return rows.map((row) => row.i_xdr);
    };

    expect(await idsIn([])).toEqual([]);
    expect(await idsIn(['22'])).toEqual(['22']);
    expect(await idsIn(['21', '23'])).toEqual(['21', '23']);
  });

  test('finds the calls, the accounts and the customers that belong to customers', async () => {
    const owners = [
      ['31001', '3101'],
      ['31002', '3101'],
      ['31003', '3102'],
    ] as const;
    await insertCalls(
      database,
      name,
      owners.map(([i_account, i_customer]) => anXdr({ i_xdr: i_account, i_account, i_customer })),
    );
    if (name === 'xdrs') {
      await database.insertAccounts(
        owners.map(([i_account, i_customer]) => anAccount({ i_account, i_customer })),
      );
      await database.insertCustomers([aCustomer({ i_customer: '3101' }), aCustomer({ i_customer: '3102' })]);
    }
    const seenBy = async (scope: Scope) => {
      const calls = await read(scope, (relations) => relations.cdrs().select('i_xdr').orderBy('i_xdr'));
      const accounts = await read(scope, (relations) =>
        relations.selectFrom(relations.open(source.accounts!)).select('i_account'),
      );
      expect(accounts.map((row) => row.i_account).toSorted()).toEqual(calls.map((row) => row.i_xdr));
      const { customers: relation } = source;
      if (relation) {
        const customers = await read(scope, (relations) =>
          relations.selectFrom(relations.open(relation)).select('i_customer'),
        );
        const owned = owners.filter(([account]) => calls.some((row) => row.i_xdr === account));
        expect(customers.map((row) => row.i_customer).toSorted()).toEqual([
          ...new Set(owned.map(([, customer]) => customer)),
        ]);
      }
      return calls.map((row) => row.i_xdr);
    };

    expect(await seenBy({ kind: 'customers', customerIds: ['3101'] })).toEqual(['31001', '31002']);
    expect(await seenBy({ kind: 'customers', customerIds: ['3101', '3102'] })).toHaveLength(3);
    expect(await seenBy({ kind: 'customers', customerIds: ['31001'] })).toEqual([]);
    expect(await seenBy({ kind: 'customers', customerIds: [] })).toEqual([]);
    expect(await seenBy({ kind: 'accounts', accountIds: ['31001', '31003'] })).toEqual(['31001', '31003']);
    expect(await seenBy({ kind: 'accounts', accountIds: [] })).toEqual([]);
  });

  test('lets no condition of a query reach beyond the accounts in scope', async () => {
    await insertCalls(database, name, [anXdr({ i_xdr: '31', i_account: '31' })]);

    const rows = await read({ kind: 'accounts', accountIds: ['32'] }, (relations) =>
      relations
        .cdrs()
        .select('i_xdr')
        .where(({ eb, or }) => or([eb('xdrs.i_account', '=', '31'), eb.lit(true)])),
    );

    expect(rows).toEqual([]);
  });

  test('reads accounts, and customers where there is such a table', async () => {
    await database.pool.query(
      `insert into accounts (i_account, i_customer, username, ${name === 'sippy' ? 'payment_currency' : 'currency'})
         values (99, 3, 'dialler', 'EUR')`,
    );
    const account = await database.primary
      .selectFrom(source.accounts!({ kind: 'all' }))
      .selectAll()
      .where('accounts.i_account', '=', '99')
      .executeTakeFirst();

    expect(account).toEqual({
      i_account: '99',
      i_customer: '3',
      username: 'dialler',
      currency: 'EUR',
      time_zone: null,
      blocked: false,
    });
    expect(source.customers === null).toBe(name === 'sippy');
  });
});

describe('the source sippy', () => {
  let database: TestDatabase;
  let source: Source;

  beforeAll(async () => {
    database = await createSourceDatabase('sippy');
    ({ source } = await checkSource(database.primary, 'sippy'));
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  test('gives float money back as the decimal the switch meant, and its sum exactly', async () => {
    const amounts = ['0.1', '0.2', '0.0000123', '1666.63', '123456.789012345'];
    await insertCalls(
      database,
      'sippy',
      amounts.map((charged_amount, index) => anXdr({ i_xdr: String(100 + index), charged_amount })),
    );
    await database.pool.query('update cdrs set cost = 0.1::float8 + 0.2::float8 where i_cdr = 100');

    const rows = await database.primary
      .selectFrom(source.cdrs({ kind: 'all' }))
      .select(['charged_amount', sql<string>`sum(charged_amount) over ()`.as('sum')])
      .where('i_xdr', 'in', ['100', '101', '102', '103', '104'])
      .orderBy('i_xdr')
      .execute();

    expect(rows.map((row) => row.charged_amount)).toEqual(['0.3', ...amounts.slice(1)]);
    expect(rows[0]!.sum).toBe('125123.919024645');
  });

  test('lists a call once, however many destinations share its prefix', async () => {
    await insertCalls(database, 'sippy', [anXdr({ i_xdr: '200', prefix: '999', country: 'Nowhere' })]);
    await database.pool.query(
      `insert into destinations values ('999', null, 'Somewhere'), ('999', null, 'Elsewhere')`,
    );

    const rows = await database.primary
      .selectFrom(source.cdrs({ kind: 'all' }))
      .select(['i_xdr', 'country', 'region'])
      .where('prefix', '=', '999')
      .execute();

    expect(rows).toEqual([{ i_xdr: '200', country: 'Nowhere', region: 'Elsewhere' }]);
  });

  test('keeps a record whose numbers are gone from calls', async () => {
    await insertCalls(database, 'sippy', [anXdr({ i_xdr: '300' })]);
    await database.pool.query('delete from calls where i_call = (select i_call from cdrs where i_cdr = 300)');

    const rows = await database.primary
      .selectFrom(source.cdrs({ kind: 'all' }))
      .select(['cli', 'cld', 'cld_in'])
      .where('i_xdr', '=', '300')
      .execute();

    expect(rows).toEqual([{ cli: null, cld: null, cld_in: '00442071838750' }]);
  });

  test('explains every result in words, and leaves an unknown one without', async () => {
    await insertCalls(
      database,
      'sippy',
      [0, 1, 2].map((index) => anXdr({ i_xdr: String(400 + index) })),
    );
    await database.pool.query(
      'update cdrs set result = (array[-25, 486, 699])[i_cdr - 399] where i_cdr between 400 and 402',
    );

    const rows = await database.primary
      .selectFrom(source.cdrs({ kind: 'all' }))
      .select(['disconnect_cause', 'disconnect_reason'])
      .where('i_xdr', 'in', ['400', '401', '402'])
      .orderBy('i_xdr')
      .execute();

    expect(rows).toEqual([
      { disconnect_cause: -25, disconnect_reason: 'No routes' },
      { disconnect_cause: 486, disconnect_reason: 'Busy here' },
      { disconnect_cause: 699, disconnect_reason: null },
    ]);
  });
});
