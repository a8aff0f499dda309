import { readMetric, writeMetricsFile } from './metrics-file.ts';
import type { Backup, BackupType, Repository } from './repository.ts';

const seconds = (time: Date): number => Math.floor(time.getTime() / 1000);
const BACKUPS = 'cdr-gateway-backup.prom';
const RESTORES = 'cdr-gateway-restore.prom';
const VERIFIED = 'gateway_backup_last_verified_restore_timestamp_seconds';

/** What a run came to, and what is in the repository; undefined where it could not be read: then those figures stay absent. */
export async function writeBackupMetrics(
  directory: string,
  stanza: string,
  repository: Repository | undefined,
  run: { readonly succeeded: boolean },
): Promise<void> {
  const newest = (wanted: (backup: Backup) => boolean) => repository?.backups.filter(wanted).at(-1);
  const stop = (backup: Backup | undefined) => backup && seconds(backup.stoppedAt);
  const ofType = (type: BackupType) => repository?.backups.filter((backup) => backup.type === type).length;
  await writeMetricsFile(directory, BACKUPS, stanza, {
    gateway_backup_last_run_timestamp_seconds: {
      help: 'When a backup was last tried',
      values: { '': seconds(new Date()) },
    },
    gateway_backup_last_run_success: {
      help: '1 when the last backup came about',
      values: { '': run.succeeded ? 1 : 0 },
    },
    gateway_backup_last_success_timestamp_seconds: {
      help: 'When the newest backup was complete',
      values: { '': stop(newest(() => true)) },
    },
    gateway_backup_last_full_timestamp_seconds: {
      help: 'When the newest full backup was complete',
      values: { '': stop(newest(({ type }) => type === 'full')) },
    },
    gateway_backup_count: {
      help: 'Backups in the repository',
      values: { 'type="full"': ofType('full'), 'type="diff"': ofType('diff'), 'type="incr"': ofType('incr') },
    },
    gateway_backup_repository_bytes: {
      help: 'Bytes of all backups in the repository, without the archive',
      values: { '': repository?.backups.reduce((sum, { addedBytes }) => sum + addedBytes, 0) },
    },
    gateway_backup_cluster_bytes: {
      help: 'Bytes that a restore of the newest backup needs',
      values: { '': repository?.backups.at(-1)?.clusterBytes },
    },
  });
}

export interface DrillResult {
  readonly verified: boolean;
  readonly seconds: number;
  /** Undefined where it did not come so far. */
  readonly calls: bigint | undefined;
}

/** A drill that fails leaves the time of the one before that did not. */
export async function writeRestoreMetrics(
  directory: string,
  stanza: string,
  drill: DrillResult,
): Promise<void> {
  const now = seconds(new Date());
  const verified = drill.verified ? now : await readMetric(directory, RESTORES, VERIFIED);
  await writeMetricsFile(directory, RESTORES, stanza, {
    gateway_backup_last_drill_timestamp_seconds: {
      help: 'When a restore was last tried',
      values: { '': now },
    },
    gateway_backup_last_drill_success: {
      help: '1 when the last restore that was tried was verified',
      values: { '': drill.verified ? 1 : 0 },
    },
    gateway_backup_last_drill_duration_seconds: {
      help: 'How long it took, checks included',
      values: { '': Math.round(drill.seconds * 10) / 10 },
    },
    gateway_backup_last_drill_calls: {
      help: 'Calls that came back',
      values: { '': drill.calls === undefined ? undefined : Number(drill.calls) },
    },
    [VERIFIED]: {
      help: 'When a backup was last restored, started, compared and found whole',
      values: { '': verified },
    },
  });
}
