import type { ReplayedMoment } from '../db/calls/arrived-calls.ts';
import type { Reader } from '../db/reader.ts';
import type { Replica } from '../replicas/replicas.ts';

/** The standby that the feed reads, and the way to its calls. */
export interface FeedLease {
  readonly replica: Replica;
  readonly reader: Reader;
}

/** How far the standby had replayed at this moment. */
export function lsnOf({ replica }: FeedLease, { lsn }: Pick<ReplayedMoment, 'lsn'>): bigint {
  return replica.readAfter(lsn ?? undefined).lsn;
}
