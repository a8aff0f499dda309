import { spawn, spawnSync } from 'node:child_process';
import { findFreePort } from '../../src/demo/ports.ts';
import { endProcess, untilListening } from './processes.ts';

const PROGRAM = 'prometheus-postgres-exporter';

export const hasPostgresExporter = spawnSync(PROGRAM, ['--version']).status === 0;
export const postgresExporterNote = hasPostgresExporter
  ? ''
  : ' (skipped: install postgres_exporter, apt-get install prometheus-postgres-exporter)';

/** What rules and dashboards use of it: its own figures, and those of postgres-exporter/queries.yml. */
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

/** What the exporter says of a database: `name{labels} value`, a line each. */
export async function scrapePostgres(url: string): Promise<readonly string[]> {
  const port = await findFreePort();
  const exporter = spawn(
    PROGRAM,
    [
      `--web.listen-address=127.0.0.1:${port}`,
      '--extend.query-path=docker/prometheus/postgres-exporter/queries.yml',
    ],
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
  }
}
