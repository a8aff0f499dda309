import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import type { Cluster } from '../../src/demo/cluster.ts';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { type Gateway, startGateway } from '../../src/serve.ts';
import { asGateway, withDatabase } from '../support/database-urls.ts';
import { SoakClient } from './soak-client.ts';
import { RandomSource } from './soak-random.ts';
import { SoakWriters } from './soak-writers.ts';

export interface SoakOptions {
  readonly cluster: Cluster;
  /** A migrated database there. */
  readonly database: string;
  readonly gatewayPassword: string;
  readonly seed: number;
  readonly seconds: number;
  /** Before them, without a fault: then it is measured how soon calls are told. */
  readonly calmSeconds: number;
  readonly callsPerSecond: number;
  /** Beside those that are always made: the primary is killed and a standby promoted, once, halfway. */
  readonly promotes: boolean;
  /** At which the gateways are to tell; above INSERTS calls are corrected and deleted too. */
  readonly level: SoakLevel;
  readonly log: (line: string) => void;
}

export const soakLevels = ['INSERTS', 'LEDGER', 'LOGICAL'] as const;
export type SoakLevel = (typeof soakLevels)[number];

/** What servers of a level begin with. */
export function settingsOfLevel(level: SoakLevel): Readonly<Record<string, string>> {
  return level === 'LOGICAL' ? { wal_level: 'logical' } : {};
}

export interface SoakReport {
  readonly committed: number;
  readonly callsPerSecond: number;
  readonly faults: readonly string[];
  /** From the commit on the primary to the first client, in milliseconds. */
  readonly lags: Readonly<Record<'calm' | 'faults', SoakLags>>;
  readonly clients: readonly {
    readonly name: string;
    readonly expected: number;
    readonly missed: readonly string[];
    /** Calls that were corrected or deleted, and were not told as they are now. */
    readonly stale: readonly string[];
    /** Of them, those that a gap was told of. */
    readonly excused: number;
    readonly corrected: number;
    readonly duplicates: readonly string[];
    readonly foreign: readonly string[];
    /** Codes of the errors that it was sent. */
    readonly refused: readonly string[];
    readonly repeated: number;
    readonly gaps: readonly string[];
    readonly connections: number;
    readonly longestQuietMillis: number;
  }[];
}

