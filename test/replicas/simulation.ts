import { Cluster } from '../../src/replicas/cluster.ts';
import { estimate, maxSeconds } from '../../src/replicas/estimate.ts';
import { Node } from '../../src/replicas/node.ts';
import type { ReceiverSample, Sample } from '../../src/replicas/sample.ts';

/** Seconds. Everything below happens on one exact clock; servers' clocks differ from it by an offset. */
const STEP = 0.005;
/** The simulated clock starts at 0, PostgreSQL's somewhere real. */
const EPOCH = 1_760_000_000;
const CHUNK = 131_072n;

interface Message {
  readonly kind: 'wal' | 'keepalive';
  readonly end: bigint;
  readonly walEnd: bigint;
  /** On the primary's clock. */
  readonly sentAt: number;
  /** Bytes of it that the link has yet to carry. */
  rest: number;
}

export interface LinkWeather {
  /** Bytes per second towards the standby; 0 is a cut cable. */
  bandwidth: number;
  /** Whether the standby's pings arrive. */
  carriesReplies: boolean;
}

export interface SimulationOptions {
  readonly clockOffsets: readonly number[];
  readonly receiverTimeout?: number;
  readonly senderTimeout?: number;
  readonly isPrimaryPolled?: boolean;
  readonly claimAllowanceSeconds?: number;
}

/** A primary and its standbys in virtual time, watched by the real Node, Cluster and estimate. */
export class Simulation {
  now = 0;
  walEnd = 1_000_000n;
  /** How far the primary's clock is ahead of the exact one. */
  primaryOffset = 0;
  /** `stamp`: when it was made on the primary's clock. */
  readonly commits: { readonly lsn: bigint; readonly at: number; readonly stamp: number }[] = [
    { lsn: this.walEnd, at: 0, stamp: 0 },
  ];
  readonly receiverTimeout: number;
  readonly senderTimeout: number;
  readonly isPrimaryPolled: boolean;
  readonly cluster: Cluster;
  readonly standbys: readonly SimulatedStandby[];
  #isStepUnseen = false;
  readonly #primaryNode = new Node({ name: 'primary', address: { host: 'p', port: 1 }, role: 'primary' });

  constructor({ clockOffsets, ...options }: SimulationOptions) {
    this.receiverTimeout = options.receiverTimeout ?? 10;
    this.senderTimeout = options.senderTimeout ?? 20;
    this.isPrimaryPolled = options.isPrimaryPolled ?? false;
    const nodes = clockOffsets.map(
      (_, index) => new Node({ name: `s${index}`, address: { host: `s${index}`, port: 1 }, role: 'replica' }),
    );
    this.cluster = new Cluster(this.isPrimaryPolled ? [...nodes, this.#primaryNode] : nodes, {
      claimAllowanceSeconds: options.claimAllowanceSeconds ?? 0.05,
    });
    this.standbys = nodes.map((node, index) => new SimulatedStandby(this, node, clockOffsets[index]!));
  }

  commit(bytes: number): void {
    this.walEnd += BigInt(bytes);
    this.commits.push({ lsn: this.walEnd, at: this.now, stamp: this.now + this.primaryOffset });
  }

