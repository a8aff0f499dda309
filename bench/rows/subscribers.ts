import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { type Cluster, startCluster } from '../../src/demo/cluster.ts';
import { MeasuringProcess } from '../client/measuring-process.ts';
import type { SubscribersOrder, SubscribersReport } from '../client/subscribers.ts';
import { backendCpuSeconds, cpuSeconds } from '../cpu.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import { count, judge, type Line, type Row, shortMillis, times } from '../line.ts';
import { readMemory } from '../resident-memory.ts';
import { postGraphql } from '../wire.ts';

const DATABASE = 'calls';
const SECONDS = 20;
const MAX_P95_MILLIS = 400;
const MAX_OWN_MICROS = 15;
const MAX_BYTES = 25_000;
const MAX_DATABASE_RATIO = 1.1;
const STALLED = 1000;
/** So many that neither end's socket holds them. */
const STALLED_CALLS = 4000;
const MAX_STALLED_BYTES = 64 * 1024 * 1024;
const MAX_CATCH_UP_SECONDS = 180;
/** Slots wait for transactions that run. */
const MAX_LEVEL_MILLIS = 60_000;
const QUERY = 'subscription { cdrs { mayRepeat asOf inserted { id callId accountId cld userAgent } } }';

/** Of subscribers: how soon they are told, what that takes, and what becomes of those that read nothing. */
export const subscribersRow: Row = {
  name: 'subscribers',
  title: 'thousands that are told of calls as they arrive',
  async measure(stage) {
    await using site = await Site.start(stage.scratchDir);
    const alone = await site.measure(1, 1);
    const some = await site.measure(2000, 5);
    const many = await site.measure(10_000, 1);
    return [lineOf(some), lineOf(many), databaseLine(alone, many), await site.measureStalled()];
  },
};

interface Told extends SubscribersReport {
  readonly subscribers: number;
  readonly callsPerSecond: number;
  /** Of the gateway's own processor, for each message to a subscriber. */
  readonly ownMicros: number;
  /** Memory of the gateway for each subscriber, bytes. */
  readonly memory: number;
  readonly statements: number;
  /** Seconds of PostgreSQL's processor, of the standby. */
  readonly databaseCpu: number;
}

function lineOf(told: Told): Line {
  const { subscribers, callsPerSecond, p50, p95, p99, ownMicros, memory, messages, bytes } = told;
  const isMet = p95 <= MAX_P95_MILLIS && ownMicros <= MAX_OWN_MICROS && memory <= MAX_BYTES;
  return {
    title: `${count(subscribers)} subscribers, ${callsPerSecond} calls a second to each`,
    target: `p95 ≤ ${MAX_P95_MILLIS} ms, own ≤ ${MAX_OWN_MICROS} µs a message, ≤ ${MAX_BYTES / 1000} kB each`,
    measured: `p95 ${shortMillis(p95)} ms, own ${ownMicros.toFixed(1)} µs, ${(memory / 1000).toFixed(1)} kB`,
    verdict: judge(isMet),
    notes: [
      `from before the commit on the primary p50 ${shortMillis(p50)} ms, p99 ${shortMillis(p99)} ms`,
      `${count(messages)} messages in ${SECONDS} s, ${Math.round(bytes / messages)} bytes each; the subscribers are read in another process`,
    ],
  };
}

function databaseLine(alone: Told, many: Told): Line {
  const ratio = many.statements / alone.statements;
  return {
    title: `what ${count(many.subscribers)} subscribers cost the database, against one`,
    target: `≤ ${times(MAX_DATABASE_RATIO)} the statements`,
    measured: times(ratio),
    verdict: judge(ratio <= MAX_DATABASE_RATIO),
    notes: [alone, many].map(
      ({ subscribers, statements, databaseCpu }) =>
        `${count(subscribers)}: ${(statements / SECONDS).toFixed(1)} statements and ` +
        `${shortMillis((1000 * databaseCpu) / SECONDS)} ms of PostgreSQL's processor a second`,
    ),
  };
}

