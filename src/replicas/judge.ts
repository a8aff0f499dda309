import { decisionTable, receiverOf } from './decision-table.ts';
import { type Doubt, maxSeconds } from './estimate.ts';
import type { Facts, Thresholds } from './facts.ts';
import type { Confidence, ReplicaState } from './states.ts';

export interface Verdict {
  readonly state: ReplicaState;
  /** One sentence; null when there is nothing to explain. Names no host. */
  readonly reason: string | null;
  readonly confidence: Confidence;
  readonly lagBytes: bigint | null;
  readonly lagIsLowerBound: boolean;
  readonly minSeconds: number | null;
  /** Never less than the truth; null when nothing bounds it, never 0 then. */
  readonly maxSeconds: number | null;
}

/** The state, and every figure that is published beside it, at `facts.now`. */
export function judge(facts: Facts, thresholds: Thresholds): Verdict {
  const rule = decisionTable.find(({ when }) => when(facts, thresholds))!;
  const { state } = rule;
  return { state, reason: rule.why(facts) ?? whyDoubted(state, facts), ...figures(state, facts, thresholds) };
}

const doubts: Readonly<Record<Doubt, string>> = {
  clock:
    "Its clock and its primary's may differ, which messages alone cannot prove: set PRIMARY_URL, so that both are compared.",
  message:
    'That nothing newer was committed is only what messages say: set PRIMARY_URL, so that it is proven.',
  sender:
    'Nothing proves that its upstream is the primary, so its age is that of the last commit it has replayed: set PRIMARY_URL, or target_session_attrs=primary in its primary_conninfo.',
};

function whyDoubted(state: ReplicaState, { sample, estimate }: Facts): string | null {
  return sample?.standby && state !== 'UNKNOWN' && estimate.doubt ? doubts[estimate.doubt] : null;
}

type Figures = Omit<Verdict, 'state' | 'reason'>;

const unknown: Figures = {
  confidence: 'NONE',
  lagBytes: null,
  lagIsLowerBound: true,
  minSeconds: null,
  maxSeconds: null,
};

function figures(state: ReplicaState, facts: Facts, thresholds: Thresholds): Figures {
  // After a start it may be further back than it was; and of another cluster nothing is known.
  if (!facts.sample || state === 'WRONG_CLUSTER' || state === 'STARTING') return unknown;
  // A primary is current about itself, and cannot say how far another one is that standbys still follow.
  if (!facts.sample.standby) return { ...unknown, confidence: facts.failure ? 'NONE' : 'HIGH' };
  const { estimate, now } = facts;
  return {
    confidence: judgeConfidence(state, facts, thresholds),
    lagBytes: estimate.lagBytes,
    lagIsLowerBound: facts.failure !== null || !isUpstreamKnown(state, facts, thresholds),
    minSeconds: estimate.minSeconds,
    maxSeconds: maxSeconds(estimate, now),
  };
}

function judgeConfidence(state: ReplicaState, facts: Facts, thresholds: Thresholds): Confidence {
  const { estimate } = facts;
  if (state === 'UNREACHABLE' || state === 'UNKNOWN') return 'NONE';
  if (!estimate.asOf || estimate.upstreamLsn === null || estimate.doubt) return 'LOW';
  if (isUpstreamKnown(state, facts, thresholds)) {
    return state === 'CATCHING_UP' && !facts.isPrimaryPolled ? 'MEDIUM' : 'HIGH';
  }
  return receiverOf(facts)?.status === 'streaming' && state !== 'STALLED' ? 'MEDIUM' : 'LOW';
}

/** Where the WAL ended a moment ago: from its own upstream, or from another server since that is gone. */
function isUpstreamKnown(
  state: ReplicaState,
  facts: Facts,
  { freshSeconds, pollIntervalSeconds }: Thresholds,
): boolean {
  const { estimate, now, unstreamedSeconds } = facts;
  const age = now - estimate.upstreamKnownAt;
  const isTold = receiverOf(facts)?.status === 'streaming' && state !== 'STALLED';
  return (
    age <= freshSeconds + pollIntervalSeconds &&
    (isTold || age < (unstreamedSeconds ?? Number.POSITIVE_INFINITY))
  );
}
