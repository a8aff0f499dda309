import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Cluster } from '../../src/demo/cluster.ts';
import { DATABASE, fillDatabase, openForGateway } from '../../src/demo/database.ts';
import { createTrafficModel, type TrafficModel } from '../../src/demo/traffic-model.ts';
import { backendCpuSeconds } from '../cpu.ts';
import { startGateway } from '../gateway.ts';
import { median } from '../statistics.ts';
import { ask, type PartitionsOptions, type Taken, withClient } from './partitions.ts';
import {
  CHECKPOINT_SECONDS,
  DAY_ENDS,
  describeMachine,
  playSeconds,
  readSizes,
  secondsOf,
  startMeasured,
  untilReplayed,
} from './play.ts';

/** `calls` are of a day, of which the hours that are played are a part. */
export type SettingsOptions = Omit<PartitionsOptions, 'months'>;

interface Side {
  readonly name: string;
  readonly checkpointSeconds: number;
  readonly compression: 'off' | 'pglz' | 'lz4';
}

const SIDES: readonly Side[] = [
  { name: 'as PostgreSQL comes', checkpointSeconds: CHECKPOINT_SECONDS, compression: 'off' },
  { name: '`checkpoint_timeout = 15min`', checkpointSeconds: 3 * CHECKPOINT_SECONDS, compression: 'off' },
  { name: '`wal_compression = pglz`', checkpointSeconds: CHECKPOINT_SECONDS, compression: 'pglz' },
  { name: '`wal_compression = lz4`', checkpointSeconds: CHECKPOINT_SECONDS, compression: 'lz4' },
  { name: '15min and lz4', checkpointSeconds: 3 * CHECKPOINT_SECONDS, compression: 'lz4' },
];

/** Of an hour that was played. */
interface Played {
  readonly calls: number;
  readonly walBytes: number;
  readonly pageImages: number;
  readonly cpuSeconds: number;
}

/** Plays an hour of a day with each setting, in turns, and then asks for statistics before and after autovacuum. */
export async function measureSettings(options: SettingsOptions): Promise<readonly string[]> {
  const { calls, repeats, programs, progress, signal } = options;
  const cluster = await startMeasured({
    programs,
    settings: {
      shared_preload_libraries: 'pg_stat_statements',
      // Only ours: the play has its own clock.
      checkpoint_timeout: '1d',
      autovacuum_naptime: '1s',
    },
    signal,
  });
  try {
    const model = createTrafficModel(1);
    const hours = SIDES.length * repeats;
    if (hours > 24) throw new Error(`--repeats: at most ${24 / SIDES.length}`);
    const now = new Date(DAY_ENDS.getTime() - hours * 3_600_000);
    await fillDatabase({ cluster, model, cdrs: calls, now, progress, signal });
    const password = await openForGateway(cluster);
    return await withClient(cluster.primary.url({ database: DATABASE }), async (client) => {
      // Vacuum has its turn below.
      await client.query(
        'create extension pg_stat_statements; alter table xdrs set (autovacuum_enabled = off)',
      );
      const played = await playInTurns(cluster, client, model, options);
      const statistics = await measureVacuum(cluster, client, password, options);
      return [
        `Measured ${new Date().toISOString().slice(0, 10)}: hours of a day of ${calls.toLocaleString('en-US')} calls in a table that had as many, ${repeats} hours with each setting, in turns and with as many calls; medians. ${describeMachine(cluster.major)}.`,
        '',
        '| setting | WAL of a call | whole pages of a call | processor of a million calls |',
        '| --- | ---: | ---: | ---: |',
        ...SIDES.map((side) => describe(side, played.get(side)!)),
        '',
        ...statistics,
      ];
    });
  } finally {
    await cluster.stop();
  }
}

