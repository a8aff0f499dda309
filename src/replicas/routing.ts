import { type ReplicaState, stateTraits } from './states.ts';

/** What a request is for: one page, or a long stream that should not be cut off. */
export type Purpose = 'page' | 'stream';

/** Below every standby without the same trouble. */
const SUSPECT = 10;

export interface Routable {
  readonly state: ReplicaState;
  /** A statement or a poll failed, and nothing has disproved the worst since. */
  readonly isSuspect: boolean;
  /** It was in trouble a moment ago. */
  readonly isRecovering: boolean;
  /** It answers on a connection it had, and accepts no new one. */
  readonly isHalfDeaf: boolean;
  /** It has come lately, and has not caught up yet. */
  readonly isJoining: boolean;
  readonly allowPrimaryReads: boolean;
  readonly purpose: Purpose;
}

/** The least tier that can serve is taken; null means never. */
export function tierOf(standby: Routable): number | null {
  const { state, isSuspect, isRecovering, isHalfDeaf, isJoining, allowPrimaryReads, purpose } = standby;
  if (allowPrimaryReads && (state === 'PRIMARY' || state === 'PROMOTED')) return isSuspect ? SUSPECT : 4;
  if (isHalfDeaf) return 2 * SUSPECT;
  const { tier } = stateTraits[state];
  if (tier === null) return null;
  if (isSuspect || isJoining) return SUSPECT + tier;
  // A long query would run into the conflict that blocks replay already.
  if (purpose === 'stream' && state === 'REPLAY_BLOCKED') return 2;
  return tier === 0 && isRecovering ? 1 : tier;
}

export interface Candidate {
  readonly tier: number | null;
  /** Upper bound of staleness; null when unknown. */
  readonly maxSeconds: number | null;
  /** It has replayed everything the request wants to have seen. */
  readonly hasReplayed: boolean;
  readonly inFlight: number;
  /** It stands in the zone of the gateway. */
  readonly isNear: boolean;
  /** Its share of the requests; 0 is the last resort. */
  readonly weight: number;
  /** max_standby_streaming_delay: its queries may hold up replay for so long, and a stream may last as long. */
  readonly streamingDelaySeconds: number;
  /** Gateway clock: when it was chosen last. */
  readonly chosenAt: number;
}

export interface Demand {
  readonly maxStalenessSeconds: number | undefined;
  readonly purpose: Purpose;
  readonly spreadSeconds: number;
}

/**
 * The candidate for a request, undefined when none meets its demand: of the best tier, and of those about as fresh
 * as the freshest there, the nearest; of these the one with the fewest requests for its weight; then in turn.
 */
export function pick<T extends Candidate>(candidates: readonly T[], demand: Demand): T | undefined {
  const { maxStalenessSeconds: limit, purpose, spreadSeconds } = demand;
  const able = candidates.filter(({ tier, maxSeconds, hasReplayed }) => {
    return (
      tier !== null && hasReplayed && (limit === undefined || (maxSeconds !== null && maxSeconds <= limit))
    );
  });
  const bestTier = Math.min(...able.map(({ tier }) => tier!));
  const best = able.filter(({ tier }) => tier === bestTier);
  const age = ({ maxSeconds }: T) => maxSeconds ?? Number.POSITIVE_INFINITY;
  const freshest = Math.min(...best.map(age));
  const fresh = best.filter((candidate) => age(candidate) <= freshest + spreadSeconds);
  return preferred(
    preferred(fresh, ({ weight }) => weight > 0),
    ({ isNear }) => isNear,
  ).toSorted(
    (a, b) =>
      load(a) - load(b) ||
      (purpose === 'stream' && a.streamingDelaySeconds !== b.streamingDelaySeconds
        ? b.streamingDelaySeconds - a.streamingDelaySeconds
        : 0) ||
      a.chosenAt - b.chosenAt,
  )[0];
}

/** Those that it is true of, or all when it is true of none. */
function preferred<T>(candidates: readonly T[], isPreferred: (candidate: T) => boolean): readonly T[] {
  const those = candidates.filter(isPreferred);
  return those.length > 0 ? those : candidates;
}

/** Requests for its weight, with the one that is to be placed: of two that are idle the one of more weight is taken. */
function load({ inFlight, weight }: Candidate): number {
  return (inFlight + 1) / (weight || 1);
}