interface SoakLags {
  readonly calls: number;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

const ADMIN = 'admin-token-of-the-soak';
const ACCOUNT = 'account-token-of-the-soak';
const MIN_WRITERS = 8;
/** One that waits for some of its transactions writes no more. */
const CALLS_PER_WRITER = 15;
/** How long what was committed last may take. */
const SETTLE_SECONDS = 30;
/** A slot begins when the transactions have ended that ran when it was made, three times over. */
const MAX_LEVEL_MILLIS = 300_000;
/** A port on which nothing listens. */
const NOBODY = 1;

/**
 * Calls are written, servers and gateways fail, and clients are to be told every call that was committed, once, and no other.
 * What was committed is known from those who wrote it, not from what the gateway reads.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { cluster, database, seed, seconds, calmSeconds, callsPerSecond, log } = options;
  const random = new RandomSource(seed);
  const site = new SoakSite(options);
  await site.prepare();
  await site.startGateways();
  const writers = new SoakWriters(withDatabase(cluster.primary.url(), database));
  const urlFor = (client: RandomSource) => () => client.pick(site.urls);
  const own = new RandomSource(seed + 1);
  const clients = [
    { name: 'all', token: ADMIN, expects: () => true },
    { name: 'slow', token: ADMIN, expects: () => true, stallMillis: 4000 },
    { name: 'account', token: ACCOUNT, expects: ({ account }: { account: string }) => account === '14' },
    {
      name: 'filter',
      token: ADMIN,
      filter: { cld: { startsWith: '33' }, not: { accountIds: ['15'] } },
      expects: ({ account, cld }: { account: string; cld: string }) =>
        cld.startsWith('33') && account !== '15',
    },
  ].map((each, index) => new SoakClient({ ...each, url: urlFor(own.fork(index)) }));
  await Promise.all(clients.map((client) => client.start()));
  const writerCount = Math.max(MIN_WRITERS, Math.ceil(callsPerSecond / CALLS_PER_WRITER));
  writers.start(writerCount, callsPerSecond, random);
  const startedAt = performance.now();
  try {
    await site.untilLevel();
    // What was corrected before could not be told.
    writers.corrects = options.level !== 'INSERTS';
    const began = performance.now();
    await delay(calmSeconds * 1000);
    const calmEnd = performance.now();
    await site.fail(calmEnd + seconds * 1000, random, writers);
    await writers.stop();
    const ended = performance.now();
    const committed = await site.readCommitted(writers);
    log(`${committed.length} calls were committed; ${site.faults.length} faults`);
    const deadline = performance.now() + SETTLE_SECONDS * 1000;
    const isTold = () => clients.every((client) => isWhole(client.judge(committed, writers.changed)));
    while (!isTold() && performance.now() < deadline) await delay(50);
    // Whatever comes twice has had time to come.
    await delay(1000);
    return {
      committed: committed.length,
      callsPerSecond: Math.round(writers.committedAt.size / ((ended - startedAt) / 1000)),
      faults: site.faults,
      lags: {
        calm: lagsOf(clients[0]!.lags(writers, { from: began, to: calmEnd })),
        faults: lagsOf(clients[0]!.lags(writers, { from: calmEnd, to: ended })),
      },
      clients: clients.map((client) => ({
        name: client.name,
        ...client.judge(committed, writers.changed),
        corrected: client.corrected,
        foreign: client.foreign,
        refused: [...new Set(client.refused)],
        repeated: client.repeated.size,
        gaps: client.gaps,
        connections: client.connections,
        longestQuietMillis: Math.round(client.longestQuietMillis),
      })),
    };
  } finally {
    await writers.stop();
    await Promise.all(clients.map((client) => client.stop()));
    await site.close();
  }
}

function lagsOf(lags: readonly number[]): SoakLags {
  const at = (share: number) => lags[Math.floor(share * (lags.length - 1))];
  return { calls: lags.length, p50: at(0.5), p99: at(0.99) };
}

function isWhole({ missed, stale }: { missed: readonly string[]; stale: readonly string[] }): boolean {
  return missed.length + stale.length === 0;
}

/** Two gateways over the standbys, and what happens to all of them. */
class SoakSite {
  readonly faults: string[] = [];
  readonly #options: SoakOptions;
  readonly #gateways: (Gateway | undefined)[] = [undefined, undefined];
  #primary: PostgresNode;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#primary = options.cluster.primary;
  }

  /** Of those that run. */
  get urls(): readonly string[] {
    return this.#gateways.flatMap((gateway) => gateway?.url ?? []);
  }

  /** What the level needs on the primary. */
  async prepare(): Promise<void> {
    const { level, database } = this.#options;
    const url = withDatabase(this.#primary.url(), database);
    if (level === 'LEDGER') await migrateToLatest(url, { optional: ['ledger'] });
    if (level !== 'LOGICAL') return;
    await execute(url, 'create unique index xdrs_identity on xdrs (i_xdr, i_account)');
    await execute(url, 'alter table xdrs replica identity using index xdrs_identity');
    await execute(url, 'create publication calls for table xdrs (i_xdr, i_account)');
  }

  /** Resolves when every gateway that runs tells at the level, and can lose a standby. */
  async untilLevel(): Promise<void> {
    const { level, log } = this.#options;
    if (level === 'INSERTS') return;
    const began = performance.now();
    for (;;) {
      const levels = await Promise.all(this.urls.map(selectLevel));
      if (levels.every((each) => each === level)) break;
      // The primary does by itself every 15 seconds what slots wait for.
      if (level === 'LOGICAL')
        await execute(this.#primary.url(), 'select pg_log_standby_snapshot()').catch(() => {});
      await delay(200);
      if (performance.now() - began > MAX_LEVEL_MILLIS) {
        throw new Error(`Level ${level} was not reached: ${levels.join('; ')}`);
      }
    }
    log(`level ${level} after ${Math.round(performance.now() - began)} ms`);
  }

  async startGateways(): Promise<void> {
    for (const index of this.#gateways.keys()) this.#gateways[index] = await this.#startGateway();
  }

  async close(): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway?.close()));
  }

