import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { installAmcheck } from '../db/backup/amcheck-extension.ts';
import type { RestoredServer } from './restored-server.ts';

const run = promisify(execFile);
const MAX_LINES = 5;
const MAX_OUTPUT_BYTES = 64 * 1024 ** 2;

/** What pg_amcheck found in tables and indexes. */
export interface AmcheckReport {
  readonly seconds: number;
  /** Empty when every table and every btree index is sound. */
  readonly problems: readonly string[];
}

/** Every table and btree index of every database, page by page. What it installs for that, it removes. */
export async function checkStructure(
  { host, port, url }: RestoredServer,
  role: string,
  program: string | undefined,
): Promise<AmcheckReport> {
  if (program === undefined) {
    return { seconds: 0, problems: ['Nothing was checked: pg_amcheck is not installed beside postgres.'] };
  }
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  let remove: () => Promise<void>;
  try {
    remove = await installAmcheck((database) => url(role, database));
  } catch (error) {
    return { seconds: seconds(), problems: [`Nothing was checked: ${(error as Error).message}`] };
  }
  const args = ['--all', '--jobs=2', `--host=${host}`, `--port=${port}`, `--username=${role}`];
  const { code, output } = await run(program, args, {
    maxBuffer: MAX_OUTPUT_BYTES,
    env: { LC_ALL: 'C' },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout = '', stderr = '' }: { code?: number; stdout?: string; stderr?: string }) => ({
      code: code ?? -1,
      output: stdout + stderr,
    }),
  );
  await remove();
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const found = lines.slice(0, MAX_LINES).map((line) => line.trim());
  const problems =
    code === 0 ? [] : [`pg_amcheck found damage: ${found.join(' ') || `it ended with ${code}`}`];
  return { seconds: seconds(), problems };
}
