import { setTimeout as delay } from 'node:timers/promises';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import type { SourceName } from '../../src/db/sources/sources.ts';
import type { FeedLevel } from '../../src/feed/feed.ts';
import { customerOf } from '../access/scope-oracle.ts';
import { createSourceDatabase } from '../db/source-databases.ts';
import { scopedPrincipals } from '../security/scoped-tenants.ts';
import { anAccount } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { startTestCluster, type TestCluster, type TestDatabase } from '../support/postgres.ts';
import { insertAccountsAsSippy } from '../support/sippy.ts';

/** From where the feed reads, and how much it is told there. */
export interface FeedPlace {
  readonly source: SourceName;
  readonly level: Exclude<FeedLevel, 'OFF'>;
  /** Former customers are known exactly: the WAL, or the ledger, has the customer of each call. */
  readonly namesCustomers: boolean;
}

export const feedPlaces: readonly FeedPlace[] = [
  { source: 'xdrs', level: 'LOGICAL', namesCustomers: false },
  { source: 'xdrs', level: 'LOGICAL', namesCustomers: true },
  { source: 'sippy', level: 'LOGICAL', namesCustomers: false },
  { source: 'xdrs', level: 'LEDGER', namesCustomers: true },
  { source: 'sippy', level: 'LEDGER', namesCustomers: false },
  { source: 'xdrs', level: 'INSERTS', namesCustomers: true },
  { source: 'sippy', level: 'INSERTS', namesCustomers: false },
];

/** A database at such a place, with the accounts of `customerOf`, and a gateway over it. */
export interface OpenedPlace extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly gateway: TestGateway;
}

/** Servers whose WAL can be decoded. */
export const startDecodableCluster = (): Promise<TestCluster> =>
  startTestCluster({ replicas: 1, settings: { wal_level: 'logical' } });

export async function openFeedPlace(
  cluster: TestCluster,
  { source, level, namesCustomers }: FeedPlace,
): Promise<OpenedPlace> {
  const database = await createSourceDatabase(source, (options) => cluster.createDatabase(options));
  const { pool, primaryUrl } = database;
  if (source === 'sippy') await migrateToLatest(primaryUrl);
  await insertAccounts(database, source);
  if (level === 'LOGICAL') await pool.query(publicationSql(source, namesCustomers));
  if (level === 'LEDGER') await migrateToLatest(primaryUrl, { optional: ['ledger'] });
  await database.replayed();
  const { username, password } = new URL(primaryUrl);
  const gateway = await createTestGateway(database, {
    principals: scopedPrincipals,
    settings: {
      CDR_SOURCE: source,
      RATE_LIMIT: '0',
      ...(level === 'LOGICAL' && {
        FEED_PUBLICATION: 'calls',
        FEED_USER: username,
        FEED_PASSWORD: password,
      }),
    },
  });
  // Read throughout, as by a gateway that serves: nobody who comes later is told that it has begun.
  gateway.feed.join(() => {});
  await untilAtLevel(gateway, database, level);
  return {
    database,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function insertAccounts(database: TestDatabase, source: SourceName): Promise<void> {
  const rows = Object.entries(customerOf).map(([i_account, i_customer]) =>
    anAccount({ i_account, i_customer, username: `account-${i_account}` }),
  );
  if (source === 'sippy') await insertAccountsAsSippy(database.pool, rows);
  else await database.insertAccounts(rows);
}

/** A column of an identity must not be null. */
function publicationSql(source: SourceName, namesCustomers: boolean): string {
  const [table, key] = source === 'xdrs' ? ['xdrs', 'i_xdr'] : ['cdrs', 'i_cdr'];
  const columns = `${key}, i_account${namesCustomers ? ', i_customer' : ''}`;
  return `${namesCustomers ? 'alter table xdrs alter i_customer set not null;' : ''}
    create unique index ${table}_identity on ${table} (${columns});
    alter table ${table} replica identity using index ${table}_identity;
    create publication calls for table ${table} (${columns})`;
}

const LEVEL_TIMEOUT_MS = 60_000;

/** A slot that is being made waits for what a busy primary writes by itself. */
async function untilAtLevel(
  { feed }: TestGateway,
  { pool }: TestDatabase,
  level: FeedPlace['level'],
): Promise<void> {
  const deadline = performance.now() + LEVEL_TIMEOUT_MS;
  while (!feed.moment || feed.status().level !== level) {
    if (performance.now() > deadline) throw new Error(`The feed is not at level ${level}.`);
    if (level === 'LOGICAL') await pool.query('select pg_log_standby_snapshot()');
    await delay(50);
  }
}
