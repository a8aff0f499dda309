import type { FailureKind } from '../db/failures.ts';
import { iso8601OfMicros } from '../db/timestamps.ts';
import type { Clock } from './clock.ts';
import { withBrackets } from './connection-url.ts';
import { isSilentReceiver } from './decision-table.ts';
import { formatLsn } from './lsn.ts';
import type { Assessment, Observatory, Observed } from './observatory.ts';
import { streamingReceiver } from './receiver-claim.ts';
import type { SlotSample } from './sample.ts';
import type { SourceReport } from './sources/source.ts';
import type { Standby } from './standby.ts';
import {
  type Confidence,
  type PrimaryState,
  type ReplicaState,
  type ReplicationHealth,
  stateTraits,
} from './states.ts';

/** The answer of replicationStatus. Instants are RFC 3339 in UTC with microseconds, positions PostgreSQL's text. */
export interface ReplicationStatus {
  readonly status: ReplicationHealth;
  /** Every read without a demand of its own sees at least what was committed until then; null when unknown. */
  readonly asOf: string | null;
  readonly replicas: readonly ReplicaStatus[];
  readonly primary: PrimaryStatus | null;
  /** Where the standbys are named. */
  readonly sources: readonly SourceReport[];
}

export interface ReplicaStatus {
  readonly name: string;
  readonly status: ReplicaState;
  readonly reason: string | null;
  readonly confidence: Confidence;
  readonly lagBytes: bigint | null;
  /** `lagBytes` may be too small: the end of the primary's WAL has not been reported lately. */
  readonly lagIsLowerBound: boolean;
  /** The upper bound of staleness; null, never 0, when unknown. */
  readonly lagSeconds: number | null;
  readonly staleness: StalenessStatus | null;
  readonly receivedLsn: string | null;
  readonly replayedLsn: string | null;
  /** The furthest position known of its primary, from any server. */
  readonly upstreamLsn: string | null;
  readonly timeline: number | null;
  readonly sampledAt: string | null;
  /** What follows is for operators. */
  readonly address: string;
  readonly zone: string | null;
  readonly weight: number;
  readonly serverVersion: string | null;
  readonly networkLagBytes: bigint | null;
  readonly replayLagBytes: bigint | null;
  readonly replayBytesPerSecond: number | null;
  /** At the present rate; null when it is not behind, or does not move. */
  readonly catchUpSeconds: number | null;
  readonly receiverStatus: string | null;
  /** Since its receiver heard from its upstream. */
  readonly silenceSeconds: number | null;
  /** Smallest difference of the standby's and its upstream's clock seen lately; below 0 its clock is behind. */
  readonly clockSkewSeconds: number | null;
  readonly slotName: string | null;
  /** Queries cancelled by replay, by cause, since the server's statistics were reset. */
  readonly conflicts: Readonly<Record<string, number>>;
  readonly settings: {
    readonly applyDelaySeconds: number;
    /** How long a query may hold up replay; null for ever. */
    readonly maxStreamingDelaySeconds: number | null;
    readonly hotStandbyFeedback: boolean;
    readonly walReceiverTimeoutSeconds: number;
  } | null;
  readonly pollSeconds: number | null;
  readonly routing: {
    /** 0 is best; null is never read from. */
    readonly tier: number | null;
    readonly requestsInFlight: number;
    readonly isSuspect: boolean;
    /** Failures that requests ran into here since the gateway started, by kind. */
    readonly failures: Readonly<Partial<Record<FailureKind, number>>>;
  };
}

export interface StalenessStatus {
  readonly minSeconds: number | null;
  readonly maxSeconds: number | null;
  /** On the primary's clock: every commit until then is visible. */
  readonly asOf: string | null;
}

export interface PrimaryStatus {
  readonly status: PrimaryState;
  readonly reason: string | null;
  /** Polled directly (PRIMARY_URL); otherwise known from its standbys alone. */
  readonly isPolled: boolean;
  readonly lsn: string | null;
  readonly timeline: number | null;
  /** When it was known last to be alive. */
  readonly heardAt: string | null;
  readonly silenceSeconds: number | null;
  readonly slots: readonly SlotSample[];
}

export interface StatusView {
  readonly observatory: Observatory;
  standbys(): readonly Standby[];
  sources(): readonly SourceReport[];
  readonly clock: Clock;
  tierOf(standby: Standby, assessment: Assessment): number | null;
}

