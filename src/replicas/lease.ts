import { type Clock, sleep } from './clock.ts';
import { furthest } from './lsn.ts';
import { MAX_DELAY_SECONDS } from './node.ts';
import type { Positions } from './positions.ts';
import { parseReplayed } from './replayed.ts';
import type { Freshness, Reading, Replica, SeenPosition } from './replica.ts';
import type { Sample } from './sample.ts';
import type { Standby } from './standby.ts';
import { atMost, formatTime } from './status.ts';
import type { Timelines } from './timelines.ts';
import type { Token } from './token.ts';
import type { Claim } from './wal-history.ts';

export interface LeaseTerms {
  /** Of the moment it was chosen: what is read later is no older, unless the standby has crashed since. */
  readonly sample: Sample;
  readonly asOf: Claim | undefined;
  /** Behind this it does not fall back even then. */
  readonly fallbackAsOf: Claim | undefined;
  readonly clock: Clock;
  readonly positions: Positions;
  readonly timelines: Timelines;
}

export function lease(standby: Standby, terms: LeaseTerms): Replica {
  const { sample, clock, positions, timelines } = terms;
  const { connections, verify, giveBack } = standby.take();
  const { node } = standby.observed;
  const breaksThen = node.breaks;
  const delaysThen = node.delays;
  /** An answer says it two or three times. */
  let lastReplayedLsn: string | undefined;
  let lastToken = '';

  function readAfter(replayedLsn?: string): Token {
    // What a statement said holds for all of its rows: the watcher's next look must not give one page two tokens.
    const told = replayedLsn === undefined ? undefined : parseReplayed(replayedLsn, sample.walSizes);
    const { systemIdentifier } = sample;
    // A standby that has followed a promotion since the last poll says so itself.
    const timeline = Math.max(sample.timeline, told?.timeline ?? 0);
    const lsn = furthest([sample.lsn, told?.lsn ?? latestLsn(standby, sample)]);
    const switchedFrom = timeline > 1 ? timelines.beginOf(systemIdentifier, timeline) : undefined;
    return { systemIdentifier: BigInt(systemIdentifier), timeline, lsn, switchedFrom };
  }

  function token(replayedLsn?: string): string {
    if (replayedLsn !== undefined && replayedLsn === lastReplayedLsn) return lastToken;
    lastReplayedLsn = replayedLsn;
    lastToken = positions.encode(readAfter(replayedLsn));
    return lastToken;
  }

  function mayHaveFallenBack(replayedLsn: string | undefined, { isToldByStatement }: Reading): boolean {
    if (node.breaks !== breaksThen) return true;
    // A statement that saw as much replayed as there was when the standby was chosen proves that it has not.
    const isProven =
      isToldByStatement &&
      replayedLsn !== undefined &&
      parseReplayed(replayedLsn, sample.walSizes).lsn >= sample.lsn;
    return !isProven && node.mayHaveCrashed;
  }

  /** Since the standby was chosen, a poll failed or took long: a statement may have waited there as long. */
  function mayHaveHungUp(): boolean {
    return node.delays !== delaysThen || standby.observed.watcher.waitingSeconds > MAX_DELAY_SECONDS;
  }

  function position(): SeenPosition | undefined {
    // A primary shows commits before and after their WAL is flushed: no position says what it shows.
    if (!sample.standby || node.breaks !== breaksThen || node.mayHaveCrashed) return undefined;
    const { systemIdentifier, timeline } = sample;
    const seenAt = node.sample?.answeredAt ?? Number.NEGATIVE_INFINITY;
    return { systemIdentifier, timeline, lsn: latestLsn(standby, sample), secondsAgo: clock.now() - seenAt };
  }

  function freshness(replayedLsn?: string, reading: Reading = {}): Freshness {
    // What holds by now may be younger than what was read.
    const asOf = mayHaveFallenBack(replayedLsn, reading) ? terms.fallbackAsOf : terms.asOf;
    const readAt = clock.now() - (mayHaveHungUp() ? 0 : (reading.secondsAgo ?? 0));
    return {
      asOf: asOf ? formatTime(asOf.stamp) : null,
      stalenessSeconds: asOf ? atMost(Math.max(0, readAt - asOf.at)) : null,
      token: token(replayedLsn),
    };
  }

  return {
    name: standby.name,
    connections,
    pool: connections.pool,
    verify,
    freshness,
    token,
    readAfter,
    position,
    parseReplayed: (text) => parseReplayed(text, sample.walSizes),
    async settle() {
      if (node.failure)
        await Promise.race([standby.observed.watcher.pollAfresh(), sleep(clock, MAX_SETTLE_SECONDS)]);
    },
    report: (error) => {
      standby.report(error);
    },
    release: giveBack,
  };
}

/** A healthy server answers a poll in a few milliseconds. */
const MAX_SETTLE_SECONDS = 0.25;

/** What it has replayed by now, unless it has meanwhile become something else. */
function latestLsn({ observed }: Standby, chosen: Sample): bigint {
  const latest = observed.node.sample;
  const isSameHistory =
    latest?.systemIdentifier === chosen.systemIdentifier && latest.timeline === chosen.timeline;
  return isSameHistory ? latest.lsn : chosen.lsn;
}
