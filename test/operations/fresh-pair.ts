import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replica } from '../../src/cli/replica.ts';
import { setup } from '../../src/cli/setup.ts';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { findFreePort } from '../../src/demo/ports.ts';
import { findServerAccount } from '../../src/demo/server-account.ts';
import { connect } from '../support/database-urls.ts';

/** With pg_basebackup, which the binaries from npm do not have. */
const directory = ['/usr/lib/postgresql/15/bin', '/usr/lib/postgresql/17/bin'].find((path) =>
  existsSync(join(path, 'postgres')),
);

/** Machines of developers may lack it, CI may not. */
export const hasPostgres = directory !== undefined;
if (!hasPostgres && process.env.CI)
  throw new Error('CI must not go without the tests of "setup": install postgresql-15.');

export const binaries = directory ?? '';
export const REPLICATION_PASSWORD = 'of:replication\\';
const GATEWAY_PASSWORD = 'of-the-gateway';

export interface Host {
  readonly name: string;
  readonly directory: string;
  readonly port: number;
}

/** A primary as initdb leaves it, and standbys, made by nothing but our commands. TCP is closed until they open it. */
export class FreshPair implements AsyncDisposable {
  readonly #root: string;
  readonly #account = findServerAccount();
  readonly #hosts: Host[] = [];

  private constructor(root: string) {
    this.#root = root;
  }

