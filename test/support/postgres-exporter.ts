import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../../src/demo/ports.ts';
import { endProcess, untilListening } from './processes.ts';

const PROGRAM = 'prometheus-postgres-exporter';

export const hasPostgresExporter = spawnSync(PROGRAM, ['--version']).status === 0;
export const postgresExporterNote = hasPostgresExporter
  ? ''
  : ' (skipped: install postgres_exporter, apt-get install prometheus-postgres-exporter)';

const OF_EVERY_SERVER = 'docker/prometheus/postgres-exporter/queries.yml';
const OF_STATEMENTS = 'docker/prometheus/postgres-exporter/statements.yml';

/** What rules and dashboards use of postgres-exporter/statements.yml. */
export const ofStatements: readonly string[] = [
  'cdr_pg_statement_calls_total',
  'cdr_pg_statement_pages_read_total',
  'cdr_pg_statement_rows_total',
  'cdr_pg_statement_seconds_total',
];

/** The same of the exporter's own figures, and of postgres-exporter/queries.yml. */
export const ofPostgresExporter: readonly string[] = [
  'cdr_pg_index_scans_total',
  'cdr_pg_slot_active',
  'cdr_pg_slot_limited',
  'cdr_pg_slot_lost',
  'cdr_pg_slot_retained_bytes',
  'cdr_pg_table_bytes',
  'cdr_pg_table_dead_rows',
  'cdr_pg_table_live_rows',
  'cdr_pg_table_sequential_scans_total',
  'cdr_pg_wal_bytes_total',
  'pg_settings_max_connections',
  'pg_stat_activity_count',
  'pg_stat_activity_max_tx_duration',
  'pg_stat_archiver_archived_count',
  'pg_stat_archiver_failed_count',
  'pg_stat_archiver_last_archive_age',
  'pg_stat_database_blks_hit',
  'pg_stat_database_blks_read',
  'pg_stat_database_conflicts',
  'pg_stat_database_deadlocks',
  'pg_stat_database_temp_bytes',
  'pg_stat_database_tup_deleted',
  'pg_stat_database_tup_inserted',
  'pg_stat_database_tup_updated',
  'pg_stat_database_xact_commit',
  'pg_stat_database_xact_rollback',
  'pg_up',
];

/** What the exporter says of a database, of its statements too where it has pg_stat_statements: `name{labels} value`, a line each. */
export async function scrapePostgres(
  url: string,
  { hasStatements = false } = {},
): Promise<readonly string[]> {
  const port = await findFreePort();
  const folder = mkdtempSync(join(tmpdir(), 'cdr-exporter-'));
  const queries = join(folder, 'queries.yml');
  const parts = [OF_EVERY_SERVER, ...(hasStatements ? [OF_STATEMENTS] : [])];
  writeFileSync(queries, parts.map((file) => readFileSync(file, 'utf8')).join(''));
  const exporter = spawn(
    PROGRAM,
    [`--web.listen-address=127.0.0.1:${port}`, `--extend.query-path=${queries}`],
    { env: { DATA_SOURCE_NAME: `${url}?sslmode=disable` }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  exporter.stderr.on('data', (text) => {
    errors += text;
  });
  try {
    await untilListening('postgres_exporter', port, exporter, () => errors);
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  } finally {
    await endProcess(exporter);
    rmSync(folder, { recursive: true });
  }
}
