import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '../../src/demo/ports.ts';
import { ACCOUNT_ID, ACCOUNT_TOKEN, ADMIN_TOKEN } from '../support/gateway.ts';
import { endProcess } from '../support/processes.ts';

/** A line of the gateway's log. */
export interface LogLine {
  readonly msg: string;
  readonly requestId?: string;
  readonly status?: number;
  readonly codes?: readonly string[];
  readonly path?: string;
  readonly outcome?: string;
  readonly rows?: number;
}

/** A gateway as `npm start` runs it: a process of its own, which can be killed. */
export interface GatewayProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly log: readonly LogLine[];
  /** The line of a request, which is written when its last byte is out. Undefined until then. */
  request(id: string): LogLine | undefined;
  /** Resolves when the process is gone. */
  end(signal: NodeJS.Signals): Promise<void>;
}

const START_TIMEOUT_MS = 15_000;

/** Resolves when it can answer. */
export async function startGatewayProcess(
  replicaUrls: readonly string[],
  port?: number,
): Promise<GatewayProcess> {
  const chosen = port ?? (await findFreePort());
  const child = spawn(process.execPath, ['src/cli.ts', 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      REPLICA_URLS: replicaUrls.join(','),
      API_PORT: String(chosen),
      ADMIN_TOKEN,
      ACCOUNT_TOKEN,
      ACCOUNT_ID,
      GRAPHIQL: 'false',
      DRAIN_TIMEOUT: '5',
    },
  });
  const log: LogLine[] = [];
  createInterface(child.stdout).on('line', (line) => log.push(JSON.parse(line)));
  await untilReady(chosen, child);
  const end = (signal: NodeJS.Signals) => endProcess(child, signal);
  return {
    port: chosen,
    pid: child.pid!,
    log,
    request: (id) => log.find(({ msg, requestId }) => msg === 'request' && requestId === id),
    end,
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  };
}

async function untilReady(port: number, child: ChildProcess): Promise<void> {
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await isReady())) {
    if (child.exitCode !== null) throw new Error(`The gateway ended with code ${child.exitCode}.`);
    if (Date.now() > deadline) throw new Error(`The gateway on port ${port} is not ready.`);
    await delay(20);
  }
}
