import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aCustomer, anAccount, anXdr } from '../support/builders.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;

/** What breaks careless writers of CSV, and what a spreadsheet would run. */
const hostile = [
  '=1+1',
  '+33123456789',
  '-1+1',
  '@SUM(A1)',
  '\t=1',
  ' =1',
  '＝1',
  'say "hi", there',
  'two\r\nlines',
  '9'.repeat(40),
  '0033123456789',
  '',
  '# INCOMPLETE code=X',
];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertCustomers([aCustomer({ name: '@evil; "inc"' })]);
  await database.insertAccounts([
    anAccount({ username: '=cmd|calc' }),
    anAccount({ i_account: '15', username: 'plain', currency: 'USD' }),
    anAccount({ i_account: '16', username: '', currency: 'a "b"; c' }),
    anAccount({ i_account: '17', currency: '=1' }),
  ]);
  await database.insertXdrs([
    ...hostile.map((country, index) =>
      anXdr({ country, cld: `44${index}`, connect_time: '2026-01-05 09:00:00+00' }),
    ),
    anXdr({ i_account: '15', country: 'France', charged_amount: '-3.5' }),
    anXdr({ i_account: '16', country: 'France', charged_amount: '12345678901234567890.5' }),
    anXdr({ i_account: '17', country: 'Chile', charged_amount: '1' }),
    anXdr({ i_account: '99', country: 'France', charged_amount: '7' }),
  ]);
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const download = (document: string, accept = 'text/csv', token?: string) =>
  gateway.ask(document, {}, { headers: { accept }, token });

const linesOf = async (document: string, accept?: string) =>
  (await (await download(document, accept)).text()).split(/\r?\n/);

describe('statistics as CSV', () => {
  test('have a record per group, the selected fields in their order, and a name', async () => {
    const response = await download(
      '{ cdrStats(groupBy: [DAY, ACCOUNT]) { rows { bucket accountId calls: attempts asr minutes chargedAmount outcome __typename } } }',
    );
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': expect.stringMatching(/^attachment; filename="cdrStats-\d{8}T\d{6}Z\.csv"$/),
      'cache-control': 'no-store',
      'X-Complete': 'true',
      'x-replica': expect.any(String),
      'x-data-as-of': expect.any(String),
      'x-read-token': expect.any(String),
    });
    expect((await response.text()).split('\r\n')).toEqual([
      'bucket,accountId,calls,asr,minutes,chargedAmount,outcome,__typename',
      '2026-01-05T00:00:00.000000Z,"14",13,100,13.0541666666666667,0.162500,,"CdrStatsRow"',
      '2026-01-05T00:00:00.000000Z,"15",1,100,1.00416666666666666667,-3.5,,"CdrStatsRow"',
      '2026-01-05T00:00:00.000000Z,"16",1,100,1.00416666666666666667,12345678901234567890.5,,"CdrStatsRow"',
      '2026-01-05T00:00:00.000000Z,"17",1,100,1.00416666666666666667,1,,"CdrStatsRow"',
      '2026-01-05T00:00:00.000000Z,"99",1,100,1.00416666666666666667,7,,"CdrStatsRow"',
      '',
    ]);
  });

  test('guard texts as the calls do', async () => {
    const calls = await (
      await download(
        '{ cdrs(first: 13, orderBy: OLDEST_FIRST, filter: { accountIds: [14] }) { nodes { country } } }',
      )
    ).text();
    const groups = await (
      await download('{ cdrStats(groupBy: [COUNTRY], filter: { accountIds: [14] }) { rows { country } } }')
    ).text();
    const sorted = (file: string) => file.split(/\r\n(?="|$)/).sort();
    expect(sorted(groups)).toEqual(sorted(calls));
    expect(groups).toContain(`"'=1+1"\r\n`);
    expect(groups).toContain(`"+33123456789"\r\n`);
    expect(groups).toContain(`"say ""hi"", there"\r\n`);
    expect(groups).toContain(`"'# INCOMPLETE code=X"\r\n`);
  });

  test('have names of accounts and customers, and no cell of what there is not', async () => {
    expect(
      await linesOf(
        '{ cdrStats(groupBy: [ACCOUNT]) { rows { account { username customer { name } blocked } customer { name } attempts } } }',
      ),
    ).toEqual([
      'account.username,account.customer.name,account.blocked,customer.name,attempts',
      `"'=cmd|calc","'@evil; ""inc""",false,,13`,
      '"plain","\'@evil; ""inc""",false,,1',
      '"","\'@evil; ""inc""",false,,1',
      '"acme-dialler","\'@evil; ""inc""",false,,1',
      ',,,,1',
      '',
    ]);
  });

  test('have amounts by currency in one cell, which can be read back', async () => {
    expect(
      await linesOf(
        '{ cdrStats(groupBy: [COUNTRY], filter: { countries: ["France", "Chile"] }) { rows { country amountsByCurrency { currency chargedAmount calls } } } }',
      ),
    ).toEqual([
      'country,amountsByCurrency',
      `"Chile","'=1 1 1"`,
      `"France","USD -3.5 1; ""a \\""b\\""; c"" 12345678901234567890.5 1; ? 7 1"`,
      '',
    ]);
  });

  test('of one column have no empty line, and of no group a header alone', async () => {
    expect(await linesOf('{ cdrStats(groupBy: [OUTCOME]) { rows { region } } }')).toEqual([
      'region',
      '""',
      '',
    ]);
    const none = await download(
      '{ cdrStats(groupBy: [ACCOUNT], filter: { countries: ["Nowhere"] }) { rows { attempts } } }',
    );
    expect([await none.text(), none.headers.get('x-complete')]).toEqual(['attempts\r\n', 'true']);
  });

  test('are those of the tenant alone', async () => {
    const response = await download(
      '{ cdrStats(groupBy: [ACCOUNT]) { rows { accountId account { username } attempts } } }',
      'text/csv',
      ACCOUNT_TOKEN,
    );
    expect(await response.text()).toBe(`accountId,account.username,attempts\r\n"14","'=cmd|calc",13\r\n`);
  });
});

