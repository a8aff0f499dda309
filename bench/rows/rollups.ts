import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { HEAVY_ACCOUNT_ID } from '../../src/demo/accounts.ts';
import { type Cluster, startCluster } from '../../src/demo/cluster.ts';
import { DATABASE, fillDatabase, openForGateway } from '../../src/demo/database.ts';
import { findFreePort } from '../../src/demo/ports.ts';
import { createProgress } from '../../src/demo/progress.ts';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';
import { PROJECT, startGateway } from '../gateway.ts';
import { count, judge, type Line, type Row, shortMillis, times } from '../line.ts';
import { ServerProcess } from '../server-process.ts';
import type { Stage } from '../stage.ts';
import { median, quantile } from '../statistics.ts';
import { WrongAnswerError } from '../verify.ts';
import { type Endpoint, fetchWire, postGraphql } from '../wire.ts';

const CALLS_END = new Date('2026-02-01T00:00:00Z');
const MEASURES = 'attempts answered asr acdSeconds minutes chargedAmount';
const ROUNDS = 100;
/** Each reads every call where there is no file. */
const TABLE_ROUNDS = 3;
const DAY_TARGET_MILLIS = 5;
const ALL_TARGET_MILLIS = 20;
const BUILD_TARGET = 500_000;
const MAX_MEGABYTES = 256;
const CALLS_PER_SECOND = 1000;
const WRITING_SECONDS = 30;
const AGE_TARGET_SECONDS = 5;

/** What rollups bring, and what it costs to keep them. */
export const rollupsRow: Row = {
  name: 'rollups',
  title: 'statistics from rollups',
  async measure(stage) {
    const { scratchDir, settings, log } = stage;
    const { calls } = settings.sizes;
    log(`  Loading ${count(calls)} calls into a primary with wal_level = logical`);
    await using cluster = await startLogical(calls);
    const password = await openForGateway(cluster);
    const standby = await cluster.addReplica({ name: 'standby' });
    const databaseUrl = standby.url({ user: 'gateway', password, database: DATABASE });
    const primary = new Client({ connectionString: cluster.primary.url({ database: DATABASE }) });
    await primary.connect();
    try {
      const file = join(scratchDir, 'rollups.db');
      await using kept = await startRollups(cluster, { databaseUrl, scratchDir, file });
      await untilBuilt(kept, primary);
      const options = { databaseUrl, scratchDir };
      await using plain = await startGateway(options);
      await using gateway = await startGateway({
        ...options,
        settings: { ROLLUPS_FILE: file, ROLLUPS_MAX_AGE: '60' },
      });
      const lines = [await describeBuild(kept, calls)];
      for (const each of queries) {
        lines.push(await compare(stage, each, [gateway.endpoint, plain.endpoint]));
      }
      lines.push(await measureAge(kept, primary), describeMemory(kept));
      return lines;
    } finally {
      await primary.end();
    }
  },
};

async function startLogical(calls: number): Promise<Cluster> {
  const cluster = await startCluster({ replicas: 0, settings: { wal_level: 'logical' } });
  const model = createTrafficModel(1);
  const progress = createProgress(process.stderr);
  const { signal } = new AbortController();
  await fillDatabase({ cluster, model, cdrs: calls, now: CALLS_END, progress, signal });
  const client = new Client({ connectionString: cluster.primary.url({ database: DATABASE }) });
  await client.connect();
  await client.query('create unique index xdrs_identity on xdrs (i_xdr, i_account, connect_time)');
  await client.query('alter table xdrs replica identity using index xdrs_identity');
  await client.query('create publication calls for table xdrs (i_xdr, i_account, connect_time)');
  await client.end();
  return cluster;
}

interface Kept extends AsyncDisposable {
  readonly process: ServerProcess;
  readonly port: number;
}

async function startRollups(
  cluster: Cluster,
  { databaseUrl, scratchDir, file }: { databaseUrl: string; scratchDir: string; file: string },
): Promise<Kept> {
  const { username, password } = new URL(cluster.primary.url());
  const port = await findFreePort();
  const started = await ServerProcess.start({
    name: 'The process that keeps rollups',
    command: process.execPath,
    args: ['src/cli.ts', 'rollups'],
    cwd: PROJECT,
    env: {
      REPLICA_URLS: databaseUrl,
      ROLLUPS_FILE: file,
      ROLLUPS_PORT: String(port),
      FEED_PUBLICATION: 'calls',
      FEED_USER: username,
      ...(password !== '' && { FEED_PASSWORD: decodeURIComponent(password) }),
      NODE_ENV: 'production',
    },
    logFile: join(scratchDir, 'rollups.log'),
    readyUrl: `http://127.0.0.1:${port}/livez`,
  });
  return { process: started, port, [Symbol.asyncDispose]: () => started.stop() };
}

/** A figure of its metrics; undefined where it is absent. */
async function figureOf({ port }: Kept, name: string): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(text);
  return found ? Number(found[1]) : undefined;
}

async function untilBuilt(kept: Kept, primary: Client): Promise<void> {
  while ((await figureOf(kept, 'rollups_up')) !== 1) {
    await primary.query('select pg_log_standby_snapshot()');
    await delay(200);
  }
}

