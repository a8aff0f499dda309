import type { CdrRow } from '../db/calls/cdrs.ts';

export const feedGapReasons = {
  REMOVED: 'Calls were removed from the table, as old ones are, before they could be told.',
  CORRECTIONS:
    'Calls may have been corrected or deleted in a time of which the gateway cannot tell that any more.',
  OWNER: 'A call was corrected or deleted, and the WAL does not say whose it was.',
} as const;

export type FeedGapReason = keyof typeof feedGapReasons;

/** What could not be told. */
export interface FeedGap {
  readonly reason: FeedGapReason;
  readonly message: string;
}

/** That an account has a call no more: it was deleted, or is another account's. */
export interface CallDeparture {
  readonly cdrId: string;
  readonly accountId: string;
}

/** One message of the subscription `cdrs`. */
export interface FeedMessage {
  readonly cursor: string;
  /** Whoever reads behind it by a query finds at least what was told. */
  readonly position: string;
  readonly asOf: string | null;
  readonly stalenessSeconds: number | null;
  readonly mayRepeat: boolean;
  readonly inserted: readonly CdrRow[];
  readonly corrected: readonly CdrRow[];
  readonly deletedIds: readonly string[];
  readonly departures: readonly CallDeparture[];
  readonly gap: FeedGap | null;
}

export function gapOf(reason: FeedGapReason): FeedGap {
  return { reason, message: feedGapReasons[reason] };
}
