import type { ClockCorrection, Node } from './node.ts';
import { provenEnd, streamingReceiver } from './receiver-claim.ts';
import type { Sample } from './sample.ts';
import { Timelines } from './timelines.ts';
import { type Claim, WalHistory } from './wal-history.ts';

/** What is known of one timeline. Every witness of where its WAL ends tells both; their claims are kept apart. */
interface Timeline {
  /** Claims from polls of its primary, which prove themselves. */
  readonly polled: WalHistory;
  /** Claims from messages of senders that are primaries. What was committed but not flushed, they do not say. */
  readonly told: WalHistory;
}

/**
 * What all servers together reveal: which cluster this is, and how its WAL grew. Each standby's messages and each
 * poll of the primary testify to one history per timeline, which serves every standby. So one that was cut off
 * is known to be behind from the messages of its neighbours.
 */
export class Cluster {
  readonly #nodes: readonly Node[];
  readonly #allowance: number;
  readonly timelines = new Timelines();
  readonly #histories = new Map<string, Timeline>();

  constructor(nodes: readonly Node[], settings: { claimAllowanceSeconds: number }) {
    this.#nodes = nodes;
    this.#allowance = settings.claimAllowanceSeconds;
  }

  /** Draws what follows from the sample a node has just got. */
  learn(node: Node): void {
    const { sample } = node;
    if (!sample) return;
    this.#learnTimelines(node, sample);
    if (sample.standby) {
      this.#learnFromMessages(node, sample);
      if (!this.isPrimaryPolledFor(node)) node.placeCommit((shown) => this.clockCorrection(node, shown));
    } else {
      this.#learnFromPrimary(sample);
      this.#placeCommits();
    }
    this.#forget();
  }

