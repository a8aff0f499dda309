import { execFile } from 'node:child_process';
import type { Account } from './layout.ts';

export interface RunOptions {
  /** Default: as we are. */
  readonly account?: Account | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A program on this host. Resolves with what it printed; rejects with the last line of what it said went wrong. */
export function readHere(
  command: readonly string[],
  { account, env = {} }: RunOptions = {},
): Promise<string> {
  const [file = '', ...args] = command;
  const isOther = account && process.getuid?.() === 0;
  return new Promise((resolve, reject) => {
    execFile(
      file,
      args,
      {
        cwd: '/',
        env: { PATH, LC_ALL: 'C', ...env },
        maxBuffer: 64 * 1024 * 1024,
        ...(isOther ? { uid: account.uid, gid: account.gid } : {}),
      },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const lines = stderr.trim().split('\n');
        const line = lines.findLast((text) => /error|fatal|could not|denied/i.test(text)) ?? lines.at(-1);
        reject(new Error(line || error.message, { cause: error }));
      },
    );
  });
}

export async function runHere(command: readonly string[], options?: RunOptions): Promise<void> {
  await readHere(command, options);
}
