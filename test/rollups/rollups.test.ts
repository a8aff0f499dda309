import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RandomSource } from '../feed/soak-random.ts';
import { on } from '../gateway/served-gateway.ts';
import { anAccount, anXdr } from '../support/builders.ts';
import { type Ask, createTestGateway, type GraphQLAnswer, type TestGateway } from '../support/gateway.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { everyKindOfScope, principalsOf } from '../support/scoped-principals.ts';
import { createRollupsPath, LOOK_MILLIS, startRollups, type TestRollups, untilBuilt } from './kept-calls.ts';
import { randomCalls, randomChange, randomQuestion } from './random-stats.ts';

/** `ROLLUPS_QUESTIONS=10000 npx vitest run test/rollups/rollups.test.ts` asks as many as docs/rollups.md says. */
const QUESTIONS = Number(process.env.ROLLUPS_QUESTIONS ?? 120);

const tokens = Object.keys(everyKindOfScope);
const principals = principalsOf(everyKindOfScope, 'ADMIN');

const place = createRollupsPath();
let database: TestCluster;
let kept: TestRollups;
/** With the file, and without. */
let gateway: TestGateway;
let plain: TestGateway;

const MEASURES = `attempts answered failed asr ner acdSeconds pddSeconds durationSeconds billedSeconds minutes billedMinutes
  chargedAmount shortCalls unreadableCalls amountsByCurrency { currency chargedAmount calls }`;
const STATS = `query ($filter: CdrFilter, $groupBy: [CdrDimension!], $timeZone: String!, $having: [StatsCondition!],
    $orderBy: StatsOrder, $first: Int) {
  cdrStats(filter: $filter, groupBy: $groupBy, timeZone: $timeZone, having: $having, orderBy: $orderBy, first: $first) {
    rows { bucket accountId customerId currency ${MEASURES} }
    totals { ${MEASURES} }
  }
}`;

beforeAll(async () => {
  database = await startTestCluster({ replicas: 1, settings: { wal_level: 'logical' } });
  const { pool } = database;
  await pool.query('create unique index xdrs_identity on xdrs (i_xdr, i_account, connect_time)');
  await pool.query('alter table xdrs replica identity using index xdrs_identity');
  await pool.query('create publication calls for table xdrs (i_xdr, i_account, connect_time)');
  await database.insertAccounts([
    anAccount({ i_account: '14', i_customer: '3', currency: 'EUR' }),
    anAccount({ i_account: '15', i_customer: '4', currency: 'USD' }),
    anAccount({ i_account: '16', i_customer: '4', currency: null }),
  ]);
  await database.insertXdrs(randomCalls(new RandomSource(1), 400));
  kept = await startRollups(database, place.path);
  const open = (settings: Record<string, string>) => createTestGateway(database, { principals, settings });
  [gateway, plain] = await Promise.all([
    open({ ROLLUPS_FILE: place.path, ROLLUPS_MAX_AGE: '600' }),
    open({}),
  ]);
  await untilBuilt(kept, pool);
}, 120_000);

afterAll(async () => {
  await kept?.[Symbol.asyncDispose]();
  await gateway?.[Symbol.asyncDispose]();
  await plain?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
  place[Symbol.dispose]();
});

const everybody: Ask = { token: 'everybody' };

/** A position that has all that was committed so far. */
async function positionNow(): Promise<string> {
  await database.replayed();
  const { extensions } = await plain.query('{ cdrs(first: 1) { nodes { id } } }', {}, everybody);
  return extensions.replica.token;
}

/** Asked again until what is kept has that position. */
async function askKept(query: string, variables: object, ask: Ask): Promise<GraphQLAnswer> {
  let answer: GraphQLAnswer | undefined;
  await expect
    .poll(
      async () => {
        answer = await gateway.query(query, variables, ask);
        const { errors, extensions } = answer;
        if (extensions.stats?.source === 'ROLLUPS') return 'ROLLUPS';
        // Who finds this in a failure wants to know why.
        const { reason, figures } = kept.rollups;
        return { errors, variables, reason, figures };
      },
      { timeout: 30_000, interval: 100 },
    )
    .toBe('ROLLUPS');
  return answer!;
}