  /** One fault after the other until the time is up; each of them is over before the next begins. */
  async fail(until: number, random: RandomSource, writers: SoakWriters): Promise<void> {
    const { seconds, promotes, level } = this.#options;
    const promotion = promotes ? performance.now() + (seconds * 1000) / 2 : Number.POSITIVE_INFINITY;
    const faults = [
      () => this.#killStandby(random),
      () => this.#restartGateway(random),
      () => this.#cutLink(random),
      () => this.#pauseReplay(random),
      () => this.#freezeReceiver(random),
      ...(level === 'LOGICAL' ? [() => this.#loseSlots(), () => this.#endDecoding(random)] : []),
    ];
    let hasPromoted = false;
    for (let index = 0; performance.now() < until - 1000; index++) {
      await delay(Math.min(random.between(800, 2500), Math.max(0, until - performance.now())));
      if (!hasPromoted && performance.now() > promotion) {
        hasPromoted = true;
        await this.#promote(writers);
      } else {
        // A server that is just starting may refuse what is done to it; the next fault comes all the same.
        await faults[index % faults.length]!().catch((error: Error) =>
          this.#options.log(`not done: ${error.message}`),
        );
      }
      // A gateway that nobody subscribes to reads no ledger, and needs no time for it.
      if (this.#options.level === 'LOGICAL') await this.untilLevel();
    }
  }

  /** What is on the primary, and was written by the writers. */
  async readCommitted(writers: SoakWriters) {
    const client = new pg.Client({
      connectionString: withDatabase(this.#primary.url(), this.#options.database),
    });
    await client.connect();
    const { rows } = await client.query(
      'select i_xdr::text as id, i_account::text as account, cld from xdrs',
    );
    await client.end();
    const there = new Set(rows.map(({ id }) => id));
    const lost = writers.committed.filter(({ id }) => !there.has(id) && !writers.changed.has(id));
    if (lost.length > 0 && !this.#options.promotes)
      throw new Error(`The primary lacks ${lost.length} commits.`);
    return rows as { id: string; account: string; cld: string }[];
  }

  get #standbys(): readonly PostgresNode[] {
    return this.#options.cluster.replicas.filter((node) => node !== this.#primary);
  }

  async #killStandby(random: RandomSource): Promise<void> {
    const node = random.pick(this.#standbys);
    this.#note(`standby ${node.name} killed`);
    await node.kill('SIGKILL');
    await delay(random.between(300, 2000));
    await node.start().catch(() => node.start());
  }

  async #pauseReplay(random: RandomSource): Promise<void> {
    const node = random.pick(this.#standbys);
    this.#note(`replay of ${node.name} paused`);
    await execute(node.url(), 'select pg_wal_replay_pause()');
    await delay(random.between(300, 2000));
    await execute(node.url(), 'select pg_wal_replay_resume()');
  }

  /** The standby hears nothing of its primary, and knows it. */
  async #cutLink(random: RandomSource): Promise<void> {
    const node = random.pick(this.#standbys);
    this.#note(`link of ${node.name} cut`);
    await this.#stream(node, NOBODY);
    await delay(random.between(300, 3000));
    await this.#stream(node, this.#primary.port);
  }

  /** The same, and it does not know. */
  async #freezeReceiver(random: RandomSource): Promise<void> {
    const node = random.pick(this.#standbys);
    const pid = await selectOne<number>(node.url(), 'select pid from pg_stat_wal_receiver');
    if (pid === undefined) return;
    this.#note(`link of ${node.name} silent`);
    process.kill(pid, 'SIGSTOP');
    await delay(random.between(300, 3000));
    process.kill(pid, 'SIGCONT');
  }

  /** VACUUM of the catalogue removes what slots of standbys still need. */
  async #loseSlots(): Promise<void> {
    this.#note('slots lost by VACUUM of the catalogue');
    const url = withDatabase(this.#primary.url(), this.#options.database);
    await execute(url, 'create table passing (n int)');
    await execute(url, 'drop table passing');
    await execute(url, 'vacuum pg_class, pg_attribute, pg_type, pg_depend');
  }

  /** The process that decodes ends, and its slot with it. */
  async #endDecoding(random: RandomSource): Promise<void> {
    const node = random.pick(this.#standbys);
    this.#note(`slots of ${node.name} ended`);
    await execute(
      node.url(),
      "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_type = 'logical' and active_pid is not null",
    );
  }

  async #restartGateway(random: RandomSource): Promise<void> {
    const index = random.pick([0, 1]);
    this.#note(`gateway ${index + 1} restarted`);
    const gateway = this.#gateways[index];
    this.#gateways[index] = undefined;
    await gateway?.close();
    await delay(random.between(0, 500));
    this.#gateways[index] = await this.#startGateway();
  }

  async #promote(writers: SoakWriters): Promise<void> {
    await this.#primary.kill('SIGKILL');
    await delay(500);
    const [next, ...others] = await this.#byProgress();
    this.#note(`primary killed, ${next.name} promoted`);
    await execute(next.url(), 'select pg_promote()');
    for (const other of others) {
      await execute(next.url(), `select pg_create_physical_replication_slot('${other.name}', true)`);
      await this.#stream(other, next.port);
    }
    this.#primary = next;
    writers.redirect(withDatabase(next.url(), this.#options.database));
  }

  /** The one that has received most first: the others cannot follow one that lacks what they have. */
  async #byProgress(): Promise<[PostgresNode, ...PostgresNode[]]> {
    const places = await Promise.all(
      this.#standbys.map(async (node) => {
        const received = await selectOne<string>(
          node.url(),
          "select greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0'",
        );
        return { node, received: BigInt(received!) };
      }),
    );
    places.sort((one, other) => (one.received > other.received ? -1 : 1));
    return places.map(({ node }) => node) as [PostgresNode, ...PostgresNode[]];
  }

  /** The standby streams from that port. */
  async #stream(node: PostgresNode, port: number): Promise<void> {
    const info = await selectOne<string>(node.url(), "select current_setting('primary_conninfo')");
    node.setting('primary_conninfo', info!.replace(/port=\S+/, `port='${port}'`));
    await node.reload();
  }

