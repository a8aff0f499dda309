import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { Commits, Witness } from '../faults/commits.ts';
import { GatewayProcess, type GatewayStatus, PATIENCE_SECONDS } from '../faults/gateway-process.ts';
import { insertCallsSql, run } from '../faults/rig.ts';
import { type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { PatroniCluster, type PatroniNode, type PatroniPrograms } from './patroni-cluster.ts';

const DATABASE = 'calls';

/**
 * What suits a cluster whose roles move: after a leader was killed there is a single standby, which Patroni may have to start
 * anew; and what is read while a standby is being promoted is nowhere else before the others follow it.
 */
const settings = { READ_FROM_PRIMARY: 'true', READ_AFTER_WAIT: '30' };

/**
 * A Patroni cluster, and two gateways, each a process of its own. One is told by Patroni which servers there are and which
 * one leads. The other is given all three, each behind a PgBouncer of its own in session mode, and HAProxy's port of
 * whichever leads.
 */
export interface PatroniRig extends AsyncDisposable {
  readonly cluster: PatroniCluster;
  readonly commits: Commits;
  /** By the name that both gateways have for the server. */
  readonly witnesses: ReadonlyMap<string, Witness>;
  readonly gateways: readonly [GatewayProcess, GatewayProcess];
}

export async function startPatroniRig(programs: PatroniPrograms): Promise<PatroniRig> {
  await using owned = new AsyncDisposableStack();
  const cluster = owned.use(await PatroniCluster.start(programs));
  const { nodes } = cluster;
  const gatewayPassword = randomBytes(12).toString('hex');
  await run(cluster.url('primary', 'postgres'), `create database ${DATABASE}`);
  const primaryUrl = cluster.url('primary', DATABASE);
  await migrateToLatest(primaryUrl, { gatewayPassword });
  await run(primaryUrl, insertCallsSql);
  await run(primaryUrl, 'vacuum analyze');

  const commits = new Commits(primaryUrl);
  commits.start();
  owned.defer(() => commits.stop());
  const witnesses = new Map(nodes.map((node) => [node.name, new Witness(cluster.url(node, DATABASE))]));
  owned.defer(async () => void (await Promise.all([...witnesses.values()].map((each) => each.close()))));
  const poolers: PgBouncer[] = [];
  for (const node of nodes) poolers.push(owned.use(await startPooler(node, gatewayPassword)));

  const start = async (name: string, urls: Readonly<Record<string, string>>) => {
    const gateway = await GatewayProcess.start(name, { ...urls, ...settings }, isWhole);
    owned.defer(() => gateway.stop());
    return gateway;
  };
  const login = `gateway:${gatewayPassword}`;
  const patroniUrl = `patroni+http://${login}@${nodes.map(({ restPort }) => `127.0.0.1:${restPort}`).join(',')}/${DATABASE}`;
  const gateways = [
    await start('told by Patroni', {
      REPLICA_URLS: patroniUrl,
      PRIMARY_URL: patroniUrl,
      DISCOVERY_INTERVAL: '1',
    }),
    await start('by PgBouncer and HAProxy', {
      REPLICA_URLS: poolers.map(({ url }, index) => `${url}#${nodes[index]!.name}`).join(','),
      PRIMARY_URL: `postgresql://${login}@127.0.0.1:${cluster.primaryPort}/${DATABASE}`,
    }),
  ] as const;
  const kept = owned.move();
  return { cluster, commits, witnesses, gateways, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

function startPooler(node: PatroniNode, password: string): Promise<PgBouncer> {
  return startPgBouncer({
    url: `postgresql://gateway:${password}@127.0.0.1:${node.port}/${DATABASE}`,
    poolMode: 'session',
    poolSize: 20,
    // Five are not too much for a server that may be back any time.
    settings: { server_login_retry: '1', query_wait_timeout: '5' },
  });
}

/** Two standbys are read from, and the primary is known. */
export function isWhole(status: GatewayStatus | undefined): boolean {
  const streaming = status?.replicas.filter((replica) => replica.status === 'STREAMING') ?? [];
  return streaming.length === 2 && status?.primary?.status === 'AVAILABLE';
}

/** When both gateways read from two standbys again, and the cluster is whole. */
export async function untilAllIsWell({ cluster, gateways }: PatroniRig, seconds: number): Promise<void> {
  for (const end = performance.now() + seconds * 1000; ; await delay(100)) {
    const statuses = await Promise.all(gateways.map((gateway) => gateway.status(PATIENCE_SECONDS)));
    if (statuses.every(isWhole) && (await cluster.isWhole())) return;
    if (performance.now() > end)
      throw new Error(`Not well after ${seconds} s: ${JSON.stringify([statuses, await cluster.members()])}`);
  }
}
