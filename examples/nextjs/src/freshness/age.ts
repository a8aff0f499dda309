import type { Freshness } from '../asking/execute.ts';
import type { FreshnessQuery } from '../generated/graphql.ts';

type Status = FreshnessQuery['replicationStatus'];

/**
 * How old what is shown is at most, now. The gateway said how old it was when it answered, which was after it was asked;
 * since then it has grown older. Null when the gateway did not know either.
 */
export function ageOf({ replica, sentAt }: Freshness, now: number): number | null {
  const seconds = replica?.stalenessSeconds;
  return seconds == null ? null : seconds + Math.max(0, now - sentAt) / 1000;
}

/** An upper bound stays one when it is shown: rounded up, and to seconds once it has some. */
export function shownAge(seconds: number): number {
  return seconds < 2 ? Math.ceil(seconds * 10) / 10 : Math.ceil(seconds);
}

/**
 * How far behind an answer would be now: as the standby that answered, or, once it is not read from any more, as the worst
 * of those that are. Null when nobody knows.
 */
export function presentLag({ replicas }: Status, answeredBy: string | undefined): number | null {
  const answering = replicas.find(({ name }) => name === answeredBy);
  const readFrom = replicas.filter(({ isReadFrom }) => isReadFrom);
  if (answering && (answering.isReadFrom || readFrom.length === 0)) return answering.lagSeconds;
  const lags = readFrom.map(({ lagSeconds }) => lagSeconds);
  if (lags.length === 0 || lags.includes(null)) return null;
  return Math.max(...lags.map(Number));
}

/** Whether a request could be answered now that takes data of that age, null for any. */
export function canAnswer({ replicas }: Status, maxStaleness: number | null): boolean {
  return replicas.some(
    ({ isReadFrom, lagSeconds }) =>
      isReadFrom && (maxStaleness === null || (lagSeconds !== null && lagSeconds <= maxStaleness)),
  );
}
