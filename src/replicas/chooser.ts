import { InvalidTokenError, NoReplicaAvailableError, ReplicaTooStaleError } from '../errors.ts';
import { abortable } from './abortable.ts';
import type { Clock } from './clock.ts';
import { lease } from './lease.ts';
import { furthest } from './lsn.ts';
import type { Assessment, Observatory } from './observatory.ts';
import { streamingReceiver } from './receiver-claim.ts';
import type { Replica, ReplicaRequest } from './replica.ts';
import { type Candidate, type Purpose, pick } from './routing.ts';
import type { Sample } from './sample.ts';
import type { Standby } from './standby.ts';
import { catchUpSeconds } from './status.ts';
import type { Token } from './token.ts';
import { hasReplayed } from './token-reach.ts';
import type { Tuning } from './tuning.ts';
import type { Claim } from './wal-history.ts';

export interface ChooserNeeds {
  readonly observatory: Observatory;
  readonly standbys: readonly Standby[];
  readonly clock: Clock;
  readonly tuning: Tuning;
  tierOf(standby: Standby, assessment: Assessment, purpose: Purpose): number | null;
  isClosed(): boolean;
}

interface Considered extends Candidate {
  readonly standby: Standby;
  readonly sample: Sample;
  readonly asOf: Claim | undefined;
  /** Seconds until it may meet the demand; null when that cannot be told. */
  readonly eta: number | null;
}

/** Seconds: one answer of a healthy standby takes a few milliseconds, and a hanging one must not hold up the rest. */
const REFRESH_PATIENCE = 0.25;

/** See `Replicas.choose`. */
export function createChooser(needs: ChooserNeeds): (request?: ReplicaRequest) => Promise<Replica> {
  const { observatory, standbys, clock, tuning } = needs;
  const { cluster } = observatory;

  async function choose(request: ReplicaRequest = {}): Promise<Replica> {
    const { signal, maxStalenessSeconds, purpose = 'page' } = request;
    const tokens = [request.readAfter ?? []].flat();
    const deadline = clock.now() + tuning.readAfterWait;
    for (let round = 1; ; round++) {
      signal?.throwIfAborted();
      if (needs.isClosed()) throw new NoReplicaAvailableError(['the gateway is stopping']);
      refuseForeign(tokens);
      const eligible = standbys.filter(({ name }) => !request.exclude?.has(name));
      const able = eligible.flatMap((standby) => consider(standby, tokens, purpose));
      const chosen = pick(able, { maxStalenessSeconds, purpose, spread: tuning.spread });
      if (chosen) return lend(chosen);

      const unasked = eligible.filter(({ observed }) => observed.state === 'UNKNOWN');
      if (unasked.length > 0) {
        await abortable(Promise.race(unasked.map(({ observed }) => observed.watcher.poll())), signal);
        continue;
      }
      if (able.length === 0) throw new NoReplicaAvailableError(standbys.map(reasonOf));
      if (round > 1 && !isWorthWaiting(able, deadline)) throw tooStale(able);
      await abortable(refresh(able, round), signal);
    }
  }

  function lend({ standby, sample, asOf }: Considered): Replica {
    const currentAsOf = () => observatory.assess(standby.observed.node).estimate.asOf;
    return lease(standby, { sample, asOf, currentAsOf, clock });
  }

  /** Nothing when it must not be read from. */
  function consider(standby: Standby, tokens: readonly Token[], purpose: Purpose): Considered[] {
    const { sample } = standby.observed.node;
    const assessment = observatory.assess(standby.observed.node);
    const tier = needs.tierOf(standby, assessment, purpose);
    if (tier === null || !sample) return [];
    const now = clock.now();
    const asOf = sample.standby
      ? assessment.estimate.asOf
      : { at: now, stamp: sample.clock + now - sample.answeredAt };
    const missing = tokens.filter((token) => !hasReplayed(sample, token, cluster));
    return [
      {
        standby,
        sample,
        asOf,
        tier,
        maxSeconds: asOf ? now - asOf.at : null,
        hasReplayed: missing.length === 0,
        eta: etaOf(sample, missing, assessment, standby.observed.node.replayRate),
        inFlight: standby.inFlight,
        patience: sample.standby?.maxStreamingDelay ?? Number.POSITIVE_INFINITY,
        chosenAt: standby.chosenAt,
      },
    ];
  }

  function refuseForeign(tokens: readonly Token[]): void {
    const ours = cluster.systemIdentifier;
    if (ours !== undefined && tokens.some(({ systemIdentifier }) => systemIdentifier !== BigInt(ours))) {
      throw new InvalidTokenError('This token is of another database cluster. Ask again without it.');
    }
  }

  /** For a token until the deadline, since WAL flows; for a limit only if it will be met by then. */
  function isWorthWaiting(able: readonly Considered[], deadline: number): boolean {
    const now = clock.now();
    if (now >= deadline) return false;
    return able.some(({ hasReplayed, eta }) => !hasReplayed || (eta !== null && now + eta <= deadline));
  }

  /** Asks them, and the primary where we may, how they are now. */
  async function refresh(able: readonly Considered[], round: number): Promise<void> {
    const watchers = [...able.map(({ standby }) => standby.observed), observatory.primary];
    const polls = Promise.all(watchers.map((observed) => observed?.watcher.poll()));
    const pause = round === 1 ? Promise.resolve() : sleep(clock, tuning.waitPoll);
    await Promise.all([pause, Promise.race([polls, sleep(clock, REFRESH_PATIENCE)])]);
  }

  /** Names no host. */
  function reasonOf({ name, observed }: Standby): string {
    return `${name}: ${observatory.assess(observed.node).verdict.state}`;
  }

  return choose;
}

function tooStale(able: readonly Considered[]): ReplicaTooStaleError {
  return new ReplicaTooStaleError({
    stalenessSeconds: least(able.map(({ maxSeconds }) => maxSeconds)),
    etaSeconds: least(able.map(({ eta }) => eta)),
  });
}

function least(seconds: readonly (number | null)[]): number | null {
  const known = seconds.filter((each) => each !== null);
  return known.length === 0 ? null : Math.ceil(Math.min(...known) * 1000) / 1000;
}

function etaOf(
  sample: Sample,
  missing: readonly Token[],
  { verdict }: Assessment,
  rate: number | null,
): number | null {
  if (missing.length > 0) {
    if (missing.some(({ timeline }) => timeline !== sample.timeline)) return null;
    return catchUpSeconds(furthest(missing.map(({ lsn }) => lsn)) - sample.lsn, verdict.state, rate);
  }
  return verdict.lagBytes === 0n ? nextWord(sample) : catchUpSeconds(verdict.lagBytes, verdict.state, rate);
}

/** On an idle link the bound grows until the receiver pings its upstream, after half of its timeout. */
function nextWord(sample: Sample): number | null {
  const receiver = streamingReceiver(sample);
  const timeout = sample.standby?.receiverTimeout;
  if (!receiver || !timeout) return null;
  return Math.max(0, timeout / 2 - (sample.clock - receiver.messageReceiptStamp));
}

function sleep(clock: Clock, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(seconds, resolve);
  });
}
