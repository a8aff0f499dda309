import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '../../src/demo/ports.ts';
import { findServerAccount, giveTo, type ServerAccount } from '../../src/demo/server-account.ts';
import { endProcess, untilListening } from '../support/processes.ts';

/** Debian's packages: patroni, etcd-server, haproxy, and PostgreSQL with pg_rewind. */
export interface PatroniPrograms {
  readonly patroni: string;
  readonly etcd: string;
  readonly haproxy: string;
  readonly postgresDir: string;
  readonly major: number;
}

/** Undefined where one of them is missing. */
export const patroniPrograms: PatroniPrograms | undefined = findPrograms();

/** Machines of developers may lack them, CI may not. */
if (!patroniPrograms && process.env.CI)
  throw new Error('CI must not go without the tests of Patroni: install patroni, etcd-server and haproxy.');

function findPrograms(): PatroniPrograms | undefined {
  const find = (name: string) =>
    ['/usr/bin', '/usr/sbin', '/usr/local/bin'].map((place) => join(place, name)).find(existsSync);
  const [patroni, etcd, haproxy, setpriv] = ['patroni', 'etcd', 'haproxy', 'setpriv'].map(find);
  const place = '/usr/lib/postgresql';
  const majors = existsSync(place) ? readdirSync(place).map(Number).filter(Number.isFinite) : [];
  const major = majors
    .toSorted((a, b) => b - a)
    .find((each) => existsSync(join(place, `${each}/bin/pg_rewind`)));
  if (!patroni || !etcd || !haproxy || !setpriv || major === undefined) return undefined;
  return { patroni, etcd, haproxy, postgresDir: join(place, `${major}/bin`), major };
}

/** A member as Patroni's REST interface tells it. */
export interface Member {
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly timeline?: number;
}

const NODE_NAMES = ['node-1', 'node-2', 'node-3'] as const;
/** Patroni's own limits are 30, 10 and 10 seconds: a leader that was killed would be missed for half a minute. */
const TIMES = { ttl: 8, loop_wait: 1, retry_timeout: 3 };
/** Machines that run tests may be very busy. */
const START_SECONDS = 180;

/** For every server. Commits wait for a standby, so that a leader which is killed takes none of them with it. */
const PARAMETERS = {
  max_connections: 80,
  shared_buffers: '32MB',
  wal_level: 'replica',
  wal_log_hints: 'on',
  max_wal_senders: 10,
  max_replication_slots: 10,
  wal_keep_size: '64MB',
  wal_receiver_timeout: '3s',
  wal_sender_timeout: '4s',
  wal_receiver_status_interval: '1s',
  wal_retrieve_retry_interval: '200ms',
  max_standby_streaming_delay: '2s',
  fsync: 'off',
  timezone: 'UTC',
};

