import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { migrateDown } from '../../src/db/migrate/migrate.ts';
import { callsTable } from '../../src/demo/calls.ts';
import { type Cluster, startCluster } from '../../src/demo/cluster.ts';
import { DATABASE, fillDatabase, openForGateway } from '../../src/demo/database.ts';
import { createProgress } from '../../src/demo/progress.ts';
import { startTraffic } from '../../src/demo/traffic.ts';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';

const CALLS = 5_000;

describe('a data directory of the demo', () => {
  const model = createTrafficModel(1);
  let directory: string;
  let cluster: Cluster;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cdr-test-'));
    cluster = await open();
    await fillDatabase({
      cluster,
      model,
      cdrs: CALLS,
      now: new Date(),
      progress: createProgress({ isTTY: false, write: () => true }),
      signal: new AbortController().signal,
    });
  });
  afterAll(async () => {
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const open = () => startCluster({ major: inject('postgres').major, replicas: 0, dataDir: directory });
  const url = () => cluster.primary.url({ database: DATABASE });

  async function query(statement: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url() });
    await client.connect();
    try {
      return (await client.query(statement)).rows;
    } finally {
      await client.end();
    }
  }

  test('has values in every column of a call, also in those that later migrations add', async () => {
    const names = callsTable.target.match(/\((.*)\)/)![1]!.split(', ');
    const [filled] = await query(`select ${names.map((name) => `count(${name})::int as ${name}`)} from xdrs`);

    expect(Object.entries(filled!).filter(([, count]) => count === 0)).toEqual([]);
  });

  test('that an older version made is brought up to date, keeps its calls and gets new ones', async () => {
    // What the version before the newest migration left behind.
    await migrateDown(url(), () => {});
    await cluster.stop();
    cluster = await open();
    await openForGateway(cluster);
    const traffic = startTraffic({ primaryUrl: url(), model, rate: 500 });
    await vi.waitUntil(() => traffic.written > 0, { timeout: 15_000 });
    await traffic.stop();

    expect(cluster.isReused).toBe(true);
    expect(await query('select count(*)::int as calls from xdrs')).toEqual([
      { calls: CALLS + traffic.written },
    ]);
  });

  test('that a newer version made is refused in a sentence', async () => {
    await query(`insert into gateway_migration values ('9999_tomorrow', now())`);

    await expect(openForGateway(cluster)).rejects.toThrow(
      'A newer version has migrated this database (9999_tomorrow not known here): use that version, or another database.',
    );
  });
});