  #startGateway(): Promise<Gateway> {
    const { cluster, database, gatewayPassword } = this.#options;
    const urls = cluster.replicas.map((node) =>
      asGateway(withDatabase(node.url(), database), gatewayPassword),
    );
    return startGateway({
      REPLICA_URLS: urls.join(','),
      API_PORT: '0',
      ADMIN_TOKEN: ADMIN,
      ACCOUNT_TOKEN: ACCOUNT,
      ACCOUNT_ID: '14',
      LOG_LEVEL: 'silent',
      POLL_INTERVAL: '0.2',
      DRAIN_TIMEOUT: '1',
      GRAPHIQL: 'false',
      ...this.#feedSettings(),
    });
  }

  #feedSettings(): Readonly<Record<string, string>> {
    if (this.#options.level !== 'LOGICAL') return {};
    const { username, password } = new URL(this.#primary.url());
    return { FEED_PUBLICATION: 'calls', FEED_USER: username, FEED_PASSWORD: password };
  }

  #note(fault: string): void {
    this.faults.push(fault);
    this.#options.log(fault);
  }
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** The first value of the first row. */
async function selectOne<Value>(url: string, statement: string): Promise<Value | undefined> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query({ text: statement, rowMode: 'array' }).finally(() => client.end());
  return rows[0]?.[0];
}

async function selectLevel(url: string): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN}` },
    body: JSON.stringify({ query: '{ replicationStatus { feed { level reason } } }' }),
  });
  const { data } = (await response.json()) as {
    data: { replicationStatus: { feed: { level: string; reason: string | null } } };
  };
  const { level, reason } = data.replicationStatus.feed;
  // A reason says what is still lacking.
  return reason === null ? level : `${level}: ${reason}`;
}
