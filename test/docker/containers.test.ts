import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { loadCalls } from '../../src/demo/load-calls.ts';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';
import { startContainers } from '../support/containers.ts';
import { missingForContainers, skipNote } from '../support/engine.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import type { PostgresServers } from '../support/servers.ts';
import { readEnvFile } from './compose-file.ts';

const IMAGE = process.env.POSTGRES_IMAGE ?? readEnvFile('docker/env.example').get('POSTGRES_IMAGE')!;
const CALLS = 20_000;
const STATUS = '{ replicationStatus { status replicas { name status lagSeconds } } }';

const missing = missingForContainers([IMAGE]);

/** The gateway over an image of PostgreSQL, where the rest of the suite runs on the binaries that npm brings. */
describe.skipIf(missing)(`on PostgreSQL in containers${skipNote(missing)}`, () => {
  let servers: PostgresServers;
  let gateway: TestGateway;

  beforeAll(async () => {
    servers = await startContainers(IMAGE);
    const gatewayPassword = randomBytes(12).toString('hex');
    await migrateToLatest(servers.primaryUrl, { gatewayPassword });
    await loadCalls(servers.primaryUrl, createTrafficModel(), { count: CALLS, now: new Date() });
    const replicaUrls = servers.standbyUrls.map((url, index) =>
      url.replace(/\/\/[^@]*@/, `//gateway:${gatewayPassword}@`).concat(`#standby-${index + 1}`),
    );
    await vi.waitUntil(
      async () => (await Promise.all(servers.standbyUrls.map(countOf))).every((count) => count === CALLS),
      { timeout: 60_000 },
    );
    gateway = await createTestGateway({ replicaUrls });
  }, 300_000);

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await servers?.stop();
  });

  test('both standbys stream, and their age is known', async () => {
    await expect
      .poll(async () => (await gateway.query(STATUS)).data.replicationStatus, { timeout: 20_000 })
      .toEqual({
        status: 'OK',
        replicas: ['standby-1', 'standby-2'].map((name) => ({
          name,
          status: 'STREAMING',
          lagSeconds: expect.any(Number),
        })),
      });
  });

  test('a list and statistics of the calls agree', async () => {
    const { data, errors } = await gateway.query(
      `{ cdrs(first: ${CALLS}) { nodes { id } pageInfo { hasNextPage } } cdrStats { rows { attempts } } }`,
    );

    expect(errors).toBeUndefined();
    expect(new Set(data.cdrs.nodes.map(({ id }: { id: string }) => id)).size).toBe(CALLS);
    expect(data.cdrs.pageInfo.hasNextPage).toBe(false);
    expect(Number(data.cdrStats.rows[0].attempts)).toBe(CALLS);
  });

  test('a standby whose replay is paused is said to be, and the other one answers', async () => {
    const statusOfFirst = async () =>
      (await gateway.query(STATUS)).data.replicationStatus.replicas[0].status as string;
    await execute(servers.standbyUrls[0]!, 'select pg_wal_replay_pause()');

    await expect.poll(statusOfFirst, { timeout: 20_000 }).toBe('PAUSED');
    const { extensions } = await gateway.query('{ cdrs(first: 1) { nodes { id } } }');
    expect(extensions.replica.name).toBe('standby-2');

    await execute(servers.standbyUrls[0]!, 'select pg_wal_replay_resume()');
    await expect.poll(statusOfFirst, { timeout: 20_000 }).toBe('STREAMING');
  });
});

async function execute(connectionString: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}

/** -1 until the table has been replayed. */
const countOf = async (url: string): Promise<number> =>
  execute(url, 'select count(*)::int as calls from xdrs').then(
    ({ rows }) => rows[0].calls,
    () => -1,
  );