const since = (token: string, position: string): Ask => ({ token, headers: { 'x-read-after': position } });

describe('statistics from what is kept', () => {
  test('are counted for metrics, and those of the table by why they were not', async () => {
    const answers = () => structuredClone(gateway.rollups!.answers);
    const before = answers();
    await askKept('{ cdrStats { totals { attempts } } }', {}, everybody);
    await gateway.query('{ cdrStats(groupBy: [COUNTRY]) { rows { attempts } } }', {}, everybody);
    await gateway.query('{ cdrs(first: 1) { totalCount } cdrStats { totals { attempts } } }', {}, everybody);
    const { kept: fromFile, refused } = answers();
    expect(fromFile - before.kept).toBe(1);
    expect(refused.question - before.refused.question).toBe(1);
    expect(refused.operation - before.refused.operation).toBe(1);
  });

  test('are those of the calls, and say where they come from and until when', async () => {
    const position = await positionNow();
    const variables = { timeZone: 'UTC', groupBy: ['DAY', 'ACCOUNT'] };
    const answer = await askKept(STATS, variables, since('everybody', position));
    const { data, extensions } = await plain.query(STATS, variables, everybody);
    expect(answer.data).toEqual(data);
    expect(extensions.stats).toBeUndefined();
    expect(answer.extensions.stats).toEqual({
      source: 'ROLLUPS',
      asOf: expect.stringMatching(/Z$/),
      bucketsRead: expect.any(Number),
      rowsRead: expect.any(Number),
    });
    expect(answer.extensions.stats.bucketsRead).toBeGreaterThan(0);
    const { stats, replica } = answer.extensions;
    // Unknown is no age.
    expect(replica.asOf === null || replica.asOf <= stats.asOf).toBe(true);
  });

  test('are equal to the last decimal while calls come, change, move and go', {
    timeout: 240_000 + QUESTIONS * 2000,
  }, async () => {
    const random = new RandomSource(2);
    let groups = 0;
    const rounds = Math.max(10, QUESTIONS / 100);
    for (let round = 0; round < rounds; round++) {
      for (let changes = 0; changes < 6; changes++) await randomChange(random, database.pool);
      const position = await positionNow();
      for (let asked = 0; asked < QUESTIONS / rounds; asked++) {
        const question = randomQuestion(random);
        const token = random.pick(tokens);
        const answer = await askKept(STATS, question, since(token, position));
        const { data } = await plain.query(STATS, question, { token });
        expect({ token, question, data: answer.data }).toEqual({ token, question, data });
        groups += data.cdrStats.rows.length;
      }
    }
    expect(groups).toBeGreaterThan(500);
    expect(kept.rollups.figures).toMatchObject({ builds: 1, mismatched: 0 });
  });

  test.each(tokens)('show %s what its scope has, and no more', async (token) => {
    const position = await positionNow();
    for (const groupBy of [[], ['ACCOUNT'], ['CUSTOMER', 'CURRENCY'], ['HOUR']]) {
      const variables = { timeZone: 'UTC', groupBy };
      const answer = await askKept(STATS, variables, since(token, position));
      const { data } = await plain.query(STATS, variables, { token });
      expect(answer.data).toEqual(data);
    }
  });

  test('lack nothing that the standby shows, though nobody has told of it yet', async () => {
    const senders = await on(
      database.replicaUrls[0]!,
      "select pid from pg_stat_activity where backend_type = 'walsender'",
    );
    expect(senders).toHaveLength(1);
    const signal = (name: NodeJS.Signals) => process.kill(Number(senders[0]!.pid), name);
    const variables = { timeZone: 'UTC', groupBy: ['DAY', 'ACCOUNT'] };
    signal('SIGSTOP');
    try {
      await database.insertXdrs([anXdr()]);
      const position = await positionNow();
      const { data } = await plain.query(STATS, variables, everybody);
      const looks = kept.rollups.figures.audited;
      for (let asked = 0; asked < 20; asked++) {
        await delay(LOOK_MILLIS);
        const answer = await gateway.query(STATS, variables, since('everybody', position));
        expect(answer.data).toEqual(data);
        expect(answer.extensions.stats.source).toBe('TABLE');
      }
      // The one that had begun may end.
      expect(kept.rollups.figures.audited).toBeLessThanOrEqual(looks + 1);
      signal('SIGCONT');
      expect((await askKept(STATS, variables, since('everybody', position))).data).toEqual(data);
    } finally {
      signal('SIGCONT');
    }
  });

  test('follow an account to another currency, of which no change of a call tells', async () => {
    await database.pool.query("update accounts set currency = 'GBP' where i_account = 14");
    const position = await positionNow();
    const variables = { timeZone: 'UTC', groupBy: ['CURRENCY'] };
    const answer = await askKept(STATS, variables, since('everybody', position));
    expect(answer.data).toEqual((await plain.query(STATS, variables, everybody)).data);
    expect(answer.data.cdrStats.rows.map(({ currency }: { currency: string }) => currency)).toContain('GBP');
  });
});

