import { mayUse, type Permission } from '../../src/access/roles.ts';
import type { Caller } from './callers.ts';

/** Who is shown the value of a field, of those who may see the object that has it. */
export const fieldRules = {
  SAME: 'Everybody of them, and the same value.',
  MOMENT: 'Everybody of them, but it is another value at each moment, or for each list.',
  SELF: 'Says who asks.',
  COUNT: 'Exact for whoever sees a part of the calls, by the statistics of the planner for everybody else.',
  NUMBERS: 'Whole with NUMBERS, masked with MASKED_NUMBERS, otherwise null.',
  WHOLE_NUMBERS: 'Found by a number: null where that is not whole.',
  CALLS: 'Refused without the permission.',
  STATISTICS: 'Refused without the permission.',
  ACCOUNTS: 'Null without the permission.',
  AMOUNTS: 'Null without the permission.',
  OPERATORS: 'Null, or an empty list, for principals that see a part of the calls.',
  ADMINISTRATORS: 'Null for everybody but administrators.',
} as const;
export type FieldRule = keyof typeof fieldRules;

/** Names by their rule, with spaces between them. */
type Rules = Readonly<Partial<Record<FieldRule, string>>>;

/**
 * The rule of every field of the schema. A field without a line fails the test of the matrix: whoever adds one says here who
 * is shown it.
 */
export const rulesOfFields: Readonly<Record<string, Rules>> = {
  Query: {
    CALLS: 'cdr cdrs node nodes',
    STATISTICS: 'cdrStats',
    ACCOUNTS: 'account',
    SAME: 'carriers replicationStatus viewer',
  },
  Subscription: { CALLS: 'cdrs', SAME: 'replicationStatus' },
  Cdr: {
    SAME: `id nodeId callId accountId customerId setupTime connectTime disconnectTime durationSeconds billedSeconds pddSeconds
      disconnectCause disconnectReason outcome prefix country region remoteIp releaseSource userAgent protocol`,
    NUMBERS: 'cli cld cliIn cldIn assertedIdentity',
    WHOLE_NUMBERS: 'carrier',
    AMOUNTS: 'chargedAmount postCallSurcharge',
    ACCOUNTS: 'account customer currency',
  },
  CdrConnection: { SAME: 'edges nodes pageInfo totalCount', COUNT: 'estimatedCount' },
  CdrEdge: { SAME: 'node', MOMENT: 'cursor' },
  PageInfo: { SAME: 'hasNextPage hasPreviousPage', MOMENT: 'startCursor endCursor' },
  CdrStats: { SAME: 'rows totals' },
  CdrStatsRow: {
    SAME: `bucket accountId customerId country region prefix remoteIp disconnectCause releaseSource outcome attempts answered
      failed asr ner acdSeconds medianDurationSeconds pddSeconds p95PddSeconds durationSeconds billedSeconds minutes billedMinutes
      shortCalls unreadableCalls peakCallsPerSecond`,
    NUMBERS: 'cld',
    AMOUNTS: 'chargedAmount amountsByCurrency',
    ACCOUNTS: 'account customer currency',
  },
  CurrencyAmount: { SAME: 'calls', AMOUNTS: 'chargedAmount', ACCOUNTS: 'currency' },
  Account: { SAME: 'id nodeId', ACCOUNTS: 'username customerId customer currency timeZone blocked' },
  Customer: { SAME: 'id nodeId', ACCOUNTS: 'name' },
  Carrier: { SAME: 'blockHolder blockHolderCode territory country lineKind prefix' },
  CdrFeed: {
    SAME: 'inserted corrected deletedIds departures',
    MOMENT: 'cursor position asOf stalenessSeconds mayRepeat gap',
  },
  CdrDeparture: { SAME: 'cdrId accountId' },
  FeedGap: { SAME: 'reason message' },
  ReplicationStatus: { SAME: 'replicas primary feed', MOMENT: 'status asOf', OPERATORS: 'sources' },
  ReplicaStatus: {
    SAME: 'name zone',
    MOMENT: `status confidence lagBytes lagIsLowerBound lagSeconds staleness sampledAt networkLagBytes replayLagBytes
      replayBytesPerSecond catchUpSeconds silenceSeconds conflicts isReadFrom`,
    OPERATORS: 'reason receivedLsn replayedLsn upstreamLsn timeline serverVersion',
    ADMINISTRATORS: 'address',
  },
  Staleness: { MOMENT: 'minSeconds maxSeconds asOf' },
  PrimaryStatus: {
    SAME: 'isPolled',
    MOMENT: 'status heardAt silenceSeconds',
    OPERATORS: 'reason lsn timeline',
  },
  StandbySource: { SAME: 'kind servers', MOMENT: 'readAt isRead', ADMINISTRATORS: 'place problem' },
  FeedStatus: { MOMENT: 'level position asOf', OPERATORS: 'reason' },
  Viewer: {
    SELF: 'name role permissions scope accountIds customerIds maxPage defaultPage',
    SAME: 'rateLimit',
  },
  RateLimit: { SAME: 'limit', MOMENT: 'remaining resetSeconds' },
};

