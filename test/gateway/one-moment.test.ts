import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { on, serveGateway, until } from './served-gateway.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
});

/** Writes calls, each in a transaction of its own, until it is disposed of. */
async function writeCalls(): Promise<AsyncDisposable> {
  let isOver = false;
  const insert = `
    do $$ begin
      for number in 1..200 loop
        insert into xdrs (i_account, i_customer, cli, cld, connect_time, duration, disconnect_cause, country)
        values (14 + number % 3, 3, '331', '44' || number, now(), number % 2, 16 + number % 2, 'C' || number % 5);
        commit;
      end loop;
    end $$`;
  const writing = (async () => {
    while (!isOver) await on(database.primaryUrl, insert);
  })();
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      await writing;
    },
  };
}

interface Stats {
  readonly rows?: readonly { readonly attempts: number }[];
  readonly totals?: { readonly attempts: number };
}

/** How many calls each list of statistics is about. */
const countsOf = (data: Readonly<Record<string, Stats>>) =>
  Object.values(data).flatMap(({ rows, totals }) => [
    ...(rows ? [rows.reduce((sum, { attempts }) => sum + Number(attempts), 0)] : []),
    ...(totals ? [Number(totals.attempts)] : []),
  ]);

const PAGE = `{
  tiles: cdrStats { totals { attempts asr minutes amountsByCurrency { currency chargedAmount calls } } }
  outcome: cdrStats(groupBy: [OUTCOME]) { rows { attempts } totals { attempts } }
  country: cdrStats(groupBy: [COUNTRY], orderBy: { measure: ATTEMPTS }) { rows { attempts } }
  cause: cdrStats(groupBy: [DISCONNECT_CAUSE]) { rows { attempts } }
  account: cdrStats(groupBy: [ACCOUNT]) { rows { attempts } totals { attempts } }
  hours: cdrStats(groupBy: [HOUR], timeZone: "ZONE") { rows { attempts } }
}`;

describe('the statistics of one request are of one moment, whatever is written meanwhile', () => {
  test.each([
    ['the usual connections', {}],
    ['three connections', { DB_MAX_CONNECTIONS: '3' }],
    ['one connection', { DB_MAX_CONNECTIONS: '1' }],
  ])('over %s', async (_, settings) => {
    await using gateway = await serveGateway({ replicaUrls: database.replicaUrls.slice(0, 1) }, settings);
    await using _writing = await writeCalls();
    const zones = ['UTC', 'Europe/Paris', 'Asia/Kolkata', 'America/Havana', 'Asia/Tokyo'];
    const seen = new Set<number>();
    for (let time = 0; time < 8; time++) {
      const zone = zones[time % zones.length]!;
      const { data, errors } = await gateway.query(PAGE.replace('ZONE', zone));
      expect(errors).toBeUndefined();
      const counts = countsOf(data);
      expect(counts).toHaveLength(8);
      expect(new Set(counts).size, `${counts} in ${zone}`).toBe(1);
      seen.add(counts[0]!);
    }
    expect(seen.size).toBeGreaterThan(4);
    await nothingIsKept();
  });

  test('a list that fails leaves the others', async () => {
    await using gateway = await serveGateway({ replicaUrls: database.replicaUrls.slice(0, 1) });
    const { data, errors } = await gateway.query(`{
      good: cdrStats { totals { attempts } }
      bad: cdrStats(groupBy: [DAY], timeZone: "Mars/Base") { rows { attempts } }
      other: cdrStats(groupBy: [COUNTRY]) { rows { attempts } }
    }`);
    expect(errors).toMatchObject([{ path: ['bad'] }]);
    const { bad, ...others } = data;
    expect(bad).toBeNull();
    const counts = countsOf(others);
    expect(counts).toEqual([counts[0], counts[0]]);
    await nothingIsKept();
  });
});

/** No transaction outlives its request. */
async function nothingIsKept(): Promise<void> {
  await until('end of the transactions', async () => {
    const rows = await on(
      database.standbyUrls[0]!,
      `select 1 from pg_stat_activity where application_name = 'cdr-gateway' and usename = 'gateway'
        and datname = current_database() and state like 'idle in transaction%'`,
    );
    return rows.length === 0;
  });
}
