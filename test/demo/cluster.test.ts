import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Cluster, startCluster } from '../../src/demo/cluster.ts';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { isAlive } from '../../src/demo/run-dir.ts';
import { findServerAccount } from '../../src/demo/server-account.ts';

/** The one value of the one row. */
async function ask(node: PostgresNode, query: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: node.url() });
  await client.connect();
  try {
    const { rows } = await client.query({ text: query, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

const shows = (node: PostgresNode, query: string, expected: unknown) =>
  vi.waitUntil(async () => (await ask(node, query).catch(() => undefined)) === expected, { timeout: 15_000 });

/** Temporary directories of clusters that this process started. */
async function ourRunDirs(): Promise<string[]> {
  const dirs = (await readdir(tmpdir())).filter((name) => name.startsWith('cdr-pg-'));
  const paths = dirs.map((name) => join(tmpdir(), name));
  const owners = await Promise.all(
    paths.map((path) => readFile(join(path, 'owner'), 'utf8').catch(() => '')),
  );
  return paths.filter((_, index) => owners[index]?.split('\n')[0] === String(process.pid));
}

describe('a running cluster', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await startCluster({ replicas: 2 });
  });
  afterAll(() => cluster.stop());

  test('streams to its standbys, and through a standby to the next one', async () => {
    const first = cluster.replicas[0]!;
    const next = await cluster.addReplica({ upstream: first, name: 'cascade' });
    expect(cluster.replicas.map(({ name }) => name)).toEqual(['replica1', 'replica2', 'cascade']);

    await ask(cluster.primary, 'create table notes as select 42 as note');
    for (const replica of cluster.replicas) await shows(replica, 'select note from notes', 42);
    for (const replica of cluster.replicas)
      expect(await ask(replica, 'select pg_is_in_recovery()')).toBe(true);

    const followers = `select string_agg(application_name, ',' order by application_name) from pg_stat_replication`;
    expect(await ask(cluster.primary, followers)).toBe('replica1,replica2');
    expect(await ask(first, followers)).toBe('cascade');
    expect(await ask(next, `select slot_name from pg_stat_wal_receiver`)).toBe('cascade');
    expect(await ask(cluster.primary, `select count(*)::int from pg_replication_slots where active`)).toBe(2);
  });

  test('answers from its standbys while the primary is down, and streams again when it is back', async () => {
    const { primary, replicas } = cluster;
    const { port } = primary;
    await primary.kill('SIGKILL');
    expect(primary.isRunning).toBe(false);
    expect(await ask(replicas[1]!, 'select 1')).toBe(1);

    await primary.start();
    expect(primary.port).toBe(port);
    await ask(primary, 'create table later_notes as select 43 as note');
    await shows(replicas[1]!, 'select note from later_notes', 43);
  });

  test('changes a setting of a server, whatever characters it has, and takes the change back', async () => {
    const { primary } = cluster;
    await primary.setting('work_mem', '7MB').setting('log_line_prefix', `it's a "name" \\ here`).reload();
    expect(await ask(primary, 'show work_mem')).toBe('7MB');
    expect(await ask(primary, 'show log_line_prefix')).toBe(`it's a "name" \\ here`);
    await primary.setting('work_mem', null).reload();
    expect(await ask(primary, 'show work_mem')).toBe('4MB');
  });

  test('lets nobody in without the password, and listens on the loopback interface only', async () => {
    const client = new pg.Client({ connectionString: cluster.primary.url({ password: 'guess' }) });
    await expect(client.connect()).rejects.toThrow(/password authentication failed/);
    expect(await ask(cluster.primary, 'show listen_addresses')).toBe('127.0.0.1');
  });
});

describe('a cluster', () => {
  test('leaves neither a process nor a directory, even after a server was frozen or killed', async () => {
    const cluster = await startCluster({ replicas: 2 });
    const nodes = [cluster.primary, ...cluster.replicas];
    const pids = nodes.map((node) => node.pid()!);
    await cluster.replicas[0]!.kill('SIGSTOP');
    await cluster.replicas[1]!.kill('SIGKILL');
    await cluster.stop();
    await cluster.stop();
    expect(pids.filter(isAlive)).toEqual([]);
    expect(nodes.filter(({ dataDir }) => existsSync(dataDir))).toEqual([]);
    expect(existsSync(cluster.primary.socketDir)).toBe(false);
  });

  test('that is called off while it starts leaves nothing behind', async () => {
    const controller = new AbortController();
    const starting = startCluster({ replicas: 2, signal: controller.signal });
    starting.catch(() => {});
    await vi.waitUntil(async () => (await ourRunDirs()).some((dir) => existsSync(join(dir, 'primary.log'))), {
      timeout: 15_000,
    });
    controller.abort();
    await expect(starting).rejects.toThrow(/abort/i);
    expect(await ourRunDirs()).toEqual([]);
  });

  test('refuses a major it has no programs for, in one sentence', async () => {
    await expect(startCluster({ major: 13 })).rejects.toThrow(
      'PostgreSQL 13 is not supported: choose one of 14, 15, 16, 17, 18.',
    );
  });

  test('starts the older major that comes with npm ci', async () => {
    await using cluster = await startCluster({ major: 16, replicas: 1 });
    expect(await ask(cluster.replicas[0]!, 'show server_version_num')).toMatch(/^16/);
  });
});

