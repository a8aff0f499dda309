import {
  type GatewayError,
  NoReplicaAvailableError,
  PositionForeignError,
  PositionInFutureError,
  PositionLostError,
  PositionOnLaterTimelineError,
  ReplicaTooStaleError,
} from '../errors.ts';
import { abortable } from './abortable.ts';
import { type Clock, sleep } from './clock.ts';
import { describeState } from './describe.ts';
import { lease } from './lease.ts';
import { furthest } from './lsn.ts';
import type { Assessment, Observatory } from './observatory.ts';
import type { Positions } from './positions.ts';
import { streamingReceiver } from './receiver-claim.ts';
import type { Replica, ReplicaRequest } from './replica.ts';
import { type Candidate, type Purpose, pick } from './routing.ts';
import type { Sample } from './sample.ts';
import type { Standby } from './standby.ts';
import { catchUpSeconds } from './status.ts';
import { type Reach, reachOf } from './timelines.ts';
import type { Token } from './token.ts';
import type { Tuning } from './tuning.ts';
import type { Claim } from './wal-history.ts';

export interface ChooserDeps {
  readonly observatory: Observatory;
  readonly positions: Positions;
  /** As they are now: the list may change while a request waits. */
  standbys(): readonly Standby[];
  /** The primary, where an operator lets it answer when no standby can. */
  lastResort(): Standby | undefined;
  /** The gateway's own. */
  readonly zone: string | undefined;
  readonly clock: Clock;
  readonly tuning: Tuning;
  tierOf(standby: Standby, assessment: Assessment, purpose: Purpose): number | null;
  isClosed(): boolean;
}

/** What a request demands, and since when it waits. */
interface Demand {
  readonly tokens: readonly Token[];
  readonly maxStalenessSeconds: number | undefined;
  readonly round: number;
  readonly begunAt: number;
  readonly deadline: number;
}

interface Considered extends Candidate {
  readonly standby: Standby;
  readonly sample: Sample;
  readonly asOf: Claim | undefined;
  /** Of each token of the request. */
  readonly reaches: readonly Reach[];
  /** Seconds until it may meet the demand; null when that cannot be told. */
  readonly eta: number | null;
}

/** A healthy standby answers in a few milliseconds, and one that hangs must not hold up the request. */
const MAX_REFRESH_SECONDS = 0.25;
/** A standby that failed the request is not tried again sooner, while others may still meet its demand. */
const MIN_AVOID_SECONDS = 0.25;
/** One that answered within this time may have crashed, and be back in a moment. */
const MAX_CRASH_SECONDS = 3;
/** Between polls while a request waits for a standby to come back. */
const RETURN_POLL_SECONDS = 0.1;

/** Chooses the standby for a request. */
export class Chooser {
  readonly #deps: ChooserDeps;

  constructor(deps: ChooserDeps) {
    this.#deps = deps;
  }