test('statistics as NDJSON are the rows of the JSON answer', async () => {
  const document =
    '{ cdrStats(groupBy: [COUNTRY, ACCOUNT]) { rows { country account { username } asr amountsByCurrency { currency chargedAmount } } } }';
  const response = await download(document, 'application/x-ndjson');
  expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
  expect(response.headers.get('content-disposition')).toMatch(/\.ndjson"$/);
  const lines = (await response.text()).trimEnd().split('\n');
  const { data } = await gateway.query(document);
  expect(lines.map((line) => JSON.parse(line))).toEqual(data.cdrStats.rows);
});

test('the rows of statistics have their account and customer in JSON too, where they are grouped by them', async () => {
  const { data, errors } = await gateway.query(
    '{ cdrStats(groupBy: [CUSTOMER]) { rows { customerId customer { id name } account { id } } totals { account { id } } } }',
  );
  expect(errors).toBeUndefined();
  expect(data.cdrStats).toEqual({
    rows: [{ customerId: '3', customer: { id: '3', name: '@evil; "inc"' }, account: null }],
    totals: { account: null },
  });
});

describe('what fails before the first record is no file', () => {
  test.each([
    ['an argument', '{ cdrStats(first: -1) { rows { attempts } } }', 400, 'INVALID_ARGUMENT'],
    ['a zone', '{ cdrStats(timeZone: "Mars") { rows { attempts } } }', 400, 'UNKNOWN_TIME_ZONE'],
    [
      'a variable',
      'query ($first: Int!) { cdrStats(first: $first) { rows { attempts } } }',
      400,
      'INVALID_ARGUMENT',
    ],
    ['a key', '{ cdrStats { rows { error: attempts } } }', 406, 'NOT_ACCEPTABLE'],
  ])('%s', async (_, document, status, code) => {
    const response = await download(document, 'application/x-ndjson');
    expect([response.status, response.headers.get('content-disposition')]).toEqual([status, null]);
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect(errors[0]!.extensions.code).toBe(code);
  });
});

describe('statistics that are not whole', () => {
  test('say how many values are missing, and why, in the last line and in the headers', async () => {
    await using own = await createTestDatabase({ encoding: 'SQL_ASCII' });
    await own.pool.query(
      `insert into accounts (i_account, username, currency) values (14, E'\\xe9', 'EUR'), (15, 'b', E'\\xe9')`,
    );
    await own.insertXdrs([anXdr({ charged_amount: '3' }), anXdr({ i_account: '15', charged_amount: '4' })]);
    await using odd = await createTestGateway(own);
    const ask = (accept: string) =>
      odd.ask(
        '{ cdrStats(groupBy: [ACCOUNT]) { rows { accountId account { username } amountsByCurrency { currency chargedAmount } } } }',
        {},
        { headers: { accept } },
      );
    const gap = 'code=UNREADABLE_VALUE rows=2 unreadableCalls=0 unreadableValues=2 resumeAfter=';
    const csv = await ask('text/csv');
    expect([csv.status, csv.headers.get('x-complete'), csv.headers.get('x-incomplete')]).toEqual([
      200,
      'false',
      gap,
    ]);
    expect((await csv.text()).split('\r\n')).toEqual([
      'accountId,account.username,amountsByCurrency',
      '"14",,"EUR 3"',
      '"15","b","? 4"',
      `# INCOMPLETE ${gap}`,
      '',
    ]);
    const lines = (await (await ask('application/x-ndjson')).text()).trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1)!)).toEqual({
      error: {
        code: 'UNREADABLE_VALUE',
        message: expect.any(String),
        rows: 2,
        unreadableCalls: 0,
        unreadableValues: 2,
        resumeAfter: null,
      },
    });
  });

  test('are there without the names that cannot be looked up', async () => {
    await using own = await createTestDatabase();
    await own.insertAccounts([anAccount()]);
    await own.insertXdrs([anXdr()]);
    await using without = await createTestGateway(own);
    await own.pool.query('drop table customers');
    await own.replayed();
    const csv = await without.ask(
      '{ cdrStats(groupBy: [CUSTOMER]) { rows { customer { name } attempts } } }',
      {},
      { headers: { accept: 'text/csv' } },
    );
    expect((await csv.text()).split('\r\n')).toEqual([
      'customer.name,attempts',
      ',1',
      expect.stringMatching(
        /^# INCOMPLETE code=\w+ rows=1 unreadableCalls=0 unreadableValues=1 resumeAfter=$/,
      ),
      '',
    ]);
  });
});

test('a long file comes in blocks, and says behind them whether it is whole', async () => {
  await using own = await createTestDatabase();
  await own.pool.query(
    `insert into xdrs (i_xdr, i_account, cld, connect_time) select n, 14, 'number ' || n, '2026-01-05Z' from generate_series(1, 30000) n`,
  );
  await own.replayed();
  await using large = await createTestGateway(own);
  const response = await large.ask(
    '{ cdrStats(groupBy: [CLD]) { rows { cld attempts answered asr minutes chargedAmount amountsByCurrency { currency chargedAmount calls } } } }',
    {},
    { headers: { accept: 'text/csv' } },
  );
  expect(response.headers.get('trailer')).toBe('X-Complete, X-Incomplete');
  const lines = (await response.text()).split('\r\n');
  expect(lines).toHaveLength(30_002);
  expect(lines[1]).toBe('"number 1",1,0,0,0,0,"? 0 1"');
});
