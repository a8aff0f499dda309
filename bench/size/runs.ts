import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SizeFigures } from './play.ts';

/** The figures of each size that was measured, by the number of calls: docs/sizing.md is written from all of them. */
const RUNS = fileURLToPath(new URL('runs/', import.meta.url));

/** The newest run of each size, the fewest calls first. */
export async function readRuns(): Promise<readonly SizeFigures[]> {
  const files = (await readdir(RUNS)).filter((name) => name.endsWith('.json'));
  const runs = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(RUNS, name), 'utf8'))),
  );
  return (runs as SizeFigures[]).sort((one, other) => one.calls - other.calls);
}

/** In the place of an earlier one of as many calls. */
export async function keepRun(figures: SizeFigures): Promise<void> {
  await mkdir(RUNS, { recursive: true });
  await writeFile(join(RUNS, `${figures.calls}.json`), `${JSON.stringify(figures, null, 2)}\n`);
}