  /** Sets its clock, at most once between two polls: of a clock that was set and set back meanwhile nothing is left to see. */
  stepPrimary(seconds: number): void {
    if (this.#isStepUnseen) this.pollPrimary();
    this.primaryOffset += seconds;
    this.#isStepUnseen = true;
  }

  pollPrimary(): void {
    this.#isStepUnseen = false;
    const result = {
      ...common(this.now, EPOCH + this.now + this.primaryOffset),
      lsn: this.walEnd,
      standby: null,
    };
    this.#primaryNode.note({ result, refusedConnections: 0 });
    if (this.isPrimaryPolled) this.cluster.learn(this.#primaryNode);
  }

  run(seconds: number, everyStep = () => {}): void {
    for (let left = seconds; left > 0; left -= STEP) {
      this.now += STEP;
      for (const standby of this.standbys) standby.step();
      everyStep();
    }
  }
}

export function simulate(options: SimulationOptions): Simulation {
  return new Simulation(options);
}

/** The socket's buffers hold a quarter of a megabyte. */
const SOCKET_BYTES = 262_144;

/** One standby, its link and the process on the primary that feeds it, as PostgreSQL's sources describe them. */
export class SimulatedStandby {
  readonly node: Node;
  /** How far its clock is ahead of the exact one. */
  clockOffset: number;
  readonly link: LinkWeather = { bandwidth: 10_000_000, carriesReplies: true };
  isSenderFrozen = false;
  /** Whether its connection says that nothing but a primary may be at the other end. */
  isFedByPrimary = true;
  isReplayPaused = false;
  /** Bytes per second. */
  replayRate = 50_000_000;
  readonly #simulation: Simulation;
  #queue: Message[] = [];
  #isConnected = true;
  #pid = 1;
  #sent: bigint;
  #written: bigint;
  #replayed: bigint;
  #pings = 0;
  #hasPinged = false;
  #lastReplyAt = 0;
  #lastReceiptAt = 0;
  #hasKeptAlive = false;
  // The receiver's shared memory: when a message was sent on the primary's clock, and received on its own.
  #latestEnd: bigint;
  #shared = { send: 0, receipt: 0, latestEnd: 0, isSilent: true };

  constructor(simulation: Simulation, node: Node, clockOffset: number) {
    this.#simulation = simulation;
    this.node = node;
    this.clockOffset = clockOffset;
    this.#sent = simulation.walEnd;
    this.#written = simulation.walEnd;
    this.#replayed = simulation.walEnd;
    this.#latestEnd = simulation.walEnd;
  }

  reconnect(): void {
    const { now } = this.#simulation;
    this.#isConnected = true;
    this.#pid += 1;
    this.#sent = this.#written;
    this.#queue = [];
    this.#pings = 0;
    this.#hasPinged = false;
    this.#hasKeptAlive = false;
    this.#lastReplyAt = now;
    this.#lastReceiptAt = now;
    const start = now + this.clockOffset;
    this.#shared = { send: start, receipt: start, latestEnd: start, isSilent: true };
  }

  disconnect(): void {
    this.#isConnected = false;
    this.#queue = [];
  }

  poll(): void {
    this.node.note({ result: this.#sample(), refusedConnections: 0 });
    this.#simulation.cluster.learn(this.node);
  }

  /** Age of the oldest commit it does not show; 0 when it shows all. */
  truth(): number {
    const missing = this.#simulation.commits.find(({ lsn }) => lsn > this.#replayed);
    return missing ? this.#simulation.now - missing.at : 0;
  }

  bound(): number | null {
    return maxSeconds(estimate(this.node, this.#simulation.cluster), this.#simulation.now);
  }

  step(): void {
    if (this.#isConnected) {
      this.#stepSender();
      this.#stepLink();
      this.#stepReceiver();
    }
    this.#stepReplay();
  }

  #stepSender(): void {
    if (this.isSenderFrozen) return;
    const { now, walEnd, senderTimeout, primaryOffset } = this.#simulation;
    // Replies are read before WAL is sent, and a ping is answered with what was sent so far.
    for (; this.#pings > 0; this.#pings--) this.#keepAlive();
    while (this.#sent < walEnd && !this.#isBlocked()) {
      const end = this.#sent + CHUNK < walEnd ? this.#sent + CHUNK : walEnd;
      this.#queue.push({
        kind: 'wal',
        end,
        walEnd,
        sentAt: now + primaryOffset,
        rest: Number(end - this.#sent) + 50,
      });
      this.#sent = end;
    }
    if (!this.#hasKeptAlive && now - this.#lastReplyAt > senderTimeout / 2) {
      this.#keepAlive();
      this.#hasKeptAlive = true;
    }
  }

  #keepAlive(): void {
    const sentAt = this.#simulation.now + this.#simulation.primaryOffset;
    this.#queue.push({ kind: 'keepalive', end: this.#sent, walEnd: this.#sent, sentAt, rest: 30 });
  }

  #isBlocked(): boolean {
    return this.#queue.reduce((bytes, { rest }) => bytes + rest, 0) > SOCKET_BYTES;
  }

  #stepLink(): void {
    let budget = this.link.bandwidth * STEP;
    while (this.#queue.length > 0 && budget > 0) {
      const first = this.#queue[0]!;
      const carried = Math.min(budget, first.rest);
      first.rest -= carried;
      budget -= carried;
      if (first.rest > 0) break;
      this.#queue.shift();
      this.#receive(first);
    }
  }

  #receive({ kind, end, walEnd: announced, sentAt }: Message): void {
    const { now } = this.#simulation;
    const isAdvance = this.#latestEnd < announced;
    this.#latestEnd = announced;
    this.#shared = {
      send: sentAt,
      receipt: now + this.clockOffset,
      latestEnd: isAdvance ? sentAt : this.#shared.latestEnd,
      isSilent: false,
    };
    if (kind === 'wal') this.#written = end;
    this.#lastReceiptAt = now;
    this.#hasPinged = false;
    this.#reply();
  }

