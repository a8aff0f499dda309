import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSourceDatabase, insertCalls, sourceNames } from '../db/source-databases.ts';
import { anAccount, anXdr } from '../support/builders.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { insertAccountsAsSippy } from '../support/sippy.ts';

/** 18 is in no table of accounts. */
const currencies: Readonly<Record<string, string | null>> = {
  14: 'EUR',
  15: 'USD',
  16: null,
  17: 'EUR',
  18: null,
  19: '',
};

const minute = (number: number) => `2026-01-05 09:${String(number).padStart(2, '0')}:00+00`;

/** Charged 1, 2, 4, …: a sum tells which calls are in it. On 2026-01-05, of accounts 14 to 19, and once more of 14. */
const calls = ['14', '15', '16', '17', '18', '19', '14'].map((i_account, index) =>
  anXdr({
    i_xdr: String(index + 1),
    i_account,
    i_customer: '3',
    charged_amount: String(2 ** index),
    cld: index < 2 ? '331' : '442',
    connect_time: minute(index),
    setup_time: minute(index),
  }),
);

describe.each(sourceNames)('over the source %s', (source) => {
  let database: TestDatabase;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await createSourceDatabase(source);
    const accounts = Object.entries(currencies)
      .filter(([i_account]) => i_account !== '18')
      .map(([i_account, currency]) => anAccount({ i_account, currency, username: `u${i_account}` }));
    if (source === 'sippy') {
      await insertAccountsAsSippy(database.pool, accounts);
      await database.pool.query(
        'grant usage on schema public to gateway_reader; grant select on all tables in schema public to gateway_reader',
      );
    } else await database.insertAccounts(accounts);
    await insertCalls(database, source, calls);
    await database.replayed();
    gateway = await createTestGateway(database, { settings: { CDR_SOURCE: source } });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function stats(given: string, fields: string, token?: string) {
    const { data, errors } = await gateway.query(`{ cdrStats${given} { ${fields} } }`, {}, { token });
    expect(errors).toBeUndefined();
    return data.cdrStats;
  }

  test('amounts of different currencies are not added, and are there side by side', async () => {
    const amounts = 'chargedAmount amountsByCurrency { currency chargedAmount calls }';
    const { rows, totals } = await stats('(groupBy: [CLD])', `rows { cld ${amounts} } totals { ${amounts} }`);
    expect(rows).toEqual([
      {
        cld: '331',
        chargedAmount: null,
        amountsByCurrency: [
          { currency: 'EUR', chargedAmount: '1', calls: 1 },
          { currency: 'USD', chargedAmount: '2', calls: 1 },
        ],
      },
      {
        cld: '442',
        chargedAmount: null,
        amountsByCurrency: [
          { currency: 'EUR', chargedAmount: '72', calls: 2 },
          { currency: null, chargedAmount: '52', calls: 3 },
        ],
      },
    ]);
    expect(totals).toEqual({
      chargedAmount: null,
      amountsByCurrency: [
        { currency: 'EUR', chargedAmount: '73', calls: 3 },
        { currency: 'USD', chargedAmount: '2', calls: 1 },
        { currency: null, chargedAmount: '52', calls: 3 },
      ],
    });
  });

  test.each([
    ['of one account', '["14"]', '65'],
    ['of two accounts of one currency', '["14", "17"]', '73'],
    ['of accounts whose currency is unknown', '["16", "18", "19"]', '52'],
    ['of accounts of two currencies', '["14", "15"]', null],
    ['of an account with a currency and one without', '["14", "18"]', null],
    ['of nobody', '["99"]', '0'],
  ])('the sum %s', async (_, accountIds, chargedAmount) => {
    const { rows, totals } = await stats(
      `(filter: { accountIds: ${accountIds} })`,
      'rows { chargedAmount } totals { chargedAmount }',
    );
    expect({ rows, totals }).toEqual({ rows: [{ chargedAmount }], totals: { chargedAmount } });
  });

  test('calls are grouped by currency, whatever is measured of them', async () => {
    const { rows } = await stats(
      '(groupBy: [CURRENCY])',
      `rows { currency attempts chargedAmount medianDurationSeconds p95PddSeconds peakCallsPerSecond durationSeconds
         amountsByCurrency { currency chargedAmount } }`,
    );
    const same = {
      medianDurationSeconds: '60.25',
      p95PddSeconds: '1.84',
      peakCallsPerSecond: 1,
    };
    expect(rows).toEqual(
      [
        ['EUR', 3, '73', '180.75'] as const,
        ['USD', 1, '2', '60.25'] as const,
        [null, 3, '52', '180.75'] as const,
      ].map(([currency, attempts, chargedAmount, durationSeconds]) => ({
        ...same,
        currency,
        attempts,
        chargedAmount,
        durationSeconds,
        amountsByCurrency: [{ currency, chargedAmount }],
      })),
    );
  });

  test('groups without one currency come last by charges, and fulfil no condition on them', async () => {
    const { rows } = await stats(
      '(groupBy: [CLD, CURRENCY], orderBy: { measure: CHARGED_AMOUNT }, having: [{ measure: CHARGED_AMOUNT, moreThan: 1 }])',
      'rows { cld currency chargedAmount }',
    );
    expect(rows).toEqual([
      { cld: '442', currency: 'EUR', chargedAmount: '72' },
      { cld: '442', currency: null, chargedAmount: '52' },
      { cld: '331', currency: 'USD', chargedAmount: '2' },
    ]);
    const byNumber = await stats(
      '(groupBy: [CLD, ACCOUNT], orderBy: { measure: CHARGED_AMOUNT }, first: 2)',
      'rows { accountId chargedAmount }',
    );
    expect(byNumber.rows).toEqual([
      { accountId: '14', chargedAmount: '64' },
      { accountId: '19', chargedAmount: '32' },
    ]);
    const mixed = await stats(
      '(groupBy: [CLD], having: [{ measure: CHARGED_AMOUNT, atLeast: 0 }])',
      'rows { cld }',
    );
    expect(mixed.rows).toEqual([]);
  });

  test('a tenant has one currency', async () => {
    const { totals } = await stats(
      '(groupBy: [CLD])',
      'totals { chargedAmount amountsByCurrency { currency chargedAmount calls } }',
      ACCOUNT_TOKEN,
    );
    expect(totals).toEqual({
      chargedAmount: '65',
      amountsByCurrency: [{ currency: 'EUR', chargedAmount: '65', calls: 2 }],
    });
  });

  test('each call has its currency, streamed, executed, and in files', async () => {
    const expected = calls.map(({ i_xdr, i_account }) => ({
      id: i_xdr,
      currency: currencies[String(i_account)] || null,
    }));
    const list = 'cdrs(orderBy: OLDEST_FIRST) { nodes { id currency } }';
    const { data } = await gateway.query(`{ ${list} }`);
    expect(data.cdrs.nodes).toEqual(expected);
    const executed = await gateway.query(`{ ${list} cdr(id: 2) { currency account { currency } } }`);
    expect(executed.data).toEqual({
      cdrs: { nodes: expected },
      cdr: { currency: 'USD', account: { currency: 'USD' } },
    });
    const csv = await gateway.ask(
      '{ cdrs(orderBy: OLDEST_FIRST) { nodes { id paid: currency account { currency } } } }',
      {},
      { headers: { accept: 'text/csv' } },
    );
    expect((await csv.text()).trim().split('\r\n')).toEqual([
      'id,paid,account.currency',
      ...expected.map(({ id, currency }) => {
        const cell = currency === null ? '' : `"${currency}"`;
        return `"${id}",${cell},${cell}`;
      }),
    ]);
  });
});

