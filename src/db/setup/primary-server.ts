import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { selectJson } from '../catalogue/catalogue.ts';
import { openServer, placeOf, type Server } from '../doctor/server.ts';
import { explainUnreachable } from '../doctor/unreachable.ts';
import { refuse } from './setup-error.ts';

/** A primary that we may change, for as long as it is set up. */
export interface PrimaryServer extends AsyncDisposable {
  readonly place: string;
  readonly db: Kysely<unknown>;
  readonly database: string;
  readonly version: string;
  readonly about: PrimaryFacts;
  setting(name: string): string;
  /** ALTER SYSTEM wrote it already, and it counts from the next start on. */
  isWritten(name: string, value: string): boolean;
  /** Names of settings that wait for a restart. */
  readonly pending: readonly string[];
}

interface PrimaryFacts {
  /** With the platform. */
  readonly version: string;
  readonly dataDirectory: string;
  readonly configFile: string;
  readonly hbaFile: string;
  readonly hba: string;
  readonly slots: readonly { readonly name: string; readonly isActive: boolean }[];
  readonly replicationRole: RoleFacts | null;
  readonly hasGatewayRole: boolean;
  readonly written: Readonly<Record<string, string>>;
  /** Undefined where its disk is not this host's. */
  readonly disk: Space | undefined;
}

export interface RoleFacts {
  readonly isSuperuser: boolean;
  readonly mayReplicate: boolean;
  readonly mayLogIn: boolean;
  /** The verifier; null without a password. */
  readonly password: string | null;
}

