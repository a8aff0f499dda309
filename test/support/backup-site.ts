import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findFreePort } from '../../src/demo/ports.ts';
import { findServerAccount, giveTo, giveTreeTo, type ServerAccount } from '../../src/demo/server-account.ts';
import { connect } from './database-urls.ts';
import { startTestCluster, type TestCluster } from './postgres.ts';
import { endProcess, untilListening } from './processes.ts';

const run = promisify(execFile);

/** Debian's; pgBackRest of the same release knows no later major. */
const BIN = '/usr/lib/postgresql/15/bin';
/** Two addresses of this machine. */
const hosts = { primary: '127.0.0.1', standby: '127.0.0.2' } as const;

const isInstalled = (program: string) => spawnSync(program, ['version']).status === 0;
export const hasPgBackRest =
  isInstalled('pgbackrest') && existsSync(`${BIN}/pg_amcheck`) && existsSync(`${BIN}/postgres`);
export const pgBackRestNote = hasPgBackRest
  ? ''
  : ' (skipped: install pgBackRest and PostgreSQL 15, apt-get install pgbackrest postgresql-15)';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** As the superuser, by its socket. */
export interface RunningServer {
  readonly dataDir: string;
  readonly port: number;
  readonly socketDir: string;
  url(database: string): string;
  stop(): Promise<void>;
}

/** A primary and a standby as two hosts: pgBackRest on each, which reach each other over TLS as `backup plan` says. */
export interface BackupSite extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly account: ServerAccount;
  /** pgBackRest's configuration on the standby's host. */
  readonly config: string;
  readonly repository: string;
  readonly metrics: string;
  /** A new path in a directory in which the account may write. */
  path(name: string): string;
  /** `cdr-gateway`, as the account that the databases belong to. */
  command(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CommandResult>;
  pgbackrest(...args: readonly string[]): Promise<void>;
  /** A file that the account may read alone. Resolves with its path. */
  write(name: string, text: string): Promise<string>;
  /** Starts PostgreSQL on a directory, as whoever restored it would. */
  start(dataDir: string): Promise<RunningServer>;
  /** A new cluster, which runs. */
  initialise(name: string): Promise<RunningServer>;
  /** Ends both databases and pgBackRest's servers, and removes what the hosts had but for the repository. */
  loseHosts(): Promise<void>;
}

/** Where backups lie, if not in a directory of the standby's host. */
export interface BackupStore {
  readonly repository: string;
  /** Of the options of `backup plan`. */
  readonly keyFile: string;
}

export async function openBackupSite(store?: BackupStore): Promise<BackupSite> {
  const account = findServerAccount();
  const directory = await mkdtemp(join(tmpdir(), 'cdr-backup-'));
  const path = (name: string) => join(directory, name);
  const ends: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  const endAll = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const cluster = await startPair(path('primary/pgbackrest.conf'));
    ends.push(async () => cluster[Symbol.asyncDispose]());
    for (const name of ['metrics', 'scratch', 'state', 'repository']) await mkdir(path(name));
    for (const [name, host] of Object.entries(hosts)) await makeCertificate(path('certificates'), name, host);
    const tlsPort = await findFreePort();
    await writePlan(cluster, path, tlsPort, store);
    await giveTreeTo(account, directory);
    const stopServers: (() => Promise<void>)[] = [];
    for (const [name, host] of Object.entries(hosts)) {
      const stop = await startServer(path(`${name}/pgbackrest.conf`), { host, port: tlsPort }, account);
      stopServers.push(stop);
      ends.push(stop);
    }
    return {
      cluster,
      account,
      config: path('standby/pgbackrest.conf'),
      repository: path('repository'),
      metrics: path('metrics'),
      path,
      command: (args, env = {}) => runCommand(args, { PATH: process.env.PATH!, ...env }, account),
      pgbackrest: async (...args) => {
        const isGiven = args.some((arg) => arg.startsWith('--config='));
        const own = isGiven ? [] : [`--config=${path('standby/pgbackrest.conf')}`];
        await run('pgbackrest', [...own, '--stanza=sippy', ...args], {
          ...account,
          env: { PATH: process.env.PATH },
        });
      },
      async write(name, text) {
        await writeFile(path(name), text, { mode: 0o600 });
        await giveTo(account, path(name));
        return path(name);
      },
      start: (dataDir) => startServerOn(dataDir, path('state'), account),
      async initialise(name) {
        const flags = ['--username=postgres', '--auth=trust', '--no-sync', '-D', path(name)];
        await run(`${BIN}/initdb`, flags, { ...account, cwd: '/', env: { LC_ALL: 'C' } });
        return startServerOn(path(name), path('state'), account);
      },
      async loseHosts() {
        const { primary, replicas } = cluster.cluster;
        for (const node of [...replicas, primary]) await node.kill('SIGKILL');
        for (const stop of stopServers) await stop();
        const clusters = [...replicas, primary].map(({ dataDir }) => dataDir);
        for (const each of [
          ...clusters,
          path('primary'),
          path('standby'),
          path('certificates'),
          path('state'),
        ])
          await rm(each, { recursive: true, force: true });
        await mkdir(path('state'));
        await giveTo(account, path('state'));
      },
      [Symbol.asyncDispose]: endAll,
    };
  } catch (error) {
    await endAll();
    throw error;
  }
}

