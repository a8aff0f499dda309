import { chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { PostgresNode } from './postgres-node.ts';
import { giveTo, type ServerAccount } from './server-account.ts';

/** Made anew by the copy when it starts; a copied slot above all would hold WAL for ever. */
const EMPTIED = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);

/** `postgresql.auto.conf` holds what ALTER SYSTEM set on the source, its addresses included. */
const LEFT_OUT =
  /^(postmaster\.(pid|opts)|postgresql\.auto\.conf|standby\.signal|backup_label.*|pgsql_tmp.*)$/;

/** Copies a running server's data directory into `target`, by PostgreSQL's low-level backup functions. */
export async function takeBaseBackup(
  source: PostgresNode,
  target: string,
  account: ServerAccount,
  signal?: AbortSignal,
): Promise<void> {
  const client = new Client({ connectionString: source.url() });
  client.on('error', () => {});
  await client.connect();
  try {
    const { start, stop } = await backupCalls(client);
    await client.query(start);
    await copyTree(source.dataDir, target, account, signal);
    // On the same session: the backup ends unfinished if its connection closes.
    const { rows } = await client.query(stop);
    await writeFile(join(target, 'backup_label'), rows[0].labelfile);
    await writeFile(join(target, 'postgresql.auto.conf'), '');
    for (const file of ['backup_label', 'postgresql.auto.conf']) await giveTo(account, join(target, file));
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  } finally {
    await client.end();
  }
}

/** Renamed in PostgreSQL 15. */
async function backupCalls(client: Client): Promise<{ start: string; stop: string }> {
  const { rows } = await client.query('show server_version_num');
  return Number(rows[0].server_version_num) >= 150_000
    ? {
        start: `select pg_backup_start('clone', true)`,
        stop: 'select labelfile from pg_backup_stop(false)',
      }
    : {
        start: `select pg_start_backup('clone', true, false)`,
        stop: 'select labelfile from pg_stop_backup(false, false)',
      };
}

async function copyTree(
  source: string,
  target: string,
  account: ServerAccount,
  signal: AbortSignal | undefined,
): Promise<void> {
  await mkdir(target, { mode: 0o700, recursive: true });
  await giveTo(account, target);
  await Promise.all([
    copyDirectory(source, target, account, signal, (name) => !LEFT_OUT.test(name)),
    mkdir(join(target, 'pg_wal', 'archive_status'), { mode: 0o700, recursive: true }),
  ]);
  for (const path of ['pg_wal', 'pg_wal/archive_status']) await giveTo(account, join(target, path));
}

async function copyDirectory(
  source: string,
  target: string,
  account: ServerAccount,
  signal: AbortSignal | undefined,
  accepts: (name: string) => boolean,
): Promise<void> {
  for (const entry of await readdir(source, { withFileTypes: true })) {
    signal?.throwIfAborted();
    if (!accepts(entry.name)) continue;
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) {
      await mkdir(to, { mode: 0o700, recursive: true });
      await giveTo(account, to);
      if (!EMPTIED.has(entry.name)) await copyDirectory(from, to, account, signal, accepts);
    } else if (entry.isFile()) {
      await copyLiveFile(from, to, account);
    }
  }
}

/** The server goes on working: a file may be gone by the time we reach it, and replay does not miss it. */
async function copyLiveFile(from: string, to: string, account: ServerAccount): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  await chmod(to, 0o600);
  await giveTo(account, to);
}
