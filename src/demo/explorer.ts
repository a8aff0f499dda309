import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DemoError } from './demo-error.ts';
import type { DemoReport } from './demo-report.ts';
import { STANDALONE } from './explorer-build.ts';

export interface ExplorerOptions {
  /** The call explorer's package, built. */
  readonly directory: string;
  readonly port: number;
  readonly gateway: Pick<DemoReport, 'graphqlUrl' | 'accountId'>;
  /** By which the explorer signs tokens of its users, and the gateway knows them: its JWT_SECRET. */
  readonly jwtSecret: string;
  readonly signal: AbortSignal;
  /** Called when it ends without having been stopped. */
  readonly onEnd: (why: string) => void;
}

export interface RunningExplorer {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Who may sign in: each with the name as the password, for everything here is made up. */
export const explorerUsers = ['admin', 'customer'] as const;

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 100;
const KILL_AFTER_MS = 3_000;
const MAX_ERROR_CHARACTERS = 4_000;
/** The kernel closes its input when we are gone, however that happened: then it ends as well. */
const END_WITH_US = "data:text/javascript,process.stdin.on('close',()=>process.exit()).resume()";

/** Starts the built explorer before the gateway. Resolves when it answers; throws a DemoError with its output. */
export async function startExplorer(options: ExplorerOptions): Promise<RunningExplorer> {
  const { directory, port, signal, onEnd } = options;
  const url = `http://${HOST}:${port}`;
  const child = spawn(process.execPath, ['--import', END_WITH_US, 'server.js'], {
    cwd: join(directory, STANDALONE),
    // Nothing of our own environment: settings of another explorer may lie there.
    env: environment(options),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let errorText = '';
  child.stderr.on('data', (chunk) => {
    errorText = (errorText + chunk).slice(-MAX_ERROR_CHARACTERS);
  });
  child.stdin.on('error', () => {});
  const ended = once(child, 'close');
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    await end(child, ended);
  };
  try {
    await waitUntilAnswering(`${url}/sign-in`, child, signal);
  } catch (error) {
    await stop();
    signal.throwIfAborted();
    throw error instanceof DemoError ? new DemoError(`${error.message}\n\n${errorText.trim()}`) : error;
  }
  void ended.then(() => {
    if (!isStopping) onEnd(errorText.trim());
  });
  return { url, pid: child.pid!, stop };
}

/** What the gateway must be told of the tokens that the explorer signs, beside their secret. */
export const explorerTokens = { issuer: 'call-explorer', audience: 'cdr-gateway' } as const;

function environment({
  port,
  gateway: { graphqlUrl, accountId },
  jwtSecret,
}: ExplorerOptions): Record<string, string> {
  const accounts = { admin: [], customer: [accountId] };
  const users = explorerUsers.map((name) => ({
    name,
    password: name,
    role: name,
    accountIds: accounts[name],
  }));
  return {
    HOSTNAME: HOST,
    PORT: String(port),
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    GATEWAY_URL: graphqlUrl,
    GATEWAY_JWT_SECRET: jwtSecret,
    GATEWAY_JWT_ISSUER: explorerTokens.issuer,
    GATEWAY_JWT_AUDIENCE: explorerTokens.audience,
    GATEWAY_TRUSTED_DOCUMENTS: 'true',
    USERS: JSON.stringify(users),
  };
}

async function waitUntilAnswering(url: string, child: ChildProcess, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new DemoError('The call explorer ended while it started:');
    }
    const response = await fetch(url, { signal }).catch(() => undefined);
    signal.throwIfAborted();
    if (response?.ok) return;
    if (Date.now() > deadline) throw new DemoError(`The call explorer does not answer at ${url}:`);
    await delay(POLL_MS, undefined, { signal });
  }
}

async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await ended;
  clearTimeout(timer);
}