async function startPair(configOfPrimary: string): Promise<TestCluster> {
  const cluster = await startTestCluster({
    major: 15,
    binaries: { major: 15, initdb: `${BIN}/initdb`, postgres: `${BIN}/postgres` },
    replicas: 1,
    settings: {
      archive_mode: 'on',
      archive_command: `pgbackrest --config=${configOfPrimary} --stanza=sippy archive-push %p`,
      archive_timeout: '60s',
    },
  });
  // As Debian's: whoever is postgres on the host is postgres in the database.
  for (const node of [cluster.cluster.primary, ...cluster.cluster.replicas]) {
    const hba = join(node.dataDir, 'pg_hba.conf');
    await writeFile(hba, `local all postgres trust\n${await readFile(hba, 'utf8')}`);
    await node.reload();
  }
  return cluster;
}

/** As it is printed for two hosts, but that their certificates lie on one. */
async function writePlan(
  { cluster: { primary, replicas } }: TestCluster,
  path: (name: string) => string,
  tlsPort: number,
  store: BackupStore | undefined,
): Promise<void> {
  const [standby] = replicas;
  const options = {
    primary: hosts.primary,
    standby: hosts.standby,
    data: standby!.dataDir,
    'primary-data': primary.dataDir,
    port: standby!.port,
    'primary-port': primary.port,
    socket: standby!.socketDir,
    repository: store?.repository ?? path('repository'),
    ...(store && { keys: store.keyFile }),
    config: path('standby/pgbackrest.conf'),
    'primary-config': path('primary/pgbackrest.conf'),
    certificates: path('certificates/HOST'),
    'tls-port': tlsPort,
    state: path('state'),
    write: path(''),
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { code, stderr } = await runCommand(['backup', 'plan', ...flags], { PATH: process.env.PATH! });
  if (code !== 0) throw new Error(stderr);
  for (const host of Object.keys(hosts)) {
    const file = path(`${host}/pgbackrest.conf`);
    await writeFile(file, (await readFile(file, 'utf8')).replaceAll('HOST/', `${host}/`));
  }
}

async function startServerOn(
  dataDir: string,
  socketDir: string,
  account: ServerAccount,
): Promise<RunningServer> {
  const port = await findFreePort();
  const settings = {
    port: String(port),
    listen_addresses: '',
    unix_socket_directories: socketDir,
    fsync: 'off',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(`${BIN}/postgres`, ['-D', dataDir, ...flags], {
    ...account,
    cwd: '/',
    env: { LC_ALL: 'C' },
    stdio: 'ignore',
  });
  const url = (database: string) =>
    `postgresql://postgres@localhost:${port}/${database}?host=${encodeURIComponent(socketDir)}`;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL does not start on ${dataDir}.`);
    const client = await connect(url('postgres')).catch(() => undefined);
    await client?.end();
    if (client) break;
    await delay(20);
  }
  return { dataDir, port, socketDir, url, stop: () => endProcess(server, 'SIGINT') };
}

/** Ends with what it printed, whatever its exit code. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  account: ServerAccount = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, ['src/cli.ts', ...args], {
    ...account,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    output.stdout += text;
  });
  child.stderr.on('data', (text) => {
    output.stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code: code as number, ...output };
}

/** pgBackRest knows a host by the common name of its certificate. */
export async function makeCertificate(directory: string, name: string, host: string): Promise<void> {
  const place = join(directory, name);
  await mkdir(place, { recursive: true });
  const openssl = (...args: readonly string[]) => run('openssl', args, { cwd: directory });
  const days = ['-days', '2', '-nodes', '-newkey', 'rsa:2048'];
  if (!existsSync(join(directory, 'ca.key'))) {
    await openssl(
      'req',
      '-x509',
      ...days,
      '-subj',
      '/CN=backup test CA',
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
    );
  }
  const [key, request] = [join(place, 'server.key'), join(place, 'request')];
  await openssl('req', '-new', ...days.slice(2), '-subj', `/CN=${host}`, '-keyout', key, '-out', request);
  const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
  await openssl('x509', '-req', '-in', request, ...signing, '-out', join(place, 'server.crt'));
  await copyFile(join(directory, 'ca.crt'), join(place, 'ca.crt'));
  await chmod(key, 0o600);
}

/** Resolves, when it listens, with what ends it. */
async function startServer(
  config: string,
  { host, port }: { readonly host: string; readonly port: number },
  account: ServerAccount,
): Promise<() => Promise<void>> {
  let errors = '';
  const server = spawn('pgbackrest', ['server', `--config=${config}`], {
    ...account,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  server.stderr.on('data', (text) => {
    errors += text;
  });
  await untilListening(`pgbackrest server on ${host}`, port, server, () => errors, host);
  return () => endProcess(server);
}
