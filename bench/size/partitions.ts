import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { formatBytes } from '../../src/backup/restore.ts';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { type Call, callsTable } from '../../src/demo/calls.ts';
import type { Cluster } from '../../src/demo/cluster.ts';
import { copyIn } from '../../src/demo/copy-in.ts';
import { loadCalls } from '../../src/demo/load-calls.ts';
import type { Progress } from '../../src/demo/progress.ts';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import { interleave } from '../interleave.ts';
import { median } from '../statistics.ts';
import { describeMachine, startMeasured } from './play.ts';

export interface PartitionsOptions {
  readonly calls: number;
  /** Of which each has a partition. */
  readonly months: number;
  /** Of each query, on either side. */
  readonly repeats: number;
  /** Of PostgreSQL 15, whose contrib modules are installed. */
  readonly programs: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** What a query took. */
export interface Taken {
  readonly milliseconds: number;
  /** Of 8 kB, from memory or not, of all statements that read calls. */
  readonly pages: number;
}

const SIDES = ['one table', 'partitions'] as const;
type SideName = (typeof SIDES)[number];
const databases: Readonly<Record<SideName, string>> = { 'one table': 'calls', partitions: 'calls_by_month' };

const NOW = new Date('2026-02-01T00:00:00Z');
const PASSWORD = 'password-of-a-measurement';

/** Asks the same of the same calls, in one table and in a partition for each month, in turns. A table in Markdown. */
export async function measurePartitions(options: PartitionsOptions): Promise<readonly string[]> {
  const { calls, months, programs, progress, signal } = options;
  const cluster = await startMeasured({
    programs,
    settings: { shared_preload_libraries: 'pg_stat_statements' },
    signal,
  });
  const scratchDir = await mkdtemp(join(tmpdir(), 'cdr-size-'));
  try {
    for (const side of SIDES) {
      progress.say(`Loading ${calls} calls of ${months} months: ${side}.`);
      await fill(cluster, side, options);
    }
    const standby = await cluster.addReplica({ name: 'standby' });
    await using first = await startGateway({ scratchDir, databaseUrl: urlOf(standby, 'one table') });
    await using second = await startGateway({ scratchDir, databaseUrl: urlOf(standby, 'partitions') });
    const gateways = { 'one table': first, partitions: second } satisfies Record<SideName, Gateway>;
    const [busy, quiet] = await findAccounts(cluster);
    const rows: string[] = [];
    for (const [name, query] of queriesFor(busy, quiet)) {
      signal.throwIfAborted();
      progress.say(`Asking for ${name}.`);
      const sides = SIDES.map((side) => ({
        name: side,
        run: () => ask(gateways[side], query, standby.url({ database: databases[side] })),
      }));
      const taken = await interleave<Taken>(sides, { repeats: options.repeats, warmups: 2 });
      rows.push(describe(name, taken));
    }
    return [
      `Measured ${new Date().toISOString().slice(0, 10)}: ${calls.toLocaleString('en-US')} calls of ${months} months, each query ${options.repeats} times on either side, in turns; medians. ${describeMachine(cluster.major)}.`,
      '',
      '| query | one table | partitions by month |',
      '| --- | ---: | ---: |',
      ...rows,
      await measureRemoval(cluster),
    ];
  } finally {
    await cluster.stop();
    await rm(scratchDir, { recursive: true, force: true });
  }
}

const urlOf = (node: Cluster['primary'], side: SideName) =>
  node.url({ user: 'gateway', password: PASSWORD, database: databases[side] });

async function fill(cluster: Cluster, side: SideName, { calls, months }: PartitionsOptions): Promise<void> {
  const database = databases[side];
  await withClient(cluster.primary.url(), (client) => client.query(`create database ${database}`));
  const url = cluster.primary.url({ database });
  await migrateToLatest(url, { through: 'tables' });
  await withClient(url, async (client) => {
    await client.query('create extension pg_stat_statements');
    // The same seed: the same calls.
    const model = createTrafficModel(1);
    await loadCalls(url, model, { count: 0, now: NOW });
    if (side === 'partitions') await client.query(partitionSql(months));
    const from = firstOfMonth(months - 1);
    const days = (NOW.getTime() - from.getTime()) / 86_400_000;
    const history = model.history({ count: calls, now: NOW, days });
    await copyIn(client, `copy ${callsTable.target} from stdin`, linesOf(history));
    await migrateToLatest(url, { gatewayPassword: PASSWORD });
    await client.query('vacuum (freeze, analyze)');
  });
}

function* linesOf(calls: Iterable<Call>): Generator<string> {
  for (const call of calls) yield callsTable.line(call);
}

/** Of the month that ends with NOW, or of one that many before it. */
function firstOfMonth(before: number): Date {
  return new Date(Date.UTC(NOW.getUTCFullYear(), NOW.getUTCMonth() - 1 - before, 1));
}

const dateOf = (date: Date) => date.toISOString().slice(0, 10);
const nameOf = (month: Date) => `xdrs_${dateOf(month).slice(0, 7).replace('-', '_')}`;

/** A call that began in a month may end in the next: there is room on either side. */
function partitionSql(months: number): string {
  const parts = Array.from({ length: months + 2 }, (_, index) => {
    const [from, to] = [firstOfMonth(months - index), firstOfMonth(months - index - 1)];
    return `create table ${nameOf(from)} partition of xdrs for values from ('${dateOf(from)}') to ('${dateOf(to)}');`;
  });
  return `
    alter table xdrs rename to model;
    create table xdrs (like model including defaults including identity, primary key (i_xdr, connect_time))
      partition by range (connect_time);
    drop table model;
    ${parts.join('\n')}`;
}

/** The account with the most calls, and the one with the fewest that still fills a page. */
async function findAccounts({ primary }: Cluster): Promise<readonly [busy: string, quiet: string]> {
  const { rows } = await withClient(primary.url({ database: databases['one table'] }), (client) =>
    client.query(
      `select i_account::text as id from xdrs group by 1 having count(*) >= 50 order by count(*) desc`,
    ),
  );
  return [rows[0].id, rows.at(-1)!.id];
}

function queriesFor(busy: string, quiet: string): readonly (readonly [name: string, query: string])[] {
  const month = `from: "${firstOfMonth(0).toISOString()}", to: "${NOW.toISOString()}"`;
  const page = (filter: string) =>
    `{ cdrs(first: 50, filter: { ${filter} }) { nodes { id connectTime cli cld durationSeconds } } }`;
  return [
    [
      'a page of the newest calls',
      '{ cdrs(first: 50) { nodes { id connectTime cli cld durationSeconds } } }',
    ],
    ['a page of a busy account, without a range', page(`accountIds: ["${busy}"]`)],
    ['a page of a quiet account, without a range', page(`accountIds: ["${quiet}"]`)],
    ['a page of a quiet account, of a month', page(`accountIds: ["${quiet}"], ${month}`)],
    ['a number that nobody called, without a range', page('cld: { is: "999999999999" }')],
    [
      'statistics of a month, by day',
      `{ cdrStats(filter: { ${month} }, groupBy: [DAY]) { rows { bucket attempts asr minutes chargedAmount } } }`,
    ],
    [
      'statistics of all months, by month',
      '{ cdrStats(groupBy: [MONTH]) { rows { bucket attempts asr minutes } } }',
    ],
  ];
}

export async function ask({ endpoint }: Gateway, query: string, standbyUrl: string): Promise<Taken> {
  return withClient(standbyUrl, async (client) => {
    await client.query('select pg_stat_statements_reset()');
    const began = performance.now();
    const response = await fetch(`http://127.0.0.1:${endpoint.port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${endpoint.token}` },
      // Otherwise an answer of before would do.
      body: JSON.stringify({ query: `${query} # ${began}` }),
    });
    const text = await response.text();
    const milliseconds = performance.now() - began;
    if (!response.ok || text.includes('"errors"'))
      throw new Error(`The gateway answered ${text.slice(0, 500)}`);
    const { rows } = await client.query(`
      select coalesce(sum(shared_blks_hit + shared_blks_read), 0)::float8 as pages from pg_stat_statements
      where query like '%xdrs%' and dbid = (select oid from pg_database where datname = current_database())`);
    return { milliseconds, pages: rows[0].pages };
  });
}