/** From what is known already: no server is polled, so it answers when all are down. */
export function replicationStatus(view: StatusView): ReplicationStatus {
  const replicas = view.standbys().map((standby) => replicaStatus(standby, view));
  const primary = primaryStatus(view);
  return {
    status: judgeHealth(replicas, primary),
    asOf: findGuaranteedAsOf(replicas),
    replicas,
    primary,
    sources: view.sources(),
  };
}

export function replicaStatus(standby: Standby, view: StatusView): ReplicaStatus {
  const { observed } = standby;
  const { node } = observed;
  const { sample } = node;
  const assessment = view.observatory.assess(node);
  const { verdict, estimate } = assessment;
  const receiver = sample && streamingReceiver(sample);
  const asOf = verdict.maxSeconds === null ? undefined : estimate.asOf;
  return {
    name: node.name,
    status: verdict.state,
    reason: verdict.reason,
    confidence: verdict.confidence,
    lagBytes: verdict.lagBytes,
    lagIsLowerBound: verdict.lagIsLowerBound,
    lagSeconds: atMost(verdict.maxSeconds),
    staleness: asOf
      ? {
          minSeconds: verdict.minSeconds === null ? null : Math.floor(verdict.minSeconds * 1000) / 1000,
          maxSeconds: atMost(verdict.maxSeconds),
          asOf: formatTime(asOf.stamp),
        }
      : null,
    receivedLsn: lsnText(sample?.standby?.receivedLsn),
    replayedLsn: lsnText(sample?.lsn),
    upstreamLsn: lsnText(estimate.upstreamLsn),
    timeline: sample?.timeline ?? null,
    sampledAt: sample ? wallTime(sample.answeredAt, view.clock) : null,
    address: `${withBrackets(node.address.host)}:${node.address.port}`,
    zone: standby.zone ?? null,
    weight: standby.weight,
    serverVersion: sample ? versionText(sample.serverVersion) : null,
    networkLagBytes: estimate.split?.network ?? null,
    replayLagBytes: estimate.split?.replay ?? null,
    replayBytesPerSecond: node.replayRate === null ? null : Math.round(node.replayRate),
    catchUpSeconds: catchUpSeconds(verdict.lagBytes, verdict.state, node.replayRate),
    receiverStatus: receiverStatus(observed),
    silenceSeconds: receiver ? sample.clock - receiver.messageReceiptStamp : null,
    clockSkewSeconds: node.skew.smallest,
    slotName: sample?.standby?.slotName ?? null,
    conflicts: sample?.standby?.conflicts ?? {},
    settings: describeSettings(observed),
    pollSeconds: sample ? sample.answeredAt - sample.sentAt : null,
    routing: {
      tier: view.tierOf(standby, assessment),
      requestsInFlight: standby.inFlight,
      isSuspect: standby.isSuspect,
      failures: Object.fromEntries(standby.reported),
    },
  };
}

/** Seconds until `bytes` are replayed at `rate`; null when there is nothing to replay, or something holds it up. */
export function catchUpSeconds(
  bytes: bigint | null,
  state: ReplicaState,
  rate: number | null,
): number | null {
  if (!stateTraits[state].isAdvancing || bytes === null || bytes === 0n || rate === null || rate < 1)
    return null;
  return Number(bytes) / rate;
}

/** Upper bounds are rounded up. */
export function atMost(seconds: number | null): number | null {
  return seconds === null ? null : Math.ceil(seconds * 1000) / 1000;
}

export function formatTime(seconds: number): string {
  return iso8601OfMicros(BigInt(Math.floor(seconds * 1e6)));
}

function primaryStatus(view: StatusView): PrimaryStatus | null {
  return view.observatory.primary
    ? polledPrimary(view.observatory.primary, view)
    : describePrimaryFromStandbys(view);
}

function polledPrimary(observed: Observed, { observatory, clock }: StatusView): PrimaryStatus {
  const { node } = observed;
  const { sample } = node;
  const { state, reason } = observatory.assess(node).verdict;
  return {
    status: primaryState(state),
    reason: state === 'PRIMARY' || state === 'PROMOTED' ? null : reason,
    isPolled: true,
    lsn: lsnText(sample?.lsn),
    timeline: sample?.timeline ?? null,
    heardAt: sample ? wallTime(sample.answeredAt, clock) : null,
    silenceSeconds: sample ? clock.now() - sample.answeredAt : null,
    slots: sample?.slots ?? [],
  };
}

function primaryState(state: ReplicaState): PrimaryState {
  switch (state) {
    case 'UNKNOWN':
    case 'UNREACHABLE':
    case 'STARTING':
    case 'SPLIT_BRAIN':
      return state;
    case 'PRIMARY':
    case 'PROMOTED':
      return 'AVAILABLE';
    default:
      return 'NOT_PRIMARY';
  }
}

