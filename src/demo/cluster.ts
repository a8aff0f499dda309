import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { type Binaries, findBinaries } from './binaries.ts';
import { openDataDir } from './data-dir.ts';
import type { PostgresNode } from './postgres-node.ts';
import { findServerAccount, giveTo } from './server-account.ts';
import { Site } from './site.ts';
import { REPLICATION_ROLE, startStandby, type Upstream } from './standby.ts';

export interface ClusterOptions {
  /** PostgreSQL 14 to 18. Default 18. */
  readonly major?: number | undefined;
  /** Programs of that major, instead of those that npm brings. The account that runs them must be able to read them. */
  readonly binaries?: Binaries | undefined;
  /** Hot standbys to begin with, named replica1, replica2, … Default 2. */
  readonly replicas?: number | undefined;
  /**
   * Keeps the primary's data there for the next start to go on with; the standbys are cloned anew
   * each time. Default: a temporary directory that goes with the cluster.
   */
  readonly dataDir?: string | undefined;
  /** Of the primary, then of each replica; the rest are chosen. */
  readonly ports?: readonly number[];
  /** For every node. */
  readonly settings?: Readonly<Record<string, string>>;
  /** For the standbys, over `settings`. */
  readonly standbySettings?: Readonly<Record<string, string>>;
  /** Where majors that do not come with `npm ci` are kept. Default: ~/.cache/cdr-gateway. */
  readonly cacheDir?: string | undefined;
  /** Ends the start, not a cluster that has started. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

export interface ReplicaOptions {
  /** Whom it streams from: a replica makes a cascade, an address may be a proxy. Default: the primary. */
  readonly upstream?: Upstream;
  /** Also its application_name and, with `_` for what slots forbid, its slot. Default: replica1, replica2, … */
  readonly name?: string;
  readonly port?: number | undefined;
  readonly settings?: Readonly<Record<string, string>>;
  /** Other programs of the same major than those of the cluster. */
  readonly binaries?: Binaries;
}

/** A primary and its hot standbys, all on this machine. Several clusters may run side by side. */
export interface Cluster {
  readonly major: number;
  readonly binaries: Binaries;
  /** True when `dataDir` held a database from an earlier run. */
  readonly isReused: boolean;
  readonly primary: PostgresNode;
  /** In the order of their creation. */
  readonly replicas: readonly PostgresNode[];
  /** Resolves when the new standby accepts queries and streams. */
  addReplica(options?: ReplicaOptions): Promise<PostgresNode>;
  /** Ends every process and removes the data unless `dataDir` keeps them. May be called twice. */
  stop(): Promise<void>;
  /** As `stop`, and removes what `dataDir` keeps too. */
  discard(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Durability is given up on purpose: these clusters are thrown away. Reconnecting and reporting are
 * quick, so that it does not take a standby five seconds to notice that its primary is back.
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  fsync: 'off',
  wal_level: 'replica',
  max_connections: '200',
  max_wal_senders: '16',
  max_replication_slots: '16',
  shared_buffers: '64MB',
  max_wal_size: '2GB',
  wal_receiver_status_interval: '1s',
  wal_retrieve_retry_interval: '200ms',
  wal_receiver_timeout: '10s',
  wal_sender_timeout: '30s',
  password_encryption: 'scram-sha-256',
  log_line_prefix: '%m [%p] %u@%d ',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** Kept data must survive more than the end of our process. */
const DURABLE = { fsync: 'on' };

/** Throws a DemoError of one sentence; nothing is left running then. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { signal } = options;
  signal?.throwIfAborted();
  const site = await Site.open(findServerAccount(), options.dataDir);
  const giveUp = () => void site.stop();
  signal?.addEventListener('abort', giveUp);
  try {
    return await assemble(site, options);
  } catch (error) {
    await (site.isNew ? site.discard() : site.stop());
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

async function assemble(site: Site, options: ClusterOptions): Promise<Cluster> {
  const { account, runDir, nodesDir } = site;
  const { major = 18, replicas: replicaCount = 2, ports, signal } = options;
  const binaries =
    options.binaries ?? (await findBinaries(major, { ...options, account, scratchDir: runDir }));
  const opened = await openDataDir({ directory: nodesDir, binaries, account, scratchDir: runDir });
  site.isNew = !opened.isReused;
  site.guard();
  const { password, replicationPassword } = opened.description;
  signal?.throwIfAborted();

  const forEvery = { ...DEFAULTS, ...(site.isKept && DURABLE), ...options.settings };
  const primary = await site.createNode(() => ({
    name: 'primary',
    port: ports?.[0],
    binaries,
    password,
    settings: forEvery,
  }));
  await primary.start();
  await prepareReplication(primary, replicationPassword);
  const passFile = join(runDir, 'passwords');
  await writeFile(passFile, `*:*:*:${REPLICATION_ROLE}:${replicationPassword}\n`, { mode: 0o600 });
  await giveTo(account, passFile);

  const addReplica = (replica: ReplicaOptions = {}) =>
    site.during(async (closing) => {
      const node = await site.createNode((nodes) => ({
        name: replica.name ?? nextName(nodes),
        port: replica.port,
        binaries: replica.binaries ?? binaries,
        password,
        settings: { ...forEvery, ...options.standbySettings, ...replica.settings },
      }));
      const { upstream = primary } = replica;
      await startStandby({ node, primary, upstream, passFile, account, signal: closing });
      return node;
    });

  const wanted = Array.from({ length: replicaCount }, (_, index) => ({ port: ports?.[index + 1] }));
  await all(wanted.map(addReplica));
  return {
    major,
    binaries,
    isReused: opened.isReused,
    primary,
    get replicas() {
      return site.nodes.slice(1);
    },
    addReplica,
    stop: () => site.stop(),
    discard: () => site.discard(),
    [Symbol.asyncDispose]: () => site.stop(),
  };
}

/** Unlike Promise.all, leaves none of them running behind when one fails. */
async function all(promises: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
}

function nextName(nodes: readonly PostgresNode[]): string {
  for (let number = 1; ; number++) {
    const name = `replica${number}`;
    if (nodes.every((node) => node.name !== name)) return name;
  }
}

/** Slots of an earlier run's standbys would hold WAL in vain. */
async function prepareReplication(primary: PostgresNode, password: string): Promise<void> {
  const client = new Client({ connectionString: primary.url() });
  await client.connect();
  try {
    await client.query(`select pg_drop_replication_slot(slot_name) from pg_replication_slots`);
    const { rowCount } = await client.query('select from pg_roles where rolname = $1', [REPLICATION_ROLE]);
    if (rowCount === 0) {
      await client.query(`create role ${REPLICATION_ROLE} login replication password '${password}'`);
    }
  } finally {
    await client.end();
  }
}
