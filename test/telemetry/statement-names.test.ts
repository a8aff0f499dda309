import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { on } from '../gateway/served-gateway.ts';
import { anAccount, anXdr } from '../support/builders.ts';
import { ACCOUNT_TOKEN, createTestGateway } from '../support/gateway.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import {
  hasPostgresExporter,
  ofStatements,
  postgresExporterNote,
  scrapePostgres,
} from '../support/postgres-exporter.ts';

const QUERIES = [
  '{ cdrs(first: 2) { totalCount estimatedCount nodes { id account { username } } } }',
  '{ cdr(id: "1") { id } account(id: "14") { username } }',
  '{ cdrStats(groupBy: [DAY], timeZone: "Europe/Paris") { totals { attempts } rows { bucket } } }',
];

/** What they and the watcher send. */
const SENT = [
  'cdr',
  'cdrPage',
  'countCdrs',
  'cdrStats',
  'accounts',
  'planRows',
  'replicaStatus',
  'catalogue',
];

const NAME = /^(?:explain \(format json\) )?\w+ \/\* (\w+) \*\//;
/** They change the session, and read nothing. */
const WITHOUT_NAME = String.raw`^(set|show|begin|commit|rollback)\y`;

// 18 is the first that keeps nothing of what stands before a statement.
describe.each([15, 18])('PostgreSQL %i', (major) => {
  let database: TestCluster;
  let statements: readonly string[];

  beforeAll(async () => {
    database = await startTestCluster({
      major,
      replicas: 1,
      settings: { shared_preload_libraries: 'pg_stat_statements', log_min_duration_statement: '0' },
    });
    await database.pool.query('create extension pg_stat_statements');
    await database.insertAccounts([anAccount({ i_account: '14' })]);
    await database.insertXdrs(['1', '2', '3'].map((i_xdr) => anXdr({ i_xdr, i_account: '14' })));
    await using gateway = await createTestGateway(database);
    for (const query of QUERIES) {
      for (const token of [undefined, ACCOUNT_TOKEN]) {
        expect((await gateway.query(query, {}, { token })).errors).toBeUndefined();
      }
    }
    const rows = await on(
      database.standbyUrls[0]!,
      `select query from pg_stat_statements join pg_roles on pg_roles.oid = userid
         where rolname = 'gateway' and query !~* '${WITHOUT_NAME}'`,
    );
    statements = rows.map(({ query }) => String(query));
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  test('knows each statement of the gateway by its name in pg_stat_statements', () => {
    expect(statements.filter((text) => !NAME.test(text))).toEqual([]);
    const names = new Set(statements.map((text) => NAME.exec(text)![1]));
    expect(SENT.filter((name) => !names.has(name))).toEqual([]);
  });

  test('says by the statement of docs/monitoring.md where the time goes', async () => {
    const [, statement] = /^### Slow statements by name[\s\S]*?```sql\n([\s\S]*?)```/m.exec(
      await readFile('docs/monitoring.md', 'utf8'),
    )!;
    const names = (await on(database.standbyUrls[0]!, statement!)).map((row) => row.statement);
    expect(names).toEqual(expect.arrayContaining(['cdrPage', 'cdrStats', 'others']));
  });

  test('has the names in its log', async () => {
    const log = () => readFile(database.cluster.replicas[0]!.logFile, 'utf8');
    await expect
      .poll(log, { timeout: 30_000 })
      .toMatch(/duration: [\d.]+ ms +execute \S+: select \/\* cdrPage \*\/ /);
  });

  test.skipIf(!hasPostgresExporter)(`has an exporter that says them${postgresExporterNote}`, async () => {
    const lines = await scrapePostgres(database.standbyUrls[0]!, { hasStatements: true });
    const labels = (name: string) =>
      lines.flatMap((line) => (line.startsWith(`${name}{`) ? [/statement="(\w+)"/.exec(line)![1]!] : []));
    for (const name of ofStatements)
      expect(labels(name)).toEqual(expect.arrayContaining([...SENT, 'others']));
    expect(lines).toContainEqual(
      expect.stringMatching(/^cdr_pg_statement_calls_total\{[^}]*statement="cdrPage"[^}]*\} [2-9]$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^pg_exporter_last_scrape_error\{?[^}]*\}? 0$/));
  });
});
