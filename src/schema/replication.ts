import { type FeedStatus, feedLevels } from '../feed/feed.ts';
import type { SourceReport } from '../replicas/sources/source.ts';
import { confidences, primaryStates, replicaStates, replicationHealths } from '../replicas/states.ts';
import type { PrimaryStatus, ReplicaStatus, ReplicationStatus, StalenessStatus } from '../replicas/status.ts';
import { builder } from './builder.ts';
import { described } from './described.ts';

/** See replicas/tenant-view.ts, and feedStatusFor. */
const OPERATORS = 'Null for principals that see a part of the calls.';

const ReplicationHealthEnum = builder.enumType('ReplicationHealth', {
  description: 'How all standbys are, together.',
  values: described(replicationHealths),
});

const ReplicaStateEnum = builder.enumType('ReplicaState', {
  description: 'What a server is doing. Only STREAMING means that all is well.',
  values: described(replicaStates),
});

const ConfidenceEnum = builder.enumType('Confidence', {
  description: 'How much the figures beside it can be trusted.',
  values: described(confidences),
});

const PrimaryStateEnum = builder.enumType('PrimaryState', {
  description: 'What is known of the primary.',
  values: described(primaryStates),
});

const Staleness = builder.objectRef<StalenessStatus>('Staleness').implement({
  description:
    'How old the data of a standby is, as a bound. The truth lies between; it is never above `maxSeconds`, whatever ' +
    'has failed. Null when unknown.',
  fields: (t) => ({
    minSeconds: t.exposeFloat('minSeconds', { description: 'The data is at least this old.' }),
    maxSeconds: t.exposeFloat('maxSeconds', {
      description:
        'The data is at most this old. On an idle link it grows between two messages of the primary.',
    }),
    asOf: t.field({
      type: 'DateTime',
      description: "Everything committed until then, on the primary's clock, is visible.",
      resolve: ({ asOf }) => asOf,
    }),
  }),
});

const Replica = builder.objectRef<ReplicaStatus>('ReplicaStatus').implement({
  description:
    'One hot standby, from the latest sample and the time since. Figures that are not known are null: 0 always means ' +
    'that it is 0.',
  fields: (t) => ({
    name: t.exposeString('name', { nullable: false, description: 'As in `extensions.replica.name`.' }),
    status: t.expose('status', { type: ReplicaStateEnum, nullable: false, description: 'What it is doing.' }),
    reason: t.string({
      description: `Why it is not simply streaming, in a sentence. ${OPERATORS}`,
      resolve: ({ reason }) => reason,
    }),
    confidence: t.expose('confidence', {
      type: ConfidenceEnum,
      nullable: false,
      description: 'How much the figures can be trusted.',
    }),
    lagBytes: t.expose('lagBytes', {
      type: 'BigInt',
      nullable: true,
      description: 'WAL that its primary is known to have and it has not replayed.',
    }),
    lagIsLowerBound: t.exposeBoolean('lagIsLowerBound', {
      nullable: false,
      description: 'True when the primary may have written more than is known: it was not heard of lately.',
    }),
    lagSeconds: t.exposeFloat('lagSeconds', {
      description: '`staleness.maxSeconds`: the data is never older than this. Null, never 0, when unknown.',
    }),
    staleness: t.field({
      type: Staleness,
      description: 'How old its data is, as a bound.',
      resolve: ({ staleness }) => staleness,
    }),
    receivedLsn: t.string({
      description: `WAL received. For information: after a restart it may lie behind what is replayed. ${OPERATORS}`,
      resolve: ({ receivedLsn }) => receivedLsn,
    }),
    replayedLsn: t.string({
      description: `WAL replayed, so visible to queries. ${OPERATORS}`,
      resolve: ({ replayedLsn }) => replayedLsn,
    }),
    upstreamLsn: t.string({
      description: `The furthest position known of its primary's WAL. ${OPERATORS}`,
      resolve: ({ upstreamLsn }) => upstreamLsn,
    }),
    timeline: t.int({
      description: `Branch of history; it grows when a standby is promoted. ${OPERATORS}`,
      resolve: ({ timeline }) => timeline,
    }),
    sampledAt: t.field({
      type: 'DateTime',
      description: 'When it last answered our watcher.',
      resolve: ({ sampledAt }) => sampledAt,
    }),
    serverVersion: t.string({
      description: `PostgreSQL version. ${OPERATORS}`,
      resolve: ({ serverVersion }) => serverVersion,
    }),
    address: t.string({
      description: 'Host and port; only administrators see it.',
      resolve: ({ address }, _args, { principal }) => (principal.role === 'ADMIN' ? address : null),
    }),
    zone: t.exposeString('zone', { description: 'Where it stands, as its URL or its source says.' }),
    networkLagBytes: t.expose('networkLagBytes', {
      type: 'BigInt',
      nullable: true,
      description: 'Of `lagBytes`, what has not arrived yet: the link is slow or cut.',
    }),
    replayLagBytes: t.expose('replayLagBytes', {
      type: 'BigInt',
      nullable: true,
      description: 'Of `lagBytes`, what has arrived and is not replayed: replay is slow, paused or blocked.',
    }),
    replayBytesPerSecond: t.exposeFloat('replayBytesPerSecond', {
      description: 'How fast it replays, smoothed.',
    }),
    catchUpSeconds: t.exposeFloat('catchUpSeconds', {
      description:
        'Until it has caught up, at the present rate. Null when it is not behind, or stands still.',
    }),
    silenceSeconds: t.exposeFloat('silenceSeconds', {
      description:
        'Since it heard from its upstream; up to half of wal_receiver_timeout is normal on an idle link.',
    }),
    conflicts: t.int({
      nullable: false,
      description: 'Queries cancelled so that replay could go on, since its statistics were reset.',
      resolve: ({ conflicts }) => Object.values(conflicts).reduce((sum, count) => sum + count, 0),
    }),
    isReadFrom: t.boolean({
      nullable: false,
      description: 'Whether requests may be answered from it now.',
      resolve: ({ routing }) => routing.tier !== null,
    }),
  }),
});

