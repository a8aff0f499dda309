import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loginTo } from '../../src/feed/change-streams.ts';
import { createReplicas, type Replicas } from '../../src/replicas/replicas.ts';
import { ReplicationConnection } from '../../src/replicas/replication-connection.ts';
import { type Cable, startCable } from '../replicas/cable.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';

/** The first of two standbys is watched through a cable, which then leads to the second. */
let database: TestCluster;
let cable: Cable;
let replicas: Replicas;

beforeAll(async () => {
  database = await startTestCluster({ replicas: 2, settings: { wal_level: 'logical' } });
  cable = await startCable({ host: '127.0.0.1', port: database.cluster.replicas[0]!.port });
  const url = new URL(database.replicaUrls[0]!);
  url.port = String(cable.port);
  replicas = createReplicas({ replicaUrls: [url.href], poolSize: 2 });
  await replicas.firstLook;
});

afterAll(async () => {
  await replicas?.close();
  await cable?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

async function openStream(): Promise<void> {
  const { username, password } = new URL(database.primaryUrl);
  const replica = await replicas.choose();
  const connection = new ReplicationConnection({
    connectionString: loginTo(replica, { user: username, password }),
    publication: 'calls',
    slot: `test_${randomBytes(6).toString('hex')}`,
    verify: replica.verify,
    onEnd: () => {},
  });
  try {
    await connection.open();
  } finally {
    connection.close();
    replica.release();
  }
}

test('the WAL of another server than the one that is watched is not decoded', async () => {
  await openStream();
  cable.target = { host: '127.0.0.1', port: database.cluster.replicas[1]!.port };
  await expect(openStream()).rejects.toMatchObject({ code: 'REPLICA_LOST' });
  // The watcher has been told, and follows: from then on it is the server that is meant.
  await expect
    .poll(
      () =>
        openStream().then(
          () => 'opened',
          () => 'refused',
        ),
      { timeout: 30_000 },
    )
    .toBe('opened');
});
