import { parseArgs } from 'node:util';
import { BackupError } from '../backup/backup-error.ts';
import { formatBytes } from '../backup/restore.ts';
import { type RestoreReport, restoreAndVerify } from '../backup/verified-restore.ts';
import { BadSettingsError } from '../settings/parse.ts';
import type { Environment } from '../settings/setting.ts';
import { readRestoreRequest, repositoryFlags, restoreFlags } from './backup-options.ts';

/** Where lines go that are not the result. */
export interface CommandOutput {
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  /** Aborted when the command is to end. */
  readonly signal: AbortSignal;
}

export const restoreHelp = `Usage: cdr-gateway restore --into DIR [--to TIME|LSN|latest|consistent] [options]

  --into DIR          A new directory, or an empty one, for the cluster
  --to TARGET         A time with its zone (2026-11-28T08:00:00Z), an LSN (3/A1B2C3D4), "latest" (the end of the archive, which
                      is the default), or "consistent" (the end of the backup itself, for which no other WAL is needed)
  --set LABEL         This backup, instead of the newest before the target
  --config FILE       pgBackRest's configuration (default: ${repositoryFlags.config.default})
  --stanza NAME       Default: the only one there
  --bin DIR           PostgreSQL's programs (default: where packages put them)
  --role NAME         Superuser of the cluster (default: ${restoreFlags.role.default})
  --database NAME     Database of the calls (default: that of REPLICA_URLS, or the only one with calls)
  --settle-hours N    Days are compared that ended as many hours before the restored time (default: ${restoreFlags['settle-hours'].default})
  --json              The report as one document

Restores, starts PostgreSQL where nobody else can reach it, checks tables and indexes (pg_amcheck), compares the calls of each
day with a standby of REPLICA_URLS where that is set, and stops it. Then PostgreSQL can be started on DIR: a primary of its own,
which archives nothing until "alter system reset archive_mode".
Exit code: 0 restored and verified, 1 restored, but something is not as it should be, 2 not restored, 3 options or settings
are wrong and nothing was touched.
`;

/** Resolves with the exit code; throws BadSettingsError and what parseArgs throws. */
export async function restore(
  args: readonly string[],
  env: Environment,
  { print, printError, signal }: CommandOutput,
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...repositoryFlags,
      ...restoreFlags,
      into: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const { into, json } = values;
  if (!into) throw new BadSettingsError(['--into: the directory to restore into is missing']);
  try {
    const report = await restoreAndVerify({
      ...(await readRestoreRequest(values, env)),
      dataDir: into,
      isDisposable: false,
      signal,
      log: json ? printError : print,
    });
    for (const line of json ? [describeAsJson(report)] : describeReport(report)) print(line);
    return report.problems.length === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    printError(error.message);
    return 2;
  }
}

/** Big numbers as text. */
export function describeAsJson(report: object): string {
  return JSON.stringify(report, (_, value) => (typeof value === 'bigint' ? String(value) : value), 2);
}

export function describeReport(report: RestoreReport): readonly string[] {
  const { backup, database, calls, lsn, timeline, replayedUntil, structure, comparison, problems } = report;
  const until = replayedUntil
    ? `with all that was committed until ${replayedUntil.toISOString()}`
    : 'as of the backup';
  return [
    `${report.dataDir} has the cluster of ${backup.label} (${formatBytes(backup.clusterBytes)}), ${until}; it went on from ${lsn} on timeline ${timeline}.`,
    ...(structure.problems.length === 0
      ? [`Tables and indexes are sound (${structure.seconds.toFixed(1)} s).`]
      : []),
    `${calls} calls in ${database}. ${comparison ? describeComparison(comparison) : 'Nothing to compare them with.'}`,
    ...problems,
  ];
}

function describeComparison(comparison: NonNullable<RestoreReport['comparison']>): string {
  const { settledDays, differences, clearedDays, newerCalls } = comparison;
  const same = settledDays - differences.length - clearedDays;
  return [
    `Of ${settledDays} days ${same} are the same on ${comparison.with}: calls, seconds, amounts and every column.`,
    ...(clearedDays > 0 ? [`${clearedDays} have been cleared there since.`] : []),
    ...(newerCalls > 0n ? [`It has ${newerCalls} more of the days since.`] : []),
  ].join(' ');
}