async function describeBuild(kept: Kept, calls: number): Promise<Line> {
  const seconds = (await figureOf(kept, 'rollups_build_seconds')) ?? Number.NaN;
  const rows = (await figureOf(kept, 'rollups_rows')) ?? Number.NaN;
  return {
    title: `rollups of ${count(calls)} calls, built`,
    target: `≥ ${count(BUILD_TARGET)} calls/s`,
    measured: `${count(Math.round(calls / seconds))} calls/s`,
    verdict: judge(calls / seconds >= BUILD_TARGET),
    notes: [
      `${seconds.toFixed(1)} s, ${count(rows)} sums of quarters: ${times(calls / rows)} fewer than calls`,
    ],
  };
}

const dayBefore = new Date(CALLS_END.getTime() - 16 * 86_400_000);
const ofDay = {
  accountIds: [String(HEAVY_ACCOUNT_ID)],
  from: dayBefore,
  to: new Date(dayBefore.getTime() + 86_400_000),
};

const queries = [
  {
    title: 'cdrStats of the busiest account, one day, from rollups',
    query: `query ($filter: CdrFilter) { cdrStats(filter: $filter) { totals { ${MEASURES} } } }`,
    variables: { filter: ofDay },
    targetMillis: DAY_TARGET_MILLIS,
  },
  {
    title: 'cdrStats by hour over all calls, from rollups',
    query: `{ cdrStats(groupBy: HOUR) { rows { bucket ${MEASURES} } } }`,
    targetMillis: ALL_TARGET_MILLIS,
  },
  {
    title: 'cdrStats by account over all calls, from rollups',
    query: `{ cdrStats(groupBy: ACCOUNT) { rows { accountId ${MEASURES} } } }`,
    targetMillis: ALL_TARGET_MILLIS,
  },
] as const;

/** With the file and without, in turns. */
async function compare(
  { client }: Stage,
  { title, targetMillis, ...operation }: (typeof queries)[number],
  [kept, plain]: readonly [Endpoint, Endpoint],
): Promise<Line> {
  const [request, ofTable] = [postGraphql(kept, operation), postGraphql(plain, operation)];
  const [one, other] = await Promise.all(
    [request, ofTable].map(async (each) => (await (await fetchWire(each)).json()) as Answer),
  );
  if (one!.extensions.stats?.source !== 'ROLLUPS') throw new WrongAnswerError('The table has answered.');
  if (JSON.stringify(one!.data) !== JSON.stringify(other!.data)) {
    throw new WrongAnswerError('The rollups have other figures than the table.');
  }
  const [table = []] = await client.alternate([ofTable], TABLE_ROUNDS);
  await client.alternate([request], ROUNDS);
  const [latencies = []] = await client.alternate([request], ROUNDS);
  const p95 = quantile(latencies, 0.95);
  return {
    title,
    target: `p95 ≤ ${targetMillis} ms`,
    measured: `p95 ${shortMillis(p95)} ms`,
    verdict: judge(p95 <= targetMillis),
    notes: [`median ${shortMillis(median(latencies))} ms`, `from the table ${shortMillis(median(table))} ms`],
  };
}

interface Answer {
  readonly data: unknown;
  readonly extensions: { readonly stats?: { readonly source: string } };
}

/** How old what is kept becomes while calls are written. */
async function measureAge(kept: Kept, primary: Client): Promise<Line> {
  const ages: number[] = [];
  const until = performance.now() + WRITING_SECONDS * 1000;
  let written = 0;
  const began = performance.now();
  while (performance.now() < until) {
    const due = Math.floor(((performance.now() - began) / 1000) * CALLS_PER_SECOND) - written;
    if (due > 0) await primary.query(insertOf(due));
    written += Math.max(0, due);
    ages.push((await figureOf(kept, 'rollups_age_seconds')) ?? Number.POSITIVE_INFINITY);
    await delay(50);
  }
  const p99 = quantile(ages, 0.99);
  return {
    title: `age of rollups while ${count(CALLS_PER_SECOND)} calls a second are written`,
    target: `p99 ≤ ${AGE_TARGET_SECONDS} s`,
    measured: `p99 ${p99.toFixed(1)} s`,
    verdict: judge(p99 <= AGE_TARGET_SECONDS),
    notes: [`median ${median(ages).toFixed(1)} s, ${count(written)} calls of ${ACCOUNTS} accounts written`],
  };
}

const ACCOUNTS = 100;

const insertOf = (calls: number): string =>
  `insert into xdrs (i_account, i_customer, connect_time, cli, cld, duration, charged_amount, disconnect_cause, country)
    select n % ${ACCOUNTS} + 1, 1, now(), '44' || n, '33' || n, n % 600, 0.125, 16, 'France' from generate_series(1, ${calls}) n`;

/** The most that it has had, while it was built and since. */
function describeMemory({ process: { pid } }: Kept): Line {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  const megabytes = Math.round(Number(kilobytes) / 1024);
  return {
    title: 'memory of the process that keeps rollups, at most',
    target: `≤ ${MAX_MEGABYTES} MB`,
    measured: `${megabytes} MB`,
    verdict: judge(megabytes <= MAX_MEGABYTES),
    notes: [],
  };
}
