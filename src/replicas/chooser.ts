import {
  InvalidCursorError,
  InvalidTokenError,
  NoReplicaAvailableError,
  ReplicaTooStaleError,
} from '../errors.ts';
import { abortable } from './abortable.ts';
import type { Clock } from './clock.ts';
import { describeState } from './describe.ts';
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

export interface ChooserDeps {
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

/** A healthy standby answers in a few milliseconds, and one that hangs must not hold up the request. */
const MAX_REFRESH_SECONDS = 0.25;

/** Chooses the standby for a request. */
export class Chooser {
  readonly #deps: ChooserDeps;

  constructor(deps: ChooserDeps) {
    this.#deps = deps;
  }

  /** See `Replicas.choose`. */
  async choose(request: ReplicaRequest = {}): Promise<Replica> {
    const { standbys, clock, tuning } = this.#deps;
    const { signal, maxStalenessSeconds, purpose = 'page' } = request;
    const tokens = [request.readAfter ?? []].flat();
    const deadline = clock.now() + tuning.readAfterWaitSeconds;
    for (let round = 1; ; round++) {
      signal?.throwIfAborted();
      if (this.#deps.isClosed()) throw new NoReplicaAvailableError(['the gateway is stopping']);
      this.#refuseForeign(tokens);
      const eligible = standbys.filter(({ name }) => !request.exclude?.has(name));
      const able = eligible.flatMap((standby) => this.#consider(standby, tokens, purpose));
      const chosen = pick(able, { maxStalenessSeconds, purpose, spreadSeconds: tuning.spreadSeconds });
      if (chosen) return this.#lend(chosen);

      const unknown = eligible.filter(({ observed }) => observed.state === 'UNKNOWN');
      if (unknown.length > 0) {
        await abortable(Promise.race(unknown.map(({ observed }) => observed.watcher.poll())), signal);
        continue;
      }
      if (able.length === 0) {
        throw new NoReplicaAvailableError(this.#describeStandbys());
      }
      const obstacle =
        this.#obstacleTo(maxStalenessSeconds) ?? (round > 1 && this.#obstacleAhead(able, tokens));
      if (obstacle) throw tooStale(able, obstacle);
      if (round > 1 && !this.#isWorthWaiting(able, deadline)) throw tooStale(able);
      await abortable(this.#refresh(able, round), signal);
    }
  }

  #lend({ standby, sample, asOf }: Considered): Replica {
    const { observatory, clock } = this.#deps;
    const currentAsOf = () => observatory.assess(standby.observed.node).estimate.asOf;
    return lease(standby, { sample, asOf, currentAsOf, clock });
  }

  /** Nothing when it must not be read from. */
  #consider(standby: Standby, tokens: readonly Token[], purpose: Purpose): Considered[] {
    const { observatory, clock } = this.#deps;
    const { sample, replayRate } = standby.observed.node;
    const assessment = observatory.assess(standby.observed.node);
    const tier = this.#deps.tierOf(standby, assessment, purpose);
    if (tier === null || !sample) return [];
    const now = clock.now();
    const asOf = sample.standby
      ? assessment.estimate.asOf
      : { at: now, stamp: sample.clock + now - sample.answeredAt };
    const missing = tokens.filter((token) => !hasReplayed(sample, token, observatory.cluster));
    return [
      {
        standby,
        sample,
        asOf,
        tier,
        maxSeconds: asOf ? now - asOf.at : null,
        hasReplayed: missing.length === 0,
        eta: estimateEta(sample, missing, assessment, replayRate),
        inFlight: standby.inFlight,
        streamingDelaySeconds: sample.standby?.maxStreamingDelay ?? Number.POSITIVE_INFINITY,
        chosenAt: standby.chosenAt,
      },
    ];
  }

  #refuseForeign(tokens: readonly Token[]): void {
    if (tokens.length === 0) return;
    const ours = this.#deps.observatory.cluster.systemIdentifier;
    if (ours === undefined) return;
    const foreign = tokens.find(({ systemIdentifier }) => systemIdentifier !== BigInt(ours));
    if (foreign?.isOfCursor) throw new InvalidCursorError('This cursor is of another database cluster.');
    if (foreign)
      throw new InvalidTokenError('This token is of another database cluster. Ask again without it.');
  }

  /** Why a limit is never met, however long one waits: it is less than every claim of freshness has taken off it. */
  #obstacleTo(maxStalenessSeconds: number | undefined): string | undefined {
    const { claimAllowanceSeconds } = this.#deps.tuning;
    if (maxStalenessSeconds === undefined || maxStalenessSeconds > claimAllowanceSeconds) return undefined;
    return (
      'No answer of a standby is as fresh as this request demands: its age is never known to be ' +
      `${claimAllowanceSeconds} seconds or less. Allow more.`
    );
  }

  /** Why a token is not reached by waiting for WAL: it is of a timeline that no server is known to be on. */
  #obstacleAhead(able: readonly Considered[], tokens: readonly Token[]): string | undefined {
    const { replicas, primary } = this.#deps.observatory;
    const known = [...replicas, primary].map((observed) => observed?.node.sample?.timeline ?? 0);
    const latest = Math.max(...known);
    const token = tokens.find(({ timeline }) => timeline > latest);
    if (!token || able.some(({ hasReplayed }) => hasReplayed)) return undefined;
    return (
      `The ${token.isOfCursor ? 'cursor' : 'token'} is of timeline ${token.timeline}, and no server that is known here ` +
      `is beyond timeline ${latest}. Try again when the standbys have followed the promotion, or ask without it.`
    );
  }

