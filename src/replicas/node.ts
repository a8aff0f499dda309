import { isPrompt, streamingReceiver } from './receiver-claim.ts';
import { type Failure, isSample, type Observation, type ReceiverSample, type Sample } from './sample.ts';
import { ClockSkew } from './skew.ts';
import type { SwitchPoint } from './token.ts';
import type { Claim } from './wal-history.ts';

/** Where a server is, from its URL. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface NodeOptions extends Pick<Node, 'name' | 'address' | 'role'> {
  readonly database?: string;
}

/** A healthy server answers a poll in a few milliseconds. One that takes longer than this may hold up statements too. */
export const MAX_DELAY_SECONDS = 0.25;

/** In a longer gap between two polls more may have happened than the promotion that was seen. */
const MAX_GAP_SECONDS = 10;

/** How the clock of a standby relates to its primary's. */
export interface ClockCorrection {
  /** What to add to an age that was computed with the standby's clock from a stamp of the primary's. */
  readonly seconds: number;
  /** Both servers were polled for it. Without, only messages were compared, which travel one way. */
  readonly isMeasured: boolean;
}

/**
 * What is remembered of one server between polls: observations go in, and the judge reads it. It depends on no
 * other server and on no clock.
 */
export class Node {
  readonly name: string;
  readonly address: Address;
  /** Of its URL. */
  readonly database: string;
  readonly role: 'replica' | 'primary';
  /** The last one, however old. */
  sample: Sample | undefined;
  /** Why there has been no newer one; undefined while polls succeed. */
  failure: Failure | undefined;
  /** Polls in a row that failed. */
  failures = 0;
  refusedConnections = 0;
  /**
   * Grows when the server may have fallen back behind what it had replayed: another process replays, or less is. A
   * server that merely did not answer for a while has lost nothing.
   */
  breaks = 0;
  /** Polls so far that failed or took long. */
  delays = 0;
  /** The last sample before the receiver's present message. */
  beforeMessage: Sample | undefined;
  /** Its receiver when it last had one that we could read. */
  lastReceiver: ReceiverSample | undefined;
  /** Gateway clock: when it was last seen streaming. */
  lastStreamedAt: number | undefined;
  wasStandby = false;
  /** It has been a primary, and has followed nobody since: its last checkpoint and commit may be its own. */
  mayBeItsOwn = false;
  /** Gateway clock: when its replay last moved. */
  movedAt = Number.NEGATIVE_INFINITY;
  /** Bytes per second, smoothed. */
  replayRate: number | null = null;
  readonly skew = new ClockSkew();
  /** By how much the gateway's clock was ahead of this server's in each sample. */
  readonly #offsets = new ClockSkew();
  /** How far it had replayed each earlier timeline when it went over to the next: all that is history it shares. */
  readonly lineage = new Map<number, bigint>();
  /** Where it was promoted, when polls saw it before and after. */
  switchedFrom: SwitchPoint | undefined;
  #commit: Claim | undefined;
  #isCommitMeasured = false;
  /** The first sample that showed the last commit. */
  #commitSample: Sample | undefined;
  #isCommitPlaced = true;
  #rateFrom: Sample | undefined;

  constructor({ name, address, database, role }: NodeOptions) {
    this.name = name;
    this.address = address;
    this.database = database ?? '';
    this.role = role;
  }

  /** When a poll last ended, whatever its result, on the gateway's clock. */
  get heardAt(): number {
    return this.failure?.failedAt ?? this.sample?.answeredAt ?? Number.NEGATIVE_INFINITY;
  }

  note({ result, refusedConnections }: Observation): void {
    this.refusedConnections = refusedConnections;
    if (isSample(result)) this.#noteSample(result);
    else this.#noteFailure(result);
  }

