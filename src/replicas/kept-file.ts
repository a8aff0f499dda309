import type { KeptAnswer, KeptQuery, KeptRefusal } from '../db/calls/kept-stats.ts';
import type { ReplayPosition } from './replica.ts';

/** What was counted of the calls at one moment. */
export interface KeptMoment {
  /** Everything that had committed before it is counted, and it is one moment of the calls. */
  readonly position: ReplayPosition;
  /** Of the source that it was counted from: see `fingerprintOf`. */
  readonly fingerprint: string;
  /** RFC 3339; everything that was committed before is counted. Null when unknown. */
  readonly asOf: string | null;
  /** Upper bound by now; null when unknown. */
  readonly stalenessSeconds: number | null;
  /** The rows in the scope of the query; undefined where there are so many that the table had better be read. */
  read(query: KeptQuery): KeptAnswer | undefined;
}

/** How many statistics were answered from there, and how many from the calls, by why. */
export interface KeptAnswers {
  kept: number;
  readonly refused: Record<KeptRefusal, number>;
}

/** Where it is kept. */
export interface KeptFile {
  /** What is older is not used, whatever the request allows. */
  readonly maxAgeSeconds: number;
  /** What `use` makes of the moment that is kept now; undefined where nothing can be read. Waits for nothing. */
  readNow<Result>(use: (moment: KeptMoment) => Result): Result | undefined;
  /** Statistics were answered: from there, or from the calls for this reason. */
  noteAnswer(refusal: KeptRefusal | undefined): void;
}

/** What a moment must satisfy to answer in the place of the table. */
export interface KeptDemand {
  /** Of the standby that would otherwise be read. */
  readonly standby: ReplayPosition;
  readonly fingerprint: string;
  readonly maxSeconds: number;
  readonly readAfter: readonly { readonly timeline: number; readonly lsn: bigint }[];
}

/** Timelines that differ are not compared: what is kept is then counted anew in any case. */
export function refusalOf(
  { position, fingerprint, stalenessSeconds }: KeptMoment,
  demand: KeptDemand,
): KeptRefusal | undefined {
  const { standby, readAfter } = demand;
  const isOfTables =
    fingerprint === demand.fingerprint &&
    position.systemIdentifier === standby.systemIdentifier &&
    position.timeline === standby.timeline;
  if (!isOfTables) return 'file';
  const isFresh =
    stalenessSeconds !== null &&
    stalenessSeconds <= demand.maxSeconds &&
    readAfter.every(({ timeline, lsn }) => timeline === position.timeline && lsn <= position.lsn);
  return isFresh ? undefined : 'age';
}
