import { confidences, primaryStates, replicaStates, replicationHealths } from '../replicas/states.ts';
import type { PrimaryStatus, ReplicaStatus, ReplicationStatus, StalenessStatus } from '../replicas/status.ts';
import { builder } from './builder.ts';
import { described } from './described.ts';

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
    reason: t.exposeString('reason', { description: 'Why it is not simply streaming, in a sentence.' }),
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
    receivedLsn: t.exposeString('receivedLsn', {
      description: 'WAL received. For information: after a restart it may lie behind what is replayed.',
    }),
    replayedLsn: t.exposeString('replayedLsn', { description: 'WAL replayed, so visible to queries.' }),
    upstreamLsn: t.exposeString('upstreamLsn', {
      description: "The furthest position known of its primary's WAL.",
    }),
    timeline: t.exposeInt('timeline', {
      description: 'Branch of history; it grows when a standby is promoted.',
    }),
    sampledAt: t.field({
      type: 'DateTime',
      description: 'When it last answered our watcher.',
      resolve: ({ sampledAt }) => sampledAt,
    }),
    serverVersion: t.exposeString('serverVersion', { description: 'PostgreSQL version.' }),
    address: t.string({
      description: 'Host and port; only administrators see it.',
      resolve: ({ address }, _args, { principal }) => (principal.role === 'ADMIN' ? address : null),
    }),
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
    reason: t.exposeString('reason', { description: 'Why it is not simply available, in a sentence.' }),
    isPolled: t.exposeBoolean('isPolled', { nullable: false, description: 'Whether it is asked directly.' }),
    lsn: t.exposeString('lsn', { description: 'The furthest position known of its WAL.' }),
    timeline: t.exposeInt('timeline', { description: 'Branch of history.' }),
    heardAt: t.field({
      type: 'DateTime',
      description: 'When it was known last to be alive.',
      resolve: ({ heardAt }) => heardAt,
    }),
    silenceSeconds: t.exposeFloat('silenceSeconds', { description: 'Since it was known last to be alive.' }),
  }),
});

const Replication = builder.objectRef<ReplicationStatus>('ReplicationStatus').implement({
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
    primary: t.field({
      type: Primary,
      description: 'The primary; null until anything is known of it.',
      resolve: ({ primary }) => primary,
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