/** As many calls in each hour, whatever the time of day: only the setting differs. */
async function playInTurns(
  { primary }: Cluster,
  client: Client,
  model: TrafficModel,
  { calls, repeats, progress, signal }: SettingsOptions,
): Promise<ReadonlyMap<Side, readonly Played[]>> {
  const played = new Map<Side, Played[]>(SIDES.map((side) => [side, []]));
  let left = SIDES.length * repeats;
  for (let round = 0; round < repeats; round++) {
    for (const [turn] of SIDES.entries()) {
      const side = SIDES[(round + turn) % SIDES.length]!;
      left -= 1;
      progress.say(`${side.name}, ${left} hours to go`);
      await client.query(`set wal_compression = ${side.compression}`);
      await client.query('checkpoint');
      const [before, usedBefore] = [await readSizes(client), backendCpuSeconds(primary.pid()!)];
      let sent = 0;
      const ends = new Date(DAY_ENDS.getTime() - left * 3_600_000);
      const seconds = secondsOf(model, { calls: Math.round(calls / 24), hours: 1, ends });
      await playSeconds(client, seconds, side.checkpointSeconds, (now) => {
        signal.throwIfAborted();
        sent = now;
      });
      const after = await readSizes(client);
      played.get(side)!.push({
        calls: sent,
        walBytes: after.wal - before.wal,
        pageImages: after.pageImages - before.pageImages,
        cpuSeconds: backendCpuSeconds(primary.pid()!) - usedBefore,
      });
    }
  }
  return played;
}

function describe({ name }: Side, hours: readonly Played[]): string {
  const ofCall = (read: (hour: Played) => number) => median(hours.map((hour) => read(hour) / hour.calls));
  const cells = [
    `${Math.round(ofCall(({ walBytes }) => walBytes)).toLocaleString('en-US')} bytes`,
    ofCall(({ pageImages }) => pageImages).toFixed(2),
    `${(1e6 * ofCall(({ cpuSeconds }) => cpuSeconds)).toFixed(0)} s`,
  ];
  return `| ${name} | ${cells.join(' | ')} |`;
}

/** Statistics of the hours that were played, before any vacuum saw them and after the one that a smaller scale factor brings. */
async function measureVacuum(
  cluster: Cluster,
  client: Client,
  password: string,
  { repeats }: SettingsOptions,
): Promise<readonly string[]> {
  const scratchDir = await mkdtemp(join(tmpdir(), 'cdr-size-'));
  const standby = await cluster.addReplica({ name: 'standby' });
  try {
    const databaseUrl = standby.url({ user: 'gateway', password, database: DATABASE });
    await using gateway = await startGateway({ scratchDir, databaseUrl });
    const { rows: busiest } = await client.query(
      'select i_account::text as id from xdrs group by 1 order by count(*) desc limit 1',
    );
    const from = new Date(DAY_ENDS.getTime() - SIDES.length * repeats * 3_600_000).toISOString();
    const filter = `accountIds: ["${busiest[0].id}"], from: "${from}", to: "${DAY_ENDS.toISOString()}"`;
    const query = `{ cdrStats(filter: { ${filter} }, groupBy: [HOUR]) { rows { bucket attempts asr minutes } } }`;
    const times = async () => {
      const taken: Taken[] = [];
      for (let each = 0; each < repeats + 2; each++)
        taken.push(await ask(gateway, query, standby.url({ database: DATABASE })));
      return taken.slice(2);
    };
    const before = await times();
    await client.query(
      'alter table xdrs set (autovacuum_enabled = on, autovacuum_vacuum_insert_scale_factor = 0.01)',
    );
    await untilVacuumed(client);
    await untilReplayed(client);
    const after = await times();
    const cell = (taken: readonly Taken[]) =>
      `${median(taken.map(({ milliseconds }) => milliseconds)).toFixed(1)} ms, ${Math.round(median(taken.map(({ pages }) => pages))).toLocaleString('en-US')} pages`;
    return [
      `| statistics of the busiest account over these ${SIDES.length * repeats} hours, by hour | |`,
      '| --- | ---: |',
      `| before vacuum has seen them | ${cell(before)} |`,
      `| \`autovacuum_vacuum_insert_scale_factor = 0.01\`, after autovacuum | ${cell(after)} |`,
    ];
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

async function untilVacuumed(client: Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query(
      `select last_autovacuum is not null as done from pg_stat_user_tables where relname = 'xdrs'`,
    );
    if (rows[0].done) return;
    await delay(200);
  }
}