/** The same of what Grafana is answered: metrics, columns of the table of standbys, and fields of `/grafana/history`. */
export const rulesOfGrafana = {
  metrics: {
    OPERATORS:
      'replication_received_bytes replication_replayed_bytes replication_upstream_bytes replication_timeline',
    MOMENT: `replication_lag_seconds replication_staleness_min_seconds replication_lag_bytes replication_up replication_streaming
      replication_state replication_confidence replication_status replication_health replication_changes`,
    STATISTICS: `calls_attempts calls_answered calls_failed calls_asr_percent calls_ner_percent calls_acd_seconds
      calls_median_duration_seconds calls_pdd_seconds calls_p95_pdd_seconds calls_duration_seconds calls_billed_seconds calls_minutes
      calls_billed_minutes calls_short calls_unreadable calls_peak_calls_per_second calls_table`,
    AMOUNTS: 'calls_charged_amount',
  },
  columns: {
    MOMENT: `replica state confidence lag_seconds staleness_min_seconds as_of lag_bytes lag_is_lower_bound network_lag_bytes
      replay_lag_bytes catch_up_seconds conflicts read_from sampled_at`,
    OPERATORS: 'reason received_lsn replayed_lsn upstream_lsn timeline',
  },
  history: {
    MOMENT: 'time replica lagSeconds stalenessMinSeconds lagBytes up streaming state confidence',
    OPERATORS: 'receivedBytes replayedBytes upstreamBytes timeline',
  },
} as const satisfies Readonly<Record<string, Rules>>;

const permissionRules: readonly FieldRule[] = ['CALLS', 'STATISTICS', 'ACCOUNTS', 'AMOUNTS'];

/** Undefined where no line has it. */
export function findRule(rules: Rules | undefined, name: string): FieldRule | undefined {
  return (Object.keys(rules ?? {}) as FieldRule[]).find((rule) => namesOf(rules!, rule).includes(name));
}

/** Every name that has a rule. */
export const namesWithRule = (rules: Rules): readonly string[] =>
  (Object.keys(rules) as FieldRule[]).flatMap((rule) => namesOf(rules, rule));

export const namesOf = (rules: Rules, rule: FieldRule): readonly string[] =>
  rules[rule]?.split(/\s+/).filter(Boolean) ?? [];

/** The permission without which the value is not shown. */
export const permissionOf = (rule: FieldRule): Permission | undefined =>
  permissionRules.includes(rule) ? (rule as Permission) : undefined;

/** Whether the caller is shown nothing in the place of the value. */
export function isHidden(rule: FieldRule, { role, scope }: Caller): boolean {
  const permission = permissionOf(rule);
  if (permission) return !mayUse(role, permission);
  if (rule === 'NUMBERS') return !mayUse(role, 'MASKED_NUMBERS') && !mayUse(role, 'NUMBERS');
  if (rule === 'WHOLE_NUMBERS') return !mayUse(role, 'NUMBERS');
  if (rule === 'OPERATORS') return scope !== 'all';
  return rule === 'ADMINISTRATORS' && role !== 'ADMIN';
}
