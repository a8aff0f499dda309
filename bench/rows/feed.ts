import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { passesFilter } from '../../src/db/calls/cdr-row-filter.ts';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { migrateDown, migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { createDatabase } from '../../src/db/reader.ts';
import { type Cluster, startCluster } from '../../src/demo/cluster.ts';
import { Feed } from '../../src/feed/feed.ts';
import { createReplicas } from '../../src/replicas/replicas.ts';
import { interleave } from '../interleave.ts';
import { computeRatio, count, judge, type Line, millis, type Row, times } from '../line.ts';
import { median } from '../statistics.ts';

const CALLS = 100_000;
const ROUNDS = 5;
/** Rows a second that one core decodes, reads and tries on filters. */
const TARGET_ROWS = 20_000;
/** What an INSERT may cost with the ledger: nothing, within what a machine varies. */
const MAX_RATIO = 1.03;
const DATABASE = 'calls';
/** Each call is tried on all of them. */
const filters = Array.from({ length: 20 }, (_, index) => ({
  accountIds: [String(index)],
  cld: { startsWith: '33' },
}));

/** Of the feed: how fast corrections are told from the WAL, and what the ledger costs whoever writes calls. */
export const feedRow: Row = {
  name: 'feed',
  title: 'corrections and deletions',
  async measure() {
    await using cluster = await startCluster({ replicas: 1, settings: { wal_level: 'logical' } });
    await using primary = await connect(cluster, 'postgres');
    await primary.client.query(`create database ${DATABASE}`);
    const url = cluster.primary.url({ database: DATABASE });
    await migrateToLatest(url);
    return [await measureDecoding(cluster), await measureInserts(cluster, url)];
  },
};

async function measureDecoding(cluster: Cluster): Promise<Line> {
  await using primary = await connect(cluster, DATABASE);
  const { client } = primary;
  await client.query('create publication calls for table xdrs (i_xdr, i_account)');
  await client.query(insertOf(CALLS));
  await using told = await startFeed(cluster, client);
  const rates: number[] = [];
  const owns: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const cpu = process.cpuUsage();
    const before = told.corrected;
    await client.query(`update xdrs set cld = '33${round}'`);
    const began = performance.now();
    while (told.corrected < before + CALLS) await delay(5);
    rates.push(CALLS / ((performance.now() - began) / 1000));
    const { user, system } = process.cpuUsage(cpu);
    owns.push(CALLS / ((user + system) / 1e6));
  }
  return {
    title: `${count(CALLS)} corrected calls, decoded, read and tried on ${filters.length} filters`,
    target: `≥ ${count(TARGET_ROWS)} calls a second of own processor`,
    measured: `${count(Math.round(median(owns)))} calls/s`,
    verdict: judge(median(owns) >= TARGET_ROWS),
    notes: [
      `of own processor ${spreadOf(owns)}`,
      `by the clock, with the standby that decodes and reads on the same cores ${spreadOf(rates)}`,
    ],
  };
}

/** Tells through a feed as a gateway does. */
async function startFeed(cluster: Cluster, primary: Client) {
  const replicas = createReplicas({
    replicaUrls: [cluster.replicas[0]!.url({ database: DATABASE })],
    poolSize: 4,
  });
  await replicas.firstLook;
  const chosen = await replicas.choose();
  const { source } = await checkSource(createDatabase(chosen.pool), 'xdrs');
  chosen.release();
  const feed = new Feed({ replicas, source: () => source, changes: { publication: 'calls' } });
  const told = {
    corrected: 0,
    matched: 0,
    async [Symbol.asyncDispose]() {
      feed.close();
      await replicas.close();
    },
  };
  feed.join(({ corrected }) => {
    told.corrected += corrected.length;
    for (const { row } of corrected) {
      if (row) told.matched += filters.filter((filter) => passesFilter(filter, row)).length;
    }
  });
  while (feed.status().level !== 'LOGICAL') {
    await primary.query('select pg_log_standby_snapshot()');
    await delay(100);
  }
  return told;
}

async function measureInserts(cluster: Cluster, url: string): Promise<Line> {
  await using primary = await connect(cluster, DATABASE);
  const { client } = primary;
  const sides = [
    {
      name: WITHOUT,
      async run() {
        await migrateDown(url, () => {}, { optional: ['ledger'] });
        return insertMillis(client);
      },
    },
    {
      name: WITH,
      async run() {
        await migrateToLatest(url, { optional: ['ledger'] });
        return insertMillis(client);
      },
    },
  ];
  const runs = await interleave(sides, { repeats: INSERT_ROUNDS, warmups: 1 });
  const { ratio, spread } = computeRatio(runs.get(WITH)!, runs.get(WITHOUT)!);
  return {
    title: `${count(INSERTS)} INSERTs of one call, with the ledger on the primary and without`,
    target: `≤ ${times(MAX_RATIO)}`,
    measured: times(ratio),
    verdict: judge(ratio <= MAX_RATIO),
    notes: [...[...runs].map(([name, sample]) => `${name} ${millis(sample)}`), spread],
  };
}

const WITH = 'with the ledger';
const WITHOUT = 'without';
const INSERT_ROUNDS = 10;
const INSERTS = 20_000;

/** One statement for each call, within the server: no network and no flush hides what a trigger costs. */
async function insertMillis(client: Client): Promise<number> {
  await client.query('truncate xdrs');
  const began = performance.now();
  await client.query(`do $$ begin for n in 1..${INSERTS} loop
    insert into xdrs (i_account, connect_time, cld, duration) values (n % 50, now(), '331', 1); end loop; end $$`);
  return performance.now() - began;
}

function insertOf(calls: number): string {
  return `insert into xdrs (i_account, i_customer, connect_time, cli, cld, duration, charged_amount, disconnect_cause, country)
    select n % 50, 1, now(), '44' || n, '33' || n, n % 600, 0.125, 16, 'France' from generate_series(1, ${calls}) n`;
}

function spreadOf(sample: readonly number[]): string {
  const shown = (value: number) => count(Math.round(value));
  return `${shown(median(sample))} calls/s (${shown(Math.min(...sample))}–${shown(Math.max(...sample))})`;
}

async function connect(cluster: Cluster, database: string) {
  const client = new Client({ connectionString: cluster.primary.url({ database }) });
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}
