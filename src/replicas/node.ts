import { streamingReceiver } from './receiver-claim.ts';
import { type Failure, isSample, type Observation, type ReceiverSample, type Sample } from './sample.ts';
import { ClockSkew } from './skew.ts';
import type { Claim } from './wal-history.ts';

/** Where a server is, from its URL. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * What is remembered of one server between polls: observations go in, and the judge reads it. It depends on no
 * other server and on no clock.
 */
export class Node {
  readonly name: string;
  readonly address: Address;
  readonly role: 'replica' | 'primary';
  /** The last one, however old. */
  sample: Sample | undefined;
  /** Why there has been no newer one; undefined while polls succeed. */
  failure: Failure | undefined;
  /** Polls in a row that failed. */
  failures = 0;
  refusedConnections = 0;
  /** Grows whenever the server may have fallen back: it did not answer, or had replayed less than before. */
  breaks = 0;
  /** The last sample before the receiver's present message. */
  beforeMessage: Sample | undefined;
  /** Its receiver when it last had one that we could read. */
  lastReceiver: ReceiverSample | undefined;
  /** Gateway clock: when it was last seen streaming. */
  lastStreamedAt: number | undefined;
  wasStandby = false;
  /** Gateway clock: when its replay last moved. */
  movedAt = Number.NEGATIVE_INFINITY;
  /** Bytes per second, smoothed. */
  replayRate: number | null = null;
  readonly skew = new ClockSkew();
  /** How far it had replayed each earlier timeline when it went over to the next: all that is history it shares. */
  readonly lineage = new Map<number, bigint>();
  #commit: Claim | undefined;
  #rateFrom: Sample | undefined;

  constructor({ name, address, role }: Pick<Node, 'name' | 'address' | 'role'>) {
    this.name = name;
    this.address = address;
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
   * commit it lacks came later), else the last checkpoint it has passed. The better of the two. `correction`: how
   * much longer ago a stamp of the primary is than the standby's clock makes it seem.
   */
  ownClaim(correction: number): Claim | undefined {
    const checkpoint = this.checkpointClaim(correction);
    if (!checkpoint || !this.#commit) return checkpoint;
    const commit = { ...this.#commit, at: this.#commit.at - correction };
    return commit.at > checkpoint.at ? commit : checkpoint;
  }

  /** The last checkpoint it has passed: a standby that crashes and starts anew falls back, but not behind this. */
  checkpointClaim(correction: number): Claim | undefined {
    const { sample } = this;
    if (!sample?.standby) return undefined;
    const { at, stamp } = toClaim(sample, sample.standby.checkpointStamp);
    return { at: at - correction, stamp };
  }

  #noteFailure(failure: Failure): void {
    this.breaks += 1;
    this.failure = failure;
    this.failures += 1;
  }

  #noteSample(sample: Sample): void {
    const before = this.sample;
    this.failure = undefined;
    this.failures = 0;
    this.sample = sample;
    this.#noteReceiver(sample, before);
    this.#noteCommit(sample);
    this.#noteProgress(sample, before);
    if (sample.standby) this.wasStandby = true;
  }

  #noteReceiver(sample: Sample, before: Sample | undefined): void {
    const receiver = streamingReceiver(sample);
    if (!receiver) return;
    this.lastReceiver = receiver;
    this.lastStreamedAt = sample.answeredAt;
    const message = before && streamingReceiver(before);
    if (message?.messageSendStamp !== receiver.messageSendStamp) this.beforeMessage = before;
    if (!receiver.isSilent) {
      this.skew.note(receiver.messageReceiptStamp - receiver.messageSendStamp, sample.answeredAt);
    }
  }

  #noteCommit(sample: Sample): void {
    const stamp = sample.standby?.lastCommitStamp ?? null;
    // Placed in time when first seen: a clock that is stepped later cannot make it younger.
    if (stamp !== this.#commit?.stamp) this.#commit = stamp === null ? undefined : toClaim(sample, stamp);
  }

  #noteProgress(sample: Sample, before: Sample | undefined): void {
    if (before?.lsn !== sample.lsn) this.movedAt = sample.answeredAt;
    if (before && sample.lsn < before.lsn) this.breaks += 1;
    if (before && before.timeline < sample.timeline) this.lineage.set(before.timeline, before.lsn);
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

/** A stamp of the primary's clock, read on the standby's: at least this long ago. */
function toClaim(sample: Sample, stamp: number): Claim {
  return { at: sample.sentAt - (sample.clock - stamp), stamp };
}
