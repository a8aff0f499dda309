import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { callsSql } from './calls.ts';
import type { Database } from './database.ts';
import { PROJECT } from './gateway.ts';
import { peerVersions } from './peers.ts';
import { psqlVersion } from './psql.ts';
import { gatewayQuery } from './requests.ts';
import type { Sizes } from './settings.ts';

/** What the figures depend on, one line each. */
export async function describeMachine(database: Database, against?: string): Promise<string[]> {
  const [cpu] = cpus();
  const [server] = await database.query(
    `select current_setting('server_version') as version, current_setting('shared_buffers') as buffers,
      pg_size_pretty(pg_table_size('xdrs')) as table_size, pg_size_pretty(pg_indexes_size('xdrs')) as indexes_size`,
  );
  return [
    `Hardware: ${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${gigabytes(totalmem())} memory`,
    `System: ${type()} ${release()}`,
    `Node ${process.versions.node}; PostgreSQL ${server!.version}, shared_buffers ${server!.buffers}; ${psqlVersion() ?? 'no psql'}`,
    `Table: ${server!.table_size}, its indexes ${server!.indexes_size}; standby, gateway, peers and clients share the machine`,
    ...(against === undefined
      ? [`Peers: ${describePeers()}`, `Gateway: ${describeRevision(PROJECT)}`]
      : [`Before: ${describeRevision(against)}`, `After: ${describeRevision(PROJECT)}`]),
  ];
}

/** What was run, to be run again by hand. */
export function describeCommands({ list }: Sizes): string[] {
  return [
    'The gateway: `REPLICA_URLS=… API_PORT=… ADMIN_TOKEN=… NODE_ENV=production node src/cli.ts serve`',
    `It is asked with \`{ "first": ${list} }\` for \`${gatewayQuery()}\``,
    'Peers: `DATABASE_URL=… PORT=… NODE_ENV=production node bench/peers/<name>.js`',
    `PostgreSQL: \`psql -X -A -t\`, in it \`\\timing on\` and \`\\copy (${callsSql(list)}) to '/dev/null'\``,
  ];
}

function describePeers(): string {
  return Object.entries(peerVersions())
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}

function describeRevision(checkout: string): string {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8', cwd: checkout });
  const { status, stdout } = git('rev-parse', '--short', 'HEAD');
  if (status !== 0) return 'not in a git repository';
  const changed = git('status', '--porcelain', '--', 'src', 'migrations').stdout.trim() !== '';
  return `commit ${stdout.trim()}${changed ? ', with changes that are not committed' : ''}`;
}

const gigabytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
