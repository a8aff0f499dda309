import { BackupError } from './backup-error.ts';
import { type PgBackRestOptions, runPgBackRest } from './pgbackrest.ts';
import { type Backup, type BackupType, type Repository, readRepository } from './repository.ts';
import { chooseExpired, type Retention, weekOf } from './retention.ts';

export interface RunBackupOptions extends PgBackRestOptions {
  /** Otherwise full once a week and incremental between. */
  readonly type?: BackupType | undefined;
  readonly retention: Retention;
}

export interface BackupRun {
  readonly backup: Backup;
  readonly seconds: number;
  /** Labels of the backups that were let go of, each with those that were built on it. */
  readonly expired: readonly string[];
  /** As it is now. */
  readonly repository: Repository;
}

/** Takes a backup, then lets go of those that need not be kept. Throws BackupError; backups that are there stay. */
export async function runBackup({ type, retention, ...pgBackRest }: RunBackupOptions): Promise<BackupRun> {
  const before = await readRepository(pgBackRest);
  const began = performance.now();
  await runPgBackRest(
    ['backup', `--type=${type ?? nextType(before.backups, new Date())}`, '--no-expire-auto'],
    pgBackRest,
  );
  const seconds = (performance.now() - began) / 1000;
  const taken = await readRepository(pgBackRest);
  const backup = taken.backups.at(-1);
  if (!backup || backup.label === before.backups.at(-1)?.label) {
    throw new BackupError('pgBackRest ended well, and the repository has no new backup.');
  }
  const expired = chooseExpired(taken.backups, retention);
  for (const label of expired) await runPgBackRest(['expire', `--set=${label}`], pgBackRest);
  // By itself too: it lets go of WAL that only older backups needed.
  await runPgBackRest(['expire'], pgBackRest);
  return { backup, seconds, expired, repository: await readRepository(pgBackRest) };
}

/** Full when the week has no full backup yet. */
export function nextType(backups: readonly Pick<Backup, 'type' | 'stoppedAt'>[], now: Date): BackupType {
  const newestFull = backups.filter(({ type }) => type === 'full').at(-1);
  return newestFull && weekOf(newestFull.stoppedAt) === weekOf(now) ? 'incr' : 'full';
}
