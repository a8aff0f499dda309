import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { asGateway, connect, withDatabase } from '../support/database-urls.ts';

/** A primary and its standbys whose roles are migrated. */
export interface FuzzServers {
  readonly major: number;
  /** As superuser; the database is to be put in. */
  readonly primaryUrl: string;
  readonly standbyUrls: readonly string[];
  readonly gatewayPassword: string;
}

/** A database of its own, without tables. */
export interface FuzzDatabase extends AsyncDisposable {
  readonly name: string;
  /** As superuser; every value comes as PostgreSQL's text. */
  readonly pool: pg.Pool;
  readonly replicaUrls: readonly string[];
  /** Resolves when every standby has replayed what was committed, or after `millis`. */
  replayed(millis?: number): Promise<void>;
}

const MAX_REPLAY_MS = 20_000;
const POLL_MS = 5;
const asText = { getTypeParser: () => (value: string) => value };

export async function createFuzzDatabase(servers: FuzzServers, encoding: string): Promise<FuzzDatabase> {
  const name = `fuzz_${randomBytes(6).toString('hex')}`;
  const locale = servers.major >= 15 ? 'locale_provider libc' : '';
  const from = `template0 encoding '${encoding}' lc_collate 'C' lc_ctype 'C' ${locale}`;
  await execute(servers.primaryUrl, `create database ${name} template ${from}`);
  const pool = new pg.Pool({
    connectionString: withDatabase(servers.primaryUrl, name),
    max: 2,
    types: asText as unknown as pg.CustomTypesConfig,
  });
  pool.on('error', () => {}); // A connection may be ended by the database's end.
  const standbys = await Promise.all(servers.standbyUrls.map(connect));
  return {
    name,
    pool,
    replicaUrls: servers.standbyUrls.map((url) =>
      asGateway(withDatabase(url, name), servers.gatewayPassword),
    ),
    async replayed(millis = MAX_REPLAY_MS) {
      const { rows } = await pool.query('select pg_current_wal_flush_lsn()::text as lsn');
      await Promise.all(standbys.map((standby) => untilReplayed(standby, rows[0].lsn, millis)));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(standbys.map((standby) => standby.end()));
      await pool.end();
      await execute(servers.primaryUrl, `drop database ${name} with (force)`);
    },
  };
}

async function untilReplayed(standby: pg.Client, lsn: string, millis: number): Promise<void> {
  const deadline = performance.now() + millis;
  for (;;) {
    const { rows } = await standby.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as done', [lsn]);
    if (rows[0].done || performance.now() > deadline) return;
    await delay(POLL_MS);
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