const Primary = builder.objectRef<PrimaryStatus>('PrimaryStatus').implement({
  description: 'The primary: asked directly where PRIMARY_URL is set, otherwise by hearsay of the standbys.',
  fields: (t) => ({
    status: t.expose('status', {
      type: PrimaryStateEnum,
      nullable: false,
      description: 'What is known of it.',
    }),
    reason: t.string({
      description: `Why it is not simply available, in a sentence. ${OPERATORS}`,
      resolve: ({ reason }) => reason,
    }),
    isPolled: t.exposeBoolean('isPolled', { nullable: false, description: 'Whether it is asked directly.' }),
    lsn: t.string({
      description: `The furthest position known of its WAL. ${OPERATORS}`,
      resolve: ({ lsn }) => lsn,
    }),
    timeline: t.int({
      description: `Branch of history. ${OPERATORS}`,
      resolve: ({ timeline }) => timeline,
    }),
    heardAt: t.field({
      type: 'DateTime',
      description: 'When it was known last to be alive.',
      resolve: ({ heardAt }) => heardAt,
    }),
    silenceSeconds: t.exposeFloat('silenceSeconds', { description: 'Since it was known last to be alive.' }),
  }),
});

const Source = builder.objectRef<SourceReport>('StandbySource').implement({
  description: 'Where standbys are named: in the settings, in a file, by DNS, by Patroni or by Kubernetes.',
  fields: (t) => ({
    kind: t.exposeString('kind', {
      nullable: false,
      description: '`list`, `file`, `dns`, `patroni` or `kubernetes`.',
    }),
    place: t.string({
      description: 'The file, the name or the service that is read; only administrators see it.',
      resolve: ({ place }, _args, { principal }) => (principal.role === 'ADMIN' ? place : null),
    }),
    servers: t.exposeInt('servers', {
      nullable: false,
      description: 'Servers that it named when it was last read well.',
    }),
    readAt: t.field({
      type: 'DateTime',
      description: 'When it was last read well.',
      resolve: ({ readAt }) => (readAt === null ? null : new Date(readAt).toISOString()),
    }),
    problem: t.string({
      description:
        'Why it could not be read just now, in which case the servers of before stay; only administrators see it.',
      resolve: ({ problem }, _args, { principal }) => (principal.role === 'ADMIN' ? problem : null),
    }),
    isRead: t.boolean({
      nullable: false,
      description: 'Whether it could be read just now, and all of it.',
      resolve: ({ problem }) => problem === null,
    }),
  }),
});

const FeedLevelEnum = builder.enumType('FeedLevel', {
  description: 'What the feed of calls, which subscriptions read, can tell.',
  values: described(feedLevels),
});

const FeedStatusType = builder.objectRef<FeedStatus>('FeedStatus').implement({
  description: 'The feed of calls: what arrives in the databases, as subscriptions are told it.',
  fields: (t) => ({
    level: t.expose('level', { type: FeedLevelEnum, nullable: false, description: 'What is told.' }),
    position: t.exposeString('position', {
      description: 'How far it is: a token as in `extensions.replica.token`. Null while nobody reads it.',
    }),
    asOf: t.field({
      type: 'DateTime',
      description: 'Every call that was committed until then has been told. Null while nobody reads it.',
      resolve: ({ asOf }) => asOf,
    }),
    reason: t.exposeString('reason', {
      description: `Why no more is told, or why it does not go on. ${OPERATORS}`,
    }),
  }),
});

export const Replication = builder.objectRef<ReplicationStatus>('ReplicationStatus').implement({
  description:
    'The truth about how old answers are. Read from samples: it answers when every standby is down.',
  fields: (t) => ({
    status: t.expose('status', {
      type: ReplicationHealthEnum,
      nullable: false,
      description: 'All together.',
    }),
    asOf: t.field({
      type: 'DateTime',
      description: 'Every read without a demand of its own sees at least what was committed until then.',
      resolve: ({ asOf }) => asOf,
    }),
    replicas: t.field({
      type: [Replica],
      nullable: { list: false, items: false },
      description: 'Each standby, in the order of the settings.',
      resolve: ({ replicas }) => replicas,
    }),
    sources: t.field({
      type: [Source],
      nullable: { list: false, items: false },
      description:
        'Where the standbys are named, and the primary where it is watched. Empty for principals that see a part of the calls.',
      resolve: ({ sources }) => sources,
    }),
    primary: t.field({
      type: Primary,
      description: 'The primary; null until anything is known of it.',
      resolve: ({ primary }) => primary,
    }),
    feed: t.field({
      type: FeedStatusType,
      nullable: false,
      description: 'The feed that subscriptions read.',
      resolve: (_status, _args, { feed }) => feed.status(),
    }),
  }),
});

builder.queryField('replicationStatus', (t) =>
  t.field({
    type: Replication,
    nullable: false,
    description:
      'How old the data is, per standby, and why. Costs no database anything: poll it as often as you like.',
    resolve: (_root, _args, { replicas }) => replicas.snapshot(),
  }),
);

/** Enum values with the sentences that the code itself goes by. */
