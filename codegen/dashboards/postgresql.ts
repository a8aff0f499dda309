import { dashboard } from './dashboard.ts';
import { stat, timeSeries } from './panels.ts';
import { prometheusVariable, promql, promqlNow } from './prometheus.ts';

const RATE = '[$__rate_interval]';

/** The databases as postgres_exporter sees them. */
export function postgresql(): object {
  return dashboard({
    uid: 'cdr-postgresql',
    title: 'PostgreSQL',
    description:
      'Connections, writes, WAL, slots, archive, tables and indexes of the primary and its standbys.',
    tags: ['postgresql'],
    variables: [prometheusVariable],
    refresh: '1m',
    from: 'now-6h',
    rows: [
      { height: 4, panels: tiles() },
      { title: 'Work', height: 8, panels: work() },
      { title: 'WAL, slots and archive', height: 8, panels: wal() },
      { title: 'Statements', height: 8, panels: statements() },
      { title: 'Connections', height: 8, panels: connections() },
      { title: 'Tables and indexes', height: 8, panels: tables() },
    ],
  });
}

function tiles() {
  return [
    stat({
      title: 'Servers that answer',
      description: 'How many servers let their exporter in.',
      unit: 'none',
      targets: promqlNow(['sum(pg_up)', 'up']),
      thresholds: [1, 2],
      isMoreBetter: true,
    }),
    stat({
      title: 'Slots that nobody reads',
      description:
        'Each keeps WAL on the disk of the primary until its standby is back, or the slot is dropped.',
      unit: 'none',
      targets: promqlNow(['count(cdr_pg_slot_active) - sum(cdr_pg_slot_active)', 'slots']),
      thresholds: [1, 2],
    }),
    stat({
      title: 'Since a segment was archived',
      description: 'What a restore could bring back ends there. Unknown where nothing is archived.',
      unit: 's',
      targets: promqlNow(['min(pg_stat_archiver_last_archive_age)', 'age']),
      thresholds: [300, 3600],
    }),
    stat({
      title: 'Pages found in memory',
      description: "Share of the pages that were read from PostgreSQL's own cache, of all servers.",
      unit: 'percentunit',
      decimals: 2,
      targets: promqlNow([
        `sum(rate(pg_stat_database_blks_hit${RATE})) / (sum(rate(pg_stat_database_blks_hit${RATE})) + sum(rate(pg_stat_database_blks_read${RATE})))`,
        'hits',
      ]),
    }),
  ];
}

function work() {
  return [
    timeSeries({
      title: 'Transactions',
      description: 'Commits and rollbacks per second; on a standby those of readers.',
      unit: 'ops',
      targets: promql(
        [`sum by (instance) (rate(pg_stat_database_xact_commit${RATE}))`, '{{instance}} commits'],
        [`sum by (instance) (rate(pg_stat_database_xact_rollback${RATE}))`, '{{instance}} rollbacks'],
      ),
    }),
    timeSeries({
      title: 'Rows written',
      description:
        'Inserted, updated and deleted per second on the primary: calls are inserted, and little else should be.',
      unit: 'ops',
      targets: promql(
        [`sum by (instance) (rate(pg_stat_database_tup_inserted${RATE}))`, '{{instance}} inserted'],
        [`sum by (instance) (rate(pg_stat_database_tup_updated${RATE}))`, '{{instance}} updated'],
        [`sum by (instance) (rate(pg_stat_database_tup_deleted${RATE}))`, '{{instance}} deleted'],
      ),
    }),
    timeSeries({
      title: 'Written to disk for want of memory',
      description:
        'Sorts and hashes beyond work_mem, per second. Statistics of long times do this; pages do not.',
      unit: 'Bps',
      targets: promql([`sum by (instance) (rate(pg_stat_database_temp_bytes${RATE}))`, '{{instance}}']),
    }),
  ];
}

function wal() {
  return [
    timeSeries({
      title: 'WAL',
      description:
        'Written by the primary and replayed by standbys, per second: the lines lie on each other.',
      unit: 'Bps',
      targets: promql([`sum by (instance) (rate(cdr_pg_wal_bytes_total${RATE}))`, '{{instance}}']),
    }),
    timeSeries({
      title: 'WAL that is kept for slots',
      description:
        'Close to nothing while standbys stream. It grows while one is away, up to max_slot_wal_keep_size.',
      unit: 'bytes',
      targets: promql([
        'max by (instance, slot_name) (cdr_pg_slot_retained_bytes)',
        '{{instance}} {{slot_name}}',
      ]),
      thresholds: [10_737_418_240],
    }),
    timeSeries({
      title: 'Segments archived, and failures',
      description:
        'Per second, by archive_command. A failure that was made good by the next try leaves no trace but here.',
      unit: 'ops',
      targets: promql(
        [`sum by (instance) (rate(pg_stat_archiver_archived_count${RATE}))`, '{{instance}} archived'],
        [`sum by (instance) (rate(pg_stat_archiver_failed_count${RATE}))`, '{{instance}} failed'],
      ),
    }),
  ];
}