  /** Of the primary if it ever answered, else of most nodes, else of the first. */
  get systemIdentifier(): string | undefined {
    const samples = this.#nodes.flatMap(({ role, sample }) =>
      sample ? [{ role, id: sample.systemIdentifier }] : [],
    );
    const ofPrimary = samples.find(({ role }) => role === 'primary');
    if (ofPrimary) return ofPrimary.id;
    const votes = (id: string) => samples.filter((other) => other.id === id).length;
    return samples.toSorted((a, b) => votes(b.id) - votes(a.id))[0]?.id;
  }

  /** Of the timeline a node is on, in its own cluster; undefined before its first sample. */
  historyOf(node: Node): WalHistory | undefined {
    return this.#timelineOf(node)?.polled;
  }

  /** The latest moment until which the node has everything, as messages say. For where no primary is polled. */
  toldClaim(node: Node): Claim | undefined {
    return node.sample && this.#timelineOf(node)?.told.claimFor(node.sample.lsn);
  }

  /** When the end of the WAL of the node's timeline was known last, on the gateway's clock; minus infinity if never. */
  endKnownAt(node: Node): number {
    const timeline = this.#timelineOf(node);
    if (!timeline) return Number.NEGATIVE_INFINITY;
    return Math.max(timeline.polled.newestClaimAt, timeline.told.newestClaimAt);
  }

  /** Whether the primary of the timeline that the node is on is polled, and answers. */
  isPrimaryPolledFor(node: Node): boolean {
    return this.#primaryOf(node) !== undefined;
  }

  /** The standby among ours that this one streams from; undefined when it streams from the primary, or not at all. */
  upstreamOf(node: Node): Node | undefined {
    const receiver = node.lastReceiver;
    if (!receiver || receiver.port === null || receiver.host === null) return undefined;
    const { host, port } = receiver;
    return this.#nodes.find(
      (other) =>
        other !== node &&
        other.role === 'replica' &&
        isAt(other, host, port) &&
        other.sample?.standby !== null,
    );
  }

  /** The other nodes of the same cluster that take writes, or would. */
  primariesBeside(node: Node): readonly Node[] {
    return this.#nodes.filter(
      (other) =>
        other !== node &&
        other.failure === undefined &&
        other.sample?.standby === null &&
        other.sample.systemIdentifier === node.sample?.systemIdentifier &&
        other.sample.startStamp !== node.sample.startStamp,
    );
  }

  /** The polled primary, if there is one and it answers. */
  get primary(): Node | undefined {
    return this.#nodes.find(
      ({ role, failure, sample }) => role === 'primary' && !failure && sample?.standby === null,
    );
  }

  /**
   * Undefined when it cannot be told. Polls of both servers bound the difference of their clocks; all late polls of the
   * primary, since its clock may have been set back between a commit and its replay. Without the primary only a clock that
   * messages prove to be behind is corrected, to within the time the quickest message took.
   */
  clockCorrection(node: Node, sample: Sample | undefined = node.sample): ClockCorrection | undefined {
    const { skew } = node;
    const primary = this.#primaryOf(node);
    if (!sample || !primary) {
      // Where messages come, the first one is waited for: of one that streams from nobody nothing better will be known.
      const mayBeCompared = sample && streamingReceiver(sample) !== undefined && skew.smallest === null;
      return skew.isPlausible && !mayBeCompared ? { seconds: skew.correction, isMeasured: false } : undefined;
    }
    const ahead = sample.clock - sample.answeredAt;
    return { seconds: primary.mostAhead - ahead, isMeasured: true };
  }

  /**
   * Whether the node's last checkpoint and commit say how old its data is: every commit that it lacks came later. Not of
   * one whose timeline others have left, or that was a primary itself: when it was killed and started again it may have
   * made a checkpoint of its own, long after the others had begun to follow a new primary.
   */
  hasOwnClaim({ sample, mayBeItsOwn }: Node): boolean {
    return (
      sample !== undefined && !mayBeItsOwn && !this.#isAbandoned(sample.systemIdentifier, sample.timeline)
    );
  }

  #learnTimelines({ lineage, switchedFrom }: Node, sample: Sample): void {
    const { systemIdentifier, timeline, switches = [] } = sample;
    this.timelines.noteHistory(systemIdentifier, timeline, switches);
    if (switchedFrom) this.timelines.note(systemIdentifier, timeline, switchedFrom, 'server');
    for (const [older, lsn] of lineage) {
      this.timelines.note(systemIdentifier, timeline, { timeline: older, lsn }, 'lineage');
    }
  }

  #learnFromMessages(node: Node, sample: Sample): void {
    const receiver = streamingReceiver(sample);
    if (!receiver || receiver.latestEndLsn === 0n) return;
    const timeline = this.#timeline(sample.systemIdentifier, receiver.timeline);
    const heardAt = sample.answeredAt - (sample.clock - receiver.messageReceiptStamp);
    timeline.polled.noteExistence(receiver.latestEndLsn, heardAt);
    timeline.told.noteExistence(receiver.latestEndLsn, heardAt);
    // A standby in between knows where *its* WAL ends, and an abandoned timeline ends where it was abandoned.
    if (!receiver.isFromPrimary || this.#isAbandoned(sample.systemIdentifier, receiver.timeline)) return;
    const correction = this.clockCorrection(node);
    if (!correction || correction.isMeasured || !provenEnd(sample, node.beforeMessage)) return;
    const age = sample.clock - receiver.messageSendStamp + correction.seconds + this.#allowance;
    timeline.told.noteClaim(receiver.latestEndLsn, {
      at: sample.sentAt - age,
      stamp: receiver.messageSendStamp - this.#allowance,
    });
  }

  #learnFromPrimary(sample: Sample): void {
    const { polled, told } = this.#timeline(sample.systemIdentifier, sample.timeline);
    polled.noteExistence(sample.lsn, sample.answeredAt);
    told.noteExistence(sample.lsn, sample.answeredAt);
    // The position was read after the clock, and both after the statement was sent: no clock has to be trusted.
    polled.noteClaim(sample.insertLsn ?? sample.lsn, {
      at: sample.sentAt - this.#allowance,
      stamp: sample.clock - this.#allowance,
    });
  }

  /** A commit is placed in time between two polls of the primary: whenever its clock was set, one of them knows. */
  #placeCommits(): void {
    for (const node of this.#nodes) {
      if (this.isPrimaryPolledFor(node)) node.placeCommit((shown) => this.clockCorrection(node, shown));
    }
  }

  #primaryOf({ sample }: Node): Node | undefined {
    const { primary } = this;
    const isSame =
      sample &&
      primary?.sample?.systemIdentifier === sample.systemIdentifier &&
      primary.sample.timeline === sample.timeline;
    return isSame ? primary : undefined;
  }

  #timelineOf({ sample }: Node): Timeline | undefined {
    return sample && this.#histories.get(key(sample.systemIdentifier, sample.timeline));
  }

  #isAbandoned(systemIdentifier: string, timeline: number): boolean {
    return this.#nodes.some(
      ({ sample }) => sample && sample.systemIdentifier === systemIdentifier && sample.timeline > timeline,
    );
  }

  #timeline(systemIdentifier: string, timeline: number): Timeline {
    const name = key(systemIdentifier, timeline);
    let known = this.#histories.get(name);
    if (!known) {
      known = { polled: new WalHistory(), told: new WalHistory() };
      this.#histories.set(name, known);
    }
    return known;
  }

  /** Keeps of each timeline what the hindmost standby on it still lacks, and no timeline without standbys. */
  #forget(): void {
    for (const [name, { polled, told }] of this.#histories) {
      const on = this.#nodes.filter(
        ({ sample }) => sample && key(sample.systemIdentifier, sample.timeline) === name,
      );
      if (on.length === 0) this.#histories.delete(name);
      const hindmost = on
        .filter(({ sample }) => sample?.standby)
        .reduce<bigint | undefined>((least, { sample }) => {
          return least === undefined || sample!.lsn < least ? sample!.lsn : least;
        }, undefined);
      if (hindmost === undefined) continue;
      polled.forgetBelow(hindmost);
      told.forgetBelow(hindmost);
    }
  }
}

const key = (systemIdentifier: string, timeline: number): string => `${systemIdentifier}/${timeline}`;

function isAt(node: Node, host: string, port: number): boolean {
  if (port !== node.address.port && port !== node.sample?.port) return false;
  const here = sameMachine(host);
  return here === sameMachine(node.address.host) || host === node.sample?.address;
}

/** The loopback names, and a socket's directory, are one machine: ours. */
function sameMachine(host: string): string {
  return host.startsWith('/') || host === 'localhost' || host === '::1' ? '127.0.0.1' : host;
}
