import { Counter, Gauge, type Registry } from 'prom-client';
import { microsOfRfc3339 } from '../db/timestamps.ts';
import { isAnswering, isStreaming } from '../replicas/sample-history.ts';
import type { SourceReport } from '../replicas/sources/source.ts';
import { replicaStates } from '../replicas/states.ts';
import type { PrimaryStatus, ReplicaStatus, ReplicationStatus } from '../replicas/status.ts';
import { createGaugeTable, type GaugeRow } from './gauge-table.ts';

export interface ReplicaMetrics {
  /** Before each scrape. What is unknown has no series: 0 always means 0. */
  show(status: ReplicationStatus): void;
}

const gauges: Readonly<Record<string, GaugeRow<ReplicaStatus>>> = {
  gateway_replica_up: {
    help: '1 when the standby answered the last poll.',
    read: isAnswering,
  },
  gateway_replica_streaming: {
    help: '1 when its WAL receiver was seen connected at the last poll; a lag beside 0 is a bound that grows.',
    read: isStreaming,
  },
  gateway_replica_readable: {
    help: '1 when requests may be answered from it now.',
    read: ({ routing }) => routing.tier !== null,
  },
  gateway_replica_lag_seconds: {
    help: 'Upper bound of the age of its data. Absent when unknown.',
    read: ({ lagSeconds }) => lagSeconds,
  },
  gateway_replica_staleness_min_seconds: {
    help: 'Its data is at least this old. Absent when unknown.',
    read: ({ staleness }) => staleness?.minSeconds,
  },
  gateway_replica_staleness_max_seconds: {
    help: 'Its data is at most this old: the same as the lag in seconds. Absent when unknown.',
    read: ({ staleness }) => staleness?.maxSeconds,
  },
  gateway_replica_lag_bytes: {
    help: 'WAL that its primary is known to have and it has not replayed. Absent when unknown.',
    read: ({ lagBytes }) => lagBytes,
  },
  gateway_replica_network_lag_bytes: {
    help: 'Of the lag in bytes, what has not arrived yet. Absent when unknown.',
    read: ({ networkLagBytes }) => networkLagBytes,
  },
  gateway_replica_replay_lag_bytes: {
    help: 'Of the lag in bytes, what has arrived and is not replayed. Absent when unknown.',
    read: ({ replayLagBytes }) => replayLagBytes,
  },
  gateway_replica_sampled_timestamp_seconds: {
    help: 'When it last answered our watcher, since 1970.',
    read: ({ sampledAt }) => (sampledAt === null ? null : Number(microsOfRfc3339(sampledAt)) / 1e6),
  },
  gateway_replica_clock_skew_seconds: {
    help: "Smallest difference of its clock and its upstream's seen lately; below 0 its clock is behind.",
    read: ({ clockSkewSeconds }) => clockSkewSeconds,
  },
  gateway_replica_requests_in_flight: {
    help: 'Requests that are being answered from it.',
    read: ({ routing }) => routing.requestsInFlight,
  },
};

const states = Object.keys(replicaStates);

export function createReplicaMetrics(registry: Registry): ReplicaMetrics {
  const registers = [registry];
  const showFigures = createGaugeTable(registry, 'replica', gauges);
  const state = new Gauge({
    name: 'gateway_replica_state',
    help: '1 for the state the standby is in, 0 for every other.',
    labelNames: ['replica', 'state'],
    registers,
  });
  const conflicts = new Counter({
    name: 'gateway_replica_conflicts_total',
    help: 'Queries the standby cancelled to go on replaying, by cause, as its own statistics count them.',
    labelNames: ['replica', 'cause'],
    registers,
  });
  const failures = new Counter({
    name: 'gateway_replica_failures_total',
    help: 'Failures that requests ran into on the standby, by kind; most were done again elsewhere.',
    labelNames: ['replica', 'kind'],
    registers,
  });
  const showPrimary = createPrimaryMetrics(registry);
  const showSources = createSourceMetrics(registry);

  return {
    show({ replicas, primary, sources }) {
      showFigures(replicas.map((replica) => [replica.name, replica]));
      for (const metric of [state, conflicts, failures]) metric.reset();
      for (const replica of replicas) {
        const { name } = replica;
        for (const each of states) state.set({ replica: name, state: each }, Number(each === replica.status));
        for (const [cause, count] of Object.entries(replica.conflicts)) {
          conflicts.inc({ replica: name, cause }, count);
        }
        for (const [kind, count] of Object.entries(replica.routing.failures)) {
          failures.inc({ replica: name, kind }, count);
        }
      }
      showPrimary(primary);
      showSources(sources);
    },
  };
}

/** Of several sources of one kind, the worst and all their servers. */
function createSourceMetrics(registry: Registry): (sources: readonly SourceReport[]) => void {
  const registers = [registry];
  const readable = new Gauge({
    name: 'gateway_source_readable',
    help: '1 when the place where standbys are named could be read just now, and all of it.',
    labelNames: ['source'],
    registers,
  });
  const servers = new Gauge({
    name: 'gateway_source_servers',
    help: 'Servers that were named there when it was last read well.',
    labelNames: ['source'],
    registers,
  });
  return (sources) => {
    for (const metric of [readable, servers]) metric.reset();
    for (const [source, reports] of Map.groupBy(sources, ({ kind }) => kind)) {
      readable.set({ source }, Number(reports.every(({ problem }) => problem === null)));
      servers.set(
        { source },
        reports.reduce((sum, report) => sum + report.servers, 0),
      );
    }
  };
}

/** No series as long as nothing is known of a primary. */
function createPrimaryMetrics(registry: Registry): (primary: PrimaryStatus | null) => void {
  const registers = [registry];
  const up = new Gauge({
    name: 'gateway_primary_up',
    help: '1 when the primary answered, or a standby heard from it just now.',
    labelNames: ['polled'],
    registers,
  });
  const silence = new Gauge({
    name: 'gateway_primary_silence_seconds',
    help: 'Since the primary was known last to be alive. Absent when unknown.',
    labelNames: ['polled'],
    registers,
  });

  return (primary) => {
    up.reset();
    silence.reset();
    if (!primary || primary.status === 'UNKNOWN') return;
    const polled = String(primary.isPolled);
    up.set({ polled }, Number(primary.status === 'AVAILABLE'));
    if (primary.silenceSeconds !== null) silence.set({ polled }, primary.silenceSeconds);
  };
}
