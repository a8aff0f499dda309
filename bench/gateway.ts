import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../src/demo/ports.ts';
import { ServerProcess } from './server-process.ts';
import type { Endpoint } from './wire.ts';

/** This checkout. */
export const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const TOKEN = 'token-of-the-benchmark';

export interface GatewayOptions {
  readonly databaseUrl: string;
  /** A directory for its log. */
  readonly scratchDir: string;
  /** The checkout whose gateway it is. Default: this one. */
  readonly directory?: string;
  /** `npm start`, as it is documented, or the process that it starts. */
  readonly through?: 'node' | 'npm';
  /** Writes its memory and how long its event loop is blocked to this file while it runs. */
  readonly memoryFile?: string;
  /** Beyond what it must have. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The gateway, started as users start it: settings from the environment, everything else as it comes. */
export interface Gateway extends AsyncDisposable {
  readonly directory: string;
  readonly process: ServerProcess;
  readonly endpoint: Endpoint;
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { databaseUrl, scratchDir, directory = PROJECT, through = 'node', memoryFile } = options;
  const port = await findFreePort();
  const probe = memoryFile === undefined ? [] : ['--import', join(PROJECT, 'bench/memory-probe.ts')];
  const started = await ServerProcess.start({
    name: directory === PROJECT ? 'The gateway' : `The gateway of ${directory}`,
    ...(through === 'npm'
      ? { command: 'npm', args: ['start', '--silent'] }
      : { command: process.execPath, args: [...probe, 'src/cli.ts', 'serve'] }),
    cwd: directory,
    env: {
      REPLICA_URLS: databaseUrl,
      API_PORT: String(port),
      ADMIN_TOKEN: TOKEN,
      NODE_ENV: 'production',
      ...options.settings,
      ...(memoryFile !== undefined && { MEMORY_PROBE_FILE: memoryFile }),
    },
    // Of its own: gateways run beside one another.
    logFile: join(scratchDir, `gateway-${port}.log`),
    readyUrl: `http://127.0.0.1:${port}/readyz`,
  });
  return {
    directory,
    process: started,
    endpoint: { port, token: TOKEN },
    [Symbol.asyncDispose]: () => started.stop(),
  };
}
