import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { type Cluster, startCluster } from '../../src/demo/cluster.ts';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { type Cable, startCable } from '../replicas/cable.ts';
import { asGateway, withDatabase } from '../support/database-urls.ts';
import { Commits, Witness } from './commits.ts';
import { GatewayProcess } from './gateway-process.ts';

const DATABASE = 'calls';
/** Calls that are there from the beginning: enough for statistics to take a while. */
const CALLS = 30_000;

export const insertCallsSql = `
  insert into xdrs (i_xdr, i_account, i_customer, cli, cld, connect_time, setup_time, disconnect_time, duration,
    charged_amount, disconnect_cause, call_id, prefix, country)
  select number, 14, 3, '33' || number, '44' || number, at, at, at, 60, 0.0125, 16, 'c' || number, '44',
    (array['FRANCE', 'SPAIN', 'ITALY'])[1 + number % 3]
  from (select number, '2026-01-05T09:00:00Z'::timestamptz + number * interval '1 second' as at
        from generate_series(1, ${CALLS}) as number) as calls`;

/** A server of the rig, and the cables that lead from it and to it. */
export interface RigStandby {
  readonly node: PostgresNode;
  /** As superuser, past every cable. */
  readonly url: string;
  /** To its primary. */
  readonly upstream: Cable;
  /** From the gateways to it. */
  readonly cable: Cable;
  readonly witness: Witness;
}

/**
 * A primary, two standbys and two gateways, each a process of its own. Every connection between two of them goes through a
 * cable. One gateway knows the standbys alone, the other polls the primary too.
 */
export interface Rig extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly primaryUrl: string;
  readonly standbys: readonly [RigStandby, RigStandby];
  /** From the gateway that polls it to the primary. */
  readonly primaryCable: Cable;
  readonly gateways: readonly [GatewayProcess, GatewayProcess];
  readonly commits: Commits;
  /** Of the standbys, by the name that gateways have for them. */
  readonly witnesses: ReadonlyMap<string, Witness>;
}

export async function startRig(major: number): Promise<Rig> {
  const disposals = new AsyncDisposableStack();
  try {
    const cluster = await startCluster({
      major,
      replicas: 0,
      settings: {
        shared_buffers: '32MB',
        max_connections: '60',
        wal_receiver_timeout: '3s',
        wal_sender_timeout: '4s',
        max_standby_streaming_delay: '2s',
        autovacuum: 'off',
      },
    });
    disposals.use(cluster);
    const { primary } = cluster;
    const gatewayPassword = randomBytes(12).toString('hex');
    const primaryUrl = withDatabase(primary.url(), DATABASE);
    await run(primary.url(), `create database ${DATABASE}`);
    await migrateToLatest(primaryUrl, { gatewayPassword });
    await run(primaryUrl, insertCallsSql);
    await run(primaryUrl, 'create table crowd as select generate_series(1, 1000) as id');
    await run(primaryUrl, 'vacuum analyze');

    const cableTo = async (port: number) => disposals.use(await startCable({ host: '127.0.0.1', port }));
    const addStandby = async (): Promise<RigStandby> => {
      const upstream = await cableTo(primary.port);
      const node = await cluster.addReplica({ upstream });
      const url = withDatabase(node.url(), DATABASE);
      const witness = new Witness(url);
      disposals.defer(() => witness.close());
      return { node, url, upstream, cable: await cableTo(node.port), witness };
    };
    const standbys = [await addStandby(), await addStandby()] as const;
    const primaryCable = await cableTo(primary.port);
    const through = ({ port }: Cable) => {
      const url = new URL(asGateway(primaryUrl, gatewayPassword));
      url.port = String(port);
      return url.href;
    };
    const settings = { REPLICA_URLS: standbys.map(({ cable }) => through(cable)).join(',') };
    const commits = new Commits(primaryUrl);
    commits.start();
    disposals.defer(() => commits.stop());
    const startGateway = async (name: string, more: Readonly<Record<string, string>> = {}) => {
      const gateway = await GatewayProcess.start(name, { ...settings, ...more });
      disposals.defer(() => gateway.stop());
      return gateway;
    };
    const gateways = await Promise.all([
      startGateway('standbys alone'),
      startGateway('primary polled', { PRIMARY_URL: through(primaryCable) }),
    ]);
    const owned = disposals.move();
    return {
      cluster,
      primaryUrl,
      standbys,
      primaryCable,
      gateways,
      commits,
      witnesses: new Map(standbys.map(({ witness }, index) => [`replica-${index + 1}`, witness])),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await disposals.disposeAsync();
    throw error;
  }
}

/** One statement as superuser, over a connection of its own. */
export async function run(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** The processes of a server, its postmaster first. */
export async function processesOf(node: PostgresNode): Promise<number[]> {
  const postmaster = node.pid();
  if (postmaster === undefined) return [];
  const parents = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
        return { pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) };
      }),
  );
  return [postmaster, ...parents.filter(({ parent }) => parent === postmaster).map(({ pid }) => pid)];
}

/** Those that are gone by now are passed over. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {}
  }
}

/** Waits until it is true; false when that takes too long. */
export async function waitUntil(isTrue: () => Promise<boolean> | boolean, seconds: number): Promise<boolean> {
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await delay(20)) {
    if (await isTrue()) return true;
  }
  return false;
}