  /**
   * What the server itself says of the age of its data, whatever its upstream: the last replayed commit (every
   * commit it lacks came later), else the last checkpoint it has passed. The better of the two.
   */
  ownClaim(correction: ClockCorrection): Claim | undefined {
    const checkpoint = this.checkpointClaim(correction);
    if (!checkpoint || !this.#commit) return checkpoint;
    return this.#commit.at > checkpoint.at ? this.#commit : checkpoint;
  }

  /** The last checkpoint it has passed: a standby that crashes and starts anew falls back, but not behind this. */
  checkpointClaim(correction: ClockCorrection): Claim | undefined {
    const { sample } = this;
    return sample?.standby ? toClaim(sample, sample.standby.checkpointStamp, correction) : undefined;
  }

  /**
   * Places the last replayed commit in time, once: a clock that is stepped later cannot make it younger. Until then the
   * one before it stands. `correct` says how the standby's clock related to its primary's in a sample.
   */
  placeCommit(correct: (sample: Sample) => ClockCorrection | undefined): void {
    const sample = this.#commitSample;
    const stamp = sample?.standby?.lastCommitStamp;
    if (!sample || stamp == null || (this.#isCommitPlaced && this.#isCommitMeasured)) return;
    const correction = correct(sample);
    if (!correction || (this.#isCommitPlaced && !correction.isMeasured)) return;
    this.#commit = toClaim(sample, stamp, correction);
    this.#isCommitPlaced = true;
    this.#isCommitMeasured = correction.isMeasured;
  }

  /**
   * A server that is gone may have crashed, and begun again from its last checkpoint. One that was silent for a single
   * poll has not: a crash ends the connection that is polled.
   */
  get mayHaveCrashed(): boolean {
    return this.failure !== undefined && (this.failures > 1 || this.failure.kind !== 'hanging');
  }

  /** By how much its clock was ahead of the gateway's at most, lately. */
  get mostAhead(): number {
    return -(this.#offsets.smallest ?? 0);
  }

  #noteFailure(failure: Failure): void {
    this.failure = failure;
    this.failures += 1;
    this.delays += 1;
  }

  #noteSample(polled: Sample): void {
    const before = this.sample;
    const sample = before ? keepTimeline(before, polled) : polled;
    if (sample.answeredAt - sample.sentAt > MAX_DELAY_SECONDS) this.delays += 1;
    if (before && mayHaveFallenBack(before, sample, this.failure)) this.breaks += 1;
    this.failure = undefined;
    this.failures = 0;
    this.sample = sample;
    this.#offsets.note(sample.sentAt - sample.clock, sample.answeredAt);
    if (before) this.skew.setBack(secondsSetBack(before, sample));
    this.#noteReceiver(sample, before);
    this.#noteCommit(sample);
    this.#noteProgress(sample, before);
    if (sample.standby) this.wasStandby = true;
    else this.mayBeItsOwn = true;
  }

  #noteReceiver(sample: Sample, before: Sample | undefined): void {
    const receiver = streamingReceiver(sample);
    if (receiver || sample.standby?.receiver === 'hidden') this.mayBeItsOwn = false;
    if (!receiver) return;
    this.lastReceiver = receiver;
    this.lastStreamedAt = sample.answeredAt;
    const message = before && streamingReceiver(before);
    if (message?.messageSendStamp !== receiver.messageSendStamp) this.beforeMessage = before;
    if (!receiver.isSilent) {
      const difference = receiver.messageReceiptStamp - receiver.messageSendStamp;
      this.skew.note(difference, sample.answeredAt, isPrompt(sample, this.beforeMessage));
    }
  }

  #noteCommit(sample: Sample): void {
    const stamp = sample.standby?.lastCommitStamp ?? null;
    if (stamp === null) {
      // It was started anew, and may have fallen back behind the commit that was known.
      this.#commit = undefined;
      this.#commitSample = undefined;
      return;
    }
    if (stamp === this.#commitSample?.standby?.lastCommitStamp) return;
    if (this.#commit && stamp < this.#commit.stamp) this.#commit = undefined;
    this.#commitSample = sample;
    this.#isCommitPlaced = false;
  }

  /** Only of a server that has run all the time: one that was started anew may have been set back, or copied from another. */
  #noteTimeline(sample: Sample, before: Sample): void {
    if (before.startStamp !== sample.startStamp) {
      this.lineage.clear();
      this.switchedFrom = undefined;
    } else if (before.timeline < sample.timeline) {
      this.lineage.set(before.timeline, before.lsn);
      this.switchedFrom = switchOf(before, sample);
    }
  }

  #noteProgress(sample: Sample, before: Sample | undefined): void {
    if (before?.lsn !== sample.lsn) this.movedAt = sample.answeredAt;
    if (before) this.#noteTimeline(sample, before);
    const from = this.#rateFrom;
    if (!from || from.timeline !== sample.timeline || sample.lsn < from.lsn) {
      this.#rateFrom = sample;
      return;
    }
    const seconds = sample.answeredAt - from.answeredAt;
    if (seconds < 0.2) return;
    const rate = Number(sample.lsn - from.lsn) / seconds;
    this.replayRate = this.replayRate === null ? rate : 0.6 * this.replayRate + 0.4 * rate;
    this.#rateFrom = sample;
  }
}

/**
 * Where a standby that was promoted began its timeline: at the end of what it had replayed. The number says that there was
 * no other timeline in between.
 */
function switchOf(before: Sample, now: Sample): SwitchPoint | undefined {
  const isPromotion = before.standby !== null && now.standby === null && now.timeline === before.timeline + 1;
  if (!isPromotion || now.replayEndLsn === null || now.answeredAt - before.answeredAt > MAX_GAP_SECONDS)
    return undefined;
  return { timeline: before.timeline, lsn: now.replayEndLsn };
}

/**
 * Between two receivers a standby tells its timeline by its last checkpoint, which may be of an earlier one. A server that
 * has not been restarted goes back to none.
 */
function keepTimeline(before: Sample, now: Sample): Sample {
  const isSameRun =
    before.standby !== null &&
    now.standby !== null &&
    before.systemIdentifier === now.systemIdentifier &&
    before.startStamp === now.startStamp;
  return isSameRun && now.timeline < before.timeline ? { ...now, timeline: before.timeline } : now;
}

/** Where the process that replays cannot be seen, whatever silence there was may have been a crash. */
function mayHaveFallenBack(before: Sample, now: Sample, silence: Failure | undefined): boolean {
  if (now.lsn < before.lsn || now.startStamp !== before.startStamp) return true;
  const [then, since] = [before.standby?.replayProcess, now.standby?.replayProcess];
  return then && since ? then !== since : silence !== undefined;
}

/** A stamp of the primary's clock, read on the standby's: at least this long ago. */
function toClaim(sample: Sample, stamp: number, { seconds }: ClockCorrection): Claim {
  return { at: sample.sentAt - (sample.clock - stamp + seconds), stamp };
}

/** By how much a server's clock was set back between two samples, at most; 0 when it was not. */
function secondsSetBack(before: Sample, now: Sample): number {
  const [least, most] = [before.clock - before.answeredAt, before.clock - before.sentAt];
  return now.clock - now.sentAt < least ? most - (now.clock - now.answeredAt) : 0;
}
