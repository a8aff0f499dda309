import { afterAll, beforeAll, expect, test } from 'vitest';
import { callList, GatewayClient } from '../../packages/client/src/index.ts';
import { insertMany, MANY, type ServedGateway, serveGateway } from '../gateway/served-gateway.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';

/** A standby of our own, the only one: to be killed. */
let database: TestCluster;
let gateway: ServedGateway;
let client: GatewayClient;

beforeAll(async () => {
  database = await startTestCluster({ replicas: 1 });
  await database.pool.query('alter table xdrs alter connect_time drop not null');
  await insertMany(database);
  await database.pool.query(`
    insert into xdrs (i_xdr, i_account, connect_time, setup_time)
    select 1000000 + number, 15, case when number <> 7 then '2026-01-05Z'::timestamptz end,
      case when number % 5 = 0 then 'infinity'::timestamptz else '2026-01-05Z'::timestamptz end
    from generate_series(1, 20) as number`);
  await database.replayed();
  gateway = await serveGateway(database);
  const token = gateway.headers.authorization!.replace('Bearer ', '');
  client = new GatewayClient({ url: gateway.url, token, headers: { 'accept-encoding': 'identity' } });
}, 120_000);
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

test.each([
  [null, 19, { calls: 1, values: 4 }],
  [20, 19, { calls: 1, values: 4 }],
  [12, 12, { calls: 0, values: 2 }],
])('what cannot be shown is counted, and the list is whole: first %s', async (first, count, unreadable) => {
  const variables = { filter: { accountIds: ['15'] }, orderBy: 'OLDEST_FIRST' as const, first };
  const calls = client.streamCalls(callList(['id', 'setupTime']), variables);
  const setupTimes: (string | null)[] = [];
  for await (const { setupTime } of calls) setupTimes.push(setupTime);
  expect(setupTimes).toHaveLength(count);
  expect(setupTimes.filter((time) => time === null)).toHaveLength(unreadable.values);
  expect(calls).toMatchObject({ unreadable, resumptions: 0 });
});

test('a list whose only standby is killed goes on when it is back: no call is lost, none comes twice', async () => {
  const [standby] = database.cluster.replicas;
  const WIDE = callList(['id', 'callId', 'cli', 'cld', 'setupTime', 'connectTime', 'userAgent', 'country']);
  const variables = { filter: { accountIds: ['14'] }, orderBy: 'OLDEST_FIRST' as const };
  const calls = client.streamCalls(WIDE, variables, { maxAttempts: 100 });
  let count = 0;
  for await (const { id } of calls) {
    count += 1;
    if (id !== String(count)) throw new Error(`${id} came as number ${count}`);
    // By then the gateway has not read the whole list: nobody holds 70 MB for us.
    if (count === 1000) {
      await standby!.stop('immediate');
      setTimeout(() => standby!.start(), 4000);
    }
  }
  expect(count).toBe(MANY);
  expect(calls.resumptions).toBeGreaterThan(0);
  expect(calls.unreadable).toEqual({ calls: 0, values: 0 });
});
