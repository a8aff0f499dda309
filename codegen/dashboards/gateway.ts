import { dashboard } from './dashboard.ts';
import { stat, stateTimeline, timeSeries } from './panels.ts';
import { prometheusVariable, promql, promqlNow } from './prometheus.ts';
import { streamingMapping } from './states.ts';

const JOB = 'job="cdr-gateway"';
const RATE = '[$__rate_interval]';

/** The gateways as Prometheus sees them. */
export function gateway(): object {
  return dashboard({
    uid: 'cdr-gateway',
    title: 'Gateway',
    description:
      'Requests, errors, streams, connections and processes of the gateways, and the lag over weeks.',
    tags: ['gateway'],
    variables: [prometheusVariable],
    refresh: '30s',
    from: 'now-6h',
    rows: [
      { height: 4, panels: tiles() },
      { title: 'Requests', height: 8, panels: requests() },
      { height: 8, panels: outcomes() },
      { title: 'Streams', height: 7, panels: streams() },
      { title: 'Connections to the standbys', height: 7, panels: pools() },
      { title: 'Standbys', height: 8, panels: standbys() },
      { title: 'Processes', height: 7, panels: processes() },
    ],
  });
}

function tiles() {
  return [
    stat({
      title: 'Gateways that answer',
      description: 'How many gateways Prometheus can scrape.',
      unit: 'none',
      targets: promqlNow([`sum(up{${JOB}})`, 'up']),
      thresholds: [1, 2],
      isMoreBetter: true,
    }),
    stat({
      title: 'Requests per second',
      description: 'To /graphql, of all gateways.',
      unit: 'reqps',
      decimals: 1,
      targets: promqlNow([`sum(rate(gateway_graphql_requests_total{${JOB}}${RATE}))`, 'requests']),
    }),
    stat({
      title: 'Failures',
      description:
        'Share of requests that failed for a reason of ours; what callers do wrong is not counted. Without requests there is no share: "unknown".',
      unit: 'percentunit',
      decimals: 2,
      targets: promqlNow([
        `sum(rate(gateway_graphql_requests_total{${JOB},outcome="error"}${RATE})) / sum(rate(gateway_graphql_requests_total{${JOB}}${RATE}))`,
        'failures',
      ]),
      thresholds: [0.001, 0.01],
    }),
    stat({
      title: 'Standbys read from',
      description: 'The least that any gateway has. At 0 that gateway fails every request for calls.',
      unit: 'none',
      targets: promqlNow([`min(sum by (instance) (gateway_replica_readable{${JOB}}))`, 'standbys']),
      thresholds: [1, 2],
      isMoreBetter: true,
    }),
    stat({
      title: 'Version',
      description: 'What the gateways run; more than one while an upgrade is under way.',
      unit: 'none',
      targets: promqlNow([
        `count by (version, revision) (gateway_build_info{${JOB}})`,
        '{{version}} {{revision}}',
      ]),
    }),
  ];
}

function requests() {
  return [
    timeSeries({
      title: 'Requests by what they ask for',
      description:
        'By query field; "several" ask for more than one, "introspection" for the schema, "other" for nothing we understand.',
      unit: 'reqps',
      isStacked: true,
      targets: promql([
        `sum by (operation) (rate(gateway_graphql_requests_total{${JOB}}${RATE}))`,
        '{{operation}}',
      ]),
    }),
    timeSeries({
      title: 'Time to the last byte',
      description: 'Half, 95 and 99 of 100 requests were answered within this time, exports included.',
      unit: 's',
      targets: promql(
        ...([0.5, 0.95, 0.99] as const).map(
          (quantile) =>
            [
              `histogram_quantile(${quantile}, sum by (le) (rate(gateway_graphql_request_duration_seconds_bucket{${JOB}}${RATE})))`,
              `${quantile * 100} %`,
            ] as const,
        ),
      ),
    }),
    timeSeries({
      title: 'Time to the last byte, 95 of 100, by what is asked for',
      description: 'Which kind of request is slow. A line is missing while nobody asks for it.',
      unit: 's',
      targets: promql([
        `histogram_quantile(0.95, sum by (le, operation) (rate(gateway_graphql_request_duration_seconds_bucket{${JOB}}${RATE})))`,
        '{{operation}}',
      ]),
    }),
  ];
}

function outcomes() {
  return [
    timeSeries({
      title: 'How requests end',
      description:
        '"error": we failed. "invalid" and "denied": the caller asked something wrong, or may not. "cancelled": the caller left.',
      unit: 'reqps',
      isStacked: true,
      targets: promql([
        `sum by (outcome) (rate(gateway_graphql_requests_total{${JOB}}${RATE}))`,
        '{{outcome}}',
      ]),
    }),
    timeSeries({
      title: 'Errors by code',
      description: 'Answers with at least one error of the code; docs/errors.md says what each means.',
      unit: 'reqps',
      targets: promql([`sum by (code) (rate(gateway_graphql_errors_total{${JOB}}${RATE})) > 0`, '{{code}}']),
    }),
    timeSeries({
      title: 'Other parts of the gateway',
      description: 'Requests by part (GraphQL, Grafana, probes, scrapes) and class of HTTP status.',
      unit: 'reqps',
      targets: promql([
        `sum by (route, status) (rate(gateway_http_requests_total{${JOB}}${RATE})) > 0`,
        '{{route}} {{status}}',
      ]),
    }),
  ];
}

