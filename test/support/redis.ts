import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findFreePort } from '../../src/demo/ports.ts';
import { endProcess, untilListening } from './processes.ts';

const binary = ['redis-server', 'valkey-server']
  .flatMap((name) => [`/usr/bin/${name}`, `/usr/local/bin/${name}`, `/opt/homebrew/bin/${name}`])
  .find((path) => existsSync(path));

/** Machines of developers may lack it, CI may not. */
export const hasRedis = binary !== undefined;
if (!hasRedis && process.env.CI) throw new Error('CI must not go without the tests of Redis: install it.');

export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  /** Stops answering, with every connection open, until `resume`. */
  freeze(): void;
  resume(): void;
  end(): Promise<void>;
}

/** A Redis of its own, in memory alone, or in a directory from which the next one on it goes on. */
export async function startRedis(port?: number, directory?: string): Promise<RedisServer> {
  const chosen = port ?? (await findFreePort());
  const kept = directory
    ? ['--appendonly', 'yes', '--appendfsync', 'always', '--dir', directory]
    : ['--appendonly', 'no'];
  const child = spawn(binary!, ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', ...kept], {
    stdio: 'ignore',
  });
  await untilListening('Redis', chosen, child, () => '');
  const end = () => {
    child.kill('SIGCONT');
    return endProcess(child, 'SIGKILL');
  };
  return {
    url: `redis://127.0.0.1:${chosen}`,
    freeze: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    end,
    [Symbol.asyncDispose]: end,
  };
}
