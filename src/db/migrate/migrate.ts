import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Kysely, sql } from 'kysely';
import { FileMigrationProvider, type Migration, type MigrationInfo, Migrator } from 'kysely/migration';
import { setGatewayPassword } from './migrate-password.ts';
import { watchIndexBuilds } from './migrate-progress.ts';
import { recordStatements } from './migrate-record.ts';
import { type Log, lockMigrations, MigrationError, openSession, refuseStandby } from './migrate-session.ts';

export { type Log, MigrationError } from './migrate-session.ts';

export interface MigrateOptions {
  /** Stop after the tables, with all their columns, so that calls can be loaded before there are indexes to maintain. */
  readonly through?: 'tables';
  /** Sets the password of the role `gateway`. Printable ASCII. Without it the role keeps the one it has, or none. */
  readonly gatewayPassword?: string | undefined;
  /** Optional migrations that are wanted as well, by name without number. */
  readonly optional?: readonly string[] | undefined;
  readonly log?: Log;
}

/** What a migration may have besides `up` and `down`. */
interface OurMigration extends Migration {
  /** What it does to the tables of calls, for `through: 'tables'`. `up` does it too, and must find it done. */
  readonly tables?: (db: Kysely<unknown>) => Promise<void>;
  /** Run again to mend what was lost since. */
  readonly repair?: (db: Kysely<unknown>) => Promise<void>;
  /** Run before all that is pending: makes first what would only replace the work of an earlier one. */
  readonly ahead?: (db: Kysely<unknown>) => Promise<void>;
  /** Runs only where it is asked for by name. */
  readonly isOptional?: boolean;
}

const folder = fileURLToPath(new URL('../../../migrations/', import.meta.url));
/** Kysely's record of the migrations that have run. */
const recordTable = 'gateway_migration';
const silent: Log = () => {};

/** Runs every migration that has not run yet. Throws MigrationError where that cannot be done here. */
export async function migrateToLatest(primaryUrl: string, options: MigrateOptions = {}): Promise<void> {
  const { through, gatewayPassword, optional = [], log = silent } = options;
  await refuseUnknown(optional);
  await using session = await openSession(primaryUrl, log);
  await refuseStandby(session, 'up');
  await lockMigrations(session, log);
  await using _progress = watchIndexBuilds(primaryUrl, session.backend, log);
  const migrator = await createMigrator(session.db, optional);
  await refuseNewer(session.db, migrator);
  await explainRefusals(async () => {
    await repairMigrated(session.db);
    if (!through) await runPending(migrator, session.db, 'ahead');
    const target = through && (await nameEndingIn(migrator, through));
    const { error } = await (target ? migrator.migrateTo(target) : migrator.migrateToLatest());
    if (error) throw error;
    if (through) await runPending(migrator, session.db, 'tables');
    // What came later may have tables that an earlier one has to know of.
    else await repairMigrated(session.db);
    if (gatewayPassword !== undefined) await setGatewayPassword(session, gatewayPassword);
  });
}

/** `migrate up`: as migrateToLatest, and says what was done. */
export async function migrateUp(
  url: string,
  log: Log,
  options: Pick<MigrateOptions, 'gatewayPassword' | 'optional'> = {},
): Promise<void> {
  await migrateToLatest(url, { ...options, log });
  log('Up to date.');
}

/**
 * `migrate down`: takes back the newest migration, all of them, or one that is optional. Drops nothing that a migration
 * did not make.
 */
export async function migrateDown(
  url: string,
  log: Log,
  { all = false, optional = [] }: { all?: boolean; optional?: readonly string[] } = {},
): Promise<void> {
  await refuseUnknown(optional);
  await using session = await openSession(url, log);
  await refuseStandby(session, 'down');
  await lockMigrations(session, log);
  const migrator = await createMigrator(session.db);
  await refuseNewer(session.db, migrator);
  await explainRefusals(async () => {
    const recorded = await migrator.getMigrations();
    const executed = recorded.filter(({ executedAt }) => executedAt !== undefined);
    if (executed.length === 0) log('Nothing to take back.');
    if (optional.length > 0) return takeBackOptional(session.db, executed, optional, log);
    for (const _ of executed.slice(0, all ? undefined : 1)) {
      const { error, results } = await migrator.migrateDown();
      if (error) throw error;
      log(`Taken back: ${results![0]!.migrationName}`);
    }
  });
}

