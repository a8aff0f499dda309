import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Cluster } from './cluster.ts';
import { fillDatabase } from './database.ts';
import { DemoError } from './demo-error.ts';
import type { DemoOptions } from './demo-options.ts';
import { explainFullDisk } from './disk-space.ts';
import type { Progress } from './progress.ts';
import type { TrafficModel } from './traffic-model.ts';

/** Written into a data directory when its calls are complete. */
const MARKER = 'demo.json';

export interface Preparation {
  readonly cluster: Cluster;
  readonly options: DemoOptions;
  readonly model: TrafficModel;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Loads calls into a new cluster, or finds those of an earlier run. A load that fails leaves the directory empty. */
export async function prepareCalls({ cluster, options, ...preparation }: Preparation): Promise<void> {
  const { cdrs, seed, dataDir } = options;
  const marker = dataDir === undefined ? undefined : join(resolve(dataDir), MARKER);
  if (cluster.isReused && marker) return goOnWith(marker, options, preparation.progress);
  try {
    await fillDatabase({ ...preparation, cluster, cdrs, now: new Date() });
    if (marker) await writeFile(marker, JSON.stringify({ cdrs, seed }));
  } catch (error) {
    const log = await readFile(cluster.primary.logFile, 'utf8').catch(() => '');
    await cluster.discard();
    throw explainFullDisk(error, log);
  }
}

async function goOnWith(marker: string, { cdrs, dataDir }: DemoOptions, progress: Progress): Promise<void> {
  const found = await readFile(marker, 'utf8').catch(() => undefined);
  if (found === undefined) {
    throw new DemoError(
      `${dataDir} was left behind by a demo that ended before its calls were loaded: remove it and start again.`,
    );
  }
  const loaded: { cdrs: number } = JSON.parse(found);
  const remark =
    loaded.cdrs === cdrs ? '' : ` (loaded with --cdrs ${loaded.cdrs}; remove it to load ${cdrs})`;
  progress.say(`Going on with the calls in ${dataDir}${remark}.`);
}
