import { dashboard, type Variable } from './dashboard.ts';
import * as infinity from './infinity.ts';
import * as json from './json-datasource.ts';
import { type ColumnView, type QueryTarget, stat, stateTimeline, table, timeSeries } from './panels.ts';
import {
  confidenceMapping,
  healthMapping,
  primaryMapping,
  stateMapping,
  statesInWords,
  streamingMapping,
  upMapping,
  yesNoMapping,
} from './states.ts';

/** The same figures, queried in two ways. */
interface Source {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly changes: object;
  health(): QueryTarget;
  standbys(): QueryTarget;
  line(field: LineField): QueryTarget;
  /** The name of a column of `standbys`. */
  column(name: StandbyColumn): string;
  readonly columnOf: { readonly health: string; readonly worstLag: string; readonly readFrom: string };
}

type LineField = 'lagSeconds' | 'stalenessMinSeconds' | 'lagBytes' | 'state' | 'up' | 'streaming';
type StandbyColumn = keyof typeof standbyColumns;

const standbyColumns = {
  name: { title: 'Standby', unit: 'none', width: 130 },
  status: { title: 'State', unit: 'none', width: 170, mappings: stateMapping },
  lagSeconds: { title: 'Lag, at most', unit: 's', decimals: 1, width: 110, thresholds: [10, 60] },
  lagBytes: { title: 'Lag in WAL', unit: 'bytes', decimals: 1, width: 110 },
  networkLagBytes: { title: 'not received', unit: 'bytes', decimals: 1, width: 110 },
  replayLagBytes: { title: 'not replayed', unit: 'bytes', decimals: 1, width: 110 },
  confidence: { title: 'Confidence', unit: 'none', width: 110, mappings: confidenceMapping },
  isReadFrom: { title: 'Read from', unit: 'none', width: 100, mappings: yesNoMapping },
  conflicts: { title: 'Conflicts', unit: 'none', width: 90 },
  sampledAt: { title: 'Sampled', unit: 'dateTimeFromNow', width: 140 },
  reason: { title: 'Why', unit: 'none' },
} satisfies Readonly<Record<string, Omit<ColumnView, 'name'>>>;

/** At /graphql and its flat rows, through Infinity. */
const throughInfinity: Source = {
  uid: 'cdr-replication',
  title: 'Replication',
  description:
    'How old the data of each hot standby is, now and in the last 24 hours, from the gateway itself: no Prometheus is needed.',
  variables: [infinity.gatewayVariable],
  changes: infinity.annotation(
    'Changes of state',
    `/grafana/changes?from=\${__timeFrom}&to=\${__timeTo}`,
    'orange',
  ),
  health: () =>
    infinity.graphql({
      query: '{ replicationStatus { status asOf primary { status } } }',
      root: 'replicationStatus',
      columns: { status: 'string', asOf: 'timestamp', 'primary.status as primary': 'string' },
      format: 'table',
    }),
  standbys: () =>
    infinity.graphql({
      query: `{ replicationStatus { replicas { ${Object.keys(standbyColumns).join(' ')} } } }`,
      root: 'replicationStatus.replicas',
      columns: {
        name: 'string',
        status: 'string',
        lagSeconds: 'number',
        lagBytes: 'number',
        networkLagBytes: 'number',
        replayLagBytes: 'number',
        confidence: 'string',
        isReadFrom: 'boolean',
        conflicts: 'number',
        sampledAt: 'timestamp',
        reason: 'string',
      },
      format: 'table',
    }),
  line: (field) =>
    infinity.rows({
      path: `/grafana/history?from=\${__timeFrom}&to=\${__timeTo}&points=500`,
      columns: {
        time: 'timestamp_epoch',
        replica: 'string',
        [field]: field === 'state' ? 'string' : 'number',
      },
      format: field === 'state' ? 'table' : 'timeseries',
    }),
  column: (name) => name,
  columnOf: { health: 'status', worstLag: 'lagSeconds', readFrom: 'isReadFrom' },
};

const metrics: Readonly<Record<LineField, string>> = {
  lagSeconds: 'replication_lag_seconds',
  stalenessMinSeconds: 'replication_staleness_min_seconds',
  lagBytes: 'replication_lag_bytes',
  state: 'replication_state',
  up: 'replication_up',
  streaming: 'replication_streaming',
};

const jsonColumns: Readonly<Record<StandbyColumn, string>> = {
  name: 'replica',
  status: 'state',
  lagSeconds: 'lag_seconds',
  lagBytes: 'lag_bytes',
  networkLagBytes: 'network_lag_bytes',
  replayLagBytes: 'replay_lag_bytes',
  confidence: 'confidence',
  isReadFrom: 'read_from',
  conflicts: 'conflicts',
  sampledAt: 'sampled_at',
  reason: 'reason',
};

