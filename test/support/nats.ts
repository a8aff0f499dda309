import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findFreePort } from '../../src/demo/ports.ts';
import { endProcess, untilListening } from './processes.ts';

const binary = ['/usr/sbin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']
  .map((directory) => `${directory}/nats-server`)
  .find((path) => existsSync(path));

/** Machines of developers may lack it, CI may not. */
export const hasNats = binary !== undefined;
if (!hasNats && process.env.CI) throw new Error('CI must not go without the tests of NATS: install it.');

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  end(): Promise<void>;
}

/** A NATS of its own, with JetStream in a directory from which the next one on it goes on. */
export async function startNats(directory: string, port?: number): Promise<NatsServer> {
  const chosen = port ?? (await findFreePort());
  const child = spawn(
    binary!,
    ['--jetstream', '--store_dir', directory, '--addr', '127.0.0.1', '--port', String(chosen)],
    { stdio: 'ignore' },
  );
  await untilListening('NATS', chosen, child, () => '');
  const end = () => endProcess(child, 'SIGKILL');
  return { url: `nats://127.0.0.1:${chosen}`, end, [Symbol.asyncDispose]: end };
}
