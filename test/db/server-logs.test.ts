import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { on } from '../gateway/served-gateway.ts';
import { anXdr } from '../support/builders.ts';
import { createTestGateway } from '../support/gateway.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';

const PATIENCE = { timeout: 30_000, interval: 50 };

const page = readFileSync('docs/postgresql.md', 'utf8');
const section = (title: string) => page.split(new RegExp(`^#+ ${title}$`, 'm'))[1]!.split(/^## /m)[0]!;
const statementsIn = (sql: string) =>
  sql
    .replaceAll(/^--.*$/gm, '')
    .split(/;\n/)
    .map((text) => text.trim())
    .filter(Boolean);

/** One after the other, as psql sends them. */
async function runOn(url: string, sql: string): Promise<void> {
  for (const statement of statementsIn(sql)) await on(url, statement);
}

const logOf = ({ logFile }: PostgresNode) => readFile(logFile, 'utf8');

/** A page with this number, which the statement has as a value. */
async function lookFor(database: TestCluster, number: string): Promise<void> {
  await using gateway = await createTestGateway(database);
  const { errors } = await gateway.query(
    `{ cdrs(first: 5, filter: { cld: { is: "${number}" } }) { nodes { id } } }`,
  );
  expect(errors).toBeUndefined();
}

describe('the log of a server', () => {
  let database: TestCluster;
  let standby: PostgresNode;
  const settings = /```sql\n([\s\S]*?)```/.exec(section('Logs'))![1]!;

  beforeAll(async () => {
    database = await startTestCluster({ replicas: 1, settings: { log_min_duration_statement: '0' } });
    standby = database.cluster.replicas[0]!;
    await database.insertXdrs([anXdr()]);
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  test('has the numbers that slow statements look for, as PostgreSQL is installed', async () => {
    await lookFor(database, '33612345678');
    await expect.poll(() => logOf(standby), PATIENCE).toContain('33612345678');
  });

  test('has the names of slow statements and no number, set up as docs/postgresql.md says', async () => {
    await runOn(standby.url(), settings);
    // Every statement is slow.
    await on(standby.url(), `alter system set log_min_duration_statement = 0`);
    await on(standby.url(), 'select pg_reload_conf()');
    await expect
      .poll(async () => (await on(standby.url(), 'show log_parameter_max_length'))[0], PATIENCE)
      .toEqual({
        log_parameter_max_length: '0',
      });
    const { length } = await logOf(standby);
    await lookFor(database, '33698765432');
    const log = async () => (await logOf(standby)).slice(length);
    await expect
      .poll(log, PATIENCE)
      .toMatch(/gateway@calls cdr-gateway LOG: {2}duration: .* execute \S+: select \/\* cdrPage \*\//);
    expect(await log()).not.toContain('33698765432');
  });
});

const DEBIAN = '/usr/lib/postgresql/15';
const hasPgaudit = existsSync(`${DEBIAN}/lib/pgaudit.so`);
const pgauditNote = hasPgaudit ? '' : ' (skipped: apt-get install postgresql-15-pgaudit)';

describe.skipIf(!hasPgaudit)(`pgaudit${pgauditNote}`, () => {
  let database: TestCluster;
  const [load, choose] = [
    ...section('Statements of people: pgaudit').matchAll(/<<'SQL'\n([\s\S]*?)SQL$/gm),
  ].map((found) => found[1]!);

  beforeAll(async () => {
    const programs = { initdb: `${DEBIAN}/bin/initdb`, postgres: `${DEBIAN}/bin/postgres` };
    database = await startTestCluster({ major: 15, replicas: 1, binaries: { major: 15, ...programs } });
    const { primary, replicas } = database.cluster;
    for (const server of [...replicas, primary]) {
      await runOn(server.url(), load!);
      await server.stop('fast');
      await server.start();
    }
    await runOn(database.primaryUrl, choose!);
    await runOn(replicas[0]!.url(), /^alter system .*$/m.exec(choose!)![0]);
    await on(replicas[0]!.url(), 'select pg_reload_conf()');
    await database.insertXdrs([anXdr()]);
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  test('writes down what people read on a standby, without values, and nothing of the gateway', async () => {
    const [standby] = database.cluster.replicas;
    await on(database.standbyUrls[0]!, 'select i_xdr from xdrs where cld = $1', ['33612345678']);
    await lookFor(database, '33698765432');
    const audit = (await logOf(standby!)).split('\n').filter((line) => line.includes('AUDIT:'));
    expect(audit).toContainEqual(
      expect.stringMatching(
        /AUDIT: SESSION,1,1,READ,SELECT,,,select i_xdr from xdrs where cld = \$1,<not logged>$/,
      ),
    );
    expect(audit.filter((line) => line.includes('cdrPage') || line.includes('33612345678'))).toEqual([]);
  });

  test('writes down who alters a table on the primary', async () => {
    await on(database.primaryUrl, 'alter table xdrs add column note text');
    expect(await logOf(database.cluster.primary)).toMatch(
      /AUDIT: SESSION,\d+,\d+,DDL,ALTER TABLE,TABLE,public\.xdrs,/,
    );
  });
});
