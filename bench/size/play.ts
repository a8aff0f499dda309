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
  /** Of it, its last ones: what a whole day takes is that many times less. */
  readonly hours: number;
  /** In the table before it. */
  readonly history: number;
  readonly walCompression: string;
  /** Of PostgreSQL 15; otherwise those that npm brings, and no backups, which pgBackRest of Debian cannot take of them. */
  readonly programs: string | undefined;
  readonly hasBackups: boolean;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Bytes and seconds of processor of one day. */
export interface SizeFigures {
  /** When it was measured. */
  readonly at: string;
  readonly calls: number;
  /** That were played of the day; bytes and seconds below are of these. */
  readonly hours: number;
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
  /** By the clock. Not known of runs before it was kept. */
  readonly playedSeconds?: number;
  readonly backups: BackupFigures | undefined;
  readonly gateway: GatewayFigures;
}

/** As PostgreSQL comes: checkpoint_timeout. */
export const CHECKPOINT_SECONDS = 300;
export const DAY_ENDS = new Date('2026-02-01T00:00:00Z');

interface MeasuredOptions {
  /** Of PostgreSQL 15; without them the newest that there is. */
  readonly programs: string | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** A primary as all sizes are measured on, but for these settings. */
export function startMeasured({ programs, settings, signal }: MeasuredOptions): Promise<Cluster> {
  return startCluster({
    ...(programs && {
      major: 15,
      binaries: { major: 15, initdb: `${programs}/initdb`, postgres: `${programs}/postgres` },
    }),
    replicas: 0,
    settings: { shared_buffers: '256MB', max_wal_size: '8GB', ...settings },
    signal,
  });
}

/** Plays a day of calls to a table that has some, and measures what it took. */
export async function playDays(options: SizeOptions): Promise<SizeFigures> {
  const { calls, hours, history, programs, hasBackups, progress, signal, walCompression } = options;
  const cluster = await startMeasured({
    programs,
    settings: {
      // Only ours: one each five minutes of the day that is played, however fast that is.
      checkpoint_timeout: '1d',
      wal_compression: walCompression,
      wal_keep_size: '1GB',
    },
    signal,
  });
  try {
    const model = createTrafficModel(1);
    const now = new Date(DAY_ENDS.getTime() - hours * 3_600_000);
    await fillDatabase({ cluster, model, cdrs: history, now, progress, signal });
    const password = await openForGateway(cluster);
    await using backups =
      programs === undefined || !hasBackups ? undefined : await openBackups(cluster, programs);
    const standby = await cluster.addReplica({ name: 'standby' });
    await backups?.begin(standby);
    progress.say('Took a full backup; playing the day.');
    const day = await playDay(cluster, model, options);
    progress.say(`Played ${hours} hours in ${day.playedSeconds!.toFixed(0)} s.`);
    return {
      at: new Date().toISOString().slice(0, 10),
      calls,
      hours,
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
  { calls, hours, progress, signal }: SizeOptions,
): Promise<
  Omit<
    SizeFigures,
    'at' | 'calls' | 'hours' | 'history' | 'machine' | 'walCompression' | 'backups' | 'gateway'
  >
> {
  const client = new Client({ connectionString: cluster.primary.url({ database: DATABASE }) });
  await client.connect();
  try {
    await client.query('checkpoint');
    const processors = () =>
      [cluster.primary, ...cluster.replicas].map((node) => backendCpuSeconds(node.pid()!));
    const [before, usedBefore, began] = [await readSizes(client), processors(), performance.now()];
    const played = Math.round((calls * hours) / 24);
    await playSeconds(
      client,
      secondsOf(model, { calls: played, hours, ends: DAY_ENDS }),
      CHECKPOINT_SECONDS,
      (sent) => {
        signal.throwIfAborted();
        progress.update(`Playing the day: ${Math.floor((100 * sent) / played)} %`);
      },
    );
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

/** A transaction for each second that has calls, and a checkpoint each time so many of them have passed. */
export async function playSeconds(
  client: Client,
  seconds: Iterable<Second>,
  checkpointSeconds: number,
  onSent: (sent: number) => void,
): Promise<void> {
  let sent = 0;
  let checkpointDue: number | undefined;
  for (const { number, lines } of seconds) {
    checkpointDue ??= number + checkpointSeconds;
    if (number >= checkpointDue) {
      await client.query('checkpoint');
      checkpointDue = number + checkpointSeconds;
    }
    await copyIn(client, `copy ${callsTable.target} from stdin`, lines);
    sent += lines.length;
    onSent(sent);
  }
}

export interface Second {
  /** Since the first. */
  readonly number: number;
  readonly lines: readonly string[];
}

/** The calls of some hours by the second in which they ended: a switch writes them then, in one transaction. */
export function* secondsOf(
  model: TrafficModel,
  { calls, hours, ends }: { readonly calls: number; readonly hours: number; readonly ends: Date },
): Generator<Second> {
  const begins = ends.getTime() / 1000 - hours * 3600;
  let lines: string[] = [];
  let current = 0;
  for (const call of model.history({ count: calls, now: ends, days: hours / 24 })) {
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

export async function readSizes(client: Client) {
  const { rows } = await client.query(`
    select pg_table_size('xdrs')::float8 as "table", pg_indexes_size('xdrs')::float8 as indexes,
      (pg_current_wal_insert_lsn() - '0/0')::float8 as wal, (select wal_fpi from pg_stat_wal)::float8 as "pageImages"`);
  return rows[0] as { table: number; indexes: number; wal: number; pageImages: number };
}

export async function untilReplayed(client: Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query(
      'select min(replay_lsn) >= pg_current_wal_flush_lsn() as done from pg_stat_replication',
    );
    if (rows[0].done) return;
    await delay(50);
  }
}

export function describeMachine(major: number): string {
  const [cpu] = cpus();
  const memory = `${(totalmem() / 1024 ** 3).toFixed(0)} GB`;
  return `${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${memory}; PostgreSQL ${major}, Node ${process.versions.node}`;
}