test('an account that is there twice brings no call twice', async () => {
  await using database = await createTestDatabase();
  await database.pool.query('alter table accounts drop constraint accounts_pkey');
  await database.insertAccounts([anAccount(), anAccount(), anAccount({ i_account: '15', currency: 'USD' })]);
  await database.insertXdrs([
    anXdr({ charged_amount: '1' }),
    anXdr({ i_account: '15', charged_amount: '2' }),
  ]);
  await using gateway = await createTestGateway(database);
  const { data } = await gateway.query(
    '{ cdrStats(groupBy: [CURRENCY]) { rows { currency attempts chargedAmount medianDurationSeconds } } }',
  );
  expect(data.cdrStats.rows).toEqual([
    { currency: 'EUR', attempts: 1, chargedAmount: '1', medianDurationSeconds: '60.25' },
    { currency: 'USD', attempts: 1, chargedAmount: '2', medianDurationSeconds: '60.25' },
  ]);
});

test('without a table of accounts the currency is unknown, and it is one', async () => {
  await using database = await createTestDatabase();
  await database.pool.query('drop table accounts');
  await database.insertXdrs([
    anXdr({ charged_amount: '1' }),
    anXdr({ i_account: '15', charged_amount: '2' }),
  ]);
  await using gateway = await createTestGateway(database);
  const { data, errors } = await gateway.query(
    `{ cdrs { nodes { currency } }
       cdrStats(groupBy: [CURRENCY]) { rows { currency chargedAmount amountsByCurrency { currency chargedAmount } } } }`,
  );
  expect(errors).toBeUndefined();
  expect(data.cdrs.nodes).toEqual([{ currency: null }, { currency: null }]);
  expect(data.cdrStats.rows).toEqual([
    { currency: null, chargedAmount: '3', amountsByCurrency: [{ currency: null, chargedAmount: '3' }] },
  ]);
});

test.each([
  ['SQL_ASCII', "E'\\xe9'", null],
  ['SQL_ASCII', "E'\\xc3\\xa9'", 'é'],
  ['LATIN1', "E'\\xe9'", 'é'],
  ['UTF8', "'é'", 'é'],
])('a currency of %s that is %s costs itself alone', async (encoding, literal, shown) => {
  await using database = await createTestDatabase({ ...(encoding !== 'UTF8' && { encoding }) });
  await database.pool.query(
    `insert into accounts (i_account, username, currency) values (14, 'a', ${literal})`,
  );
  await database.insertXdrs([anXdr({ i_account: '14', charged_amount: '3' })]);
  await using gateway = await createTestGateway(database);
  const { data, errors } = await gateway.query(
    '{ cdrStats { totals { attempts chargedAmount amountsByCurrency { currency chargedAmount calls } } } }',
  );
  expect(data.cdrStats.totals).toEqual({
    attempts: 1,
    chargedAmount: '3',
    amountsByCurrency: [{ currency: shown, chargedAmount: '3', calls: 1 }],
  });
  expect(errors?.map(({ path, extensions }) => [path?.join('.'), extensions.code])).toEqual(
    shown === null ? [['cdrStats.totals.amountsByCurrency.0.currency', 'UNREADABLE_VALUE']] : undefined,
  );
});