  /** See `Replicas.choose`. */
  async choose(request: ReplicaRequest = {}): Promise<Replica> {
    const { clock, tuning } = this.#deps;
    const { signal, maxStalenessSeconds, purpose = 'page' } = request;
    const tokens = [request.readAfter ?? []].flat();
    this.#learnFrom(tokens);
    const begunAt = clock.now();
    const deadline = begunAt + tuning.readAfterWaitSeconds;
    const demand = { maxStalenessSeconds, purpose, spreadSeconds: tuning.spreadSeconds };
    for (let round = 1; ; round++) {
      signal?.throwIfAborted();
      if (this.#deps.isClosed()) throw new NoReplicaAvailableError(['the gateway is stopping']);
      this.#refuseForeign(tokens);
      const { eligible, avoided } = this.#sort(request);
      const able = eligible.flatMap((standby) => this.#consider(standby, tokens, purpose));
      const again = () =>
        pick(
          avoided.flatMap((standby) => this.#consider(standby, tokens, purpose)),
          demand,
        );
      const isAgain = able.length === 0 || clock.now() - begunAt > MIN_AVOID_SECONDS;
      const chosen = pick(able, demand) ?? (isAgain ? again() : undefined);
      if (chosen) return this.#lend(chosen);

      const unknown = eligible.filter(
        ({ observed }) => this.#deps.observatory.assess(observed.node).verdict.state === 'UNKNOWN',
      );
      if (unknown.length > 0) {
        await abortable(Promise.race(unknown.map(({ observed }) => observed.watcher.poll())), signal);
        continue;
      }
      if (able.length === 0) {
        const primary = this.#considerLastResort(request, tokens);
        const resort = primary && pick([primary], demand);
        if (resort) return this.#lend(resort);
        const lost = this.#findLostToPrimary(tokens);
        if (lost) throw new PositionLostError(lost);
        const gone = this.#deps.standbys().filter((standby) => this.#mayReturn(standby, request));
        // Its own last answer may say more than its last poll.
        const isPrimaryBehind = primary?.reaches.includes('ahead') === true;
        if ((gone.length === 0 && !isPrimaryBehind) || clock.now() >= deadline)
          throw new NoReplicaAvailableError(this.#describeStandbys());
        const pause = isPrimaryBehind && round === 1 ? 0 : RETURN_POLL_SECONDS;
        await abortable(this.#refresh(gone, pause), signal);
        continue;
      }
      const refusal = this.#refusalOf(able, { tokens, maxStalenessSeconds, round, begunAt, deadline });
      if (refusal) {
        const last = again();
        if (!last) throw refusal;
        return this.#lend(last);
      }
      const seconds = round === 1 ? 0 : tuning.waitPollSeconds;
      await abortable(
        this.#refresh(
          able.map(({ standby }) => standby),
          seconds,
        ),
        signal,
      );
    }
  }

  /** Those that may be chosen, and those that failed the request and have answered since. */
  #sort({ exclude, avoid }: ReplicaRequest): {
    readonly eligible: readonly Standby[];
    readonly avoided: readonly Standby[];
  } {
    const useful = this.#deps.standbys().filter(({ name }) => !exclude?.has(name));
    return {
      eligible: useful.filter(({ name }) => !avoid?.has(name)),
      avoided: useful.filter((standby) => avoid?.has(standby.name) && standby.isResponsive),
    };
  }

  /** Whether it was lost a moment ago, as by a crash: the next poll may find it well. */
  #mayReturn(standby: Standby, { exclude }: ReplicaRequest): boolean {
    const { node } = standby.observed;
    const isLost = node.failure !== undefined || standby.isSuspect;
    const isLately = node.sample && this.#deps.clock.now() - node.sample.answeredAt < MAX_CRASH_SECONDS;
    return isLost && isLately === true && !exclude?.has(standby.name);
  }

  /** The primary, where it may be asked. */
  #considerLastResort(
    { exclude, avoid, purpose = 'page' }: ReplicaRequest,
    tokens: readonly Token[],
  ): Considered | undefined {
    const primary = this.#deps.lastResort();
    if (!primary || exclude?.has(primary.name)) return undefined;
    // A standby that failed the request by being promoted may have the same name in both lists.
    if (avoid?.has(primary.name) && !primary.isResponsive) return undefined;
    return this.#consider(primary, tokens, purpose)[0];
  }

  /** Why none of those that are able will meet the demand in time; undefined while that is worth waiting for. */
  #refusalOf(able: readonly Considered[], demand: Demand): GatewayError | undefined {
    const { tokens, maxStalenessSeconds, round, deadline } = demand;
    const lost = findLost(able, tokens);
    if (lost) return new PositionLostError(lost);
    const obstacle = this.#obstacleTo(maxStalenessSeconds);
    if (obstacle) return tooStale(able, obstacle);
    if (round === 1) return undefined;
    // All servers were polled since the request came.
    const unproven = findUnproven(able, tokens);
    if (unproven) return new PositionLostError(unproven, { isProven: false });
    const beyond = this.#findBeyondEnd(able, demand);
    if (beyond) return new PositionInFutureError(beyond);
    if (this.#isWorthWaiting(able, deadline)) return undefined;
    const never = this.#findLostToPrimary(tokens);
    if (never) return new PositionLostError(never);
    const later = this.#findLater(able, tokens);
    return later ? new PositionOnLaterTimelineError(later) : tooStale(able);
  }

  #lend({ standby, sample, asOf }: Considered): Replica {
    const { clock, observatory } = this.#deps;
    const { node } = standby.observed;
    const correction = observatory.cluster.clockCorrection(node);
    const checkpoint =
      correction && observatory.cluster.hasOwnClaim(node) ? node.checkpointClaim(correction) : undefined;
    // A primary does not fall back, and a checkpoint on a clock that ran ahead is no younger than what was replayed.
    const fallbackAsOf = sample.standby ? older(checkpoint, asOf) : asOf;
    const { positions } = this.#deps;
    const { timelines } = observatory.cluster;
    return lease(standby, { sample, asOf, fallbackAsOf, clock, positions, timelines });
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
    // What is read on a primary has all that was inserted, flushed or not.
    const shown = { ...sample, lsn: sample.insertLsn ?? sample.lsn };
    const reaches = tokens.map((token) => reachOf(shown, token, observatory.cluster.timelines));
    const missing = tokens.filter((_, index) => reaches[index] !== 'replayed');
    return [
      {
        standby,
        sample,
        asOf,
        tier,
        reaches,
        maxSeconds: asOf ? now - asOf.at : null,
        hasReplayed: missing.length === 0,
        eta: estimateEta(sample, missing, assessment, replayRate),
        inFlight: standby.inFlight,
        isNear: standby.zone !== undefined && standby.zone === this.#deps.zone,
        weight: standby.weight,
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
    if (foreign) throw new PositionForeignError(foreign);
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

  /** A gateway that was started after a promotion learns of it from those that were there. */
  #learnFrom(tokens: readonly Token[]): void {
    const { observatory, positions } = this.#deps;
    if (!positions.isSecret) return;
    const ours = observatory.cluster.systemIdentifier;
    for (const token of tokens) {
      if (String(token.systemIdentifier) === ours) observatory.cluster.timelines.notePosition(token);
    }
  }

  /** A position that the primary itself does not have: no standby is on its way there. */
  #findBeyondEnd(able: readonly Considered[], { tokens, begunAt }: Demand): Token | undefined {
    if (able.some(({ hasReplayed }) => hasReplayed)) return undefined;
    const { primary } = this.#deps.observatory;
    const sample = primary?.node.failure === undefined ? primary?.node.sample : undefined;
    if (!sample || sample.standby || sample.sentAt < begunAt) return undefined;
    const end = sample.insertLsn ?? sample.lsn;
    return tokens.find(({ timeline, lsn }) => timeline === sample.timeline && lsn > end);
  }

  /** A position that the primary, which the standbys will follow, can never have. */
  #findLostToPrimary(tokens: readonly Token[]): Token | undefined {
    const { primary, cluster } = this.#deps.observatory;
    const sample = primary?.node.failure === undefined ? primary?.node.sample : undefined;
    if (!sample || sample.standby) return undefined;
    return tokens.find((token) => reachOf(sample, token, cluster.timelines) === 'lost');
  }

