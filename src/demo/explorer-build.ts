import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DemoError } from './demo-error.ts';
import type { Progress } from './progress.ts';

export interface ExplorerBuildOptions {
  /** The call explorer's package. */
  readonly directory: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The server that a build leaves behind, with everything it needs beside it. */
export const STANDALONE = join('.next', 'standalone');

/** What a build ends with. */
const BUILT = join(STANDALONE, '.next', 'static');
const INSTALLED = join('node_modules', '.package-lock.json');
const SOURCES = [
  'src/**/*.*',
  'public/**/*.*',
  'package-lock.json',
  'next.config.ts',
  'tsconfig.json',
  // The gateway's client, which is built into it.
  '../../packages/client/src/**/*.*',
];
/** Of what a program that failed printed last. */
const MAX_LINES = 25;
const KILL_AFTER_MS = 3_000;

/** Installs and builds the explorer where that has not been done since its files changed: by npm, some minutes once. */
export async function buildExplorer({ directory, progress, signal }: ExplorerBuildOptions): Promise<void> {
  if (!existsSync(join(directory, 'package.json'))) {
    throw new DemoError(`The call explorer is not here: ${directory} is missing.`);
  }
  const run = async (args: readonly string[], doing: string) => {
    progress.say(`${doing} (npm ${args.join(' ')} in ${directory}).`);
    const started = performance.now();
    const seconds = () => `${((performance.now() - started) / 1000).toFixed(0)} s`;
    await runNpm(args, directory, signal, (line) => progress.update(`${line} (${seconds()})`));
    progress.say(`Done in ${seconds()}.`);
  };
  if (isOlder(directory, INSTALLED, ['package-lock.json'])) {
    await run(['ci', '--no-audit', '--no-fund'], 'Installing the call explorer, once');
  }
  if (isOlder(directory, BUILT, SOURCES)) await run(['run', 'build'], 'Building the call explorer, once');
}

/** True also when it is not there at all. */
function isOlder(directory: string, made: string, sources: readonly string[]): boolean {
  const path = join(directory, made);
  if (!existsSync(path)) return true;
  const { mtimeMs } = statSync(path);
  return globSync([...sources], { cwd: directory }).some(
    (source) => statSync(join(directory, source)).mtimeMs > mtimeMs,
  );
}

/** Passes on each line that npm prints. Throws a DemoError with the last of them when it fails. */
async function runNpm(
  args: readonly string[],
  cwd: string,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  signal.throwIfAborted();
  // A process group of its own: npm starts others, and all of them are to end with us.
  const child = spawn('npm', args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const note = (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n')) {
      if (line.trim() === '') continue;
      lines.push(line.trimEnd());
      if (lines.length > MAX_LINES) lines.shift();
      onLine(line.trim());
    }
  };
  child.stdout.on('data', note);
  child.stderr.on('data', note);
  const endGroup = (how: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, how);
    } catch {
      // It has ended by itself.
    }
  };
  const stop = () => {
    endGroup('SIGTERM');
    setTimeout(() => endGroup('SIGKILL'), KILL_AFTER_MS).unref();
  };
  signal.addEventListener('abort', stop);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code !== 0) {
      throw new DemoError(`npm ${args.join(' ')} failed in ${cwd}; it said at last:\n\n${lines.join('\n')}`);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new DemoError('The call explorer is built by npm, which was not found.');
    }
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
