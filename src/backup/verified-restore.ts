import { type CallsReader, executeAll, findDatabases, openCalls } from '../db/backup/calls-reader.ts';
import { placeOf } from '../db/doctor/server.ts';
import type { SourceName } from '../db/sources/model.ts';
import { parseConnection } from '../replicas/connection-url.ts';
import { type AmcheckReport, checkStructure } from './amcheck.ts';
import { BackupError } from './backup-error.ts';
import { type Comparison, compareCalls } from './comparison.ts';
import { type FindProgramsOptions, findPrograms } from './programs.ts';
import { describeTarget } from './recovery-target.ts';
import type { Backup } from './repository.ts';
import { type RestoreFilesOptions, restoreFiles } from './restore.ts';
import { type RestoredServer, startRestored } from './restored-server.ts';

export interface VerifiedRestoreOptions extends RestoreFilesOptions {
  readonly programs: FindProgramsOptions;
  /** Superuser of the cluster. */
  readonly role: string;
  /** Database of the calls; without one it is that of the living servers, or the only one that has calls. */
  readonly database?: string | undefined;
  readonly source: SourceName;
  /** Servers that live, to compare with: the first that answers. None where the site is lost. */
  readonly livingUrls: readonly string[];
  readonly settleSeconds: number;
  /** Whether it is thrown away afterwards. Otherwise it is left so that PostgreSQL can be started on it. */
  readonly isDisposable: boolean;
}

/** What came of a restore. */
export interface RestoreReport {
  readonly dataDir: string;
  readonly backup: Backup;
  readonly target: string;
  readonly restoreSeconds: number;
  readonly recoverySeconds: number;
  /** The commit time of the last transaction; null where there is none after the backup. */
  readonly replayedUntil: Date | null;
  readonly lsn: string;
  readonly timeline: number;
  readonly database: string;
  readonly calls: bigint;
  readonly structure: AmcheckReport;
  /** Null where there is nothing to compare with. */
  readonly comparison: (Comparison & { readonly with: string }) | null;
  /** Why it is not verified; empty when it is. */
  readonly problems: readonly string[];
}

/** Parameters that pgBackRest and the target left in the restored cluster. */
const OF_THE_RESTORE = [
  'restore_command',
  'recovery_target',
  'recovery_target_action',
  'recovery_target_lsn',
  'recovery_target_time',
  'recovery_target_timeline',
];

/**
 * Restores, starts PostgreSQL where nobody else can reach it, and looks at what came back: the structure of tables and indexes,
 * and the calls, compared with a server that lives. The server is stopped at the end. Throws a BackupError when it did not come
 * so far; what was found wrong is in the report.
 */
export async function restoreAndVerify(options: VerifiedRestoreOptions): Promise<RestoreReport> {
  const { target, isDisposable, signal, log } = options;
  const files = await restoreFiles(options);
  log(
    `Restored ${files.backup.label} in ${files.seconds.toFixed(1)} s; recovering to ${describeTarget(target)}.`,
  );
  const programs = findPrograms(files.major, options.programs);
  const began = performance.now();
  const server = await startRestored({ dataDir: files.dataDir, programs, isDisposable, signal });
  try {
    const recoverySeconds = (performance.now() - began) / 1000;
    await files.forgetArchive();
    log(`Recovered in ${recoverySeconds.toFixed(1)} s; looking at what came back.`);
    const urlOf = (database: string) => server.url(options.role, database);
    const structure = await checkStructure(server, options.role, programs.amcheck);
    const calls = await examineCalls(options, server, files.backup);
    if (!isDisposable) {
      const commands = OF_THE_RESTORE.map((name) => `alter system reset ${name}`);
      await executeAll(urlOf('postgres'), commands);
    }
    return {
      dataDir: files.dataDir,
      backup: files.backup,
      target: describeTarget(target),
      restoreSeconds: files.seconds,
      recoverySeconds,
      ...calls,
      structure,
      problems: [...structure.problems, ...calls.problems],
    };
  } finally {
    await server.stop();
  }
}

type ExaminedCalls = Pick<
  RestoreReport,
  'replayedUntil' | 'lsn' | 'timeline' | 'database' | 'calls' | 'comparison' | 'problems'
>;

async function examineCalls(
  options: VerifiedRestoreOptions,
  server: RestoredServer,
  backup: Backup,
): Promise<ExaminedCalls> {
  const { livingUrls, source, role, settleSeconds } = options;
  const living = await openFirst(livingUrls, source);
  try {
    const database = await databaseOf(options, server);
    const restored = await openCalls(server.url(role, database), source);
    try {
      const { point } = restored;
      const until = point.replayedUntil ?? backup.stoppedAt;
      const found = {
        replayedUntil: point.replayedUntil,
        lsn: point.lsn,
        timeline: point.timeline,
        database,
      };
      if (!living.reader) {
        const calls = (await restored.selectDays((await restored.selectNewestKey()) ?? '0')).reduce(
          (sum, day) => sum + BigInt(day.calls),
          0n,
        );
        return { ...found, calls, comparison: null, problems: living.problems };
      }
      const comparison = await compareCalls(restored, living.reader, { until, settleSeconds });
      const problems = [
        ...(living.reader.point.cluster === point.cluster
          ? []
          : [
              `The backup is of another cluster (${point.cluster}) than ${living.name} (${living.reader.point.cluster}).`,
            ]),
        ...describeDifferences(comparison, living.name),
      ];
      return {
        ...found,
        calls: comparison.calls,
        comparison: { ...comparison, with: living.name },
        problems,
      };
    } finally {
      await restored.close();
    }
  } finally {
    await living.reader?.close();
  }
}

/** The database that is named, or that of the living servers, or the only one with calls. */
async function databaseOf(options: VerifiedRestoreOptions, server: RestoredServer): Promise<string> {
  const { database, livingUrls, role, source } = options;
  const named = database ?? livingUrls.map((url) => parseConnection(url).database).find(Boolean);
  if (named !== undefined) return named;
  const found = await findDatabases((name) => server.url(role, name), source);
  if (found.length === 1) return found[0]!;
  throw new BackupError(
    found.length === 0
      ? 'No database of the restored cluster has the tables of the calls: CDR_SOURCE says which they are.'
      : `Several databases have calls: ${found.join(', ')}. Name one with --database.`,
  );
}

interface Living {
  readonly name: string;
  readonly reader: CallsReader | undefined;
  readonly problems: readonly string[];
}

async function openFirst(urls: readonly string[], source: SourceName): Promise<Living> {
  const problems: string[] = [];
  for (const url of urls) {
    const name = parseConnection(url).label ?? placeOf(url);
    try {
      return { name, reader: await openCalls(url, source), problems: [] };
    } catch (error) {
      problems.push(`${name} cannot be compared with: ${(error as Error).message}`);
    }
  }
  return { name: '', reader: undefined, problems };
}

/** Beyond this many a list says nothing more. */
const MAX_DAYS = 5;

function describeDifferences({ differences }: Comparison, name: string): readonly string[] {
  const lines = differences.slice(0, MAX_DAYS).map(({ day, restored, living }) => {
    const of = (sums: typeof restored) =>
      `${sums.calls} calls, ${sums.durationSeconds ?? 'no'} seconds, ${sums.chargedAmount ?? 'nothing'} charged`;
    const why = of(restored) === of(living) ? ' Other columns differ.' : '';
    return `${day} differs: restored ${of(restored)}; ${name} has ${of(living)}.${why}`;
  });
  return differences.length > MAX_DAYS
    ? [...lines, `${differences.length - MAX_DAYS} more days differ.`]
    : lines;
}