function streams() {
  return [
    timeSeries({
      title: 'Streams under way',
      description: 'Answers that are being sent as they are read from a standby.',
      unit: 'none',
      targets: promql([`sum by (instance) (gateway_active_streams{${JOB}})`, '{{instance}}']),
    }),
    timeSeries({
      title: 'Longest stream under way',
      description: 'Since it began. No line while nothing streams.',
      unit: 's',
      thresholds: [600],
      targets: promql([`max by (instance) (gateway_oldest_stream_seconds{${JOB}})`, '{{instance}}']),
    }),
    timeSeries({
      title: 'Calls sent',
      description: 'Calls per second in streamed answers, counted when an answer ends.',
      unit: 'rowsps',
      targets: promql([
        `sum by (instance) (rate(gateway_streamed_rows_total{${JOB}}${RATE}))`,
        '{{instance}}',
      ]),
    }),
    timeSeries({
      title: 'Bytes sent',
      description: 'In streamed answers, before compression, counted when an answer ends.',
      unit: 'Bps',
      targets: promql([
        `sum by (instance) (rate(gateway_streamed_bytes_total{${JOB}}${RATE}))`,
        '{{instance}}',
      ]),
    }),
  ];
}

function pools() {
  return [
    timeSeries({
      title: 'Connections in use',
      description:
        'Share of the connections that a pool may open (DB_MAX_CONNECTIONS). At 100 % statements wait.',
      unit: 'percentunit',
      max: 1,
      thresholds: [0.8],
      targets: promql([
        `gateway_pg_pool_connections{${JOB},state="used"} / on (instance, pool) gateway_pg_pool_max_connections{${JOB}}`,
        '{{instance}} → {{pool}}',
      ]),
    }),
    timeSeries({
      title: 'Statements that wait for a connection',
      description: 'More than none for two minutes is an alert.',
      unit: 'none',
      targets: promql([`gateway_pg_pool_pending_requests{${JOB}}`, '{{instance}} → {{pool}}']),
    }),
    timeSeries({
      title: 'Wait for a connection',
      description: '99 of 100 statements got their connection within this time.',
      unit: 's',
      targets: promql([
        `histogram_quantile(0.99, sum by (le, pool) (rate(gateway_pg_pool_acquire_duration_seconds_bucket{${JOB}}${RATE})))`,
        '{{pool}}',
      ]),
    }),
  ];
}

function standbys() {
  return [
    timeSeries({
      title: 'Lag, at most',
      description:
        'The worst that any gateway sees: for as long as Prometheus remembers. No line while nothing is known.',
      unit: 's',
      thresholds: [60],
      targets: promql([`max by (replica) (gateway_replica_lag_seconds{${JOB}})`, '{{replica}}']),
    }),
    stateTimeline({
      title: 'Streams',
      description: 'Whether at least one gateway sees its WAL receiver connected.',
      unit: 'none',
      mappings: streamingMapping,
      targets: promql([`max by (replica) (gateway_replica_streaming{${JOB}})`, '{{replica}}']),
    }),
    timeSeries({
      title: 'Requests under way',
      description: 'How the gateways spread requests over the standbys.',
      unit: 'none',
      isStacked: true,
      targets: promql([`sum by (replica) (gateway_replica_requests_in_flight{${JOB}})`, '{{replica}}']),
    }),
    timeSeries({
      title: 'Queries cancelled by replay',
      description:
        'Recovery conflicts per second by cause, as the standby counts them. The gateway asks again elsewhere.',
      unit: 'ops',
      targets: promql([
        `max by (replica, cause) (rate(gateway_replica_conflicts_total{${JOB}}${RATE})) > 0`,
        '{{replica}} {{cause}}',
      ]),
    }),
  ];
}

function processes() {
  return [
    timeSeries({
      title: 'Memory',
      description: 'Resident memory of each gateway. It does not grow with the length of an answer.',
      unit: 'bytes',
      targets: promql([`process_resident_memory_bytes{${JOB}}`, '{{instance}}']),
    }),
    timeSeries({
      title: 'CPU',
      description: 'Share of one core. At 100 % requests queue in the process.',
      unit: 'percentunit',
      targets: promql([`rate(process_cpu_seconds_total{${JOB}}${RATE})`, '{{instance}}']),
    }),
    timeSeries({
      title: 'Event loop delay',
      description: '99 of 100 turns of the event loop were at most this late.',
      unit: 's',
      targets: promql([`nodejs_eventloop_lag_p99_seconds{${JOB}}`, '{{instance}}']),
    }),
  ];
}
