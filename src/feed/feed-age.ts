import type { ReplayedMoment } from '../db/calls/arrived-calls.ts';
import type { ReplicationStatus } from '../replicas/status.ts';

/** How old what a standby shows is, as was known at one moment. */
export interface FeedAge {
  /** RFC 3339; null when unknown. */
  readonly asOf: string | null;
  /** Upper bound at `at`; null, never 0, when unknown. */
  readonly maxSeconds: number | null;
  /** In milliseconds of the process. */
  readonly at: number;
}

/** What a standby showed at one moment, before it was read. */
export interface Sight {
  readonly moment: ReplayedMoment;
  readonly age: FeedAge;
}

/** What is read later is no older. */
export function ageOfStandby({ replicas }: ReplicationStatus, name: string): FeedAge {
  const staleness = replicas.find((each) => each.name === name)?.staleness;
  return { asOf: staleness?.asOf ?? null, maxSeconds: staleness?.maxSeconds ?? null, at: performance.now() };
}

/** By now: silence counts. */
export function stalenessOf({ maxSeconds, at }: FeedAge): number | null {
  if (maxSeconds === null) return null;
  return Math.ceil(maxSeconds * 1000 + performance.now() - at) / 1000;
}

export function isReadable({ replicas }: ReplicationStatus, name: string): boolean {
  return replicas.find((each) => each.name === name)?.routing.tier != null;
}
