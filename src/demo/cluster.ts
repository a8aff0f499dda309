import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { findBinaries } from './binaries.ts';
import { openDataDir } from './data-dir.ts';
import { startOrphanGuard } from './orphan-guard.ts';
import { findFreePort } from './ports.ts';
import { PostgresNode } from './postgres-node.ts';
import { makeRunDir, removeDir } from './run-dir.ts';
import { findServerAccount, giveTo, type ServerAccount } from './server-account.ts';
import { REPLICATION_ROLE, startStandby, type Upstream } from './standby.ts';

export interface ClusterOptions {
  /** PostgreSQL 14 to 18. Default 18. */
  readonly major?: number | undefined;
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
}

/** A primary and its hot standbys, all on this machine. Several clusters may run side by side. */
export interface Cluster {
  readonly major: number;
  /** True when `dataDir` held a database from an earlier run. */
  readonly isReused: boolean;
  readonly primary: PostgresNode;
  /** In the order of their creation. */
  readonly replicas: readonly PostgresNode[];
  /** Resolves when the new standby accepts queries and streams. */
  addReplica(options?: ReplicaOptions): Promise<PostgresNode>;
  /** Ends every process and removes the data unless `dataDir` keeps them. May be called twice. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Durability is given up on purpose: these clusters are thrown away. Reconnecting and reporting are
 * quick, so that nobody waits five seconds for a standby to notice that its primary is back.
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

/** Throws a DemoError that says in one sentence what is wrong; nothing is left running then. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const account = findServerAccount();
  const runDir = await makeRunDir(account);
  const keeps = options.dataDir !== undefined;
  const nodesDir = options.dataDir === undefined ? runDir : resolve(options.dataDir);
  const releaseGuard = startOrphanGuard({
    account,
    nodesDir,
    signal: keeps ? 'INT' : 'QUIT',
    remove: [runDir],
  });
  const nodes: PostgresNode[] = [];

  async function stopAll(): Promise<void> {
    const [primary, ...standbys] = nodes;
    await Promise.all(standbys.map((standby) => standby.stop('immediate')));
    await primary?.stop(keeps ? 'fast' : 'immediate');
    await Promise.all(standbys.map((standby) => removeDir(standby.dataDir)));
    await removeDir(runDir);
    releaseGuard();
  }
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= stopAll();
    return stopping;
  };

  try {
    return await assemble({ options, account, runDir, nodesDir, nodes, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Site {
  readonly options: ClusterOptions;
  readonly account: ServerAccount;
  readonly runDir: string;
  /** Where each node has a directory of its name. */
  readonly nodesDir: string;
  /** The primary first. Filled as nodes are created, so that a failure half-way can stop them. */
  readonly nodes: PostgresNode[];
  readonly stop: () => Promise<void>;
}

async function assemble(site: Site): Promise<Cluster> {
  const { options, account, runDir, nodesDir, nodes, stop } = site;
  const { major = 18, replicas: replicaCount = 2, ports, signal } = options;
  const binaries = await findBinaries(major, { ...options, account, scratchDir: runDir });
  signal?.throwIfAborted();
  const opened = await openDataDir({ directory: nodesDir, binaries, account, scratchDir: runDir });
  const { password, replicationPassword } = opened.description;
  signal?.throwIfAborted();

  async function createNode(
    name: string,
    port: number | undefined,
    settings: Readonly<Record<string, string>>,
  ) {
    if (nodes.some((node) => node.name === name)) throw new Error(`There is a node named ${name} already.`);
    const node = new PostgresNode({
      name,
      port: port ?? (await findFreePort(nodes.map((other) => other.port))),
      dataDir: join(nodesDir, name),
      socketDir: runDir,
      logFile: join(nodesDir, `${name}.log`),
      binaries,
      account,
      password,
      settings: {
        ...DEFAULTS,
        ...(options.dataDir !== undefined && DURABLE),
        ...options.settings,
        ...settings,
      },
    });
    nodes.push(node);
    return node;
  }

  const primary = await createNode('primary', ports?.[0], {});
  await primary.start();
  await prepareReplication(primary, replicationPassword);
  const passFile = join(runDir, 'passwords');
  await writeFile(passFile, `*:*:*:${REPLICATION_ROLE}:${replicationPassword}\n`, { mode: 0o600 });
  await giveTo(account, passFile);

  async function addReplica(replica: ReplicaOptions = {}): Promise<PostgresNode> {
    const { upstream = primary, name = nextName(nodes), port, settings } = replica;
    const node = await createNode(name, port, { ...options.standbySettings, ...settings });
    await startStandby({ node, primary, upstream, passFile, account });
    return node;
  }

  for (let index = 1; index <= replicaCount; index++) {
    signal?.throwIfAborted();
    await addReplica({ port: ports?.[index] });
  }
  signal?.throwIfAborted();
  return {
    major,
    isReused: opened.isReused,
    primary,
    get replicas() {
      return nodes.slice(1);
    },
    addReplica,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function nextName(nodes: readonly PostgresNode[]): string {
  for (let number = 1; ; number++) {
    const name = `replica${number}`;
    if (nodes.every((node) => node.name !== name)) return name;
  }
}

/** Slots of an earlier run's standbys would hold WAL for nobody. */
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
