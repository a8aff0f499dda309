import { BackupError } from '../backup/backup-error.ts';
import { type Configuration, findStanza, readConfiguration } from '../backup/configuration.ts';
import { parseRecoveryTarget } from '../backup/recovery-target.ts';
import type { Retention } from '../backup/retention.ts';
import type { VerifiedRestoreOptions } from '../backup/verified-restore.ts';
import { sourceSettings } from '../db/sources/settings.ts';
import { splitUrls } from '../replicas/connection-url.ts';
import { databaseSettings } from '../replicas/settings.ts';
import { findServers } from '../replicas/sources/find-servers.ts';
import { wholeNumber } from '../settings/kinds.ts';
import { BadSettingsError, parseSettings } from '../settings/parse.ts';
import { type Environment, UnexpectedTextError } from '../settings/setting.ts';

/** Of `backup` and of `restore`: where pgBackRest is configured, and for which cluster. */
export const repositoryFlags = {
  config: { type: 'string', default: '/etc/pgbackrest.conf' },
  stanza: { type: 'string' },
} as const;

/** Of every command that restores. */
export const restoreFlags = {
  to: { type: 'string' },
  set: { type: 'string' },
  bin: { type: 'string' },
  role: { type: 'string', default: 'postgres' },
  database: { type: 'string' },
  'settle-hours': { type: 'string', default: '24' },
} as const;

/** All of a restore but where it goes, and what becomes of it. */
export type RestoreRequest = Omit<VerifiedRestoreOptions, 'dataDir' | 'isDisposable' | 'signal' | 'log'>;

interface RestoreValues {
  readonly config: string;
  readonly stanza?: string | undefined;
  readonly to?: string | undefined;
  readonly set?: string | undefined;
  readonly bin?: string | undefined;
  readonly role: string;
  readonly database?: string | undefined;
  readonly 'settle-hours': string;
}

/** Throws BadSettingsError, and only when there is nothing wrong with the options BackupError. */
export async function readRestoreRequest(values: RestoreValues, env: Environment): Promise<RestoreRequest> {
  const target = parseRecoveryTarget(values.to);
  const settleSeconds = parseHours('--settle-hours', values['settle-hours']);
  const { name: source } = parseSettings(sourceSettings, env);
  return {
    ...(await openRepository(values)),
    target,
    label: values.set,
    programs: { directory: values.bin, path: env.PATH },
    role: values.role,
    database: values.database,
    source,
    livingUrls: await findLiving(env),
    settleSeconds,
  };
}

export interface OpenRepository {
  readonly configuration: Configuration;
  readonly stanza: string;
}

/** Throws BackupError, and where root runs it: pgBackRest would leave files that the user of the databases cannot write. */
export async function openRepository(values: {
  readonly config: string;
  readonly stanza?: string | undefined;
}): Promise<OpenRepository> {
  if (process.getuid?.() === 0) {
    throw new BackupError('Run it as the user that the databases belong to: sudo -u postgres cdr-gateway …');
  }
  const configuration = await readConfiguration(values.config);
  return { configuration, stanza: findStanza(configuration, values.stanza) };
}

/** What to compare with: standbys by REPLICA_URLS, then the primary. None where neither is set. */
async function findLiving(env: Environment): Promise<readonly string[]> {
  const { REPLICA_URLS, REPLICA_URLS_FILE, DB_HOST } = env;
  if (!REPLICA_URLS && !REPLICA_URLS_FILE && !DB_HOST) return [];
  const { replicaUrls, replicaUrlsFile, primaryUrl, discovery } = parseSettings(databaseSettings, env);
  const standbys = await findServers(
    { urls: replicaUrls, file: replicaUrlsFile, wanted: 'standby' },
    discovery,
  );
  const primaries = await findServers(
    { urls: primaryUrl === undefined ? [] : splitUrls(primaryUrl), wanted: 'primary' },
    discovery,
  );
  return [...standbys.urls, ...primaries.urls];
}

/** Throws BadSettingsError. */
export function parseHours(name: string, text: string): number {
  return parseNumber(name, text, 0, 8_760) * 3600;
}

/** Throws BadSettingsError. */
export function parseNumber(name: string, text: string, min: number, max: number): number {
  const kind = wholeNumber(min, max);
  try {
    return kind.parse(text);
  } catch (error) {
    if (!(error instanceof UnexpectedTextError)) throw error;
    throw new BadSettingsError([`${name}: expected ${kind.expected}, got "${text}"`]);
  }
}

/** Throws BadSettingsError. */
export function parseRetention(text: string): Retention {
  const parts = text.split(',');
  if (parts.length !== 3) {
    throw new BadSettingsError([`--keep: expected days, weeks and months, such as 7,4,12, got "${text}"`]);
  }
  const [daily = 0, weekly = 0, monthly = 0] = parts.map((part) => parseNumber('--keep', part, 0, 1_000));
  return { daily, weekly, monthly };
}