/** Nothing else is built on an optional migration, so that it can go before those that came later. */
async function takeBackOptional(
  db: Kysely<unknown>,
  executed: readonly MigrationInfo[],
  optional: readonly string[],
  log: Log,
): Promise<void> {
  for (const { name, migration } of executed) {
    if (!optional.some((each) => name.endsWith(`_${each}`))) continue;
    await migration.down?.(db);
    await sql`delete from ${sql.table(recordTable)} where name = ${name}`.execute(db);
    log(`Taken back: ${name}`);
  }
}

/** `migrate status`: works on a standby too, whose record came from the primary. */
export async function migrateStatus(url: string, log: Log): Promise<void> {
  await using session = await openSession(url, silent, true);
  for (const { name, executedAt } of await (await createMigrator(session.db)).getMigrations()) {
    log(`${name.padEnd(16)} ${executedAt ? `done ${executedAt.toISOString()}` : 'pending'}`);
  }
  for (const index of await invalidIndexes(session.db)) {
    log(
      `Index ${index} is half-built and serves nothing. "migrate up" on the primary drops it and builds it again.`,
    );
  }
}

/**
 * `migrate sql`: what `migrate up` would run on this database as it is now, for a DBA to read and run by hand.
 * Changes nothing, and may run on a standby. "migrate up" afterwards finds everything in place.
 */
export async function migrateSql(url: string, log: Log, optional: readonly string[] = []): Promise<void> {
  await refuseUnknown(optional);
  await using session = await openSession(url, silent, true);
  const statements: string[] = [];
  const recorder = recordStatements(session.db, statements);
  log('-- Run on the primary as the owner of the tables, with psql and without --single-transaction:');
  log('-- CREATE INDEX CONCURRENTLY is not allowed inside a transaction.');
  for (const { name, executedAt, migration } of await (
    await createMigrator(session.db, optional)
  ).getMigrations()) {
    const before = statements.length;
    const { up, repair } = migration as OurMigration;
    if (executedAt === undefined) await up(recorder);
    else await repair?.(recorder);
    if (statements.length > before) log(`\n-- ${name}`);
    for (const statement of statements.slice(before)) log(`${readable(statement)};`);
  }
  if (statements.length === 0) log('-- Nothing to do.');
  if (statements.some((statement) => statement.startsWith('create role "gateway"'))) {
    log('\n-- Then give the role its password, which psql sends as a hash only:\n\\password gateway');
  }
}

/** Names of invalid indexes on the tables of calls. */
async function invalidIndexes(db: Kysely<unknown>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select indexrelid::regclass::text as name from pg_index
    where indrelid in (to_regclass('xdrs'), to_regclass('cdrs'), to_regclass('calls'))
      and not (indisvalid and indisready)
    order by 1`.execute(db);
  return rows.map(({ name }) => name);
}

/** With the optional migrations of these names, which have no number. */
async function createMigrator(db: Kysely<unknown>, optional: readonly string[] = []): Promise<Migrator> {
  // Beforehand: a migrator keeps the only connection while it lists its migrations.
  const migrations = await selectMigrations(db, optional);
  return new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    migrationTableName: recordTable,
    migrationLockTableName: 'gateway_migration_lock',
    // Each migration opens its own: an index that is built concurrently must not be inside one.
    disableTransactions: true,
    // An optional one may be wanted after later ones have run.
    allowUnorderedMigrations: true,
  });
}

/** Every migration, and of those that are optional the wanted ones and those that have run. */
async function selectMigrations(
  db: Kysely<unknown>,
  wanted: readonly string[],
): Promise<Record<string, OurMigration>> {
  const all: Record<string, OurMigration> = await files.getMigrations();
  const isWanted = (name: string) => wanted.some((each) => name.endsWith(`_${each}`));
  const recorded = await recordedNames(db);
  return Object.fromEntries(
    Object.entries(all).filter(
      ([name, { isOptional }]) => !isOptional || isWanted(name) || recorded.includes(name),
    ),
  );
}

const files = new FileMigrationProvider({
  fs: { readdir },
  path,
  migrationFolder: folder,
  import: (file) => import(pathToFileURL(file).href),
});

/** Throws MigrationError for a name that no optional migration has. */
async function refuseUnknown(wanted: readonly string[]): Promise<void> {
  const all: Record<string, OurMigration> = await files.getMigrations();
  const known = Object.keys(all).flatMap((name) => (all[name]!.isOptional ? name.replace(/^\d+_/, '') : []));
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new MigrationError(`There is no optional migration "${unknown}"; there is ${known.join(', ')}.`);
}

/** Names of the migrations that have run. */
async function recordedNames(db: Kysely<unknown>): Promise<readonly string[]> {
  const { rows: tables } = await sql`select where to_regclass(${sql.lit(recordTable)}) is not null`.execute(
    db,
  );
  if (tables.length === 0) return [];
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.table(recordTable)} order by name`.execute(db);
  return rows.map(({ name }) => name);
}

