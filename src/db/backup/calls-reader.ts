import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { readCatalogue, selectJson } from '../catalogue/catalogue.ts';
import { withHost } from '../doctor/server.ts';
import type { SourceName } from '../sources/model.ts';
import { sourceDefinitions } from '../sources/sources.ts';

/** What the calls of some time come to. Decimals as text: they are compared, not calculated with. */
export interface CallSums {
  readonly calls: string;
  readonly durationSeconds: string | null;
  readonly chargedAmount: string | null;
  /** Of every column of every call, in any order. */
  readonly digest: string | null;
}

export interface DaySums extends CallSums {
  /** Of UTC. Null: the calls without a readable time. */
  readonly day: string | null;
}

export interface ServerPoint {
  /** The system identifier. */
  readonly cluster: string;
  readonly isStandby: boolean;
  readonly timeline: number;
  /** Where it is in the WAL. */
  readonly lsn: string;
  /** When the last transaction that it replayed was committed. */
  readonly replayedUntil: Date | null;
}

/** The calls of one server, to be compared with those of another. */
export interface CallsReader {
  readonly point: ServerPoint;
  /** Null where the database has no calls. */
  selectNewestKey(): Promise<string | null>;
  /** Of calls up to a key, day by day. */
  selectDays(newestKey: string): Promise<readonly DaySums[]>;
  /** Of calls up to a key, of a time range; undefined: without a bound. */
  selectRange(newestKey: string, from: string | undefined, to: string | undefined): Promise<CallSums>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Two standbys print a row in the same way only where these are the same. */
const SESSION = [
  'timezone=UTC',
  'datestyle=ISO',
  'intervalstyle=postgres',
  'extra_float_digits=1',
  'bytea_output=hex',
];
/** A long statement is what this is for, so the limit of the role does not hold; on a standby it may be cancelled all the same. */
const OPTIONS = [...SESSION, 'statement_timeout=0'].map((setting) => `-c ${setting}`).join(' ');

/** Rejects with the driver's error, or with a plain Error that says which table or columns are missing. */
export async function openCalls(url: string, sourceName: SourceName): Promise<CallsReader> {
  const pool = new pg.Pool({
    connectionString: withHost(url),
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'cdr-gateway backup',
    options: OPTIONS,
  });
  pool.on('error', () => {});
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const { tables, required, create } = sourceDefinitions[sourceName];
    const catalogue = await readCatalogue(db, tables);
    const columns = catalogue.tables.get(tables[0])?.columns;
    const missing = columns && Object.keys(required).filter((name) => !columns.has(name));
    if (!missing) throw new Error(`There is no table "${tables[0]}" there, or it is hidden.`);
    if (missing.length > 0) throw new Error(`"${tables[0]}" has no column ${missing.join(', ')} there.`);
    const calls = create(catalogue).cdrs({ kind: 'all' });
    return { point: await selectPoint(db), ...statements(db, calls), close: () => db.destroy() };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

const sums = sql`count(*)::text as calls, sum(duration::numeric)::text as "durationSeconds",
  sum(charged_amount::numeric)::text as "chargedAmount",
  sum(hashtextextended(xdrs::text, 0)::numeric)::text as digest`;

function statements(
  db: Kysely<unknown>,
  calls: ReturnType<ReturnType<(typeof sourceDefinitions)['xdrs']['create']>['cdrs']>,
): Pick<CallsReader, 'selectNewestKey' | 'selectDays' | 'selectRange'> {
  return {
    async selectNewestKey() {
      const [found] = await selectJson<{ key: string | null }>(
        db,
        sql`select max(i_xdr)::text as key from ${calls}`,
      );
      return found!.key;
    },
    selectDays: (newestKey) =>
      selectJson<DaySums>(
        db,
        sql`select to_char(connect_time at time zone 'UTC', 'YYYY-MM-DD') as day, ${sums}
          from ${calls} where i_xdr <= ${newestKey}::bigint group by 1 order by 1`,
      ),
    async selectRange(newestKey, from, to) {
      const conditions = [
        sql`i_xdr <= ${newestKey}::bigint`,
        ...(from === undefined ? [] : [sql`connect_time >= ${from}::timestamptz`]),
        ...(to === undefined ? [] : [sql`connect_time < ${to}::timestamptz`]),
      ];
      const [found] = await selectJson<CallSums>(
        db,
        sql`select ${sums} from ${calls} where ${sql.join(conditions, sql` and `)}`,
      );
      return found!;
    },
  };
}

async function selectPoint(db: Kysely<unknown>): Promise<ServerPoint> {
  const [found] = await selectJson<Omit<ServerPoint, 'replayedUntil'> & { replayedUntil: string | null }>(
    db,
    sql`select (select system_identifier::text from pg_control_system()) as cluster,
      pg_is_in_recovery() as "isStandby",
      (select timeline_id from pg_control_checkpoint()) as timeline,
      case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end::text as lsn,
      extract(epoch from pg_last_xact_replay_timestamp())::text as "replayedUntil"`,
  );
  const { replayedUntil, ...point } = found!;
  return { ...point, replayedUntil: replayedUntil === null ? null : new Date(Number(replayedUntil) * 1000) };
}

/** Databases of the server in which the source has its table. */
export async function findDatabases(
  urlOf: (database: string) => string,
  sourceName: SourceName,
): Promise<readonly string[]> {
  const names = await withServer(urlOf('postgres'), (db) =>
    selectJson<{ name: string }>(
      db,
      sql`select datname as name from pg_database where datallowconn and not datistemplate`,
    ),
  );
  const found = await Promise.all(
    names.map(async ({ name }) => {
      const [main] = sourceDefinitions[sourceName].tables;
      const rows = await withServer(urlOf(name), (db) =>
        selectJson<{ there: boolean }>(db, sql`select to_regclass(${main}) is not null as there`),
      );
      return rows[0]!.there ? [name] : [];
    }),
  );
  return found.flat();
}

/** Runs statements of an administrator, such as ALTER SYSTEM. */
export async function executeAll(url: string, commands: readonly string[]): Promise<void> {
  await withServer(url, async (db) => {
    for (const command of commands) await sql.raw(command).execute(db);
  });
}

/** Rows of a statement of an administrator. */
export function selectFrom<Row>(url: string, statement: string): Promise<readonly Row[]> {
  return withServer(url, (db) => selectJson<Row>(db, sql.raw(statement)));
}

async function withServer<T>(url: string, use: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
  const pool = new pg.Pool({
    connectionString: withHost(url),
    max: 1,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  pool.on('error', () => {});
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    return await use(db);
  } finally {
    await db.destroy();
  }
}
