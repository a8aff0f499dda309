import { execFileSync } from 'node:child_process';
import { appendFile, chown, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { createDiskCheck, type FreeSpace } from '../../src/db/doctor/checks/disk.ts';
import { allChecks } from '../../src/db/doctor/checks.ts';
import { type DoctorOptions, type DoctorReport, examine } from '../../src/db/doctor/doctor.ts';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { asGateway, withDatabase } from '../support/database-urls.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';

const PLENTY = { freeBytes: 500e9, totalBytes: 1000e9 };

/** A pair as the handbook sets it up, with enough calls that plans and statistics are looked at. */
export class Site implements AsyncDisposable {
  readonly test: TestCluster;
  freeSpace: FreeSpace = async () => PLENTY;

  private constructor(test: TestCluster) {
    this.test = test;
  }

  static async open(
    settings: Readonly<Record<string, string>> = {},
    { calls = 12_000, replicas = 2 } = {},
  ): Promise<Site> {
    const test = await startTestCluster({
      replicas,
      settings: {
        fsync: 'on',
        max_slot_wal_keep_size: '2GB',
        log_recovery_conflict_waits: 'on',
        ...settings,
      },
    });
    const site = new Site(test);
    await site.sql(`
      insert into accounts (i_account, i_customer, username) select n, 1, 'a' || n from generate_series(1, 50) n;
      insert into xdrs (i_xdr, i_account, i_customer, cli, cld, connect_time, duration, charged_amount, disconnect_cause)
        select n, n % 50 + 1, 1, '33' || n, '44' || n, now() - n * interval '1 minute', 10, 0.1, 16
        from generate_series(1, ${calls}) n`);
    await site.sql('vacuum (analyze) xdrs');
    await site.sql('vacuum (analyze) accounts');
    return site;
  }

  get primary(): PostgresNode {
    return this.test.cluster.primary;
  }

  get replicas(): readonly PostgresNode[] {
    return this.test.cluster.replicas;
  }

  /** As the role of the gateway. */
  urlOf(node: PostgresNode): string {
    return asGateway(withDatabase(node.url(), this.test.name), new URL(this.test.replicaUrls[0]!).password);
  }

  /** Statements one by one, as superuser on the primary unless told otherwise. */
  async sql(statements: string, node: PostgresNode = this.primary): Promise<void> {
    const client = new pg.Client({ connectionString: withDatabase(node.url(), this.test.name) });
    await client.connect();
    try {
      await client.query(statements);
    } finally {
      await client.end();
    }
  }

  /** Of libpq, with the password of replication. */
  async passfileOf(node: PostgresNode): Promise<string> {
    const client = new pg.Client({ connectionString: node.url() });
    await client.connect();
    try {
      const { rows } = await client.query<{ primary_conninfo: string }>('show primary_conninfo');
      return /passfile='([^']+)'/.exec(rows[0]!.primary_conninfo)![1]!;
    } finally {
      await client.end();
    }
  }

  /** Null takes a setting back. */
  async set(node: PostgresNode, settings: Readonly<Record<string, string | null>>): Promise<void> {
    for (const [name, value] of Object.entries(settings)) node.setting(name, value);
    await node.reload();
  }

  async restart(node: PostgresNode): Promise<void> {
    await node.stop('fast');
    await node.start();
  }

  async addHbaLines(node: PostgresNode, lines: string): Promise<() => Promise<void>> {
    const file = join(node.dataDir, 'pg_hba.conf');
    const before = await readFile(file, 'utf8');
    await appendFile(file, lines);
    return async () => {
      await writeFile(file, before);
      await node.reload();
    };
  }

  /** Certificate and key in the data directory of a node, which is then switched to TLS. */
  async encrypt(node: PostgresNode, days: number): Promise<void> {
    const [key, certificate] = ['server.key', 'server.crt'].map((name) => join(node.dataDir, name));
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=127.0.0.1', '-days', String(days)],
        ...['-keyout', key!, '-out', certificate!],
      ],
      { stdio: 'ignore' },
    );
    const { uid, gid } = await stat(node.dataDir);
    for (const file of [key!, certificate!]) await chown(file, uid, gid);
    await this.set(node, { ssl: 'on' });
  }

  replayed(): Promise<void> {
    return this.test.replayed();
  }

  examine(options: Partial<DoctorOptions> = {}): Promise<DoctorReport> {
    return examine({
      replicaUrls: this.replicas.map((node) => this.urlOf(node)),
      primaryUrls: [this.urlOf(this.primary)],
      adminUrls: [this.primary, ...this.replicas].map((node) => withDatabase(node.url(), this.test.name)),
      source: 'xdrs',
      // Time zones have a test of their own, and take a second.
      checks: allChecks
        .filter(({ topic }) => topic !== 'time zones')
        .map((check) => (check.topic === 'disks' ? createDiskCheck((path) => this.freeSpace(path)) : check)),
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
  }
}

/** Every code of a report, in order, each once. */
export function codesOf({ findings }: DoctorReport): readonly string[] {
  return [...new Set(findings.map(({ code }) => code))].toSorted();
}
