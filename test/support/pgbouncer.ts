import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../../src/demo/ports.ts';
import { endProcess, untilListening } from './processes.ts';

const binary = ['/usr/sbin/pgbouncer', '/usr/local/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer'].find(
  (path) => existsSync(path),
);

/** Machines of developers may lack it, CI may not. */
export const hasPgBouncer = binary !== undefined;
if (!hasPgBouncer && process.env.CI)
  throw new Error('CI must not go without the tests of PgBouncer: install it.');

/** PgBouncer refuses to run as root. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

export interface PgBouncerOptions {
  /** Of the server behind it, with user and password: what every client becomes there. */
  readonly url: string;
  readonly poolMode: 'transaction' | 'session';
  /** Connections to the server. */
  readonly poolSize: number;
  /** Others of its settings. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PgBouncer extends AsyncDisposable {
  /** The same database by way of the pooler. */
  readonly url: string;
}

/** Starts it, and resolves when it listens. It drops session settings, as it must be told to for clients that send any. */
export async function startPgBouncer({
  url,
  poolMode,
  poolSize,
  settings = {},
}: PgBouncerOptions): Promise<PgBouncer> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const directory = mkdtempSync(join(tmpdir(), 'cdr-pgbouncer-'));
  const file = join(directory, 'pgbouncer.ini');
  const listenPort = await findFreePort();
  const server = `host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}`;
  writeFileSync(
    file,
    `[databases]
${pathname.slice(1)} = ${server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${listenPort}
unix_socket_dir =
auth_type = any
pool_mode = ${poolMode}
default_pool_size = ${poolSize}
ignore_startup_parameters = options,extra_float_digits
${Object.entries(settings)
  .map(([name, value]) => `${name} = ${value}\n`)
  .join('')}`,
    { mode: 0o644 },
  );
  chmodSync(directory, 0o755);
  const pooler = spawn(binary!, ['-q', file], { ...nobody, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  pooler.stderr!.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  await untilListening('PgBouncer', listenPort, pooler, () => errors);
  return {
    url: `postgresql://gateway@127.0.0.1:${listenPort}${pathname}`,
    async [Symbol.asyncDispose]() {
      await endProcess(pooler);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
