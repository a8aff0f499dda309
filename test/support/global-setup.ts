import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { startContainers } from './containers.ts';
import { type PostgresServers, startEmbedded } from './servers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    postgres: ProvidedPostgres;
  }
}

/** What a test file needs to know about the run's servers: plain data, because it crosses processes. */
export interface ProvidedPostgres {
  readonly major: number;
  /** As superuser; the database is to be put in. */
  readonly primaryUrl: string;
  readonly standbyUrls: readonly string[];
  readonly gatewayPassword: string;
  /** A migrated database to clone. */
  readonly template: string;
}

const TEMPLATE = 'cdr_template';

/** One primary and its standbys for the whole run, and one migrated database in it for test files to clone. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { TEST_POSTGRES = 'embedded', TEST_POSTGRES_MAJOR = '18', POSTGRES_IMAGE } = process.env;
  const major = Number(TEST_POSTGRES_MAJOR);
  const servers =
    TEST_POSTGRES === 'testcontainers'
      ? await startContainers(POSTGRES_IMAGE ?? `postgres:${major}`)
      : await startEmbedded(major);
  try {
    const gatewayPassword = randomBytes(12).toString('hex');
    await makeTemplate(servers.primaryUrl, gatewayPassword);
    const { primaryUrl, standbyUrls } = servers;
    project.provide('postgres', { major, primaryUrl, standbyUrls, gatewayPassword, template: TEMPLATE });
  } catch (error) {
    await servers.stop();
    throw error;
  }
  return () => servers.stop();
}

async function makeTemplate(
  primaryUrl: PostgresServers['primaryUrl'],
  gatewayPassword: string,
): Promise<void> {
  const admin = new pg.Client({ connectionString: primaryUrl });
  await admin.connect();
  try {
    await admin.query(`create database ${TEMPLATE}`);
    const url = new URL(primaryUrl);
    url.pathname = `/${TEMPLATE}`;
    await migrateToLatest(url.href, { gatewayPassword });
    // Nobody may connect to it: a connection would keep others from cloning.
    await admin.query(`alter database ${TEMPLATE} with is_template true allow_connections false`);
  } finally {
    await admin.end();
  }
}
