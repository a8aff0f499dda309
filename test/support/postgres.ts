import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Insertable, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { inject } from 'vitest';
import type { Accounts, Customers, DB, Xdrs } from '../../src/db/generated/model.ts';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { type Cluster, type ClusterOptions, startCluster } from '../../src/demo/cluster.ts';
import { asGateway, connect, withDatabase } from './database-urls.ts';

const REPLAY_TIMEOUT_MS = 20_000;
const POLL_MS = 5;
/** A statement may carry 65,535 parameters, and a call has 25 columns. */
const ROWS_PER_INSERT = 2_000;

/** A migrated database of its own on a primary, and the same one on each hot standby. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  readonly major: number;
  /** As superuser. */
  readonly primaryUrl: string;
  /** As the role `gateway`: what REPLICA_URLS would hold. */
  readonly replicaUrls: readonly string[];
  /** As superuser, for what the gateway's role may not do on a standby. */
  readonly standbyUrls: readonly string[];
  /** For writing. Times, like numbers, come back as PostgreSQL's text. */
  readonly primary: Kysely<DB>;
  readonly pool: pg.Pool;
  /** Resolve when every standby shows the rows. */
  insertXdrs(rows: readonly Insertable<Xdrs>[]): Promise<void>;
  insertAccounts(rows: readonly Insertable<Accounts>[]): Promise<void>;
  insertCustomers(rows: readonly Insertable<Customers>[]): Promise<void>;
  /** Resolves when every standby has replayed all that the primary has committed so far. */
  replayed(): Promise<void>;
}

/** A cluster nobody else uses, with one migrated database on it: for tests that stop, pause or kill servers. */
export interface TestCluster extends TestDatabase {
  readonly cluster: Cluster;
  /** One more, which lasts as long as the cluster. */
  createDatabase(options?: Pick<TestDatabaseOptions, 'empty'>): Promise<TestDatabase>;
}

interface Servers {
  readonly major: number;
  readonly primaryUrl: string;
  readonly standbyUrls: () => readonly string[];
  readonly gatewayPassword: string;
}

export interface TestDatabaseOptions {
  /** Without tables. */
  readonly empty?: boolean;
  /** Another one than UTF8: then it is migrated instead of cloned, unless it is to be empty. */
  readonly encoding?: string;
}

