import type { Clock } from './clock.ts';
import { furthest, parseLsn } from './lsn.ts';
import type { Freshness, Replica } from './replica.ts';
import type { Sample } from './sample.ts';
import type { Standby } from './standby.ts';
import { atMost, formatTime } from './status.ts';
import { encodeToken } from './token.ts';
import type { Claim } from './wal-history.ts';

export interface LeaseTerms {
  /** Of the moment it was chosen: what is read later is no older, unless the standby has crashed since. */
  readonly sample: Sample;
  readonly asOf: Claim | undefined;
  /** What holds now, for that case. */
  currentAsOf(): Claim | undefined;
  readonly clock: Clock;
}

export function lease(standby: Standby, { sample, asOf: asOfThen, currentAsOf, clock }: LeaseTerms): Replica {
  const { connections, giveBack } = standby.take();
  const { node } = standby.observed;
  const breaksThen = node.breaks;
  /** An answer says it two or three times. */
  let lastReplayedLsn: string | undefined;
  let lastToken = '';

  function token(replayedLsn?: string): string {
    if (replayedLsn !== undefined && replayedLsn === lastReplayedLsn) return lastToken;
    // What a statement said holds for all of its rows: the watcher's next look must not give one page two tokens.
    const replayed = replayedLsn === undefined ? latestLsn(standby, sample) : parseLsn(replayedLsn);
    const lsn = furthest([sample.lsn, replayed]);
    lastReplayedLsn = replayedLsn;
    lastToken = encodeToken({
      systemIdentifier: BigInt(sample.systemIdentifier),
      timeline: sample.timeline,
      lsn,
    });
    return lastToken;
  }

  function freshness(replayedLsn?: string): Freshness {
    const asOf = node.breaks === breaksThen ? asOfThen : currentAsOf();
    return {
      asOf: asOf ? formatTime(asOf.stamp) : null,
      stalenessSeconds: asOf ? atMost(Math.max(0, clock.now() - asOf.at)) : null,
      token: token(replayedLsn),
    };
  }

  return {
    name: standby.name,
    connections,
    pool: connections.pool,
    freshness,
    token,
    report: (error) => {
      standby.report(error);
    },
    release: giveBack,
  };
}

/** What it has replayed by now, unless it has meanwhile become something else. */
function latestLsn({ observed }: Standby, chosen: Sample): bigint {
  const latest = observed.node.sample;
  const isSameHistory =
    latest?.systemIdentifier === chosen.systemIdentifier && latest.timeline === chosen.timeline;
  return isSameHistory ? latest.lsn : chosen.lsn;
}
