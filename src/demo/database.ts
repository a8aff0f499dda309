import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrateToLatest } from '../db/migrate/migrate.ts';
import type { Cluster } from './cluster.ts';
import { loadCalls } from './load-calls.ts';
import type { PostgresNode } from './postgres-node.ts';
import type { Progress } from './progress.ts';
import type { TrafficModel } from './traffic-model.ts';

/** The database of the demo's calls. */
export const DATABASE = 'calls';

export interface FillOptions {
  readonly cluster: Cluster;
  readonly model: TrafficModel;
  readonly cdrs: number;
  readonly now: Date;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Creates the database and fills it. The cluster must have no standby yet: they are cloned from the result. */
export async function fillDatabase({
  cluster,
  model,
  cdrs,
  now,
  progress,
  signal,
}: FillOptions): Promise<void> {
  const { primary } = cluster;
  await execute(primary.url(), `create database ${DATABASE}`);
  const url = primary.url({ database: DATABASE });
  await withoutWal(primary, async () => {
    await migrateToLatest(url, { through: 'tables' });
    const started = performance.now();
    const rate = (sent: number) => Math.round((1000 * sent) / Math.max(1, performance.now() - started));
    await loadCalls(url, model, {
      count: cdrs,
      now,
      signal,
      onProgress: (sent) => {
        const percent = Math.floor((100 * sent) / Math.max(1, cdrs));
        progress.update(
          `Loading calls: ${percent} % (${group(sent)} of ${group(cdrs)}, ${group(rate(sent))}/s)`,
        );
      },
    });
    progress.say(`Loaded ${group(cdrs)} calls (${group(rate(cdrs))}/s).`);
    // After the load: an index built at once costs a fraction of one that grows row by row.
    await migrateToLatest(url, {
      log: (line) => progress.update(`Building the indexes: ${line.trim()}`),
    });
    progress.say('Built the indexes.');
  });
}

/** Brings the tables of an earlier run up to date and gives the role `gateway` a new password, which it answers. */
export async function openForGateway(cluster: Cluster): Promise<string> {
  const gatewayPassword = randomBytes(16).toString('hex');
  await migrateToLatest(cluster.primary.url({ database: DATABASE }), { gatewayPassword });
  return gatewayPassword;
}

/**
 * At `minimal`, PostgreSQL writes what is loaded into a new table straight to the table, and no WAL. Only a
 * server without standbys may do that; two restarts are cheap beside what it saves.
 */
const LOADING: Readonly<Record<string, string>> = {
  wal_level: 'minimal',
  max_wal_senders: '0',
  maintenance_work_mem: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
};

async function withoutWal(primary: PostgresNode, work: () => Promise<void>): Promise<void> {
  for (const [name, value] of Object.entries(LOADING)) primary.setting(name, value);
  await restart(primary);
  await work();
  for (const name of Object.keys(LOADING)) primary.setting(name, null);
  await restart(primary);
}

async function restart(node: PostgresNode): Promise<void> {
  await node.stop('fast');
  await node.start();
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** 1,234,567 */
const group = (number: number): string => number.toLocaleString('en-US');