/** Under /grafana, through the JSON datasource. */
const throughJson: Source = {
  uid: 'cdr-replication-json',
  title: 'Replication (JSON datasource)',
  description:
    'The same as "Replication", for a Grafana that has the JSON datasource (simpod) and not Infinity: now and the last 24 hours.',
  variables: [json.jsonVariable, json.replicaVariable],
  changes: json.annotation('Changes of state', 'replication_changes', 'orange'),
  health: () => json.metric('replication_health'),
  standbys: () => json.metric('replication_status'),
  line: (field) => json.metric(metrics[field]),
  column: (name) => jsonColumns[name],
  columnOf: { health: 'health', worstLag: 'lag_seconds', readFrom: 'read_from' },
};

export const replication = () => build(throughInfinity);
export const replicationJson = () => build(throughJson);

function build(source: Source): object {
  const { uid, title, description, variables, changes } = source;
  return dashboard({
    uid,
    title,
    description,
    tags: ['replication'],
    variables,
    annotations: [changes],
    refresh: '10s',
    from: 'now-3h',
    rows: [
      { height: 4, panels: tiles(source) },
      { height: 7, panels: [standbyTable(source)] },
      { title: 'The last 24 hours', height: 9, panels: lagLines(source) },
      { height: 7, panels: [statesOverTime(source)] },
      { height: 5, panels: connectionLines(source) },
    ],
  });
}

function tiles(source: Source) {
  const primaryField = source === throughInfinity ? 'primary' : 'read_from';
  return [
    stat({
      title: 'Replication',
      description:
        '**OK**: every standby streams and keeps up. **DEGRADED**: reads are answered, but at least one server is not as it should be. **DOWN**: no standby can answer reads.',
      unit: 'none',
      targets: [source.health()],
      mappings: healthMapping,
      fields: `/^${source.columnOf.health}$/`,
      isText: true,
    }),
    stat({
      title: 'Lag of each standby, at most',
      description:
        'The data of a standby is never older than this, whatever has failed; it grows while nothing is heard of the primary. "unknown" is not 0.',
      unit: 's',
      decimals: 1,
      thresholds: [10, 60],
      targets: [source.standbys()],
      fields: `/^${source.columnOf.worstLag}$/`,
    }),
    source === throughInfinity
      ? stat({
          title: 'Primary',
          description:
            'Asked directly where PRIMARY_URL is set, otherwise by what the standbys hear of it. SILENT: no standby has heard of it lately.',
          unit: 'none',
          targets: [source.health()],
          mappings: primaryMapping,
          fields: `/^${primaryField}$/`,
          isText: true,
        })
      : stat({
          title: 'Standbys read from',
          description:
            'How many standbys requests may be answered from now. At 0 every request for calls fails.',
          unit: 'none',
          targets: [source.health()],
          thresholds: [1],
          isMoreBetter: true,
          fields: `/^${primaryField}$/`,
        }),
  ];
}

function standbyTable(source: Source) {
  return table({
    title: 'Standbys now',
    description: `What is known of each standby at this moment.\n\n${statesInWords}`,
    targets: [source.standbys()],
    columns: Object.entries(standbyColumns).map(([name, view]) => ({
      ...view,
      name: source.column(name as StandbyColumn),
    })),
    sortBy: { title: 'Standby', isDescending: false },
  });
}

const REPLICA = `\${__field.labels.replica}`;

function lagLines(source: Source) {
  return [
    timeSeries({
      title: 'Lag in seconds, at most',
      description:
        'Upper bound of how old the data is, the worst of each interval. A line that climbs at 45° means that nothing is heard of the primary. Gaps: nobody sampled, or nothing was known.',
      unit: 's',
      targets: [source.line('lagSeconds')],
      thresholds: [60],
      displayName: REPLICA,
    }),
    timeSeries({
      title: 'Lag in WAL',
      description:
        'WAL that the primary is known to have written and the standby has not replayed, the worst of each interval.',
      unit: 'bytes',
      targets: [source.line('lagBytes')],
      displayName: REPLICA,
    }),
    timeSeries({
      title: 'Lag in seconds, at least',
      description:
        'The data was demonstrably at least this old: something written then had not arrived. Between this and the upper bound lies the truth.',
      unit: 's',
      targets: [source.line('stalenessMinSeconds')],
      displayName: REPLICA,
    }),
  ];
}

function statesOverTime(source: Source) {
  const shared = {
    title: 'States',
    description: `What each standby was doing. Changes are also marked on the graphs above.\n\n${statesInWords}`,
    unit: 'none',
    targets: [source.line('state')] as const,
    mappings: stateMapping,
    displayName: REPLICA,
  };
  if (source !== throughInfinity) return stateTimeline(shared);
  // Texts do not become lines by themselves.
  return stateTimeline({
    ...shared,
    transformations: [{ id: 'partitionByValues', options: { fields: ['replica'], keepFields: false } }],
  });
}

function connectionLines(source: Source) {
  return [
    stateTimeline({
      title: 'Answers',
      description: 'Whether the standby answered every poll of the interval.',
      unit: 'none',
      targets: [source.line('up')],
      mappings: upMapping,
      displayName: REPLICA,
    }),
    stateTimeline({
      title: 'Streams',
      description:
        'Whether its WAL receiver was seen connected at every poll of the interval. Without it the lag is a bound that only grows.',
      unit: 'none',
      targets: [source.line('streaming')],
      mappings: streamingMapping,
      displayName: REPLICA,
    }),
  ];
}
