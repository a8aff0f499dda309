import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const START_TIMEOUT_MS = 10_000;

/** Resolves when something accepts connections on the port. Throws with `errors()` when the server ends, or takes too long. */
export async function untilListening(
  name: string,
  port: number,
  server: ChildProcess,
  errors: () => string,
  host = '127.0.0.1',
): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isListening(port, host))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      throw new Error(`${name} does not listen: ${errors()}`);
    }
    await delay(20);
  }
}

/** Resolves when the process is gone. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

async function isListening(port: number, host: string): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