function describe(name: string, taken: ReadonlyMap<string, readonly Taken[]>): string {
  const cells = SIDES.map((side) => {
    const runs = taken.get(side)!;
    const of = (read: (each: Taken) => number) => median(runs.map(read));
    return `${of(({ milliseconds }) => milliseconds).toFixed(1)} ms, ${Math.round(of(({ pages }) => pages)).toLocaleString('en-US')} pages`;
  });
  return `| ${name} | ${cells.join(' | ')} |`;
}

/** Lets the oldest month go: by `delete` and `vacuum`, and by dropping its partition. */
async function measureRemoval(cluster: Cluster): Promise<string> {
  const cells: string[] = [];
  for (const side of SIDES) {
    const cell = await withClient(cluster.primary.url({ database: databases[side] }), async (client) => {
      const oldest = await client.query(
        `select date_trunc('month', min(connect_time), 'UTC') as month from xdrs`,
      );
      const month = oldest.rows[0].month as Date;
      const end = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1));
      const position = async () =>
        (await client.query(`select (pg_current_wal_insert_lsn() - '0/0')::float8 as at`)).rows[0]
          .at as number;
      const [before, began] = [await position(), performance.now()];
      if (side === 'partitions') await client.query(`drop table ${nameOf(month)}`);
      else {
        await client.query('delete from xdrs where connect_time < $1', [end]);
        await client.query('vacuum xdrs');
      }
      const seconds = (performance.now() - began) / 1000;
      return `${seconds.toFixed(2)} s, ${formatBytes((await position()) - before)} of WAL`;
    });
    cells.push(cell);
  }
  return `| the oldest month goes: delete and vacuum, or drop its partition | ${cells.join(' | ')} |`;
}

export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
