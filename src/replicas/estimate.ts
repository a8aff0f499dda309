import type { Cluster } from './cluster.ts';
import type { Node } from './node.ts';
import { streamingReceiver } from './receiver-claim.ts';
import type { Sample } from './sample.ts';
import type { Claim, WalHistory } from './wal-history.ts';

/** How far behind its primary a standby was when it was last sampled. It does not change until something is learnt. */
export interface Estimate {
  /** The furthest the WAL is known to go; null when no server has reported it. */
  readonly upstreamLsn: bigint | null;
  readonly lagBytes: bigint | null;
  /** Where the lag is: not yet received, and received but not yet replayed. Null without a readable receiver. */
  readonly split: { readonly network: bigint; readonly replay: bigint } | null;
  /** How long others have known of WAL that its receiver has not heard of; 0 when there is none. */
  readonly unheardSeconds: number;
  /** How much longer than the quickest one its last message was under way: on a slow link messages queue. */
  readonly delaySeconds: number;
  /** Every commit up to this moment is visible on the standby. Its age is the upper bound of staleness. */
  readonly asOf: Claim | undefined;
  /** Why that may not be so, or not be known; null when it is proven. */
  readonly doubt: Doubt | null;
  /** How long the standby had demonstrably lacked something; null when unknown. */
  readonly minSeconds: number | null;
  /** Gateway clock: when the end of the WAL was known last; minus infinity if never. */
  readonly upstreamKnownAt: number;
}

/**
 * What one-way messages cannot prove, where the primary is not polled: that a clock is right; that nothing was committed
 * which is not flushed yet; that whoever sends them is the primary.
 */
export type Doubt = 'clock' | 'message' | 'sender';

const nothingKnown: Estimate = {
  upstreamLsn: null,
  lagBytes: null,
  split: null,
  unheardSeconds: 0,
  delaySeconds: 0,
  asOf: undefined,
  doubt: null,
  minSeconds: null,
  upstreamKnownAt: Number.NEGATIVE_INFINITY,
};

export function estimate(node: Node, cluster: Cluster): Estimate {
  const { sample } = node;
  if (!sample?.standby) return nothingKnown;
  const history = cluster.historyOf(node);
  const upstreamLsn = history?.newest ?? null;
  const beyondSince = history?.beyondSince(sample.lsn);
  return {
    upstreamLsn,
    lagBytes: upstreamLsn === null ? null : clamp(upstreamLsn - sample.lsn),
    split: splitLag(sample, upstreamLsn),
    unheardSeconds: unheardSeconds(sample, history),
    delaySeconds: delaySeconds(sample, node.skew.smallest),
    ...estimateAge(node, cluster),
    minSeconds: minSeconds(sample.answeredAt, beyondSince, upstreamLsn),
    upstreamKnownAt: cluster.endKnownAt(node),
  };
}

/** The upper bound of staleness at `now`: it grows with the silence. Null when nothing bounds it. */
export function maxSeconds({ asOf }: Pick<Estimate, 'asOf'>, now: number): number | null {
  return asOf ? Math.max(0, now - asOf.at) : null;
}

/** A commit or a poll proves more than a message does, which is believed only where it is newer by this. */
const PREFERENCE_SECONDS = 1;

function estimateAge(node: Node, cluster: Cluster): Pick<Estimate, 'asOf' | 'doubt'> {
  const correction = cluster.clockCorrection(node);
  const polled = node.mayHaveCrashed ? undefined : pollClaim(node, cluster);
  const own =
    correction &&
    cluster.hasOwnClaim(node) &&
    (node.mayHaveCrashed ? node.checkpointClaim(correction) : node.ownClaim(correction));
  const asOf = later(polled, own || undefined);
  if (cluster.isPrimaryPolledFor(node)) return { asOf, doubt: null };
  if (!correction) return { asOf, doubt: 'clock' };
  const told = node.mayHaveCrashed ? undefined : cluster.toldClaim(node);
  if (told && told.at - (asOf?.at ?? Number.NEGATIVE_INFINITY) > PREFERENCE_SECONDS) {
    return { asOf: told, doubt: 'message' };
  }
  return { asOf, doubt: judgeWitnesses(node, cluster) };
}

function pollClaim(node: Node, cluster: Cluster): Claim | undefined {
  return node.sample && cluster.historyOf(node)?.claimFor(node.sample.lsn);
}

function judgeWitnesses(node: Node, cluster: Cluster): Doubt | null {
  const { smallest, correction } = node.skew;
  if (smallest === null || correction > MAX_CORRECTION_SECONDS) return 'clock';
  return cluster.endKnownAt(node) === Number.NEGATIVE_INFINITY ? 'sender' : null;
}

/** A clock that is behind by more is not kept right, and may be further behind. */
const MAX_CORRECTION_SECONDS = 0.1;

function minSeconds(
  sampledAt: number,
  beyondSince: number | undefined,
  upstream: bigint | null,
): number | null {
  if (upstream === null) return null;
  return beyondSince === undefined ? 0 : Math.max(0, sampledAt - beyondSince);
}

function later(one: Claim | undefined, other: Claim | undefined): Claim | undefined {
  if (!one || !other) return one ?? other;
  return one.at >= other.at ? one : other;
}

const clamp = (bytes: bigint): bigint => (bytes < 0n ? 0n : bytes);

function splitLag(sample: Sample, upstream: bigint | null): Estimate['split'] {
  const receiver = streamingReceiver(sample);
  if (!receiver || upstream === null) return null;
  return { network: clamp(upstream - receiver.writtenLsn), replay: clamp(receiver.writtenLsn - sample.lsn) };
}

function unheardSeconds(sample: Sample, history: WalHistory | undefined): number {
  const receiver = streamingReceiver(sample);
  const since = receiver && history?.beyondSince(receiver.latestEndLsn);
  return since === undefined ? 0 : Math.max(0, sample.answeredAt - since);
}

function delaySeconds(sample: Sample, quickest: number | null): number {
  const receiver = streamingReceiver(sample);
  if (!receiver || receiver.isSilent || quickest === null) return 0;
  return Math.max(0, receiver.messageReceiptStamp - receiver.messageSendStamp - quickest);
}
