import { microsOfRfc3339 } from '../db/timestamps.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { HistoryField } from '../replicas/sample-history.ts';
import type { ReplicaStatus } from '../replicas/status.ts';
import { changeFrame } from './annotations.ts';
import type { AdHocFilter, QueryRequest, Target } from './body.ts';
import type { GrafanaContext } from './context.ts';
import { type Column, type Frame, seriesFrame, tableFrame } from './frames.ts';
import type { MetricGroup } from './metric-group.ts';
import { type Payload, type PayloadField, parseTexts } from './payload.ts';

/** A figure of the samples as a line: from the gateway's own history, so there is one from the start. */
interface Line {
  readonly label: string;
  readonly field: HistoryField;
  readonly unit?: string;
}

const lines: Readonly<Record<string, Line>> = {
  replication_lag_seconds: { label: 'Replication lag, at most', field: 'lagSeconds', unit: 's' },
  replication_staleness_min_seconds: {
    label: 'Replication lag, at least',
    field: 'stalenessMinSeconds',
    unit: 's',
  },
  replication_lag_bytes: { label: 'Replication lag in WAL', field: 'lagBytes', unit: 'bytes' },
  replication_received_bytes: { label: 'WAL received, position', field: 'receivedBytes', unit: 'bytes' },
  replication_replayed_bytes: { label: 'WAL replayed, position', field: 'replayedBytes', unit: 'bytes' },
  replication_upstream_bytes: {
    label: 'WAL of the primary, position',
    field: 'upstreamBytes',
    unit: 'bytes',
  },
  replication_timeline: { label: 'Timeline', field: 'timeline' },
  replication_up: { label: 'Answers (1) or not (0)', field: 'up' },
  replication_streaming: { label: 'Streams (1) or not (0)', field: 'streaming' },
  replication_state: { label: 'State', field: 'state' },
  replication_confidence: { label: 'Confidence', field: 'confidence' },
};

const now: Readonly<Record<string, string>> = {
  replication_status: 'Every standby now (table)',
  replication_health: 'All standbys together, now (table)',
};

const changes: Readonly<Record<string, string>> = { replication_changes: 'Changes of state (annotations)' };

const replicaField: PayloadField = {
  name: 'replica',
  label: 'Replica',
  type: 'multi-select',
  placeholder: 'Every replica',
};

export const replicaMetrics: MetricGroup = {
  metrics: [
    ...Object.entries(lines).map(([value, { label }]) => ({ value, label })),
    ...[...Object.entries(now), ...Object.entries(changes)].map(([value, label]) => ({ value, label })),
  ].map((metric) => ({
    ...metric,
    payloads: metric.value === 'replication_health' ? [] : [replicaField],
  })),
  // Everything is in memory.
  cost: () => 0,
  answer: async (targets, request, grafana) => targets.map((target) => buildFrames(target, request, grafana)),
  options: async (_field, { context }) =>
    context.replicas.snapshot().replicas.map(({ name }) => ({ label: name, value: name })),
};

function buildFrames(
  { refId, metric, payload }: Target,
  request: QueryRequest,
  grafana: GrafanaContext,
): readonly Frame[] {
  const chosen = chooseReplicas(payload, request.filters, grafana);
  const line = lines[metric];
  if (line) return lineFrames(refId, line, chosen, request, grafana);
  if (metric === 'replication_changes') {
    return [changeFrame(refId, namesOf(chosen), request.span, grafana)];
  }
  return metric === 'replication_health'
    ? [healthFrame(refId, grafana)]
    : [tableFrame(refId, statusColumns, chosen)];
}

const namesOf = (replicas: readonly ReplicaStatus[]) => replicas.map(({ name }) => name);

/** By the payload and the ad hoc filters. Throws InvalidArgumentError for a name that no standby has. */
export function chooseReplicas(
  payload: Payload,
  filters: readonly AdHocFilter[],
  { context }: GrafanaContext,
): readonly ReplicaStatus[] {
  const { replicas } = context.replicas.snapshot();
  const known = namesOf(replicas);
  const chosen = parseTexts(payload, 'replica');
  const unknown = chosen?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `There is no replica "${unknown.slice(0, 80)}". There are: ${known.join(', ')}.`,
    );
  }
  const ours = filters.filter(({ key }) => key === 'replica');
  return replicas.filter(
    ({ name }) =>
      (chosen?.includes(name) ?? true) &&
      ours.every(
        ({ isNegative, values, pattern }) => (pattern?.matches(name) ?? values.includes(name)) !== isNegative,
      ),
  );
}

