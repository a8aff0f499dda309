import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { findBinaries } from '../../src/demo/binaries.ts';
import { findServerAccount } from '../../src/demo/server-account.ts';

/** The names and addresses of the handbook. */
export const addresses = {
  'db-1': '10.0.0.11',
  'db-2': '10.0.0.12',
  'db-3': '10.0.0.13',
  'db-4': '10.0.0.14',
  gateway: '10.0.0.21',
} as const;

export type HostName = keyof typeof addresses;

/** What these hosts have no server for: sudo, systemctl and journalctl, ssh and scp. */
const STAND_INS = resolve('test/operations/stand-ins');

/** Whatever runs there: units that systemctl started, and clusters. */
const END = `cat $HOST_STATE/units/*.pid 2>/dev/null | xargs -r kill -KILL || true
  pg_lsclusters -h | while read -r major name rest; do pg_ctlcluster $major $name stop --mode immediate || true; done`;

export interface Outcome {
  readonly code: number;
  /** Of both streams. */
  readonly text: string;
}

/** Machines in one: each has a network, an /etc and the directories of PostgreSQL of its own. Needs root, on Linux. */
export class Hosts implements AsyncDisposable {
  readonly #root = join(tmpdir(), `cdr-operations-${process.pid}`);
  readonly #holders = new Map<string, ChildProcess>();

  static async open(): Promise<Hosts> {
    const hosts = new Hosts();
    try {
      mkdirSync(hosts.#root, { recursive: true });
      chmodSync(hosts.#root, 0o755);
      await hosts.#hold('wire', ['--net']);
      hosts.#inNetwork('wire', 'ip link add wire type bridge && ip link set wire up');
      for (const name of Object.keys(addresses) as HostName[]) await hosts.#add(name);
      return hosts;
    } catch (error) {
      await hosts[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A script as root of that host, in the directory of the project; it ends at the first command that fails. */
  run(name: HostName, script: string): Promise<Outcome> {
    const args = [...this.#enter(name), 'bash', '--norc', '-euo', 'pipefail', '-c', script];
    return new Promise((done) => {
      execFile(
        'nsenter',
        args,
        { env: this.#env(name), maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) =>
          done({ code: error ? Number(error.code ?? 1) : 0, text: `${stdout}${stderr}` }),
      );
    });
  }

  /** A program that runs on. */
  start(name: HostName, script: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
    return spawn('nsenter', [...this.#enter(name), 'bash', '--norc', '-c', `exec ${script}`], {
      env: { ...this.#env(name), ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of Object.keys(addresses) as HostName[]) {
      if (this.#holders.has(name)) {
        await this.run(name, END).catch(() => {});
      }
    }
    for (const holder of this.#holders.values()) {
      holder.kill('SIGKILL');
      if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit');
    }
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** PostgreSQL of another major from npm, where Debian's packages would put it; what npm has not is that of 15. */
  async install(name: HostName, major: number): Promise<void> {
    const place = join(this.#root, name);
    const { postgres } = await findBinaries(major, { account: findServerAccount(), scratchDir: this.#root });
    const parts = ['packages', 'packages-work', 'programs', 'programs-work'];
    for (const part of parts) mkdirSync(join(place, part), { recursive: true });
    const [packages, packagesWork, programs, programsWork] = parts.map((part) => join(place, part));
    const target = `/usr/lib/postgresql/${major}`;
    const { code, text } = await this.run(
      name,
      `mount -t overlay overlay -o lowerdir=/usr/lib/postgresql,upperdir=${packages},workdir=${packagesWork} /usr/lib/postgresql
      mkdir ${target}
      mount -t overlay overlay -o lowerdir=${resolve(dirname(postgres), '..')},upperdir=${programs},workdir=${programsWork} ${target}
      for program in /usr/lib/postgresql/15/bin/*; do
        [ -e ${target}/bin/$(basename $program) ] || ln -s $program ${target}/bin/
      done`,
    );
    if (code !== 0) throw new Error(`${name}: ${text}`);
  }

  async #add(name: HostName): Promise<void> {
    const place = join(this.#root, name);
    for (const part of ['etc', 'etc-work', 'lib', 'run', 'log', 'state']) {
      mkdirSync(join(place, part), { recursive: true });
    }
    await this.#hold(name, ['--net', '--mount', '--propagation', 'private']);
    const pid = this.#holders.get(name)!.pid!;
    writeFileSync(join(place, 'pid'), String(pid));
    this.#inNetwork(
      'wire',
      `ip link add ${name} type veth peer name eth0 netns ${pid} && ip link set ${name} master wire up`,
    );
    const names = Object.entries(addresses).map(([host, address]) => `${address} ${host}`);
    const { code, text } = await this.run(
      name,
      `ip link set lo up && ip address add ${addresses[name]}/24 dev eth0 && ip link set eth0 up
      mount -t overlay overlay -o lowerdir=/etc,upperdir=${place}/etc,workdir=${place}/etc-work /etc
      mount --bind ${place}/lib /var/lib/postgresql && mount --bind ${place}/run /var/run/postgresql
      mount --bind ${place}/log /var/log/postgresql && mount -t tmpfs tmpfs /root
      chown postgres:postgres /var/lib/postgresql /var/run/postgresql /var/log/postgresql
      printf '127.0.0.1 localhost\\n${names.join('\\n')}\\n' >/etc/hosts
      rm -rf /etc/postgresql/* /etc/cdr-gateway`,
    );
    if (code !== 0) throw new Error(`${name}: ${text}`);
  }

  /** A process whose namespaces the others enter. */
  async #hold(name: string, namespaces: readonly string[]): Promise<void> {
    const holder = spawn('unshare', [...namespaces, 'sh', '-c', 'echo ready; exec sleep infinity'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#holders.set(name, holder);
    await once(holder.stdout!, 'data');
  }

  #inNetwork(name: string, script: string): void {
    execFileSync('nsenter', ['--net', '--target', String(this.#holders.get(name)!.pid), 'sh', '-ec', script]);
  }

  #enter(name: HostName): readonly string[] {
    const pid = String(this.#holders.get(name)!.pid);
    return ['--net', '--mount', '--target', pid, `--wdns=${process.cwd()}`];
  }

  #env(name: HostName): Readonly<Record<string, string>> {
    const node = resolve('node_modules/.bin');
    return {
      HOSTS: this.#root,
      HOST_STATE: join(this.#root, name, 'state'),
      PATH: `${STAND_INS}:${node}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: '/tmp',
      LC_ALL: 'C.UTF-8',
    };
  }
}
