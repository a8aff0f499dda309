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

/** One standby, its link and the process on the primary that feeds it, as PostgreSQL's sources describe them. */
export interface SimulatedStandby {
  readonly node: Node;
  readonly clockOffset: number;
  readonly link: LinkWeather;
  isSenderFrozen: boolean;
  isReplayPaused: boolean;
  /** Bytes per second. */
  replayRate: number;
  reconnect(): void;
  disconnect(): void;
  poll(): void;
  /** Age of the oldest commit it does not show; 0 when it shows all. */
  truth(): number;
  bound(): number | null;
}

export interface Simulation {
  readonly now: number;
  readonly isPrimaryPolled: boolean;
  readonly standbys: readonly SimulatedStandby[];
  commit(bytes: number): void;
  pollPrimary(): void;
  run(seconds: number, everyStep?: () => void): void;
}

export interface SimulationOptions {
  readonly clockOffsets: readonly number[];
  readonly receiverTimeout?: number;
  readonly senderTimeout?: number;
  readonly isPrimaryPolled?: boolean;
  readonly claimAllowanceSeconds?: number;
}

/** A primary and its standbys in virtual time, watched by the real Node, Cluster and estimate. */
export function simulate(options: SimulationOptions): Simulation {
  const {
    receiverTimeout = 10,
    senderTimeout = 20,
    claimAllowanceSeconds = 0.05,
    isPrimaryPolled = false,
  } = options;
  let now = 0;
  let walEnd = 1_000_000n;
  const commits: { readonly lsn: bigint; readonly at: number }[] = [{ lsn: walEnd, at: 0 }];
  const primaryNode = new Node({ name: 'primary', address: { host: 'p', port: 1 }, role: 'primary' });
  const nodes = options.clockOffsets.map(
    (_, index) => new Node({ name: `s${index}`, address: { host: `s${index}`, port: 1 }, role: 'replica' }),
  );
  const cluster = new Cluster(isPrimaryPolled ? [...nodes, primaryNode] : nodes, { claimAllowanceSeconds });
  const standbys = nodes.map((node, index) => createStandby(node, options.clockOffsets[index]!));

  function createStandby(node: Node, clockOffset: number) {
    const link: LinkWeather = { bandwidth: 10_000_000, carriesReplies: true };
    let queue: Message[] = [];
    let isConnected = true;
    let pid = 1;
    let sent = walEnd;
    let written = walEnd;
    let replayed = walEnd;
    let pings = 0;
    let hasPinged = false;
    let lastReplyAt = 0;
    let lastReceiptAt = 0;
    let hasKeptAlive = false;
    // The receiver's shared memory; stamps are of the exact clock here.
    let latestEnd = walEnd;
    let shared = { send: 0, receipt: 0, latestEnd: 0, isSilent: true };
    const standbyClock = (at: number) => EPOCH + at + clockOffset;

    function startReceiver() {
      isConnected = true;
      pid += 1;
      sent = written;
      queue = [];
      pings = 0;
      hasPinged = false;
      hasKeptAlive = false;
      lastReplyAt = now;
      lastReceiptAt = now;
      shared = { send: now + clockOffset, receipt: now, latestEnd: now + clockOffset, isSilent: true };
    }

    function keepAlive() {
      queue.push({ kind: 'keepalive', end: sent, walEnd: sent, sentAt: now, rest: 30 });
    }

    /** The socket's buffers hold a quarter of a megabyte. */
    const isBlocked = () => queue.reduce((bytes, { rest }) => bytes + rest, 0) > 262_144;

    function stepSender() {
      if (self.isSenderFrozen) return;
      // Replies are read before WAL is sent, and a ping is answered with what was sent so far.
      for (; pings > 0; pings--) keepAlive();
      while (sent < walEnd && !isBlocked()) {
        const end = sent + CHUNK < walEnd ? sent + CHUNK : walEnd;
        queue.push({ kind: 'wal', end, walEnd, sentAt: now, rest: Number(end - sent) + 50 });
        sent = end;
      }
      if (!hasKeptAlive && now - lastReplyAt > senderTimeout / 2) {
        keepAlive();
        hasKeptAlive = true;
      }
    }

    function stepLink() {
      let budget = link.bandwidth * STEP;
      while (queue.length > 0 && budget > 0) {
        const first = queue[0]!;
        const carried = Math.min(budget, first.rest);
        first.rest -= carried;
        budget -= carried;
        if (first.rest > 0) break;
        queue.shift();
        receive(first);
      }
    }

    function receive({ kind, end, walEnd: announced, sentAt }: Message) {
      const isAdvance = latestEnd < announced;
      latestEnd = announced;
      shared = {
        send: sentAt,
        receipt: now,
        latestEnd: isAdvance ? sentAt : shared.latestEnd,
        isSilent: false,
      };
      if (kind === 'wal') written = end;
      lastReceiptAt = now;
      hasPinged = false;
      reply();
    }

    function reply() {
      if (!link.carriesReplies) return;
      lastReplyAt = now;
      hasKeptAlive = false;
    }

    function stepReceiver() {
      if (hasPinged || now - lastReceiptAt < receiverTimeout / 2) return;
      hasPinged = true;
      if (link.carriesReplies) pings += 1;
      reply();
    }

    function stepReplay() {
      if (self.isReplayPaused) return;
      const reach = replayed + BigInt(Math.ceil(self.replayRate * STEP));
      replayed = reach < written ? reach : written;
    }

    const self = {
      node,
      clockOffset,
      link,
      isSenderFrozen: false,
      isReplayPaused: false,
      replayRate: 50_000_000,
      reconnect: startReceiver,
      disconnect() {
        isConnected = false;
        queue = [];
      },
      poll() {
        node.note({ result: sample(), refusedConnections: 0 });
        cluster.learn(node);
      },
      truth() {
        const missing = commits.find(({ lsn }) => lsn > replayed);
        return missing ? now - missing.at : 0;
      },
      bound: () => maxSeconds(estimate(node, cluster), now),
      step() {
        if (isConnected) {
          stepSender();
          stepLink();
          stepReceiver();
        }
        stepReplay();
      },
    };

    function receiver(): ReceiverSample {
      return {
        pid,
        status: 'streaming',
        timeline: 1,
        writtenLsn: written,
        latestEndLsn: latestEnd,
        messageSendStamp: EPOCH + shared.send,
        messageReceiptStamp: standbyClock(shared.receipt),
        isAdvance: shared.latestEnd === shared.send,
        isSilent: shared.isSilent,
        latestEndStamp: EPOCH + shared.latestEnd,
        host: 'p',
        port: 1,
        slotName: null,
      };
    }

    function sample(): Sample {
      const lastCommit = commits.findLast(({ lsn }) => lsn <= replayed);
      return {
        ...common(now, standbyClock(now)),
        lsn: replayed,
        standby: {
          receivedLsn: written,
          pauseState: self.isReplayPaused ? 'paused' : 'not paused',
          // A commit is stamped a little before its WAL is there.
          lastCommitStamp: lastCommit ? EPOCH + lastCommit.at - 0.001 : null,
          checkpointStamp: EPOCH - 60,
          receiver: isConnected ? receiver() : null,
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
    return self;
  }

  return {
    get now() {
      return now;
    },
    isPrimaryPolled,
    standbys,
    commit(bytes) {
      walEnd += BigInt(bytes);
      commits.push({ lsn: walEnd, at: now });
    },
    pollPrimary() {
      const result = { ...common(now, EPOCH + now), lsn: walEnd, standby: null };
      primaryNode.note({ result, refusedConnections: 0 });
      if (isPrimaryPolled) cluster.learn(primaryNode);
    },
    run(seconds, everyStep = () => {}) {
      for (let left = seconds; left > 0; left -= STEP) {
        now += STEP;
        for (const standby of standbys) standby.step();
        everyStep();
      }
    },
  };
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
    slots: [],
  };
}
