import { spawn } from 'node:child_process';
import { BackupError } from './backup-error.ts';
import { explainFailure } from './pgbackrest-failures.ts';

export interface PgBackRestOptions {
  /** Its configuration. */
  readonly configFile: string;
  readonly stanza: string;
  /** Default: `pgbackrest`, as the path finds it. */
  readonly program?: string;
  /** Of warnings, a line each. */
  readonly log?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Runs pgBackRest and resolves with what it printed. Throws a BackupError that says in a sentence why it failed. */
export async function runPgBackRest(
  args: readonly string[],
  { configFile, stanza, program = 'pgbackrest', log, signal }: PgBackRestOptions,
): Promise<string> {
  const common = [
    `--config=${configFile}`,
    `--stanza=${stanza}`,
    '--log-level-console=off',
    '--log-level-stderr=warn',
    '--no-log-timestamp',
  ];
  const { code, stdout, stderr } = await collect(program, [...common, ...args], signal);
  for (const [, warning] of stderr.matchAll(/^P\d+\s+WARN: (.*)$/gm)) log?.(`pgBackRest: ${warning}`);
  if (code !== 0) throw new BackupError(explainFailure(code, stderr));
  return stdout;
}

interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function collect(program: string, args: readonly string[], signal?: AbortSignal): Promise<Output> {
  const { promise, resolve, reject } = Promise.withResolvers<Output>();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  child.once('error', (error: NodeJS.ErrnoException) => {
    if (signal?.aborted) reject(new BackupError('Stopped.'));
    else if (error.code !== 'ENOENT') reject(error);
    else reject(new BackupError(`${program} is not installed here: apt-get install pgbackrest.`));
  });
  child.once('close', (code) => resolve({ code, ...output }));
  return promise;
}
