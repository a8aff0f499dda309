import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { migrateToLatest } from '../src/db/migrate/migrate.ts';
import { type Cluster, startCluster } from '../src/demo/cluster.ts';
import { DATABASE, fillDatabase, openForGateway } from '../src/demo/database.ts';
import { createProgress } from '../src/demo/progress.ts';
import { createTrafficModel } from '../src/demo/traffic-model.ts';

/** One hot standby with its calls, as every side of the comparison reads it. */
export interface Database extends AsyncDisposable {
  /** As the role `gateway`, which all sides use: the same privileges, the same settings. */
  readonly url: string;
  /** Of the standby's first process. */
  readonly postmaster: number;
  /** The first day of the calls and the day after the last, midnight UTC. */
  readonly from: Date;
  readonly to: Date;
  /** The same calls, where PostgreSQL itself keeps tenants apart: a copy of the database, made where there is none. */
  secured(): Promise<string>;
  /** Lets the primary commit something every so many milliseconds, as a switch does. No call changes by it. */
  write(intervalMillis: number): Promise<Writing>;
  /** Rows of a query, every value as PostgreSQL's text. */
  query(sql: string): Promise<Readonly<Record<string, string | null>>[]>;
}

export interface Writing extends AsyncDisposable {
  /** So far. */
  readonly writes: number;
}

export interface DatabaseOptions {
  readonly calls: number;
  readonly dataDir: string;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

/** Fixed, so that every machine and every run measures the same calls. */
const CALLS_END = new Date('2026-02-01T00:00:00Z');
const DAYS = 30;
const SEED = 1;
/** Written beside the data when they are complete: which calls they are. */
const MARKER = 'bench.json';

/** A server as it is set up for such a table: a quarter of the memory for its cache, nothing else out of the ordinary. */
const STANDBY_SETTINGS = {
  shared_buffers: `${Math.floor(Math.min(totalmem() / 4, 4 * 1024 ** 3) / 1024 ** 2)}MB`,
};

/** Starts the primary on its kept data, or makes them, and one standby. Takes minutes for millions of new calls. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { dataDir, signal, log } = options;
  if (!(await holdsCalls(options))) await rm(dataDir, { recursive: true, force: true });
  // As open as any: the data below are PostgreSQL's own user's, who must be able to get there.
  await mkdir(dirname(dataDir), { recursive: true });
  log(`Starting a PostgreSQL primary (data in ${dataDir})`);
  const cluster = await startCluster({
    dataDir,
    replicas: 0,
    standbySettings: STANDBY_SETTINGS,
    signal,
    log,
  });
  try {
    if (!cluster.isReused) await fill(cluster, options);
    // Also on kept data: indexes and settings of the role that the migrations have gained since.
    const password = await openForGateway(cluster);
    await settle(cluster);
    log('Cloning the standby');
    const standby = await cluster.addReplica({ name: 'standby' });
    const client = await connect(standby.url({ database: DATABASE }));
    return {
      secured: async () => {
        await secureCopy(cluster, log);
        return standby.url({ user: 'gateway', password, database: SECURED });
      },
      write: (intervalMillis) => writeEvery(cluster, intervalMillis),
      url: standby.url({ user: 'gateway', password, database: DATABASE }),
      postmaster: standby.pid()!,
      from: new Date(CALLS_END.getTime() - DAYS * 86_400_000),
      to: CALLS_END,
      query: async (sql) => (await client.query(sql)).rows,
      async [Symbol.asyncDispose]() {
        await client.end();
        await cluster.stop();
      },
    };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function fill(cluster: Cluster, { calls, dataDir, signal }: DatabaseOptions): Promise<void> {
  const model = createTrafficModel(SEED);
  const progress = createProgress(process.stderr);
  await fillDatabase({ cluster, model, cdrs: calls, now: CALLS_END, progress, signal });
  await writeFile(join(dataDir, MARKER), findMarker(calls));
}

async function holdsCalls({ calls, dataDir }: DatabaseOptions): Promise<boolean> {
  const file = join(dataDir, MARKER);
  return existsSync(file) && (await readFile(file, 'utf8')) === findMarker(calls);
}

const findMarker = (calls: number): string =>
  JSON.stringify({ calls, seed: SEED, end: CALLS_END, days: DAYS });

const SECURED = 'secured';

/** Kept with the data. */
async function secureCopy(cluster: Cluster, log: (line: string) => void): Promise<void> {
  const primaryUrl = cluster.primary.url({ database: SECURED });
  const admin = await connect(cluster.primary.url({ database: 'postgres' }));
  try {
    const { rows } = await admin.query('select from pg_database where datname = $1', [SECURED]);
    if (rows.length === 0) {
      log('Copying the database, to secure its rows');
      await admin.query(`create database ${SECURED} template ${DATABASE}`);
    }
    await migrateToLatest(primaryUrl, { optional: ['row_security'] });
    const primary = await connect(primaryUrl);
    await primary.query('vacuum (analyze) xdrs');
    await primary.query('vacuum (analyze) accounts');
    await primary.query('checkpoint');
    await primary.end();
    await untilReplayed(cluster);
  } finally {
    await admin.end();
  }
}

async function writeEvery(cluster: Cluster, intervalMillis: number): Promise<Writing> {
  const client = await connect(cluster.primary.url({ database: DATABASE }));
  const stopping = new AbortController();
  let writes = 0;
  const write = async () => {
    while (!stopping.signal.aborted) {
      await client.query(`select pg_logical_emit_message(true, 'bench', '')`);
      writes++;
      await delay(intervalMillis);
    }
  };
  const written = write();
  return {
    get writes() {
      return writes;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await written;
      await client.end();
    },
  };
}

async function untilReplayed(cluster: Cluster): Promise<void> {
  const primary = await connect(cluster.primary.url({ database: 'postgres' }));
  const standby = await connect(cluster.replicas[0]!.url({ database: 'postgres' }));
  try {
    const { rows } = await primary.query('select pg_current_wal_lsn() as lsn');
    const isReplayed = async () =>
      (await standby.query('select pg_last_wal_replay_lsn() >= $1 as done', [rows[0]!.lsn])).rows[0]!.done ===
      't';
    while (!(await isReplayed())) await delay(50);
  } finally {
    await Promise.all([primary.end(), standby.end()]);
  }
}

/** Statistics and the visibility map as autovacuum leaves them, and nothing left to write while others measure. */
async function settle(cluster: Cluster): Promise<void> {
  const client = await connect(cluster.primary.url({ database: DATABASE }));
  try {
    await client.query('vacuum (analyze) xdrs');
    await client.query('vacuum (analyze) accounts');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

async function connect(connectionString: string): Promise<Client> {
  // The text of every value: what the sides say is compared with it.
  const types = { getTypeParser: () => (text: string) => text };
  const client = new Client({ connectionString, types });
  client.on('error', () => {});
  await client.connect();
  return client;
}
