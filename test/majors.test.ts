import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { supportedMajors } from '../src/demo/binaries.ts';
import { subscribe } from './feed/event-client.ts';
import { corrected } from './feed/known-calls.ts';
import { on } from './gateway/served-gateway.ts';
import { anXdr } from './support/builders.ts';
import { makeStandbyOf, promote } from './support/change-roles.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { startTestCluster, type TestCluster } from './support/postgres.ts';

/** The first that decodes the WAL of a standby. */
const FIRST_LOGICAL = 16;
const PATIENCE = { timeout: 60_000, interval: 100 };

const PAGE = `query ($after: String) {
  cdrs(orderBy: OLDEST_FIRST, first: 2, after: $after) { totalCount nodes { id chargedAmount } pageInfo { endCursor } }
}`;
const STATISTICS = 'query { cdrStats(groupBy: [COUNTRY]) { totals { attempts answered chargedAmount } } }';
const STATUS =
  'query { replicationStatus { status replicas { name status confidence lagBytes timeline staleness { maxSeconds } } } }';
const FEED = 'subscription { cdrs { cursor inserted { id } corrected { id cld } gap { reason } } }';

describe.each(supportedMajors)('PostgreSQL %i', (major) => {
  let database: TestCluster;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await startTestCluster({
      major,
      replicas: 2,
      settings: { wal_level: 'logical', wal_receiver_timeout: '3s' },
    });
    await database.pool.query('create publication calls for table xdrs');
    await database.insertXdrs(
      [1, 2, 3].map((id) => anXdr({ i_xdr: String(id), charged_amount: '0.10', country: 'FR' })),
    );
    const { username, password } = new URL(database.primaryUrl);
    const settings = { FEED_PUBLICATION: 'calls', FEED_USER: username, FEED_PASSWORD: password };
    gateway = await createTestGateway(database, { settings });
  });

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  test('answers lists page by page, statistics, and how old they are', async () => {
    const first = await gateway.query(PAGE);
    expect(first.data.cdrs).toMatchObject({
      totalCount: 3,
      nodes: [
        { id: '1', chargedAmount: '0.10' },
        { id: '2', chargedAmount: '0.10' },
      ],
    });
    const { data } = await gateway.query(PAGE, { after: first.data.cdrs.pageInfo.endCursor });
    expect(data.cdrs.nodes).toMatchObject([{ id: '3' }]);
    const statistics = await gateway.query(STATISTICS);
    expect(statistics.data.cdrStats.totals).toMatchObject({ attempts: 3, chargedAmount: '0.30' });
    await expect
      .poll(async () => (await gateway.query(STATUS)).data.replicationStatus, PATIENCE)
      .toMatchObject({
        status: 'OK',
        replicas: [1, 2].map((number) => ({
          name: `replica-${number}`,
          status: 'STREAMING',
          lagBytes: 0,
          timeline: 1,
          staleness: { maxSeconds: expect.any(Number) },
        })),
      });
  });

  test(`tells new calls${major >= FIRST_LOGICAL ? ' from the WAL of a standby' : ', which it looks for'}`, async () => {
    await using client = await subscribe(gateway.fetch, FEED);
    const level = major >= FIRST_LOGICAL ? 'LOGICAL' : 'INSERTS';
    await expect
      .poll(async () => {
        // A slot on a standby waits for what a busy primary writes by itself.
        if (level === 'LOGICAL') await database.pool.query('select pg_log_standby_snapshot()');
        return gateway.feed.status();
      }, PATIENCE)
      .toMatchObject(level === 'LOGICAL' ? { level } : { level, reason: expect.stringMatching(/16/) });
    await database.insertXdrs([anXdr({ i_xdr: '4' })]);
    await client.until(({ ids }) => ids.includes('4'), 60);
    if (level !== 'LOGICAL') return;
    await database.pool.query("update xdrs set cld = '4400' where i_xdr = 4");
    await client.until((each) => corrected(each).length > 0, 60);
    expect(corrected(client)).toEqual([{ id: '4', cld: '4400' }]);
  });

  test('goes on after a promotion, behind what was read before', async () => {
    const { primary, replicas } = database.cluster;
    const [next, other] = replicas;
    const { data, extensions } = await gateway.query(PAGE);
    const goOn = { token: undefined, headers: { 'x-read-after': extensions.replica.token } };
    await promote(next!, { stopping: primary });
    await makeStandbyOf(next!, other!);
    await on(
      next!.url({ database: database.name }),
      `insert into xdrs (i_xdr, i_account, connect_time) values (5, 14, '2100-01-01T00:00:00Z')`,
    );
    await expect
      .poll(
        async () => (await gateway.query(PAGE, { after: data.cdrs.pageInfo.endCursor }, goOn)).data?.cdrs,
        PATIENCE,
      )
      .toMatchObject({ totalCount: 5 });
    await expect
      .poll(async () => (await gateway.query(STATUS)).data.replicationStatus.replicas, PATIENCE)
      .toMatchObject([{ status: 'PROMOTED' }, { status: 'STREAMING', timeline: 2 }]);
  });
});
