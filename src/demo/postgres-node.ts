import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Binaries } from './binaries.ts';
import { DemoError } from './demo-error.ts';
import { giveTo, type ServerAccount } from './server-account.ts';

/** PostgreSQL's three ways to stop: wait for clients, disconnect them, or leave at once and recover later. */
export type StopMode = 'smart' | 'fast' | 'immediate';

const STOP_SIGNAL: Readonly<Record<StopMode, NodeJS.Signals>> = {
  smart: 'SIGTERM',
  fast: 'SIGINT',
  immediate: 'SIGQUIT',
};

/** After a crash the children of the old server may need a moment to notice. */
const START_ATTEMPTS = 40;
const POLL_MS = 10;
const RELOAD_TIMEOUT_MS = 5_000;
/** A stop that takes longer is made more urgent: fast, immediate, kill. */
const STOP_TIMEOUT_MS = 10_000;

export interface PostgresNodeOptions {
  readonly name: string;
  readonly port: number;
  /** An initialised data directory which belongs to `account`. */
  readonly dataDir: string;
  /** Short: a socket path may have about 100 bytes. */
  readonly socketDir: string;
  readonly logFile: string;
  readonly binaries: Binaries;
  readonly account: ServerAccount;
  readonly password: string;
  readonly settings: Readonly<Record<string, string>>;
}

export interface UrlOptions {
  /** Default: the superuser, `postgres`, with its password. */
  readonly user?: string;
  readonly password?: string;
  /** Default: `postgres`. */
  readonly database?: string;
}

/** One PostgreSQL server on this machine: a data directory, and while it runs a process. */
export class PostgresNode {
  readonly name: string;
  readonly port: number;
  readonly dataDir: string;
  readonly socketDir: string;
  readonly logFile: string;
  readonly #options: PostgresNodeOptions;
  readonly #settings: Map<string, string>;
  #process: ChildProcess | undefined;
  #isRetired = false;

  constructor(options: PostgresNodeOptions) {
    this.name = options.name;
    this.port = options.port;
    this.dataDir = options.dataDir;
    this.socketDir = options.socketDir;
    this.logFile = options.logFile;
    this.#options = options;
    this.#settings = new Map(Object.entries(options.settings));
  }