  /** A position of after a promotion that no server has followed. */
  #findLater(able: readonly Considered[], tokens: readonly Token[]): Token | undefined {
    const { replicas, primary } = this.#deps.observatory;
    const latest = Math.max(
      ...[...replicas, primary].map((observed) => observed?.node.sample?.timeline ?? 0),
    );
    return tokens.find(
      ({ timeline }, index) => timeline > latest && able.every(({ reaches }) => reaches[index] === 'ahead'),
    );
  }

  /** For a token until the deadline, since WAL flows; for a limit only if it will be met by then. */
  #isWorthWaiting(able: readonly Considered[], deadline: number): boolean {
    const now = this.#deps.clock.now();
    if (now >= deadline) return false;
    return able.some(({ hasReplayed, eta }) => !hasReplayed || (eta !== null && now + eta <= deadline));
  }

  /** Polls them, and the primary where there is one. Takes so long at least. */
  async #refresh(standbys: readonly Standby[], seconds: number): Promise<void> {
    const { observatory, clock } = this.#deps;
    const watchers = [...standbys.map(({ observed }) => observed), observatory.primary];
    const polls = Promise.all(watchers.map((observed) => observed?.watcher.poll()));
    const pause = seconds > 0 ? sleep(clock, seconds) : Promise.resolve();
    await Promise.all([pause, Promise.race([polls, sleep(clock, MAX_REFRESH_SECONDS)])]);
  }

  #describeStandbys(): string[] {
    const { observatory, standbys } = this.#deps;
    return standbys().map(({ name, observed }) =>
      describeState(name, observatory.assess(observed.node).verdict.state),
    );
  }
}

/**
 * A position that those who follow the latest timeline can never have replayed. One that was left behind on an older timeline
 * says nothing about that.
 */
function findLost(able: readonly Considered[], tokens: readonly Token[]): Token | undefined {
  const latest = Math.max(...able.map(({ sample }) => sample.timeline));
  const followers = able.filter(({ sample }) => sample.timeline === latest);
  return tokens.find((_, index) => followers.every(({ reaches }) => reaches[index] === 'lost'));
}

/**
 * A position of which it is not known whether it was lost: waiting would not tell. One that is still on the older timeline may
 * yet replay it.
 */
function findUnproven(able: readonly Considered[], tokens: readonly Token[]): Token | undefined {
  return tokens.find((_, index) =>
    able.every(({ reaches }) => reaches[index] === 'lost' || reaches[index] === 'unknown'),
  );
}

function older(one: Claim | undefined, other: Claim | undefined): Claim | undefined {
  if (!one || !other) return undefined;
  return one.at <= other.at ? one : other;
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
