import { mkdir, readdir, readFile, rm, rmdir, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseLsn } from '../replicas/lsn.ts';
import { BackupError } from './backup-error.ts';
import { type Configuration, restoreConfiguration } from './configuration.ts';
import { type PgBackRestOptions, runPgBackRest } from './pgbackrest.ts';
import { describeTarget, type RecoveryTarget, targetOptions } from './recovery-target.ts';
import { type Backup, readRepository } from './repository.ts';

export interface RestoreFilesOptions {
  readonly configuration: Configuration;
  readonly stanza: string;
  /** Must not be there, or be empty. */
  readonly dataDir: string;
  readonly target: RecoveryTarget;
  /** Label of a backup; otherwise pgBackRest chooses by the target. */
  readonly label?: string | undefined;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface RestoredFiles {
  readonly dataDir: string;
  readonly backup: Backup;
  readonly major: number;
  readonly seconds: number;
  /** Removes the configuration from which WAL is fetched: once recovery has ended nobody needs it. */
  forgetArchive(): Promise<void>;
}

/** Space that recovery needs beside the files, for WAL that it fetches. */
const WAL_BYTES = 2 * 1024 ** 3;
/** A directory beside the cluster for its tablespaces, which are elsewhere on the old host. */
const tablespacesOf = (dataDir: string): string => `${dataDir}.tablespaces`;

/** Puts the files of a backup into an empty directory; PostgreSQL then recovers to the target. Throws BackupError. */
export async function restoreFiles(options: RestoreFilesOptions): Promise<RestoredFiles> {
  const { configuration, stanza, target, label, log, signal } = options;
  const dataDir = resolve(options.dataDir);
  const pgBackRest: PgBackRestOptions = { configFile: configuration.file, stanza, log, signal };
  const { backups, major } = await readRepository(pgBackRest);
  const expected = expectBackup(backups, target, label);
  await refuseUsed(dataDir);
  await refuseFull(dataDir, expected.clusterBytes);
  const configFile = `${dataDir}.pgbackrest.conf`;
  const began = performance.now();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  try {
    // It holds the passphrase.
    await writeFile(configFile, restoreConfiguration(configuration, stanza, dataDir), { mode: 0o600 });
    const flags = [
      ...targetOptions(target),
      ...(label === undefined ? targetSet(target, expected) : [`--set=${label}`]),
      '--archive-mode=off',
      `--tablespace-map-all=${tablespacesOf(dataDir)}`,
    ];
    await runPgBackRest(['restore', ...flags], { ...pgBackRest, configFile });
  } catch (error) {
    await rm(configFile, { force: true });
    // What has files in it stays: they may be of use, and are not ours to judge.
    await rmdir(dataDir).catch(() => {});
    throw error;
  }
  return {
    dataDir,
    backup: expected,
    major,
    seconds: (performance.now() - began) / 1000,
    forgetArchive: () => rm(configFile, { force: true }),
  };
}

/** Removes everything that a restore made. */
export async function removeRestored(dataDir: string): Promise<void> {
  for (const path of [dataDir, tablespacesOf(dataDir), `${dataDir}.pgbackrest.conf`]) {
    await rm(path, { recursive: true, force: true });
  }
}

/** The backup that will be taken. pgBackRest would choose the same, and fail with less to say. */
function expectBackup(backups: readonly Backup[], target: RecoveryTarget, label: string | undefined): Backup {
  if (backups.length === 0)
    throw new BackupError('There is no backup yet: "cdr-gateway backup run" takes one.');
  if (label !== undefined) {
    const named = backups.find((each) => each.label === label);
    if (named) return named;
    throw new BackupError(`There is no backup ${label}; the newest is ${backups.at(-1)!.label}.`);
  }
  if (target.kind === 'time' && target.time.getTime() > Date.now()) {
    throw new BackupError(`${target.text} is in the future.`);
  }
  const before = backups.filter((backup) => isBefore(backup, target)).at(-1);
  if (before) return before;
  const { stoppedAt, stopLsn } = backups[0]!;
  throw new BackupError(
    `There is no backup from before ${describeTarget(target)}: the oldest was complete at ${stoppedAt.toISOString()} (${stopLsn}).`,
  );
}

function isBefore({ stoppedAt, stopLsn }: Backup, target: RecoveryTarget): boolean {
  if (target.kind === 'time') return stoppedAt.getTime() < target.time.getTime();
  if (target.kind === 'lsn') return parseLsn(stopLsn) <= parseLsn(target.lsn);
  return true;
}

/** By time and by LSN pgBackRest searches itself. */
function targetSet(target: RecoveryTarget, { label }: Backup): readonly string[] {
  return target.kind === 'consistent' ? [`--set=${label}`] : [];
}

async function refuseUsed(dataDir: string): Promise<void> {
  const names = await readdir(dataDir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') throw new BackupError(`${dataDir} is a file, not a directory.`);
    throw new BackupError(`${dataDir} cannot be read (${error.code}): run this as the user that owns it.`);
  });
  if (names.includes('postmaster.pid')) {
    const pid = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0];
    throw new BackupError(
      `${dataDir} is in use: a server runs on it, or crashed there (process ${pid}). Nothing was touched.`,
    );
  }
  if (names.length > 0) {
    throw new BackupError(
      `${dataDir} is not empty: a restore goes into a directory that is new. Nothing was touched.`,
    );
  }
}

async function refuseFull(dataDir: string, clusterBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(await nearestParent(dataDir));
  const needed = clusterBytes + Math.min(WAL_BYTES, clusterBytes);
  if (bavail * bsize >= needed) return;
  throw new BackupError(
    `There is not enough space for ${dataDir}: ${formatBytes(needed)} are needed, ${formatBytes(bavail * bsize)} are free.`,
  );
}

async function nearestParent(path: string): Promise<string> {
  const there = await stat(path).catch(() => undefined);
  return there || path === dirname(path) ? path : nearestParent(dirname(path));
}

/** `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
