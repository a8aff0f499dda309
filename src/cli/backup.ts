import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BackupError } from '../backup/backup-error.ts';
import { writeBackupMetrics, writeRestoreMetrics } from '../backup/metrics.ts';
import { type BackupType, readRepository } from '../backup/repository.ts';
import { formatBytes, removeRestored } from '../backup/restore.ts';
import { runBackup } from '../backup/run.ts';
import { type RestoreReport, restoreAndVerify } from '../backup/verified-restore.ts';
import { BadSettingsError } from '../settings/parse.ts';
import type { Environment } from '../settings/setting.ts';
import {
  openRepository,
  parseHours,
  parseRetention,
  readRestoreRequest,
  repositoryFlags,
  restoreFlags,
} from './backup-options.ts';
import { planHelp, printPlan } from './backup-plan.ts';
import { type CommandOutput, describeAsJson, describeReport } from './restore.ts';

const flags = {
  ...repositoryFlags,
  ...restoreFlags,
  type: { type: 'string' },
  keep: { type: 'string', default: '7,4,12' },
  metrics: { type: 'string' },
  scratch: { type: 'string', default: '/var/tmp' },
  'max-age-hours': { type: 'string', default: '36' },
  json: { type: 'boolean', default: false },
} as const;

export const backupHelp = `Usage: cdr-gateway backup <plan|run|status|drill> [options]

  plan     What to put on which host, and what to run there, up to the first backup; changes nothing
  run      A backup from a standby: full once a week, otherwise what has changed. Then lets go of what need not be kept
  status   Which backups there are, and how old the newest is
  drill    Restores the newest one, starts it, checks it, compares it with a standby that lives, and throws it away

  --config FILE       pgBackRest's configuration (default: ${repositoryFlags.config.default})
  --stanza NAME       Default: the only one there
  --metrics DIR       Of run and drill: writes figures for node_exporter's textfile collector
  --json              The report as one document
of run:
  --type TYPE         full, diff or incr
  --keep D,W,M        Backups of as many days, full ones of weeks and of months are kept (default: ${flags.keep.default})
of status:
  --max-age-hours N   An older newest backup makes a warning (default: ${flags['max-age-hours'].default})
of drill:
  --scratch DIR       Where there is space for the cluster (default: ${flags.scratch.default})
  --to, --set, --bin, --role, --database, --settle-hours: as of "cdr-gateway restore"

Exit code: 0 all is well, 1 done, but something is not as it should be, 2 not done, 3 options or settings are wrong.

${planHelp}`;

type Values = ReturnType<typeof parse>['values'];

interface Act {
  readonly values: Values;
  readonly env: Environment;
  readonly output: CommandOutput;
}

const actions: Readonly<Record<string, (act: Act) => Promise<number>>> = { run, status, drill };

/** Resolves with the exit code; throws BadSettingsError and what parseArgs throws. */
export async function backup(
  args: readonly string[],
  env: Environment,
  output: CommandOutput,
): Promise<number> {
  const [action = '', ...rest] = args;
  if (action === 'plan') return printPlan(rest, output);
  if (!Object.hasOwn(actions, action)) {
    output.printError(backupHelp.trimEnd());
    return 3;
  }
  const { values } = parse(rest);
  try {
    return await actions[action]!({ values, env, output });
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    output.printError(error.message);
    return 2;
  }
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: flags });
}

async function run({ values, output: { print, printError, signal } }: Act): Promise<number> {
  const type = parseType(values.type);
  const retention = parseRetention(values.keep);
  const { configuration, stanza } = await openRepository(values);
  const pgBackRest = { configFile: configuration.file, stanza, log: printError, signal };
  try {
    const done = await runBackup({ ...pgBackRest, type, retention });
    if (values.metrics)
      await writeBackupMetrics(values.metrics, stanza, done.repository, { succeeded: true });
    const { backup, seconds, expired } = done;
    if (values.json) print(describeAsJson(done));
    else {
      print(
        `${backup.label} (${backup.type}): ${formatBytes(backup.clusterBytes)}, of which ${formatBytes(backup.addedBytes)} were added, in ${seconds.toFixed(1)} s.`,
      );
      if (expired.length > 0) print(`Let go of ${expired.join(', ')}.`);
      if (backup.hasPageErrors) print('Pages with wrong checksums were found: see the log of pgBackRest.');
    }
    return backup.hasPageErrors ? 1 : 0;
  } catch (error) {
    if (values.metrics) {
      const repository = await readRepository(pgBackRest).catch(() => undefined);
      await writeBackupMetrics(values.metrics, stanza, repository, { succeeded: false });
    }
    throw error;
  }
}

async function status({ values, output: { print } }: Act): Promise<number> {
  const maxAgeSeconds = parseHours('--max-age-hours', values['max-age-hours']);
  const { configuration, stanza } = await openRepository(values);
  const repository = await readRepository({ configFile: configuration.file, stanza });
  const { backups, archive } = repository;
  const newest = backups.at(-1);
  const ageSeconds = newest ? (Date.now() - newest.stoppedAt.getTime()) / 1000 : undefined;
  const reasons = [
    ...(newest ? [] : ['There is no backup yet.']),
    ...(ageSeconds !== undefined && ageSeconds > maxAgeSeconds
      ? [`The newest backup is ${(ageSeconds / 3600).toFixed(1)} hours old.`]
      : []),
    ...(archive ? [] : ['Nothing is in the archive: a restore would end with the backup itself.']),
  ];
  if (values.json) print(describeAsJson({ stanza, ...repository, ageSeconds, reasons }));
  else {
    for (const { label, type, stoppedAt, clusterBytes, addedBytes } of backups) {
      print(
        `${label.padEnd(33)} ${type.padEnd(4)} complete ${stoppedAt.toISOString()}, ${formatBytes(clusterBytes)}, ${formatBytes(addedBytes)} added`,
      );
    }
    if (archive) print(`Archive: ${archive.oldest} to ${archive.newest}`);
    for (const reason of reasons) print(reason);
  }
  return reasons.length === 0 ? 0 : 1;
}

async function drill({ values, env, output }: Act): Promise<number> {
  const { print, printError, signal } = output;
  const request = await readRestoreRequest(values, env);
  const dataDir = join(values.scratch, `cdr-restore-${randomBytes(4).toString('hex')}`);
  const began = performance.now();
  let report: RestoreReport | undefined;
  try {
    const found = await restoreAndVerify({
      ...request,
      dataDir,
      isDisposable: true,
      signal,
      log: values.json ? printError : print,
    });
    const lonely =
      request.livingUrls.length === 0
        ? ['Nothing was compared: set REPLICA_URLS to a standby that lives.']
        : [];
    report = { ...found, problems: [...found.problems, ...lonely] };
  } finally {
    await removeRestored(dataDir);
    if (values.metrics) {
      await writeRestoreMetrics(values.metrics, request.stanza, {
        verified: report?.problems.length === 0,
        seconds: (performance.now() - began) / 1000,
        calls: report?.calls,
      });
    }
  }
  if (values.json) print(describeAsJson(report));
  else {
    for (const line of describeReport(report)) print(line);
    print(report.problems.length === 0 ? 'Verified, and thrown away.' : 'Not verified. It was thrown away.');
  }
  return report.problems.length === 0 ? 0 : 1;
}

function parseType(text: string | undefined): BackupType | undefined {
  if (text === undefined || text === 'full' || text === 'diff' || text === 'incr') return text;
  throw new BadSettingsError([`--type: expected full, diff or incr, got "${text}"`]);
}