/** A cluster, a gateway over its standby, and a process of subscribers. */
class Site implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #gateway: Gateway;
  readonly #writer: Client;
  readonly #process = new MeasuringProcess<SubscribersOrder>('subscribers.ts');

  private constructor(cluster: Cluster, gateway: Gateway, writer: Client) {
    this.#cluster = cluster;
    this.#gateway = gateway;
    this.#writer = writer;
  }

  static async start(scratchDir: string): Promise<Site> {
    const cluster = await startCluster({ replicas: 1, settings: { wal_level: 'logical' } });
    const admin = new Client({ connectionString: cluster.primary.url() });
    await admin.connect();
    await admin.query(`create database ${DATABASE}`);
    await admin.end();
    const url = cluster.primary.url({ database: DATABASE });
    await migrateToLatest(url);
    const writer = new Client({ connectionString: url });
    await writer.connect();
    await writer.query('create publication calls for table xdrs (i_xdr, i_account)');
    const databaseUrl = cluster.replicas[0]!.url({ database: DATABASE });
    const settings = { FEED_PUBLICATION: 'calls', MAX_SUBSCRIPTIONS: '20000', LOG_LEVEL: 'warn' };
    const gateway = await startGateway({ databaseUrl, scratchDir, settings });
    const site = new Site(cluster, gateway, writer);
    await site.#untilLogical();
    return site;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.close();
    await this.#gateway[Symbol.asyncDispose]();
    await this.#writer.end();
    await this.#cluster.stop();
  }

  async measure(subscribers: number, callsPerSecond: number): Promise<Told> {
    const { pid } = this.#gateway.process;
    const postmaster = this.#cluster.replicas[0]!.pid()!;
    const before = readMemory(pid).anonymous;
    await this.#connect(subscribers, false);
    const memory = (readMemory(pid).anonymous - before) / subscribers;
    await this.#write(callsPerSecond, 2);
    await this.#process.send({ kind: 'begin' });
    const [own, database, statements] = [
      cpuSeconds(pid),
      backendCpuSeconds(postmaster),
      await this.#statements(),
    ];
    await this.#write(callsPerSecond, SECONDS);
    const told = (await this.#process.send({ kind: 'report' })) as SubscribersReport;
    const figures = {
      ownMicros: ((cpuSeconds(pid) - own) * 1e6) / told.messages,
      databaseCpu: backendCpuSeconds(postmaster) - database,
      statements: (await this.#statements()) - statements,
    };
    await this.#process.send({ kind: 'disconnect' });
    return { ...told, ...figures, memory, subscribers, callsPerSecond };
  }

  /** Those that read nothing while calls arrive, and read everything then. */
  async measureStalled(): Promise<Line> {
    const { pid } = this.#gateway.process;
    await this.#connect(STALLED, true);
    const before = readMemory(pid).anonymous;
    await this.#writer.query(
      `insert into xdrs (i_account, connect_time, call_id, cld, user_agent)
        select 14, now(), n::text, '331', repeat('u', 500) from generate_series(1, $1::int) n`,
      [STALLED_CALLS],
    );
    await this.#write(5, SECONDS);
    const grown = readMemory(pid).anonymous - before;
    const held = await this.#heldWal();
    const began = performance.now();
    await this.#process.send({ kind: 'resume' });
    const expected = STALLED_CALLS + 5 * SECONDS;
    let report: SubscribersReport;
    do {
      await delay(500);
      report = (await this.#process.send({ kind: 'report' })) as SubscribersReport;
    } while (
      report.calls.some((calls) => calls < expected) &&
      performance.now() - began < MAX_CATCH_UP_SECONDS * 1000
    );
    const complete = report.calls.filter((calls) => calls === expected).length;
    await this.#process.send({ kind: 'disconnect' });
    const isMet = grown <= MAX_STALLED_BYTES && complete === STALLED && held < 1_000_000;
    return {
      title: `${count(STALLED)} subscribers that read nothing while ${count(expected)} calls arrive`,
      target: `+ ≤ ${MAX_STALLED_BYTES / 1024 / 1024} MB, no WAL held, all complete later`,
      measured: `+ ${Math.round(grown / 1024 / 1024)} MB, ${count(held)} bytes of WAL, ${count(complete)} complete`,
      verdict: judge(isMet),
      notes: [
        `all had everything ${((performance.now() - began) / 1000).toFixed(0)} s after they began to read`,
      ],
    };
  }

  #connect(subscribers: number, isStalled: boolean): Promise<unknown> {
    const { port, text } = postGraphql(this.#gateway.endpoint, { query: QUERY, accept: 'text/event-stream' });
    return this.#process.send({ kind: 'connect', port, text, count: subscribers, isStalled });
  }

  /** One call a transaction, evenly; its Call-ID says when it was written. */
  async #write(perSecond: number, seconds: number): Promise<void> {
    const began = performance.now();
    for (let written = 0; written < perSecond * seconds; written++) {
      await delay(Math.max(0, began + (1000 * written) / perSecond - performance.now()));
      await this.#writer.query(
        "insert into xdrs (i_account, connect_time, call_id, cld) values (14, now(), $1, '331')",
        [String(Date.now())],
      );
    }
    await delay(1000 / perSecond);
  }

  /** Statements of the feed so far. */
  async #statements(): Promise<number> {
    return readMetric(this.#gateway, 'gateway_feed_statements_total');
  }

  /** WAL that the slot of the feed still holds on the standby, bytes. */
  async #heldWal(): Promise<number> {
    const client = new Client({ connectionString: this.#cluster.replicas[0]!.url() });
    await client.connect();
    const { rows } = await client.query(
      "select max(pg_last_wal_replay_lsn() - confirmed_flush_lsn)::int8 as held from pg_replication_slots where slot_type = 'logical'",
    );
    await client.end();
    return Number(rows[0].held ?? 0);
  }

  async #untilLogical(): Promise<void> {
    const giveUpAt = performance.now() + MAX_LEVEL_MILLIS;
    while ((await readMetric(this.#gateway, 'gateway_feed_level{level="LOGICAL"}')) !== 1) {
      if (performance.now() > giveUpAt) throw new Error('The feed did not reach the level LOGICAL.');
      await this.#writer.query('select pg_log_standby_snapshot()');
      await delay(200);
    }
  }
}

/** NaN where it is not there. */
async function readMetric({ endpoint }: Gateway, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${endpoint.port}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? Number.NaN);
}