/** Clones the run's migrated database, in about a tenth of a second. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { empty = false, encoding } = options;
  const { template, standbyUrls, ...servers } = inject('postgres');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const from = encoding
    ? `template0 encoding '${encoding}' lc_collate 'C' lc_ctype 'C'${servers.major >= 15 ? ' locale_provider libc' : ''}`
    : empty
      ? 'template0'
      : template;
  await execute(servers.primaryUrl, `create database ${name} template ${from}`);
  if (encoding && !empty) {
    const { gatewayPassword } = servers;
    await migrateToLatest(withDatabase(servers.primaryUrl, name), { gatewayPassword });
  }
  const database = openDatabase(name, { ...servers, standbyUrls: () => standbyUrls });
  await database.replayed();
  return {
    ...database,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await execute(servers.primaryUrl, `drop database ${name} with (force)`);
    },
  };
}

/** The run's major unless told otherwise. Always embedded: its processes take our signals. */
export async function startTestCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const cluster = await startCluster({
    major: inject('postgres').major,
    ...options,
    settings: { shared_buffers: '32MB', ...options.settings },
  });
  try {
    const gatewayPassword = randomBytes(12).toString('hex');
    const database = await addDatabase(cluster, 'calls', { gatewayPassword });
    const createDatabase: TestCluster['createDatabase'] = (options) =>
      addDatabase(cluster, `test_${randomBytes(6).toString('hex')}`, { gatewayPassword, ...options });
    return Object.defineProperties(database, {
      cluster: { value: cluster, enumerable: true },
      createDatabase: { value: createDatabase, enumerable: true },
      [Symbol.asyncDispose]: {
        value: async () => {
          await database.pool.end().catch(() => {});
          await cluster.stop();
        },
      },
    }) as TestCluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function addDatabase(
  cluster: Cluster,
  name: string,
  { gatewayPassword, empty = false }: { readonly gatewayPassword: string; readonly empty?: boolean },
): Promise<TestDatabase> {
  await execute(cluster.primary.url(), `create database ${name}`);
  if (!empty) await migrateToLatest(cluster.primary.url({ database: name }), { gatewayPassword });
  const database = openDatabase(name, {
    major: cluster.major,
    primaryUrl: cluster.primary.url(),
    standbyUrls: () => cluster.replicas.map((replica) => replica.url()),
    gatewayPassword,
  });
  await database.replayed();
  return database;
}

function openDatabase(name: string, servers: Servers): TestDatabase {
  const primaryUrl = withDatabase(servers.primaryUrl, name);
  const pool = createPool(primaryUrl);
  const primary = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) });
  const replayed = () => untilReplayed(pool, servers.standbyUrls());

  async function insert<Table extends keyof DB>(table: Table, rows: readonly Insertable<DB[Table]>[]) {
    for (let start = 0; start < rows.length; start += ROWS_PER_INSERT) {
      const chunk = rows.slice(start, start + ROWS_PER_INSERT);
      await primary.insertInto(table).values(chunk).execute();
    }
    await replayed();
  }

  return {
    name,
    major: servers.major,
    primaryUrl,
    get replicaUrls() {
      return servers.standbyUrls().map((url) => asGateway(withDatabase(url, name), servers.gatewayPassword));
    },
    get standbyUrls() {
      return servers.standbyUrls().map((url) => withDatabase(url, name));
    },
    primary,
    pool,
    insertXdrs: (rows) => insert('xdrs', rows),
    insertAccounts: (rows) => insert('accounts', rows),
    insertCustomers: (rows) => insert('customers', rows),
    replayed,
    [Symbol.asyncDispose]: () => primary.destroy(),
  };
}

/** Through a pool's own `types`: setting parsers on `pg` itself would change the whole process. */
function createPool(connectionString: string): pg.Pool {
  const asText = (value: string) => value;
  const types = { getTypeParser: textTypes };
  function textTypes(oid: number, format?: 'text' | 'binary') {
    const { TIMESTAMPTZ, TIMESTAMP, DATE } = pg.types.builtins;
    const isTime = oid === TIMESTAMPTZ || oid === TIMESTAMP || oid === DATE;
    return isTime ? asText : pg.types.getTypeParser(oid, format as 'text');
  }
  const pool = new pg.Pool({ connectionString, max: 4, types: types as unknown as pg.CustomTypesConfig });
  pool.on('error', () => {}); // An idle connection may be ended by a test that stops the server.
  return pool;
}

/** Committed means flushed, and only what is flushed is sent. */
async function untilReplayed(pool: pg.Pool, standbyUrls: readonly string[]): Promise<void> {
  const { rows } = await pool.query('select pg_current_wal_flush_lsn()::text as lsn');
  await Promise.all(standbyUrls.map((url) => untilReplayedOn(url, rows[0].lsn)));
}

async function untilReplayedOn(standbyUrl: string, lsn: string): Promise<void> {
  const client = await connect(standbyUrl);
  try {
    const deadline = Date.now() + REPLAY_TIMEOUT_MS;
    for (;;) {
      const { rows } = await client.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as done', [lsn]);
      if (rows[0].done) return;
      if (Date.now() > deadline)
        throw new Error(`A standby did not replay ${lsn} in ${REPLAY_TIMEOUT_MS} ms.`);
      await delay(POLL_MS);
    }
  } finally {
    await client.end();
  }
}

async function execute(url: string, statement: string): Promise<void> {
  const client = await connect(url);
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