  static async open(): Promise<FreshPair> {
    const root = await mkdtemp(join(tmpdir(), 'cdr-setup-'));
    const pair = new FreshPair(root);
    await pair.#give(root);
    await chmod(root, 0o755);
    const primary = await pair.addHost('db-1');
    pair.#run(
      'initdb',
      '--pgdata',
      primary.directory,
      '--username',
      'postgres',
      '--auth',
      'trust',
      '--no-sync',
    );
    await pair.#write(
      join(primary.directory, 'pg_hba.conf'),
      '# Only from here.\n\nlocal\tall\tall\ttrust\n',
    );
    const config = join(primary.directory, 'postgresql.conf');
    await pair.#write(
      config,
      `${readFileSync(config, 'utf8')}\nport = ${primary.port}\nunix_socket_directories = '${root}'\nfsync = off\n`,
    );
    await pair.#makeCertificate();
    pair.start(primary);
    return pair;
  }

  get primary(): Host {
    return this.#hosts[0]!;
  }

  /** Ready for its first standby, and with that standby. */
  static async withStandby(): Promise<{ pair: FreshPair; standby: Host }> {
    const pair = await FreshPair.open();
    try {
      await pair.makeCalls();
      await pair.setupPrimary('--apply');
      pair.restart(pair.primary);
      const standby = await pair.addHost('db-2');
      const { exitCode, text } = await pair.setupReplica(standby, '--apply');
      if (exitCode !== 0) throw new Error(text);
      return { pair, standby };
    } catch (error) {
      await pair[Symbol.asyncDispose]();
      throw error;
    }
  }

  async addHost(name: string): Promise<Host> {
    const host = { name, directory: join(this.#root, name), port: await findFreePort() };
    this.#hosts.push(host);
    return host;
  }

  path(name: string): string {
    return join(this.#root, name);
  }

  /** As the superuser, over its socket. */
  adminUrl(host: Host, database = 'postgres'): string {
    return `postgresql://postgres@localhost/${database}?host=${encodeURIComponent(this.#root)}&port=${host.port}`;
  }

  /** As the role of the gateway, over TLS, as REPLICA_URLS would have it. */
  gatewayUrl(host: Host): string {
    return `postgresql://gateway:${GATEWAY_PASSWORD}@127.0.0.1:${host.port}/sippy?sslmode=verify-full&sslrootcert=${this.path('ca.crt')}#${host.name}`;
  }

  setupPrimary(...more: readonly string[]): Promise<Told> {
    return tell([
      'primary',
      ...['--url', this.adminUrl(this.primary, 'sippy'), '--standby', 'db-2=127.0.0.1'],
      ...[
        '--gateway',
        '127.0.0.1',
        '--certificate',
        this.path('server.crt'),
        '--key',
        this.path('server.key'),
      ],
      ...more,
    ]);
  }

  setupReplica(host: Host, ...more: readonly string[]): Promise<Told> {
    return tell(['replica', ...this.replicaArguments(host), ...more]);
  }

  replicaArguments(host: Host): readonly string[] {
    return [
      ...['--name', host.name, '--primary', this.#primaries(), '--port', String(host.port)],
      ...[
        '--layout',
        'plain',
        '--directory',
        host.directory,
        '--binaries',
        binaries,
        '--gateway',
        '127.0.0.1',
      ],
      ...['--peer', '127.0.0.1', '--sslrootcert', this.path('ca.crt')],
      ...['--certificate', this.path('server.crt'), '--key', this.path('server.key')],
    ];
  }

  /** All servers: whichever takes writes. */
  #primaries(): string {
    return this.#hosts.map(({ port }) => `127.0.0.1:${port}`).join(',');
  }

  /** The database of the calls, as our commands and the switch make it. */
  async makeCalls(): Promise<void> {
    await this.sql('create database sippy');
    await migrateToLatest(this.adminUrl(this.primary, 'sippy'), { gatewayPassword: GATEWAY_PASSWORD });
    await this.sql(
      `insert into accounts (i_account, i_customer, username) select n, 1, 'a' || n from generate_series(1, 20) n;
      insert into xdrs (i_xdr, i_account, i_customer, cli, cld, connect_time, duration, charged_amount, disconnect_cause)
        select n, n % 20 + 1, 1, '33' || n, '44' || n, now() - n * interval '1 minute', 10, 0.1, 16 from generate_series(1, 2000) n;
      analyze`,
      this.primary,
      'sippy',
    );
  }

  async sql(
    statements: string,
    host: Host = this.primary,
    database = 'postgres',
  ): Promise<readonly Record<string, unknown>[]> {
    const client = await connect(this.adminUrl(host, database));
    try {
      return (await client.query(statements)).rows;
    } finally {
      await client.end();
    }
  }

  start(host: Host): void {
    this.#run('pg_ctl', '--pgdata', host.directory, '--wait', '--log', `${host.directory}.log`, 'start');
  }

  /** What makes a standby of a server that is down. */
  async demote(host: Host): Promise<void> {
    await this.#write(join(host.directory, 'standby.signal'), '');
  }

  restart(host: Host): void {
    this.stop(host);
    this.start(host);
  }

  stop(host: Host): void {
    this.#run('pg_ctl', '--pgdata', host.directory, '--wait', '--mode', 'fast', 'stop');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.#hosts.toReversed()) {
      if (existsSync(join(host.directory, 'postmaster.pid'))) this.stop(host);
    }
    await rm(this.#root, { recursive: true, force: true });
  }

  async #write(file: string, text: string): Promise<void> {
    await writeFile(file, text, { mode: 0o600 });
    await this.#give(file);
  }

  async #give(path: string): Promise<void> {
    const { uid, gid } = this.#account;
    if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
  }

  async #makeCertificate(): Promise<void> {
    const [key, certificate] = [this.path('server.key'), this.path('server.crt')];
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1', '-days', '90'],
        ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
      ],
      { stdio: 'ignore' },
    );
    for (const file of [key, certificate]) await this.#give(file);
    await this.#write(this.path('ca.crt'), readFileSync(certificate, 'utf8'));
    await chmod(this.path('ca.crt'), 0o644);
  }

  #run(program: string, ...args: readonly string[]): void {
    execFileSync(join(binaries, program), args, { ...this.#account, cwd: '/', stdio: 'ignore' });
  }
}

export interface Told {
  readonly exitCode: number;
  readonly text: string;
  /** Titles of the steps. */
  readonly steps: readonly string[];
}

type Command = (log: (line: string) => void) => Promise<number>;

/** What `setup` prints and returns. */
export const tell = (args: readonly string[], env = { REPLICATION_PASSWORD }): Promise<Told> =>
  tellOf((log) => setup(args, env, log));

/** What `replica` prints and returns. */
export const tellReplica = (...args: readonly string[]): Promise<Told> => tellOf((log) => replica(args, log));

/** A refusal is its message with exit code 2, as `cli.ts` has it. */
async function tellOf(command: Command): Promise<Told> {
  const lines: string[] = [];
  const exitCode = await command((line) => lines.push(line)).catch((error: Error) => {
    if (error.name !== 'SetupRefusedError') throw error;
    lines.push(error.message);
    return 2;
  });
  const steps = lines.flatMap((line) => /^\d+\. (.*)$/.exec(line)?.[1] ?? []);
  return { exitCode, text: lines.join('\n'), steps };
}