function lineFrames(
  refId: string,
  { field, unit }: Line,
  replicas: readonly ReplicaStatus[],
  { span, stepMillis }: QueryRequest,
  { history }: GrafanaContext,
): readonly Frame[] {
  const type = field === 'state' || field === 'confidence' ? 'string' : 'number';
  return replicas.map(({ name }) => {
    const points = history.points(name, { ...span, stepMillis });
    return seriesFrame(refId, {
      name,
      labels: { replica: name },
      unit,
      type,
      times: points.map(({ time }) => time),
      values: points.map((point) => point[field]),
    });
  });
}

const parseMillis = (time: string | null | undefined): number | null =>
  time ? Math.floor(Number(microsOfRfc3339(time)) / 1000) : null;
const toNumber = (value: bigint | number | null | undefined): number | null =>
  value === null || value === undefined ? null : Number(value);

const statusColumns: readonly Column<ReplicaStatus>[] = [
  { name: 'replica', type: 'string', of: ({ name }) => name },
  { name: 'state', type: 'string', of: ({ status }) => status },
  { name: 'reason', type: 'string', of: ({ reason }) => reason },
  { name: 'confidence', type: 'string', of: ({ confidence }) => confidence },
  { name: 'lag_seconds', type: 'number', unit: 's', of: ({ lagSeconds }) => lagSeconds },
  {
    name: 'staleness_min_seconds',
    type: 'number',
    unit: 's',
    of: ({ staleness }) => toNumber(staleness?.minSeconds),
  },
  { name: 'as_of', type: 'time', of: ({ staleness }) => parseMillis(staleness?.asOf) },
  { name: 'lag_bytes', type: 'number', unit: 'bytes', of: ({ lagBytes }) => toNumber(lagBytes) },
  { name: 'lag_is_lower_bound', type: 'boolean', of: ({ lagIsLowerBound }) => lagIsLowerBound },
  {
    name: 'network_lag_bytes',
    type: 'number',
    unit: 'bytes',
    of: ({ networkLagBytes }) => toNumber(networkLagBytes),
  },
  {
    name: 'replay_lag_bytes',
    type: 'number',
    unit: 'bytes',
    of: ({ replayLagBytes }) => toNumber(replayLagBytes),
  },
  { name: 'catch_up_seconds', type: 'number', unit: 's', of: ({ catchUpSeconds }) => catchUpSeconds },
  { name: 'received_lsn', type: 'string', of: ({ receivedLsn }) => receivedLsn },
  { name: 'replayed_lsn', type: 'string', of: ({ replayedLsn }) => replayedLsn },
  { name: 'upstream_lsn', type: 'string', of: ({ upstreamLsn }) => upstreamLsn },
  { name: 'timeline', type: 'number', of: ({ timeline }) => timeline },
  {
    name: 'conflicts',
    type: 'number',
    of: ({ conflicts }) => Object.values(conflicts).reduce((sum, count) => sum + count, 0),
  },
  { name: 'read_from', type: 'boolean', of: ({ routing }) => routing.tier !== null },
  { name: 'sampled_at', type: 'time', of: ({ sampledAt }) => parseMillis(sampledAt) },
];

function healthFrame(refId: string, { context }: GrafanaContext): Frame {
  const { status, asOf, replicas } = context.replicas.snapshot();
  const known = replicas.map(({ lagSeconds }) => lagSeconds).filter((seconds) => seconds !== null);
  const readable = replicas.filter(({ routing }) => routing.tier !== null).length;
  return tableFrame(
    refId,
    [
      { name: 'health', type: 'string', of: () => status },
      { name: 'as_of', type: 'time', of: () => parseMillis(asOf) },
      {
        name: 'worst_lag_seconds',
        type: 'number',
        unit: 's',
        // One that is unknown may be the worst.
        of: () => (known.length === replicas.length && known.length > 0 ? Math.max(...known) : null),
      },
      { name: 'replicas', type: 'number', of: () => replicas.length },
      { name: 'read_from', type: 'number', of: () => readable },
    ],
    [null],
  );
}
