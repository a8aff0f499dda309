import { parseArgs } from 'node:util';
import { describeReport } from '../db/doctor/describe.ts';
import { examine } from '../db/doctor/doctor.ts';
import { sourceSettings } from '../db/sources/settings.ts';
import { changesOf, feedSettings } from '../feed/settings.ts';
import { numberingSettings } from '../numbering/settings.ts';
import { splitUrls } from '../replicas/connection-url.ts';
import { databaseSettings, replicaSettings } from '../replicas/settings.ts';
import { findServers } from '../replicas/sources/find-servers.ts';
import { rollupSettings } from '../rollups/settings.ts';
import { listOf, postgresUrl } from '../settings/kinds.ts';
import { BadSettingsError, parseSettings } from '../settings/parse.ts';
import { type Environment, settingGroup } from '../settings/setting.ts';
import { examineNumbering } from './numbering-check.ts';

const adminUrls = listOf(postgresUrl);

const doctorSettings = settingGroup({
  members: {
    databases: databaseSettings,
    source: sourceSettings,
    numbering: numberingSettings,
    replicas: replicaSettings,
    feed: feedSettings,
    rollups: rollupSettings,
  },
});

function parseUrls(given: readonly string[]): readonly string[] {
  try {
    return given.flatMap((text) => adminUrls.parse(text));
  } catch {
    throw new BadSettingsError([`--admin: expected ${adminUrls.expected}`]);
  }
}

/** Looks at everything the gateway would use. Exit code 0 all is well, 1 it works with warnings, 2 it would not start. */
export async function doctor(
  args: readonly string[],
  env: Environment,
  print: (line: string) => void,
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' }, admin: { type: 'string', multiple: true } },
  });
  const { databases, source, numbering, replicas, feed, rollups } = parseSettings(doctorSettings, env);
  const { replicaUrls, replicaUrlsFile, primaryUrl, discovery } = databases;
  const standbys = await findServers(
    { urls: replicaUrls, file: replicaUrlsFile, wanted: 'standby' },
    discovery,
  );
  const primaries = await findServers(
    { urls: primaryUrl === undefined ? [] : splitUrls(primaryUrl), wanted: 'primary' },
    discovery,
  );
  const report = await examine({
    replicaUrls: standbys.urls,
    primaryUrls: primaries.urls,
    problems: [...standbys.problems, ...primaries.problems],
    adminUrls: parseUrls(values.admin ?? []),
    source: source.name,
    poolSize: replicas.maxConnections,
    statementTimeoutSeconds: replicas.statementTimeoutSeconds,
    feed: changesOf(feed),
    keepsRollups: rollups.file !== undefined,
  });
  const lines: string[] = [];
  const isNumberingWell = await examineNumbering(numbering, (line) => lines.push(line));
  const exitCode = Math.max(report.exitCode, isNumberingWell ? 0 : 1);
  if (values.json) print(JSON.stringify({ ...report, exitCode, numbering: lines }, null, 2));
  else for (const line of [...describeReport(report), ...lines]) print(line);
  return exitCode;
}
