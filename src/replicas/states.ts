/** What a standby is doing, as the judge sees it. The sentences are for people who have only GraphiQL. */
export const replicaStates = {
  UNKNOWN: 'Not asked yet, or not lately, because the gateway itself stood still.',
  UNREACHABLE: 'Does not answer, or answers and accepts no new connection.',
  STARTING: 'Is starting, recovering from a crash, or shutting down.',
  WRONG_CLUSTER: 'Belongs to another database cluster than the others.',
  SPLIT_BRAIN: 'Takes writes while another server of the same cluster does too.',
  PROMOTED: 'Was a standby and has become a primary.',
  PRIMARY: 'Is a primary, not a standby.',
  PAUSED: 'Its replay is paused.',
  DELAYED: 'Replays late on purpose (recovery_min_apply_delay).',
  REPLAY_BLOCKED: 'Its replay waits for a query to let go of what it needs.',
  STREAMING_UNVERIFIED: 'Streams, but our role may not see how far (grant pg_read_all_stats).',
  ARCHIVE_RECOVERY: 'Replays files from an archive; streams from nobody.',
  DISCONNECTED: 'Streams from nobody and answers with what it has.',
  CONNECTING: 'Is connecting to its upstream.',
  STALLED: 'Is connected, but nothing comes although something should.',
  CATCHING_UP: 'Streams and is noticeably behind.',
  UPSTREAM_DEGRADED: 'Streams from a standby that has troubles of its own.',
  STREAMING: 'Streams and keeps up.',
} as const;

export type ReplicaState = keyof typeof replicaStates;

interface StateTraits {
  /** Whether all is as it should be, for the log and for marks on a graph. */
  readonly isWell: boolean;
  /** Whether its connections are of no use, and statements there have failed or must not be sent. */
  readonly isLost: boolean;
  /** Whether it receives WAL now, and replays it. */
  readonly isAdvancing: boolean;
  /**
   * How willingly it is read from: the least tier that can serve is taken, and null is never. A standby that lost its
   * primary is still read from, since stale answers that say so are better than none; one that stands still, only
   * when there is no other.
   */
  readonly tier: number | null;
  /** For probes. `warn`: it can answer, and is not as it should be. */
  readonly verdict: 'pass' | 'warn' | 'fail';
}

/** What each state means to the parts of the gateway. A new state does not compile before it has a row here. */
export const stateTraits: Readonly<Record<ReplicaState, StateTraits>> = {
  STREAMING: { isWell: true, isLost: false, isAdvancing: true, tier: 0, verdict: 'pass' },
  CATCHING_UP: { isWell: true, isLost: false, isAdvancing: true, tier: 0, verdict: 'pass' },
  DELAYED: { isWell: true, isLost: false, isAdvancing: false, tier: 2, verdict: 'pass' },
  UPSTREAM_DEGRADED: { isWell: false, isLost: false, isAdvancing: false, tier: 1, verdict: 'warn' },
  CONNECTING: { isWell: false, isLost: false, isAdvancing: false, tier: 1, verdict: 'warn' },
  STALLED: { isWell: false, isLost: false, isAdvancing: false, tier: 1, verdict: 'warn' },
  DISCONNECTED: { isWell: false, isLost: false, isAdvancing: false, tier: 1, verdict: 'warn' },
  REPLAY_BLOCKED: { isWell: false, isLost: false, isAdvancing: false, tier: 1, verdict: 'warn' },
  PAUSED: { isWell: false, isLost: false, isAdvancing: false, tier: 2, verdict: 'warn' },
  ARCHIVE_RECOVERY: { isWell: false, isLost: false, isAdvancing: false, tier: 2, verdict: 'warn' },
  STREAMING_UNVERIFIED: { isWell: false, isLost: false, isAdvancing: false, tier: 3, verdict: 'warn' },
  UNKNOWN: { isWell: false, isLost: false, isAdvancing: false, tier: null, verdict: 'fail' },
  UNREACHABLE: { isWell: false, isLost: true, isAdvancing: false, tier: null, verdict: 'fail' },
  STARTING: { isWell: false, isLost: true, isAdvancing: false, tier: null, verdict: 'fail' },
  WRONG_CLUSTER: { isWell: false, isLost: true, isAdvancing: false, tier: null, verdict: 'fail' },
  SPLIT_BRAIN: { isWell: false, isLost: true, isAdvancing: false, tier: null, verdict: 'fail' },
  PROMOTED: { isWell: false, isLost: true, isAdvancing: false, tier: null, verdict: 'fail' },
  PRIMARY: { isWell: false, isLost: true, isAdvancing: false, tier: null, verdict: 'fail' },
};

/** How much the figures beside it can be trusted. */
export const confidences = {
  HIGH: 'The end of the WAL was known within the last two seconds.',
  MEDIUM: 'The standby is connected, but has not heard lately how far its primary is.',
  LOW: 'Nobody has told lately how far the primary is; the figures are bounds.',
  NONE: 'The server does not answer; the figures are what was known last.',
} as const;

export type Confidence = keyof typeof confidences;

/** All standbys together. */
export const replicationHealths = {
  OK: 'Every standby streams and keeps up (or is late on purpose).',
  DEGRADED: 'Reads are answered, but at least one server is not as it should be.',
  DOWN: 'No standby can answer reads.',
} as const;

export type ReplicationHealth = keyof typeof replicationHealths;

/** What is known of the primary, by polling it (PRIMARY_URL) or from its messages to the standbys. */
export const primaryStates = {
  UNKNOWN: 'Not asked yet, and no standby has heard of it.',
  AVAILABLE: 'Answers, or sent something to a standby just now.',
  SILENT: 'Not asked directly, and no standby has heard of it lately.',
  UNREACHABLE: 'Was asked and does not answer.',
  STARTING: 'Is starting, recovering from a crash, or shutting down.',
  NOT_PRIMARY: 'The server at PRIMARY_URL is a standby.',
  SPLIT_BRAIN: 'Takes writes while another server of the same cluster does too.',
} as const;

export type PrimaryState = keyof typeof primaryStates;