/** By the names of our statements; "others" are those of everybody else. */
function statements() {
  const rateOf = (figure: string) =>
    `sum by (instance, statement) (rate(cdr_pg_statement_${figure}_total${RATE}))`;
  const byName = (expression: string) => promql([expression, '{{instance}} {{statement}}']);
  return [
    timeSeries({
      title: 'Slow statements by name',
      description:
        'How long one execution takes, on average. Unknown where pg_stat_statements is not installed.',
      unit: 's',
      targets: byName(`${rateOf('seconds')} / ${rateOf('calls')}`),
    }),
    timeSeries({
      title: 'Where the time goes',
      description: 'Time that executions take, as a share of one processor; waiting for the disk is in it.',
      unit: 'percentunit',
      isStacked: true,
      targets: byName(rateOf('seconds')),
    }),
    timeSeries({
      title: 'Rows of one execution',
      description:
        'A statement that became slow because it returns more is told here from one that lost its index.',
      unit: 'none',
      targets: byName(`${rateOf('rows')} / ${rateOf('calls')}`),
    }),
    timeSeries({
      title: 'Pages read from disk',
      description: 'Per second, by the statements that did not find them in memory of PostgreSQL.',
      unit: 'ops',
      targets: byName(rateOf('pages_read')),
    }),
  ];
}

function connections() {
  return [
    timeSeries({
      title: 'Connections, and how many there may be',
      description: 'Of all users and databases, in whatever state.',
      unit: 'none',
      targets: promql(
        ['sum by (instance) (pg_stat_activity_count)', '{{instance}}'],
        ['max by (instance) (pg_settings_max_connections)', '{{instance}} may have'],
      ),
    }),
    timeSeries({
      title: 'Longest transaction',
      description: 'Vacuum removes nothing that is younger, and replay may have to wait for it or cancel it.',
      unit: 's',
      targets: promql([
        'max by (instance, datname) (pg_stat_activity_max_tx_duration)',
        '{{instance}} {{datname}}',
      ]),
      thresholds: [3600],
    }),
    timeSeries({
      title: 'Readers cancelled by replay, deadlocks',
      description:
        'On a standby: statements that replay did not wait for any longer. The gateway tries them again elsewhere.',
      unit: 'ops',
      targets: promql(
        [`sum by (instance) (rate(pg_stat_database_conflicts${RATE}))`, '{{instance}} cancelled'],
        [`sum by (instance) (rate(pg_stat_database_deadlocks${RATE}))`, '{{instance}} deadlocks'],
      ),
    }),
  ];
}

function tables() {
  return [
    timeSeries({
      title: 'Size, with indexes',
      description: 'Of the tables of calls and their owners.',
      unit: 'bytes',
      isStacked: true,
      targets: promql(['max by (table_name) (cdr_pg_table_bytes)', '{{table_name}}']),
    }),
    timeSeries({
      title: 'Rows that a vacuum would remove',
      description:
        'Share of the rows that are dead: bloat to be. A table that is only inserted to has next to none.',
      unit: 'percentunit',
      targets: promql([
        'max by (table_name) (cdr_pg_table_dead_rows / (cdr_pg_table_live_rows + cdr_pg_table_dead_rows))',
        '{{table_name}}',
      ]),
    }),
    timeSeries({
      title: 'Reads of each index',
      description:
        'Per second, of all servers. An index that nobody reads for weeks costs every insert, and may go.',
      unit: 'ops',
      targets: promql([`sum by (index_name) (rate(cdr_pg_index_scans_total${RATE}))`, '{{index_name}}']),
    }),
    timeSeries({
      title: 'Reads of whole tables',
      description: 'Per second. Of the table of calls each is expensive: doctor says which index is missing.',
      unit: 'ops',
      targets: promql([
        `sum by (instance, table_name) (rate(cdr_pg_table_sequential_scans_total${RATE}))`,
        '{{instance}} {{table_name}}',
      ]),
    }),
  ];
}
