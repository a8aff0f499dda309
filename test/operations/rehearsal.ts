import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { blocksOf, type ShellBlock } from './handbook.ts';
import { type HostName, Hosts } from './hosts.ts';

export const TOKEN = 'admin-token-of-the-tests';
export const PSQL = 'sudo -u postgres psql --no-psqlrc --quiet --set ON_ERROR_STOP=1';
export const DEADLINE_MS = 60_000;
const SETTINGS =
  'REPLICA_URLS_FILE=/etc/cdr-gateway/replica-urls PRIMARY_URL_FILE=/etc/cdr-gateway/primary-url DISCOVERY_INTERVAL=1';

/** The handbook, or what it describes, does not do what it says. */
export class Failed extends Error {}

export const output = { isVerbose: false };
const begun = performance.now();

export function say(text: string): void {
  console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${text}`);
}

export interface LoadReport {
  /** By the name of the standby. */
  readonly answers: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** Of PostgreSQL, by host. */
export type Majors = Readonly<Partial<Record<HostName, number>>>;
const THREE_OF_DEBIAN: Majors = { 'db-1': 15, 'db-2': 15, 'db-3': 15 };

/** Fresh hosts, and what the operator and the switch do between the blocks. */
export class Rehearsal implements AsyncDisposable {
  readonly hosts: Hosts;
  readonly #running: ChildProcess[] = [];

  constructor(hosts: Hosts) {
    this.hosts = hosts;
  }

  /** With what installing the packages leaves on each host of a database. */
  static async open(majors: Majors = THREE_OF_DEBIAN): Promise<Rehearsal> {
    const rehearsal = new Rehearsal(await Hosts.open());
    for (const [name, major] of Object.entries(majors) as [HostName, number][]) {
      if (major !== 15) await rehearsal.hosts.install(name, major);
      await rehearsal.do(
        name,
        `pg_createcluster ${major} main -- --no-sync >/dev/null && pg_ctlcluster ${major} main start`,
      );
    }
    await rehearsal.do('db-1', `${PSQL} postgres -c 'create database sippy'`);
    return rehearsal;
  }

  async do(host: HostName, script: string): Promise<string> {
    const { code, text } = await this.hosts.run(host, script);
    if (output.isVerbose) console.log(text);
    if (code !== 0) throw new Failed(`On ${host}, exit code ${code}:\n${script}\n${text}`);
    return text;
  }

  /** The blocks of a section; names are exchanged for the way back. */
  async follow(
    section: string,
    change: (text: string) => string = (text) => text,
    page?: string,
  ): Promise<void> {
    for (const block of blocksOf(section, page)) await this.followBlock(block, change);
  }

  async followBlock(
    { host, line, section, script }: ShellBlock,
    change: (text: string) => string = (text) => text,
  ): Promise<void> {
    if (!host) return say(`${section}, line ${line}: not run, as it says`);
    const place = change(host) as HostName;
    await this.do(place, change(script));
    say(`${section}, line ${line}: done on ${place}`);
  }

  /** Certificates and passwords of every host, as the handbook carries them to one. */
  async makeCertificates(): Promise<void> {
    const [make, carry] = blocksOf('Certificates and passwords');
    await this.do('db-1', make!.script);
    for (const name of ['db-2', 'db-3', 'db-4']) {
      await this.do('db-1', carry!.script.replaceAll('db-2', name));
    }
    say('Certificates and passwords: made on db-1, and carried to the others');
  }

  async writeCalls(host: HostName, from: number, count: number): Promise<void> {
    await this.do(
      host,
      `${PSQL} sippy <<'SQL'
      insert into accounts (i_account, i_customer, username) select n, 1, 'a' || n from generate_series(1, 20) n on conflict do nothing;
      insert into xdrs (i_xdr, i_account, i_customer, cli, cld, connect_time, duration, charged_amount, disconnect_cause)
        select n, n % 20 + 1, 1, '33' || n, '44' || n, now() - n * interval '1 minute', 10, 0.1, 16
        from generate_series(${from}, ${from + count - 1}) n;
      analyze;
SQL`,
    );
  }

  /** Waits until the statement says t on that host. */
  async until(host: HostName, statement: string): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const { text } = await this.hosts.run(host, `${PSQL} sippy -Atc "${statement}"`);
      if (text.trim() === 't') return;
      if (Date.now() > deadline)
        throw new Failed(`On ${host} this did not become true: ${statement}\n${text}`);
      await delay(100);
    }
  }

  /** What pg_basebackup does: a copy of the data directory, to a host where it is empty. */
  async copyCluster(from: HostName, to: HostName, major: number): Promise<void> {
    const directory = `/var/lib/postgresql/${major}/main`;
    await this.do(
      from,
      `mkfifo /root/session
      ${PSQL} postgres -At </root/session >>/root/told &
      exec 3>/root/session
      echo "select pg_backup_start('copy', true);" >&3
      until [ -s /root/told ]; do sleep 0.1; done
      { tar -C ${directory} --exclude='postmaster.*' --exclude='pg_wal/*' --exclude='pg_replslot/*' -c . 2>/dev/null || [ $? = 1 ]; } |
        ssh root@${to} tar -C ${directory} -xp
      echo 'select labelfile from pg_backup_stop(false);' >&3
      exec 3>&- && wait
      sed 1d /root/told | ssh root@${to} install -o postgres -m 0600 /dev/stdin ${directory}/backup_label
      ssh root@${to} sudo -u postgres touch ${directory}/standby.signal
      rm /root/session /root/told`,
    );
  }

  async doctorCodes(): Promise<readonly string[]> {
    const { text } = await this.hosts.run('gateway', `${SETTINGS} npm run --silent doctor -- --json`);
    const report = JSON.parse(text) as { findings: readonly { code: string; message: string }[] };
    if (output.isVerbose) console.log(report.findings);
    return [...new Set(report.findings.map(({ code }) => code))].toSorted();
  }

  async startGateway(): Promise<void> {
    const gateway = this.hosts.start(
      'gateway',
      `env ${SETTINGS} API_PORT=3001 LOG_LEVEL=warn node src/cli.ts serve`,
      {
        ADMIN_TOKEN: TOKEN,
      },
    );
    gateway.stdout!.resume();
    this.#running.push(gateway);
    await this.do('gateway', 'until curl -sf localhost:3001/readyz >/dev/null; do sleep 0.2; done');
  }

  /** Asks the gateways of these ports without a pause until its result is wanted. */
  startLoad(ports: readonly number[] = [3001], token = TOKEN): () => Promise<LoadReport> {
    const load = this.hosts.start(
      'gateway',
      `node test/operations/load.ts ${token} ${ports.map((port) => `http://localhost:${port}/graphql`).join(' ')}`,
    );
    this.#running.push(load);
    const chunks: Buffer[] = [];
    load.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
    return async () => {
      load.stdin!.end();
      await once(load, 'exit');
      return JSON.parse(Buffer.concat(chunks).toString());
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#running) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await this.hosts[Symbol.asyncDispose]();
  }
}
