import { setTimeout as delay } from 'node:timers/promises';
import { createReplicas } from '../../src/replicas/replicas.ts';
import { cpuSeconds } from '../cpu.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import { judge, type Row } from '../line.ts';
import type { Stage } from '../stage.ts';
import { median } from '../statistics.ts';

const CHOOSING_TARGET_MICROS = 50;
const CHOICES = 20_000;
const POLLING_TARGET_PERCENT = 0.5;
/** Polls a second of two gateways that do nothing else: what one uses more than the other is that of polls. */
const OFTEN = 10;
const SELDOM = 1;
const IDLE_MILLIS = 10_000;

/** What it costs to know the standbys, and to choose one. */
export const watchingRow: Row = {
  name: 'watching',
  title: 'choosing a standby, and polling it',
  async measure(stage) {
    const choosing = await timeChoices(stage);
    const polling = await measurePolls(stage);
    return [
      {
        title: 'choosing a standby for a request',
        target: `≤ ${CHOOSING_TARGET_MICROS} µs`,
        measured: `${median(choosing).toFixed(1)} µs`,
        verdict: judge(median(choosing) <= CHOOSING_TARGET_MICROS),
        notes: [
          `each of ${describe(choosing, 'µs')}`,
          'with a token and a limit, and the standby given back',
        ],
      },
      {
        title: 'polling a standby once a second',
        target: `≤ ${POLLING_TARGET_PERCENT} % of a core`,
        measured: `${median(polling).toFixed(2)} %`,
        verdict: judge(median(polling) <= POLLING_TARGET_PERCENT),
        notes: [
          `each of ${describe(polling, '%')}`,
          `a gateway that does nothing else and polls ${OFTEN} times a second, less one that polls once`,
        ],
      },
    ];
  },
};

const describe = (values: readonly number[], unit: string): string =>
  `${values.map((value) => value.toFixed(2)).join(', ')} ${unit}`;

/** Microseconds of each choice, of several rounds. */
async function timeChoices({ database, settings }: Stage): Promise<number[]> {
  const replicas = createReplicas({ replicaUrls: [database.url], poolSize: 1 });
  try {
    await replicas.firstLook;
    const first = await replicas.choose();
    const request = { readAfter: first.readAfter(), maxStalenessSeconds: 3600 };
    first.release();
    const rounds: number[] = [];
    for (let round = 0; round < settings.repeats; round++) {
      const begun = performance.now();
      for (let choice = 0; choice < CHOICES; choice++) (await replicas.choose(request)).release();
      rounds.push(((performance.now() - begun) * 1000) / CHOICES);
    }
    return rounds;
  } finally {
    await replicas.close();
  }
}

/** Percent of a core for one poll a second, of several rounds. */
async function measurePolls({ database, scratchDir, settings }: Stage): Promise<number[]> {
  const start = (pollsPerSecond: number): Promise<Gateway> =>
    startGateway({
      databaseUrl: database.url,
      scratchDir,
      settings: { POLL_INTERVAL: String(1 / pollsPerSecond) },
    });
  await using often = await start(OFTEN);
  await using seldom = await start(SELDOM);
  const rounds: number[] = [];
  for (let round = 0; round < settings.repeats; round++) {
    const used = () => [often, seldom].map(({ process }) => cpuSeconds(process.pid));
    const before = used();
    await delay(IDLE_MILLIS);
    const [more, less] = used().map((seconds, index) => (seconds - before[index]!) / (IDLE_MILLIS / 1000));
    rounds.push((100 * (more! - less!)) / (OFTEN - SELDOM));
  }
  return rounds;
}