  /** For a token until the deadline, since WAL flows; for a limit only if it will be met by then. */
  #isWorthWaiting(able: readonly Considered[], deadline: number): boolean {
    const now = this.#deps.clock.now();
    if (now >= deadline) return false;
    return able.some(({ hasReplayed, eta }) => !hasReplayed || (eta !== null && now + eta <= deadline));
  }

  /** Polls them, and the primary where there is one. */
  async #refresh(able: readonly Considered[], round: number): Promise<void> {
    const { observatory, clock, tuning } = this.#deps;
    const watchers = [...able.map(({ standby }) => standby.observed), observatory.primary];
    const polls = Promise.all(watchers.map((observed) => observed?.watcher.poll()));
    const pause = round === 1 ? Promise.resolve() : sleep(clock, tuning.waitPollSeconds);
    await Promise.all([pause, Promise.race([polls, sleep(clock, MAX_REFRESH_SECONDS)])]);
  }

  #describeStandbys(): string[] {
    const { observatory, standbys } = this.#deps;
    return standbys.map(({ name, observed }) =>
      describeState(name, observatory.assess(observed.node).verdict.state),
    );
  }
}

/** `reason`: why waiting does not help; then there is no estimate either. */
function tooStale(able: readonly Considered[], reason?: string): ReplicaTooStaleError {
  return new ReplicaTooStaleError({
    stalenessSeconds: least(able.map(({ maxSeconds }) => maxSeconds)),
    etaSeconds: reason === undefined ? least(able.map(({ eta }) => eta)) : null,
    reason,
  });
}

function least(seconds: readonly (number | null)[]): number | null {
  const known = seconds.filter((each) => each !== null);
  return known.length === 0 ? null : Math.ceil(Math.min(...known) * 1000) / 1000;
}

function estimateEta(
  sample: Sample,
  missing: readonly Token[],
  { verdict }: Assessment,
  rate: number | null,
): number | null {
  if (missing.length > 0) {
    if (missing.some(({ timeline }) => timeline !== sample.timeline)) return null;
    return catchUpSeconds(furthest(missing.map(({ lsn }) => lsn)) - sample.lsn, verdict.state, rate);
  }
  return verdict.lagBytes === 0n
    ? secondsUntilPing(sample)
    : catchUpSeconds(verdict.lagBytes, verdict.state, rate);
}

/** On an idle link the bound grows until the receiver pings its upstream, after half of its timeout. */
function secondsUntilPing(sample: Sample): number | null {
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