async function repairMigrated(db: Kysely<unknown>): Promise<void> {
  for (const { executedAt, migration } of await (await createMigrator(db)).getMigrations()) {
    if (executedAt !== undefined) await (migration as OurMigration).repair?.(db);
  }
}

/** One part of each migration that has not run yet. */
async function runPending(migrator: Migrator, db: Kysely<unknown>, part: 'ahead' | 'tables'): Promise<void> {
  for (const { executedAt, migration } of await migrator.getMigrations()) {
    if (executedAt === undefined) await (migration as OurMigration)[part]?.(db);
  }
}

/** Throws MigrationError where migrations are on record that this version has not: it cannot know what they did. */
async function refuseNewer(db: Kysely<unknown>, migrator: Migrator): Promise<void> {
  const known = (await migrator.getMigrations()).map(({ name }) => name);
  const unknown = (await recordedNames(db)).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new MigrationError(
    `A newer version has migrated this database (${unknown.join(', ')} not known here): use that version, or another database.`,
  );
}

async function nameEndingIn(migrator: Migrator, suffix: string): Promise<string> {
  const all: readonly MigrationInfo[] = await migrator.getMigrations();
  return all.find(({ name }) => name.endsWith(`_${suffix}`))!.name;
}

const INSUFFICIENT_PRIVILEGE = '42501';
const LOCK_NOT_AVAILABLE = '55P03';

const DEADLOCK_DETECTED = '40P01';
const MAX_TRIES = 3;

/**
 * Roles are the cluster's: a migration of another of its databases may hold what this one waits for, and wait for what this one
 * holds. Whatever is migrated twice is found done.
 */
async function untilNoDeadlock(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === MAX_TRIES || (error as { code?: unknown }).code !== DEADLOCK_DETECTED) throw error;
    }
  }
}

/** What can be done about it is said where that is known: who may do it, or when. */
async function explainRefusals(work: () => Promise<void>): Promise<void> {
  try {
    await untilNoDeadlock(work);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === LOCK_NOT_AVAILABLE) {
      throw new MigrationError(
        'Another session kept a table in use for longer than it was waited for, so that nobody had to wait behind us. ' +
          'What was begun is undone: run it again in a quieter moment.',
        { cause: error },
      );
    }
    if (code !== INSUFFICIENT_PRIVILEGE) throw error;
    throw new MigrationError(
      `PostgreSQL refused: ${(error as Error).message}. Connect as the owner of the tables with CREATEROLE, ` +
        'or as a superuser; or give the output of "migrate sql" to whoever may.',
      { cause: error },
    );
  }
}

/** The columns of a new table below one another; everything else as it is. */
const readable = (statement: string): string =>
  /^create table/.test(statement) ? statement.replaceAll(', "', ',\n  "') : statement.trim();
