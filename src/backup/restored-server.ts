import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { BackupError } from './backup-error.ts';
import type { Programs } from './programs.ts';

const run = promisify(execFile);
const POLL_MS = 50;
const STOP_TIMEOUT_MS = 60_000;
/** Of its socket, which nobody else can reach: the directory is ours alone. */
const PORT = 5432;

export interface StartRestoredOptions {
  readonly dataDir: string;
  readonly programs: Programs;
  /** Whether it is thrown away, so that it need not survive a crash. */
  readonly isDisposable: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A restored cluster that runs where nobody but us can reach it. */
export interface RestoredServer {
  /** For programs: PGHOST and PGPORT. */
  readonly host: string;
  readonly port: number;
  /** Of its database, as the superuser `role`. */
  url(role: string, database: string): string;
  /** Resolves when it is down and its socket is gone. */
  stop(): Promise<void>;
}

/** Settings of the cluster without which its WAL cannot be replayed, by pg_controldata's names. */
const inherited: Readonly<Record<string, string>> = {
  'max_prepared_xacts setting': 'max_prepared_transactions',
  'max_locks_per_xact setting': 'max_locks_per_transaction',
};

/** Resolves when recovery has ended. Throws a BackupError with PostgreSQL's own reason when it does not come so far. */
export async function startRestored(options: StartRestoredOptions): Promise<RestoredServer> {
  const { dataDir, programs, signal } = options;
  // Short: a socket's path may have some hundred bytes.
  const place = await mkdtemp(join(tmpdir(), 'cdr-restore-'));
  const logFile = join(place, 'log');
  try {
    await writeFile(join(place, 'postgresql.conf'), '');
    await writeFile(join(place, 'pg_hba.conf'), 'local all all trust\n');
    await writeFile(join(place, 'pg_ident.conf'), '');
    const settings = { ...(await readInherited(options)), ...ownSettings(place, options.isDisposable) };
    const log = await open(logFile, 'a');
    const child = spawn(
      programs.postgres,
      ['-D', dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { cwd: '/', env: { LC_ALL: 'C', TZ: 'UTC' }, stdio: ['ignore', log.fd, log.fd] },
    );
    await log.close();
    try {
      await untilRecovered(child, dataDir, logFile, signal);
    } catch (error) {
      await end(child);
      throw error;
    }
    return {
      host: place,
      port: PORT,
      url: (role, database) =>
        `postgresql://${encodeURIComponent(role)}@localhost:${PORT}/${encodeURIComponent(database)}?host=${encodeURIComponent(place)}`,
      async stop() {
        await end(child);
        await rm(place, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(place, { recursive: true, force: true });
    throw error;
  }
}

/** They win over those of the cluster, whose own files may name ports, certificates and libraries of another host. */
function ownSettings(place: string, isDisposable: boolean): Readonly<Record<string, string>> {
  return {
    config_file: join(place, 'postgresql.conf'),
    hba_file: join(place, 'pg_hba.conf'),
    ident_file: join(place, 'pg_ident.conf'),
    listen_addresses: '',
    unix_socket_directories: place,
    port: String(PORT),
    // Nobody reads before recovery has ended, so that no setting of the old host is needed for it.
    hot_standby: 'off',
    archive_mode: 'off',
    shared_preload_libraries: '',
    ssl: 'off',
    logging_collector: 'off',
    log_destination: 'stderr',
    lc_messages: 'C',
    timezone: 'UTC',
    shared_buffers: '128MB',
    max_connections: '20',
    ...(isDisposable && { fsync: 'off', full_page_writes: 'off', autovacuum: 'off' }),
  };
}

async function readInherited({ programs, dataDir }: StartRestoredOptions): Promise<Record<string, string>> {
  const { stdout } = await run(programs.controldata, ['-D', dataDir], { env: { LC_ALL: 'C' } });
  const lines = stdout.split('\n').map((line) => line.split(/:\s+/, 2));
  return Object.fromEntries(
    lines.flatMap(([name = '', value = '']) =>
      Object.hasOwn(inherited, name) ? [[inherited[name]!, value]] : [],
    ),
  );
}

/** The server writes its state into the eighth line of its file: "ready" after recovery has ended. */
async function untilRecovered(
  child: ChildProcess,
  dataDir: string,
  logFile: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  for (;;) {
    if (signal?.aborted) throw new BackupError('Stopped.');
    if (failure) throw failure;
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new BackupError(explainEnd(await readFile(logFile, 'utf8')));
    }
    const lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (lines[0] === String(child.pid) && lines[7]?.trim() === 'ready') return;
    await delay(POLL_MS);
  }
}

function explainEnd(log: string): string {
  const reasons = log.split('\n').flatMap((line) => /(?:FATAL|PANIC): {2}(.*)/.exec(line)?.[1] ?? []);
  const reason = reasons[0] ?? log.trim().split('\n').at(-1) ?? '';
  if (/recovery ended before configured recovery target/.test(reason)) {
    return 'The archive ends before that target: nothing was committed after it, or its WAL has not arrived in the archive.';
  }
  if (/could not locate required checkpoint record|missing (?:WAL )?segment|WAL ends before/.test(reason)) {
    return `WAL that the backup needs is not in the archive. (PostgreSQL: ${reason})`;
  }
  return `PostgreSQL did not start on what was restored: ${reason}`;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill('SIGQUIT'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