describe('the table is read', () => {
  const TOTALS = 'query ($filter: CdrFilter) { cdrStats(filter: $filter) { totals { attempts } } }';
  const sourceOf = async (query: string, variables: object = {}, headers = {}) => {
    const { data, errors, extensions } = await gateway.query(query, variables, {
      token: 'everybody',
      headers,
    });
    expect(errors).toBeUndefined();
    expect(data).toEqual((await plain.query(query, variables, everybody)).data);
    return extensions.stats.source;
  };

  test.each([
    ['a filter that nothing is kept by', TOTALS, { filter: { countries: ['France'] } }],
    ['what a filter leaves out', TOTALS, { filter: { not: { accountIds: ['14'] } } }],
    ['an end within a quarter of an hour', TOTALS, { filter: { from: '2026-01-05T09:07:00Z' } }],
    ['a measure that cannot be merged', '{ cdrStats { totals { attempts medianDurationSeconds } } }', {}],
    [
      'a dimension that nothing is kept by',
      '{ cdrStats(groupBy: [COUNTRY]) { rows { country attempts } } }',
      {},
    ],
    [
      'buckets that are smaller',
      '{ cdrStats(groupBy: [MINUTE], filter: { to: "2100-01-01T00:00:00Z" }) { rows { bucket attempts } } }',
      {},
    ],
  ])('for %s', async (_, query, variables) => {
    await askKept(TOTALS, {}, everybody);
    expect(await sourceOf(query, variables)).toBe('TABLE');
  });

  test('where clocks were changed within a quarter of an hour', async () => {
    // Of St. John's, a minute past midnight.
    await database.insertXdrs([anXdr({ connect_time: '2006-10-29 02:30:30+00' })]);
    const ofDay = (timeZone: string) =>
      `{ cdrStats(groupBy: [DAY], timeZone: "${timeZone}", filter: { from: "2006-10-28T00:00:00Z", to: "2006-10-30T00:00:00Z" }) {
        rows { bucket attempts } } }`;
    await askKept(ofDay('UTC'), {}, since('everybody', await positionNow()));
    expect(await sourceOf(ofDay('America/Halifax'))).toBe('ROLLUPS');
    expect(await sourceOf(ofDay('America/St_Johns'))).toBe('TABLE');
  });

  test('where an operation shows the calls too: all of it is of one moment', async () => {
    const both = '{ cdrs(first: 1) { totalCount } cdrStats { totals { attempts } } }';
    expect(await sourceOf(both)).toBe('TABLE');
    expect(
      await sourceOf('{ a: cdrStats { totals { attempts } } b: cdrStats { totals { attempts } } }'),
    ).toBe('TABLE');
    expect(await sourceOf('{ viewer { name } cdrStats { totals { attempts } } }')).toBe('ROLLUPS');
  });

  test('for requests that want it fresher than what is kept', async () => {
    expect(await sourceOf(TOTALS, {}, { 'x-max-staleness': '600' })).toBe('ROLLUPS');
    await database.insertXdrs([anXdr()]);
    const position = await positionNow();
    const { extensions } = await gateway.query(TOTALS, {}, since('everybody', position));
    expect(['TABLE', 'ROLLUPS']).toContain(extensions.stats.source);
    if (extensions.stats.source === 'TABLE') await askKept(TOTALS, {}, since('everybody', position));
  });
});