export interface Space {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface OpenPrimaryOptions {
  readonly url: string;
  readonly role: string;
  readonly maxClockOffsetSeconds: number;
  /** Milliseconds since 1970, on this host. */
  readonly now?: (() => number) | undefined;
  readonly space?: ((directory: string) => Promise<Space>) | undefined;
}

const MIN_VERSION = 140_000;
/** With less, a slot or a copy may be what fills the disk. */
export const MIN_FREE_SHARE = 0.1;

/** Throws a SetupRefusedError where this is no primary, or none that should be changed now. */
export async function openPrimary(options: OpenPrimaryOptions): Promise<PrimaryServer> {
  const { url, role } = options;
  const server = await openServer(url, '--admin').catch((error: unknown) =>
    refuse(explainNotOpened(url, error)),
  );
  try {
    refuseOthers(server);
    await refuseWrongClock(server, options);
    const found = await selectFacts(server.db, role);
    const disk = await diskOf(server, found.dataDirectory, options.space ?? spaceOf);
    refuseFullDisk(server.place, found.dataDirectory, disk);
    const { db, place, facts } = server;
    return {
      place,
      db,
      database: facts.database,
      version: facts.version,
      about: { ...found, disk },
      setting: (name) => server.setting(name)?.value ?? '',
      isWritten: (name, value) => found.written[name] === value,
      pending: found.pending,
      [Symbol.asyncDispose]: () => server.close(),
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

function explainNotOpened(url: string, error: unknown): string {
  const place = placeOf(url);
  const { code = '', message = '' } = error as { code?: string; message?: string };
  if (
    /unexpected|Received unexpected|invalid message|ECONNRESET|terminated unexpectedly/i.test(
      `${code} ${message}`,
    )
  ) {
    return `What answers at ${place} is not a PostgreSQL server: something else listens there.`;
  }
  return `${explainUnreachable(place, '--admin', error).message}`.replace(/([^.?])$/, '$1.');
}

function refuseOthers({ place, facts }: Server): void {
  if (facts.isStandby) {
    const { host, port } = facts.receiver ?? {};
    const upstream = host ? `, and streams from ${host}:${port}` : '';
    refuse(`${place} is a standby${upstream}: this is done on the primary, and reaches standbys by itself.`);
  }
  if (facts.versionNumber < MIN_VERSION) {
    refuse(`${place} is PostgreSQL ${facts.version}; 14 or later is needed.`);
  }
  if (!facts.isSuperuser) {
    refuse(`The role ${facts.role} is not a superuser of ${place}: settings, roles and slots need one.`);
  }
}

async function refuseWrongClock(
  { db, place }: Server,
  { maxClockOffsetSeconds, now = Date.now }: OpenPrimaryOptions,
): Promise<void> {
  const before = now();
  const [clock] = await selectJson<{ at: number }>(
    db,
    sql`select extract(epoch from clock_timestamp())::float8 as at`,
  );
  const offset = clock!.at - (before + now()) / 2000;
  refuseOffset(place, offset, maxClockOffsetSeconds);
}

export function refuseOffset(place: string, offsetSeconds: number, maxOffsetSeconds: number): void {
  if (Math.abs(offsetSeconds) <= maxOffsetSeconds) return;
  const seconds = Math.abs(offsetSeconds).toFixed(1);
  refuse(
    `The clock of ${place} is ${seconds} s ${offsetSeconds > 0 ? 'ahead of' : 'behind'} the one here: the age of calls cannot be told, and certificates may be refused; let both follow NTP.`,
  );
}

export function refuseFullDisk(place: string, directory: string, disk: Space | undefined): void {
  if (!disk || disk.freeBytes >= disk.totalBytes * MIN_FREE_SHARE) return;
  const used = Math.floor(100 - (disk.freeBytes / disk.totalBytes) * 100);
  refuse(
    `The disk of ${directory} (${place}) is ${used} % full: WAL that is kept for a standby, or a copy, would fill it; make room first.`,
  );
}

async function diskOf(
  { facts }: Server,
  directory: string,
  space: (directory: string) => Promise<Space>,
): Promise<Space | undefined> {
  // By way of a tunnel a server elsewhere looks as if it were here.
  if (!facts.isLocal || !existsSync(join(directory, 'postmaster.pid'))) return undefined;
  return space(directory).catch(() => undefined);
}

export async function spaceOf(directory: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

async function selectFacts(db: Kysely<unknown>, role: string) {
  const [facts] = await selectJson<Omit<PrimaryFacts, 'disk'> & { pending: readonly string[] }>(
    db,
    sql`
    select version(), current_setting('data_directory') as "dataDirectory", current_setting('config_file') as "configFile",
      current_setting('hba_file') as "hbaFile", pg_read_file(current_setting('hba_file')) as hba,
      (select coalesce(json_agg(json_build_object('name', slot_name, 'isActive', active) order by slot_name), '[]')
        from pg_replication_slots) as slots,
      (select json_build_object('isSuperuser', rolsuper, 'mayReplicate', rolreplication, 'mayLogIn', rolcanlogin,
          'password', rolpassword)
        from pg_authid where rolname = ${role}) as "replicationRole",
      exists (select from pg_roles where rolname = 'gateway') as "hasGatewayRole",
      (select coalesce(json_object_agg(name, setting order by seqno), '{}') from pg_file_settings
        where sourcefile = current_setting('data_directory') || '/postgresql.auto.conf' and name is not null) as written,
      (select coalesce(json_agg(name order by name), '[]') from pg_settings where pending_restart) as pending`,
  );
  return facts!;
}

const RELOAD_TIMEOUT_MS = 5_000;
const POLL_MS = 10;

/** Resolves when this session has the new settings, and new ones too. */
export async function reload(db: Kysely<unknown>): Promise<void> {
  const loadedAt = async () => {
    const [row] = await selectJson<{ at: string }>(db, sql`select pg_conf_load_time()::text as at`);
    return row!.at;
  };
  const before = await loadedAt();
  await sql`select pg_reload_conf()`.execute(db);
  const deadline = Date.now() + RELOAD_TIMEOUT_MS;
  while ((await loadedAt()) === before) {
    if (Date.now() > deadline)
      throw new Error('The server did not read its settings again within five seconds.');
    await delay(POLL_MS);
  }
}
