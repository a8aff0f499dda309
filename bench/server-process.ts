import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface ServerCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
  /** Gets what the server prints. */
  readonly logFile: string;
  /** Answers with status 200 once the server is ready. */
  readonly readyUrl: string;
  readonly readyBody?: string;
}

const READY_WITHIN_MILLIS = 30_000;
const STOPPED_WITHIN_MILLIS = 5000;

/** A server that does not start; the message says why in its own words. */
export class ServerStartError extends Error {}

/** Nothing is left running, even when this process is killed. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) signalGroup(child, 'SIGKILL');
});

/** A server under measurement, in a process of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly pid: number;
  /** Milliseconds from the start of the process to its first good answer. */
  readonly readyAfter: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, readyAfter: number) {
    this.#child = child;
    this.pid = child.pid!;
    this.readyAfter = readyAfter;
  }

  /** Throws with the last words of the server when it ends instead, or is not ready in half a minute. */
  static async start(server: ServerCommand): Promise<ServerProcess> {
    const log = openSync(server.logFile, 'w');
    const startedAt = performance.now();
    const child = spawn(server.command, server.args, {
      cwd: server.cwd,
      env: { ...process.env, ...server.env },
      stdio: ['ignore', log, log],
      // A group of its own: npm has a shell and a node below it, which must all end.
      detached: true,
    });
    closeSync(log);
    running.add(child);
    child.once('exit', () => running.delete(child));
    const failed = once(child, 'error').then(([error]) => Promise.reject(error));
    failed.catch(() => {});
    const started = new ServerProcess(child, 0);
    try {
      await Promise.race([failed, untilReady(server, child)]);
    } catch (error) {
      await started.stop();
      throw new ServerStartError(`${server.name} did not start: ${reasonIn(server.logFile, error as Error)}`);
    }
    return new ServerProcess(child, performance.now() - startedAt);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async stop(): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (!this.isRunning || this.#child.pid === undefined) return;
      const ended = once(this.#child, 'exit');
      signalGroup(this.#child, signal);
      await Promise.race([ended, delay(STOPPED_WITHIN_MILLIS, undefined, { ref: false })]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What the server said of an error, or else what we saw of it. */
function reasonIn(logFile: string, seen: Error): string {
  const lines = readFileSync(logFile, 'utf8').trim().split('\n');
  return (
    lines.find((line) => /^\w*Error\b|^error:|"level":"(error|fatal)"/i.test(line)) ??
    lines.findLast(Boolean) ??
    seen.message
  );
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // Gone.
  }
}

async function untilReady({ readyUrl, readyBody }: ServerCommand, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MILLIS;
  const request =
    readyBody === undefined
      ? {}
      : { method: 'POST', headers: { 'content-type': 'application/json' }, body: readyBody };
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}.`);
    const response = await fetch(readyUrl, request).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.status === 200) return;
    await delay(5);
  }
  throw new Error('it was not ready in time.');
}
