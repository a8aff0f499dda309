import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Everybody's calls, and a database where the account has its calls and nobody else has any. */
interface Side extends AsyncDisposable {
  readonly shared: TestGateway;
  readonly alone: TestGateway;
}

/** `calls` is a query for the columns of `xdrs` named in it. The account is 14. */
async function openSide(calls: string): Promise<Side> {
  const open = async (condition: string) => {
    const database = await createTestDatabase();
    await database.pool.query(
      `insert into xdrs (i_xdr, i_account, i_customer, connect_time, country) select * from (${calls}) as calls
         (i_xdr, i_account, i_customer, connect_time, country) where ${condition}`,
    );
    await database.pool.query('analyze xdrs');
    await database.replayed();
    return { database, gateway: await createTestGateway(database) };
  };
  const sides: { database: TestDatabase; gateway: TestGateway }[] = [
    await open('true'),
    await open('i_account = 14'),
  ];
  return {
    shared: sides[0]!.gateway,
    alone: sides[1]!.gateway,
    async [Symbol.asyncDispose]() {
      for (const { gateway, database } of sides) {
        await gateway[Symbol.asyncDispose]();
        await database[Symbol.asyncDispose]();
      }
    },
  };
}

async function estimate(gateway: TestGateway, filter: string, token?: string): Promise<number> {
  const { data } = await gateway.query(
    `{ cdrs${filter && `(filter: ${filter})`} { estimatedCount } }`,
    {},
    { token },
  );
  return data.cdrs.estimatedCount;
}

async function count(gateway: TestGateway, filter: string, token?: string): Promise<number> {
  const { data } = await gateway.query(
    `{ cdrs${filter && `(filter: ${filter})`} { totalCount } }`,
    {},
    { token },
  );
  return data.cdrs.totalCount;
}

function expectNear(estimated: number, truth: number): void {
  expect(estimated).toBeGreaterThan(0.8 * truth);
  expect(estimated).toBeLessThan(1.2 * truth);
}

describe('of 25,000 calls', () => {
  let side: Side;

  beforeAll(async () => {
    // Of 20,000 calls of a morning 6,000 are ours, a third of them to Spain; the next day only another account calls.
    side = await openSide(
      `select number, account, account * 100, '2026-01-05'::timestamptz + number * interval '1 second',
         case when account = 14 and number % 4 = 0 then 'SPAIN' else 'country ' || account end
       from (select number, case when number % 10 < 3 then 14 when number % 10 < 9 then 15 else 16 end as account
             from generate_series(1, 20000) as number) as calls
       union all
       select number, 15, 1500, '2026-01-06'::timestamptz + number * interval '1 second', 'country 15'
       from generate_series(20001, 25000) as number`,
    );
  });
  afterAll(() => side?.[Symbol.asyncDispose]());

  test('estimatedCount is near the truth for the administrator', async () => {
    expect(await estimate(side.shared, '')).toBe(25_000);
    expectNear(await estimate(side.shared, '{ accountIds: [15] }'), 17_000);
  });

  const hour = 'from: "2026-01-05T01:00:00Z", to: "2026-01-05T02:00:00Z"';

  test.each([
    ['', 6000],
    ['{ accountIds: [14] }', 6000],
    ['{ countries: ["SPAIN"] }', 2000],
    [`{ ${hour} }`, 1080],
    [`{ ${hour}, countries: ["SPAIN"] }`, 360],
  ])('is near the truth for the account: %s', async (filter, truth) => {
    expectNear(await estimate(side.shared, filter, ACCOUNT_TOKEN), truth);
  });

  test.each([
    ['accounts', ['15', '16', '15, 16', '15, 17', '17'].map((ids) => `accountIds: [${ids}]`)],
    ['customers', ['1500', '1600', '1500, 1600', '1700'].map((ids) => `customerIds: [${ids}]`)],
    ['destinations', ['country 15', 'country 16', 'nowhere'].map((name) => `countries: ["${name}"]`)],
    [
      'days',
      ['2026-01-06T02:46:40Z', '2026-01-06T02:00:00Z', '2026-01-07T00:00:00Z'].map(
        (from) => `from: "${from}"`,
      ),
    ],
    ['hours', ['03', '05', '07'].map((to) => `from: "2026-01-06T02:00:00Z", to: "2026-01-06T${to}:00:00Z"`)],
  ])('tells an account nothing of how much traffic the %s of others have', async (_, filters) => {
    // The busy ones, the quiet ones and those that do not exist all look the same.
    for (const filter of filters) expect(await estimate(side.shared, `{ ${filter} }`, ACCOUNT_TOKEN)).toBe(0);
  });
});

describe('of an account with 120,000 calls among 360,000', () => {
  let side: Side;
  const DAYS = 20;

  beforeAll(async () => {
    // Two thirds of our calls are made between eight and ten in the morning, on whole seconds.
    side = await openSide(
      `select number, 14 + number % 3, 1400 + number % 3,
         date_trunc('second', '2026-01-01'::timestamptz + (number / 3 % ${DAYS}) * interval '1 day'
           + case when number / 60 % 3 = 0 then number / 60 * 43.2 else 28800 + number / 60 % 7200 end * interval '1 second'),
         case when number / 60 % 4 = 0 then 'SPAIN' else 'FRANCE' end
       from generate_series(1, 360000) as number`,
    );
  }, 300_000);
  afterAll(() => side?.[Symbol.asyncDispose]());

  test.each([
    '',
    '{ countries: ["SPAIN"] }',
    '{ from: "2026-01-03T00:00:00Z", to: "2026-01-15T12:00:00Z" }',
    '{ from: "2026-01-03T00:00:00Z", to: "2026-01-15T12:00:00Z", countries: ["FRANCE"] }',
    '{ from: "2026-01-03T08:15:00Z", to: "2026-01-03T08:20:00Z" }',
    '{ accountIds: [14, 15] }',
  ])('is near the truth: %s', async (filter) => {
    const truth = await count(side.shared, filter, ACCOUNT_TOKEN);
    expectNear(await estimate(side.shared, filter, ACCOUNT_TOKEN), truth);
  });

  const time = fc
    .integer({ min: 0, max: DAYS * 48 })
    .map((half) => new Date(Date.UTC(2026, 0, 1) + half * 1_800_000).toISOString());
  const times = fc
    .tuple(time, time)
    .filter(([from, to]) => from < to)
    .chain(([from, to]) => fc.subarray([`from: "${from}"`, `to: "${to}"`]));
  const parts = fc.record(
    {
      times: times.map((given) => given.join(', ')),
      accountIds: fc.constantFrom('accountIds: [14, 15]', 'accountIds: [15]'),
      countries: fc.constantFrom('countries: ["SPAIN"]', 'countries: ["ITALY"]'),
    },
    { requiredKeys: [] },
  );

  test('is the same as if nobody else had any calls', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (given) => {
        const filter = `{ ${Object.values(given).filter(Boolean).join(', ')} }`;
        const [shared, alone] = await Promise.all(
          [side.shared, side.alone].map((gateway) =>
            gateway.query(`{ cdrs(filter: ${filter}) { estimatedCount } }`, {}, { token: ACCOUNT_TOKEN }),
          ),
        );
        expect(shared!.data).toEqual({ cdrs: { estimatedCount: expect.any(Number) } });
        expect(shared!.data).toEqual(alone!.data);
      }),
      { numRuns: 60, seed: 12 },
    );
  });
});