  /** TCP over the loopback interface. */
  url({ user = 'postgres', password, database = 'postgres' }: UrlOptions = {}): string {
    const url = new URL(`postgresql://127.0.0.1:${this.port}/${encodeURIComponent(database)}`);
    url.username = encodeURIComponent(user);
    url.password = encodeURIComponent(password ?? (user === 'postgres' ? this.#options.password : ''));
    return url.href;
  }

  /** Of the postmaster; undefined while the server is down. */
  pid(): number | undefined {
    return this.#process?.pid;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Changes one setting for the next `reload()` or `start()`; null takes the change back. */
  setting(name: string, value: string | null): this {
    const before = this.#options.settings[name];
    if (value !== null) this.#settings.set(name, value);
    else if (before !== undefined) this.#settings.set(name, before);
    else this.#settings.delete(name);
    return this;
  }

  /** Resolves when the server accepts queries. Throws a DemoError with the server's own message otherwise. */
  async start(): Promise<void> {
    if (this.#process) return;
    await this.#writeSettings();
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#startOnce();
      if (failure === undefined) return;
      if (
        attempt === START_ATTEMPTS ||
        !/pre-existing shared memory block|lock file|unexpected postmaster exit/.test(failure)
      ) {
        throw new DemoError(`PostgreSQL (${this.name}) did not start: ${failure}`);
      }
      await delay(50);
    }
  }

  /** Resolves when the process is gone, which it is within about half a minute in any case. */
  async stop(mode: StopMode = 'fast'): Promise<void> {
    const child = this.#process;
    if (!child) return;
    const urgencies = [STOP_SIGNAL[mode], 'SIGQUIT', 'SIGKILL'] as const;
    for (const signal of urgencies) {
      child.kill(signal);
      child.kill('SIGCONT'); // It may have been frozen.
      if (await endsWithin(child, signal === 'SIGKILL' ? undefined : STOP_TIMEOUT_MS)) return;
    }
  }

  /** As `stop`, for good: later starts are refused. */
  async retire(mode: StopMode): Promise<void> {
    await this.stop(mode);
    await this.#freeSharedMemory();
    this.#isRetired = true;
    await this.stop(mode);
  }

  /** A server that was killed left shared memory behind, which only its own next start knows how to find. */
  async #freeSharedMemory(): Promise<void> {
    if (this.#isRetired || !existsSync(join(this.dataDir, 'postmaster.pid'))) return;
    await Promise.race([this.#startOnce(), delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    await this.stop('immediate');
  }

  /** Signals the postmaster alone. After SIGKILL, resolves when it is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child) return;
    child.kill(signal);
    if (signal === 'SIGKILL') await endsWithin(child);
  }

  /** Resolves when new connections see the settings made with `setting()`. */
  async reload(): Promise<void> {
    await this.#writeSettings();
    const client = new Client({ connectionString: this.url() });
    client.on('error', () => {});
    await client.connect();
    try {
      // The postmaster signals its children after it has read the file itself; ours reports its own time.
      const loaded = async () => {
        const { rows } = await client.query('select pg_conf_load_time()::text as at');
        return rows[0].at as string;
      };
      const before = await loaded();
      this.#process?.kill('SIGHUP');
      const deadline = Date.now() + RELOAD_TIMEOUT_MS;
      while ((await loaded()) === before) {
        if (Date.now() > deadline) throw new DemoError(`PostgreSQL (${this.name}) did not reload.`);
        await delay(POLL_MS);
      }
    } finally {
      await client.end();
    }
  }

  /** The server reads this file last, so nothing copied from another node overrules it. */
  async #writeSettings(): Promise<void> {
    const { name, port, dataDir, socketDir } = this;
    const settings = new Map([
      ['cluster_name', name],
      ['listen_addresses', '127.0.0.1'],
      ['unix_socket_directories', socketDir],
      ...this.#settings,
      ['port', String(port)],
    ]);
    const quote = (value: string) => `'${value.replace(/['\\]/g, (character) => character + character)}'`;
    const lines = [...settings].map(([key, value]) => `${key} = ${quote(value)}\n`);
    const file = join(dataDir, 'postgresql.conf');
    await writeFile(file, lines.join(''));
    await giveTo(this.#options.account, file);
  }

  /** Undefined on success, else what the server said. */
  async #startOnce(): Promise<string | undefined> {
    const { dataDir, logFile } = this;
    const { binaries, account } = this.#options;
    const log = await open(logFile, 'a');
    const { size: alreadyLogged } = await log.stat();
    if (this.#isRetired) {
      await log.close();
      return 'its cluster is being stopped';
    }
    const child = spawn(binaries.postgres, ['-D', dataDir], {
      ...account,
      cwd: '/',
      env: { LC_ALL: 'C', TZ: 'UTC' },
      // A process group of its own: Ctrl-C in the terminal is for us, and we stop servers in order.
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    this.#process = child;
    child.once('exit', () => {
      if (this.#process === child) this.#process = undefined;
    });
    const failedToSpawn = await new Promise<Error | undefined>((resolve) => {
      child.once('spawn', () => resolve(undefined));
      child.once('error', resolve);
    });
    await log.close();
    if (failedToSpawn) {
      this.#process = undefined;
      return failedToSpawn.message;
    }
    while (this.#process === child) {
      if (await acceptsQueries(dataDir, child.pid)) return undefined;
      await delay(POLL_MS);
    }
    return findLastError((await readFile(logFile)).subarray(alreadyLogged).toString());
  }
}

/** The server writes its state into the eighth line: on a standby, "ready" means ready for reading. */
async function acceptsQueries(dataDir: string, pid: number | undefined): Promise<boolean> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
}

function findLastError(log: string): string {
  const errors = log.split('\n').filter((line) => /FATAL|PANIC|ERROR|could not/.test(line));
  const line = errors.find((text) => /FATAL|PANIC/.test(text)) ?? errors.at(-1) ?? log.trim();
  return line.replace(/^.*?(FATAL|PANIC|ERROR): +/, '') || 'it ended without a message';
}

async function endsWithin(child: ChildProcess, milliseconds?: number): Promise<boolean> {
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  if (ended()) return true;
  const timeout = milliseconds === undefined ? undefined : AbortSignal.timeout(milliseconds);
  await once(child, 'exit', timeout ? { signal: timeout } : {}).catch(() => {});
  return ended();
}