/** etcd, three nodes under Patroni, and HAProxy that leads to the one which leads. */
export class PatroniCluster implements AsyncDisposable {
  readonly nodes: readonly PatroniNode[];
  /** HAProxy's port of whoever takes writes. */
  readonly primaryPort: number;
  readonly password: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    options: Pick<PatroniCluster, 'nodes' | 'primaryPort' | 'password'>,
    owned: AsyncDisposableStack,
  ) {
    this.nodes = options.nodes;
    this.primaryPort = options.primaryPort;
    this.password = options.password;
    this.#owned = owned;
  }

  /** Resolves when one node leads and two stream from it. */
  static async start(programs: PatroniPrograms): Promise<PatroniCluster> {
    await using owned = new AsyncDisposableStack();
    const account = findServerAccount();
    const directory = await mkdtemp(join(tmpdir(), 'cdr-patroni-'));
    owned.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    await giveTo(account, directory);
    const taken: number[] = [];
    const port = async () => {
      const found = await findFreePort(taken);
      taken.push(found);
      return found;
    };
    const etcdPort = await port();
    await startEtcd({ programs, account, directory, port: etcdPort, peerPort: await port() }, owned);
    const password = randomBytes(12).toString('hex');
    const nodes: PatroniNode[] = [];
    for (const name of NODE_NAMES) {
      const node = new PatroniNode({
        name,
        port: await port(),
        restPort: await port(),
        etcdPort,
        password,
        programs,
        account,
        directory: join(directory, name),
      });
      await node.prepare();
      nodes.push(node);
    }
    owned.defer(async () => void (await Promise.all(nodes.map((node) => node.stop()))));
    await Promise.all(nodes.map((node) => node.start()));
    const primaryPort = await port();
    await startHaproxy({ programs, account, directory, port: primaryPort, nodes }, owned);
    const cluster = new PatroniCluster({ nodes, primaryPort, password }, owned.move());
    try {
      await cluster.untilWhole(START_SECONDS);
    } catch (error) {
      const logs = await Promise.all(nodes.map((node) => node.lastLines()));
      await cluster[Symbol.asyncDispose]();
      throw new Error(`${(error as Error).message}\n${logs.join('\n')}`);
    }
    return cluster;
  }

  /** A server, as superuser. */
  url(node: PatroniNode | 'primary', database: string): string {
    const port = node === 'primary' ? this.primaryPort : node.port;
    return `postgresql://postgres:${this.password}@127.0.0.1:${port}/${database}`;
  }

  /** As the first node says that answers. */
  async members(): Promise<readonly Member[]> {
    for (const node of this.nodes) {
      const answer = await node.ask('/cluster').catch(() => undefined);
      if (answer) return ((await answer.json()) as { members: readonly Member[] }).members;
    }
    return [];
  }

  async leader(): Promise<PatroniNode | undefined> {
    const found = (await this.members()).find(({ role, state }) => role === 'leader' && state === 'running');
    return this.nodes.find(({ name }) => name === found?.name);
  }

  /** One leads, two are its standbys on its timeline, and commits wait for one of these. */
  async isWhole(): Promise<boolean> {
    const members = await this.members();
    const timelines = new Set(members.map(({ timeline }) => timeline));
    return (
      members.length === this.nodes.length &&
      timelines.size === 1 &&
      members.every(({ state }) => state === 'running' || state === 'streaming') &&
      members.filter(({ role }) => role === 'leader').length === 1 &&
      members.some(({ role }) => role === 'sync_standby')
    );
  }

  async untilWhole(seconds: number): Promise<void> {
    for (const end = performance.now() + seconds * 1000; !(await this.isWhole()); await delay(100)) {
      if (performance.now() < end) continue;
      throw new Error(`The cluster is not whole after ${seconds} s: ${JSON.stringify(await this.members())}`);
    }
  }

  /** Resolves when another node leads. */
  async switchOver(from: PatroniNode): Promise<void> {
    const response = await from.ask('/switchover', { leader: from.name });
    if (!response.ok) throw new Error(`Patroni refuses to switch over: ${await response.text()}`);
  }

  /** Resolves with it. */
  async untilLeaderOtherThan(node: PatroniNode, seconds: number): Promise<PatroniNode> {
    for (const end = performance.now() + seconds * 1000; ; await delay(50)) {
      const leader = await this.leader();
      if (leader && leader !== node) return leader;
      if (performance.now() > end) throw new Error(`Nobody leads ${seconds} s after ${node.name}.`);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}

interface PatroniNodeOptions extends Pick<PatroniNode, 'name' | 'port' | 'restPort'> {
  readonly etcdPort: number;
  readonly password: string;
  readonly programs: PatroniPrograms;
  readonly account: ServerAccount;
  /** Of this node. */
  readonly directory: string;
}

/** Patroni, and the server that it keeps. */
export class PatroniNode {
  readonly name: string;
  readonly port: number;
  readonly restPort: number;
  readonly #options: PatroniNodeOptions;
  #process: ChildProcess | undefined;

  constructor(options: PatroniNodeOptions) {
    this.name = options.name;
    this.port = options.port;
    this.restPort = options.restPort;
    this.#options = options;
  }

  get #dataDir(): string {
    return join(this.#options.directory, 'data');
  }

  get #logFile(): string {
    return join(this.#options.directory, 'patroni.log');
  }

  async prepare(): Promise<void> {
    const { directory, account } = this.#options;
    await mkdir(directory, { mode: 0o700 });
    const file = join(directory, 'patroni.yml');
    // JSON is YAML.
    await writeFile(file, JSON.stringify(this.#configuration(), null, 2), { mode: 0o600 });
    await giveTo(account, directory);
    await giveTo(account, file);
  }

  async start(): Promise<void> {
    const { programs, account, directory } = this.#options;
    const log = await open(this.#logFile, 'a');
    // It ends with us, however we end, and takes its server with it.
    this.#process = spawn(
      'setpriv',
      ['--pdeathsig', 'TERM', '--', programs.patroni, join(directory, 'patroni.yml')],
      {
        ...account,
        cwd: '/',
        env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
        stdio: ['ignore', log.fd, log.fd],
      },
    );
    await log.close();
  }

  ask(path: string, body?: object): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.restPort}${path}`, {
      signal: AbortSignal.timeout(body ? 30_000 : 2000),
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
  }

  /** Patroni and its server end at once, as with the machine. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child) await endProcess(child, 'SIGKILL');
    await this.#killServer();
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child) await Promise.race([endProcess(child), delay(10_000, undefined, { ref: false })]);
    if (child && child.exitCode === null && child.signalCode === null) await endProcess(child, 'SIGKILL');
    await this.#killServer();
  }

  async lastLines(): Promise<string> {
    const text = await readFile(this.#logFile, 'utf8').catch(() => '');
    return `${this.name}:\n${text.split('\n').slice(-15).join('\n')}`;
  }

  async #killServer(): Promise<void> {
    const text = await readFile(join(this.#dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
    const pid = Number(text.split('\n')[0]);
    const command = pid > 0 ? await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') : '';
    // The number may be that of another process by now.
    if (!command.includes(this.#dataDir)) return;
    process.kill(pid, 'SIGKILL');
    while (existsSync(`/proc/${pid}`)) await delay(10);
  }

  #configuration(): object {
    const { name, port, restPort, etcdPort, password, programs, directory } = this.#options;
    const superuser = { username: 'postgres', password };
    const place = (at: number) => ({ listen: `127.0.0.1:${at}`, connect_address: `127.0.0.1:${at}` });
    return {
      scope: 'calls',
      name,
      restapi: place(restPort),
      etcd3: { hosts: `127.0.0.1:${etcdPort}` },
      bootstrap: {
        dcs: {
          ...TIMES,
          synchronous_mode: true,
          postgresql: { use_pg_rewind: true, use_slots: true, parameters: PARAMETERS },
        },
        initdb: [{ encoding: 'UTF8' }, { locale: 'C.UTF-8' }],
      },
      postgresql: {
        ...place(port),
        data_dir: this.#dataDir,
        bin_dir: programs.postgresDir,
        pgpass: join(directory, 'pgpass'),
        authentication: { superuser, rewind: superuser, replication: { username: 'replicator', password } },
        parameters: { unix_socket_directories: directory },
        pg_hba: [
          'local all all trust',
          'host replication replicator 127.0.0.1/32 scram-sha-256',
          'host all all 127.0.0.1/32 scram-sha-256',
        ],
      },
    };
  }
}

interface ProgramOptions {
  readonly programs: PatroniPrograms;
  readonly account: ServerAccount;
  readonly directory: string;
  readonly port: number;
}

async function startEtcd(
  { programs, account, directory, port, peerPort }: ProgramOptions & { readonly peerPort: number },
  owned: AsyncDisposableStack,
): Promise<void> {
  const [clients, peers] = [port, peerPort].map((each) => `http://127.0.0.1:${each}`);
  const options = {
    name: 'etcd',
    'data-dir': join(directory, 'etcd'),
    'listen-client-urls': clients!,
    'advertise-client-urls': clients!,
    'listen-peer-urls': peers!,
    'initial-advertise-peer-urls': peers!,
    'initial-cluster': `etcd=${peers}`,
    'log-level': 'error',
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  await startProgram('etcd', [programs.etcd, ...flags], { account, port }, owned);
}

/** By role, as Patroni's documentation has it: its connections end with the role. */
async function startHaproxy(
  { programs, account, directory, port, nodes }: ProgramOptions & { readonly nodes: readonly PatroniNode[] },
  owned: AsyncDisposableStack,
): Promise<void> {
  const file = join(directory, 'haproxy.cfg');
  await writeFile(
    file,
    `defaults
  mode tcp
  timeout connect 2s
  timeout client 30m
  timeout server 30m
  timeout check 2s

listen primary
  bind 127.0.0.1:${port}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions
${nodes.map((node) => `  server ${node.name} 127.0.0.1:${node.port} check port ${node.restPort}`).join('\n')}
`,
    { mode: 0o644 },
  );
  await giveTo(account, file);
  await startProgram('HAProxy', [programs.haproxy, '-db', '-q', '-f', file], { account, port }, owned);
}

async function startProgram(
  name: string,
  command: readonly string[],
  { account, port }: Pick<ProgramOptions, 'account' | 'port'>,
  owned: AsyncDisposableStack,
): Promise<void> {
  let errors = '';
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', ...command], {
    ...account,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  owned.defer(() => endProcess(child, 'SIGKILL'));
  await untilListening(name, port, child, () => errors);
}