/** From what standbys received of it: alive while one that streams from it keeps up. */
function describePrimaryFromStandbys({ observatory, clock }: StatusView): PrimaryStatus | null {
  const direct = observatory.replicas.filter(
    ({ node }) => node.lastReceiver && !observatory.cluster.upstreamOf(node),
  );
  const heard = direct
    .map((observed) => ({ observed, at: lastMessageAt(observed) }))
    .toSorted((a, b) => b.at - a.at)[0];
  if (!heard) return null;
  const { verdict, estimate } = observatory.assess(heard.observed.node);
  const isAlive = direct.some(hearsUpstream);
  const silence = clock.now() - heard.at;
  return {
    status: isAlive ? 'AVAILABLE' : 'SILENT',
    reason: isAlive
      ? null
      : `No standby hears from it: ${verdict.state}. Set PRIMARY_URL to have it asked directly.`,
    isPolled: false,
    lsn: lsnText(estimate.upstreamLsn),
    timeline: heard.observed.node.lastReceiver?.timeline ?? null,
    heardAt: wallTime(heard.at, clock),
    silenceSeconds: silence,
    slots: [],
  };
}

/** Whether its receiver is fed, replayed or not. */
function hearsUpstream({ node, state }: Observed): boolean {
  if (stateTraits[state].isAdvancing) return true;
  return (
    !stateTraits[state].isLost &&
    state !== 'STALLED' &&
    node.failure === undefined &&
    node.sample !== undefined &&
    streamingReceiver(node.sample) !== undefined &&
    !isSilentReceiver(node.sample)
  );
}

/** Gateway clock, of the standby's last message from its upstream that we know of. */
function lastMessageAt({ node }: Observed): number {
  const receiver = node.sample && streamingReceiver(node.sample);
  if (!node.sample || !receiver) return node.lastStreamedAt ?? Number.NEGATIVE_INFINITY;
  return node.sample.answeredAt - (node.sample.clock - receiver.messageReceiptStamp);
}

function judgeHealth(replicas: readonly ReplicaStatus[], primary: PrimaryStatus | null): ReplicationHealth {
  if (replicas.every(({ routing }) => routing.tier === null)) return 'DOWN';
  const isWell = replicas.every((replica) => isAsItShould(replica, replicas, primary));
  return isWell && (primary === null || primary.status === 'AVAILABLE') ? 'OK' : 'DEGRADED';
}

/**
 * Where all servers of a cluster are listed, one of them is the primary that the others follow; and that it is known to be
 * one, and not listed by mistake, is said by PRIMARY_URL.
 */
function isAsItShould(
  { status, timeline }: ReplicaStatus,
  all: readonly ReplicaStatus[],
  primary: PrimaryStatus | null,
): boolean {
  if (status === 'PRIMARY' || status === 'PROMOTED') {
    const isFollowed = all.some((other) => other.status === 'STREAMING' && other.timeline === timeline);
    return isFollowed && Boolean(primary?.isPolled) && primary?.timeline === timeline;
  }
  return status === 'STREAMING' || status === 'DELAYED';
}

/** The oldest moment among the standbys that a read may be sent to now. */
function findGuaranteedAsOf(replicas: readonly ReplicaStatus[]): string | null {
  const tiers = replicas.flatMap(({ routing }) => (routing.tier === null ? [] : [routing.tier]));
  const best = replicas.filter(({ routing }) => routing.tier === Math.min(...tiers));
  const moments = best.map(({ staleness }) => staleness?.asOf ?? null);
  if (moments.length === 0 || moments.includes(null)) return null;
  return moments.toSorted()[0]!;
}

function receiverStatus({ node }: Observed): string | null {
  const receiver = node.sample?.standby?.receiver;
  return receiver === 'hidden' ? 'hidden' : (receiver?.status ?? null);
}

function describeSettings({ node }: Observed): ReplicaStatus['settings'] {
  const standby = node.sample?.standby;
  if (!standby) return null;
  return {
    applyDelaySeconds: standby.applyDelay,
    maxStreamingDelaySeconds: standby.maxStreamingDelay,
    hotStandbyFeedback: standby.feedback,
    walReceiverTimeoutSeconds: standby.receiverTimeout,
  };
}

function wallTime(at: number, clock: Clock): string {
  return formatTime(clock.wall() - (clock.now() - at));
}

const lsnText = (lsn: bigint | null | undefined): string | null =>
  lsn === null || lsn === undefined ? null : formatLsn(lsn);

const versionText = (version: number): string => `${Math.floor(version / 10_000)}.${version % 10_000}`;