  #reply(): void {
    if (!this.link.carriesReplies) return;
    this.#lastReplyAt = this.#simulation.now;
    this.#hasKeptAlive = false;
  }

  #stepReceiver(): void {
    const { now, receiverTimeout } = this.#simulation;
    if (this.#hasPinged || now - this.#lastReceiptAt < receiverTimeout / 2) return;
    this.#hasPinged = true;
    if (this.link.carriesReplies) this.#pings += 1;
    this.#reply();
  }

  #stepReplay(): void {
    if (this.isReplayPaused) return;
    const reach = this.#replayed + BigInt(Math.ceil(this.replayRate * STEP));
    this.#replayed = reach < this.#written ? reach : this.#written;
  }

  #clockAt(at: number): number {
    return EPOCH + at + this.clockOffset;
  }

  #receiver(): ReceiverSample {
    return {
      pid: this.#pid,
      status: 'streaming',
      timeline: 1,
      writtenLsn: this.#written,
      latestEndLsn: this.#latestEnd,
      messageSendStamp: EPOCH + this.#shared.send,
      messageReceiptStamp: EPOCH + this.#shared.receipt,
      isAdvance: this.#shared.latestEnd === this.#shared.send,
      isSilent: this.#shared.isSilent,
      latestEndStamp: EPOCH + this.#shared.latestEnd,
      host: 'p',
      port: 1,
      slotName: null,
      isFromPrimary: this.isFedByPrimary,
    };
  }

  #sample(): Sample {
    const { now, commits, receiverTimeout } = this.#simulation;
    const lastCommit = commits.findLast(({ lsn }) => lsn <= this.#replayed);
    return {
      ...common(now, this.#clockAt(now)),
      lsn: this.#replayed,
      standby: {
        receivedLsn: this.#written,
        pauseState: this.isReplayPaused ? 'paused' : 'not paused',
        // A commit is stamped a little before its WAL is there.
        lastCommitStamp: lastCommit ? EPOCH + lastCommit.stamp - 0.001 : null,
        checkpointStamp: EPOCH - 60,
        receiver: this.#isConnected ? this.#receiver() : null,
        replayProcess: '41 1760000000',
        replayWait: null,
        usesArchive: false,
        slotName: null,
        receiverTimeout,
        applyDelay: 0,
        maxStreamingDelay: 30,
        feedback: false,
        conflicts: {},
      },
    };
  }
}

function common(now: number, clock: number) {
  return {
    sentAt: now,
    answeredAt: now,
    clock,
    systemIdentifier: '7000000000000000001',
    startStamp: EPOCH,
    serverVersion: 180004,
    port: 1,
    address: null,
    timeline: 1,
    insertLsn: null,
    replayEndLsn: null,
    walSizes: { block: 8192n, segment: 16_777_216n },
    slots: [],
  };
}
