import { cpus, totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { callsTable } from '../../src/demo/calls.ts';
import { type Cluster, startCluster } from '../../src/demo/cluster.ts';
import { copyIn } from '../../src/demo/copy-in.ts';
import { DATABASE, fillDatabase, openForGateway } from '../../src/demo/database.ts';
import type { Progress } from '../../src/demo/progress.ts';
import { createTrafficModel, type TrafficModel } from '../../src/demo/traffic-model.ts';
import { backendCpuSeconds } from '../cpu.ts';
import { type BackupFigures, openBackups } from './backups.ts';
import { type GatewayFigures, measureGateway } from './gateway.ts';

export interface SizeOptions {
  /** Of the day that is played. */
  readonly calls: number;
  /** In the table before it. */
  readonly history: number;
  readonly walCompression: string;
  /** Of PostgreSQL where there is pgBackRest for it; otherwise those that npm brings, and no backups. */
  readonly programs: string | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Bytes and seconds of processor of one day. */
export interface SizeFigures {
  readonly calls: number;
  readonly history: number;
  readonly machine: string;
  readonly walCompression: string;
  readonly tableBytes: number;
  readonly indexBytes: number;
  readonly walBytes: number;
  /** Of it, whole pages that were written for the first time after a checkpoint. */
  readonly pageImages: number;
  readonly primaryCpuSeconds: number;
  readonly standbyCpuSeconds: number;
  readonly playedSeconds: number;
  readonly backups: BackupFigures | undefined;
  readonly gateway: GatewayFigures;
}

const DAY_SECONDS = 86_400;
/** As PostgreSQL comes: checkpoint_timeout. */
const CHECKPOINT_SECONDS = 300;
const DAY_ENDS = new Date('2026-02-01T00:00:00Z');

/** Plays a day of calls to a table that has some, and measures what it took. */
export async function playDays(options: SizeOptions): Promise<SizeFigures> {
  const { calls, history, programs, progress, signal, walCompression } = options;
  const cluster = await startCluster({
    ...(programs && {
      major: 15,
      binaries: { major: 15, initdb: `${programs}/initdb`, postgres: `${programs}/postgres` },
    }),
    replicas: 0,
    settings: {
      shared_buffers: '256MB',
      max_wal_size: '8GB',
      // Only ours: one each five minutes of the day that is played, however fast that is.
      checkpoint_timeout: '1d',
      wal_compression: walCompression,
      wal_keep_size: '1GB',
    },
    signal,
  });
  try {
    const model = createTrafficModel(1);
    const dayBegins = new Date(DAY_ENDS.getTime() - DAY_SECONDS * 1000);
    await fillDatabase({ cluster, model, cdrs: history, now: dayBegins, progress, signal });
    const password = await openForGateway(cluster);
    await using backups = programs === undefined ? undefined : await openBackups(cluster, programs);
    const standby = await cluster.addReplica({ name: 'standby' });
    await backups?.begin(standby);
    progress.say('Took a full backup; playing the day.');
    const day = await playDay(cluster, model, options);
    progress.say(`Played ${calls} calls in ${day.playedSeconds.toFixed(0)} s.`);
    return {
      calls,
      history,
      walCompression,
      machine: describeMachine(cluster.major),
      ...day,
      backups: await backups?.end(),
      gateway: await measureGateway(standby.url({ user: 'gateway', password, database: DATABASE })),
    };
  } finally {
    await cluster.stop();
  }
}

async function playDay(
  cluster: Cluster,
  model: TrafficModel,
  { calls, progress, signal }: SizeOptions,
): Promise<Omit<SizeFigures, 'calls' | 'history' | 'machine' | 'walCompression' | 'backups' | 'gateway'>> {
  const client = new Client({ connectionString: cluster.primary.url({ database: DATABASE }) });
  await client.connect();
  try {
    await client.query('checkpoint');
    const processors = () =>
      [cluster.primary, ...cluster.replicas].map((node) => backendCpuSeconds(node.pid()!));
    const [before, usedBefore, began] = [await readSizes(client), processors(), performance.now()];
    let sent = 0;
    let checkpointDue = CHECKPOINT_SECONDS;
    for (const second of secondsOf(model, calls)) {
      signal.throwIfAborted();
      if (second.number >= checkpointDue) {
        await client.query('checkpoint');
        checkpointDue = second.number + CHECKPOINT_SECONDS;
      }
      await copyIn(client, `copy ${callsTable.target} from stdin`, second.lines);
      sent += second.lines.length;
      progress.update(`Playing the day: ${Math.floor((100 * sent) / calls)} %`);
    }
    const after = await readSizes(client);
    await untilReplayed(client);
    const [playedSeconds, used] = [(performance.now() - began) / 1000, processors()];
    return {
      tableBytes: after.table - before.table,
      indexBytes: after.indexes - before.indexes,
      walBytes: after.wal - before.wal,
      pageImages: after.pageImages - before.pageImages,
      primaryCpuSeconds: used[0]! - usedBefore[0]!,
      standbyCpuSeconds: used[1]! - usedBefore[1]!,
      playedSeconds,
    };
  } finally {
    await client.end();
  }
}

interface Second {
  /** Of the day. */
  readonly number: number;
  readonly lines: readonly string[];
}

/** The calls of a day by the second in which they ended: a switch writes them then, in one transaction. */
function* secondsOf(model: TrafficModel, calls: number): Generator<Second> {
  const begins = DAY_ENDS.getTime() / 1000 - DAY_SECONDS;
  let lines: string[] = [];
  let current = 0;
  for (const call of model.history({ count: calls, now: DAY_ENDS, days: 1 })) {
    const number = call.disconnectSecond - begins;
    if (number !== current && lines.length > 0) {
      yield { number: current, lines };
      lines = [];
    }
    current = number;
    lines.push(callsTable.line(call));
  }
  if (lines.length > 0) yield { number: current, lines };
}

async function readSizes(client: Client) {
  const { rows } = await client.query(`
    select pg_table_size('xdrs')::float8 as "table", pg_indexes_size('xdrs')::float8 as indexes,
      (pg_current_wal_insert_lsn() - '0/0')::float8 as wal, (select wal_fpi from pg_stat_wal)::float8 as "pageImages"`);
  return rows[0] as { table: number; indexes: number; wal: number; pageImages: number };
}

async function untilReplayed(client: Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query(
      'select min(replay_lsn) >= pg_current_wal_flush_lsn() as done from pg_stat_replication',
    );
    if (rows[0].done) return;
    await delay(50);
  }
}

function describeMachine(major: number): string {
  const [cpu] = cpus();
  const memory = `${(totalmem() / 1024 ** 3).toFixed(0)} GB`;
  return `${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${memory}; PostgreSQL ${major}, Node ${process.versions.node}`;
}