describe('a data directory', () => {
  async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
    const directory = await mkdtemp(join(tmpdir(), 'cdr-test-'));
    try {
      await use(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  test('keeps what the primary held for the next start, which clones its standbys anew', () =>
    withDirectory(async (dataDir) => {
      const first = await startCluster({ dataDir, replicas: 1 });
      expect(first.isReused).toBe(false);
      await ask(first.primary, 'create table notes as select 44 as note');
      await first.stop();
      expect(await readdir(dataDir)).not.toContain('replica1');

      await using second = await startCluster({ dataDir, replicas: 1 });
      expect(second.isReused).toBe(true);
      expect(await ask(second.replicas[0]!, 'select note from notes')).toBe(44);
      expect(await ask(second.primary, 'select count(*)::int from pg_replication_slots')).toBe(1);
    }));

  test('in use is refused, and whoever uses it goes on; discarded it is as empty as it was found', () =>
    withDirectory(async (dataDir) => {
      const owner = await startCluster({ dataDir, replicas: 0 });
      await expect(startCluster({ dataDir })).rejects.toThrow(/is in use by PostgreSQL process \d+/);
      expect(await ask(owner.primary, 'select 1')).toBe(1);
      await owner.discard();
      expect(await readdir(dataDir)).toEqual([]);
    }));

  test('that holds something else is refused and left alone', () =>
    withDirectory(async (dataDir) => {
      await writeFile(join(dataDir, 'precious'), 'do not touch');
      await expect(startCluster({ dataDir })).rejects.toThrow(/is not empty and holds no database of ours/);
      expect(await readFile(join(dataDir, 'precious'), 'utf8')).toBe('do not touch');
    }));

  test('of another major is refused in one sentence that says what would work', () =>
    withDirectory(async (dataDir) => {
      await writeFile(join(dataDir, 'cluster.json'), JSON.stringify({ major: 16 }));
      await expect(startCluster({ dataDir, major: 18 })).rejects.toThrow(/was made by PostgreSQL 16, not 18/);
    }));
});

test('servers end, and their directory goes, when the process that started them is killed', async () => {
  const program = `
    import { startCluster } from ${JSON.stringify(new URL('../../src/demo/cluster.ts', import.meta.url).href)};
    const cluster = await startCluster({ replicas: 1 });
    const nodes = [cluster.primary, ...cluster.replicas];
    console.log(JSON.stringify({ pids: nodes.map((node) => node.pid()), directory: cluster.primary.dataDir }));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  const { pids, directory }: { pids: number[]; directory: string } = JSON.parse(line);
  expect(pids.filter(isAlive)).toEqual(pids);

  child.kill('SIGKILL');
  await vi.waitUntil(() => !pids.some(isAlive) && !existsSync(directory), { timeout: 15_000 });
});

describe('what a killed process and its guard left behind', () => {
  /** A run directory as a process that has ended would have left it. */
  async function leaveBehind(namespace: string): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'cdr-pg-'));
    const { uid, gid } = findServerAccount();
    if (uid !== undefined && gid !== undefined) await chown(directory, uid, gid);
    const ended = spawn('true');
    await once(ended, 'exit');
    await writeFile(join(directory, 'owner'), `${ended.pid}\n${namespace}\n`);
    return directory;
  }

  test('is swept away by the next start, unless its owner lives where we cannot see it', async () => {
    const elsewhere = await leaveBehind('pid:[1]');
    const own = await leaveBehind(await readlink('/proc/self/ns/pid').catch(() => ''));
    await using _cluster = await startCluster({ replicas: 0 });
    await vi.waitUntil(() => !existsSync(own), { timeout: 10_000 });
    expect(existsSync(elsewhere)).toBe(true);
    await rm(elsewhere, { recursive: true });
  });
});
