import type { Node } from './node.ts';
import { provenEnd, streamingReceiver } from './receiver-claim.ts';
import type { Sample } from './sample.ts';
import { WalHistory } from './wal-history.ts';

/**
 * What all servers together reveal: which cluster this is, and how its WAL grew. Each standby's messages and each
 * poll of the primary testify to one history per timeline, which serves every standby. So one that was cut off
 * is known to be behind from the messages of its neighbours.
 */
export class Cluster {
  readonly #nodes: readonly Node[];
  readonly #allowance: number;
  readonly #histories = new Map<string, WalHistory>();

  constructor(nodes: readonly Node[], settings: { claimAllowanceSeconds: number }) {
    this.#nodes = nodes;
    this.#allowance = settings.claimAllowanceSeconds;
  }

  /** Draws what follows from the sample a node has just got. */
  learn(node: Node): void {
    const { sample } = node;
    if (!sample) return;
    if (sample.standby) this.#learnFromMessages(node, sample);
    else this.#learnFromPrimary(sample);
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

  /** The timeline a node is on, in the history of its own cluster; undefined before its first sample. */
  historyOf(node: Node): WalHistory | undefined {
    const { sample } = node;
    return sample && this.#histories.get(key(sample.systemIdentifier, sample.timeline));
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
   * What to add to an age that was computed with the standby's clock from a stamp of the primary's. Polls of both
   * bound the difference of their clocks. Without the primary only a clock that messages
   * prove to be behind is corrected, to within the time the quickest message took.
   */
  clockCorrection({ sample, skew }: Node): number {
    const primary = this.primary?.sample;
    if (!sample || !primary || primary.systemIdentifier !== sample.systemIdentifier) return skew.correction;
    const leastAhead = sample.clock - sample.answeredAt - (primary.clock - primary.sentAt);
    return -leastAhead;
  }

  /**
   * How far into `timeline` everybody now on `onto` certainly shares its history; undefined when not known. It is
   * where the nodes that followed stood when they went over, so it may be less than the true point of the switch.
   */
  sharedUpTo(timeline: number, onto: number): bigint | undefined {
    let best: bigint | undefined;
    for (const { sample, lineage } of this.#nodes) {
      const reached = sample?.timeline === onto ? lineage.get(timeline) : undefined;
      if (reached !== undefined && (best === undefined || reached > best)) best = reached;
    }
    return best;
  }

  #learnFromMessages(node: Node, sample: Sample): void {
    const receiver = streamingReceiver(sample);
    if (!receiver || receiver.latestEndLsn === 0n) return;
    const history = this.#history(sample.systemIdentifier, receiver.timeline);
    history.noteExistence(
      receiver.latestEndLsn,
      sample.answeredAt - (sample.clock - receiver.messageReceiptStamp),
    );
    // A standby in between knows where *its* WAL ends, and an abandoned timeline ends where it was abandoned.
    if (this.upstreamOf(node) || this.#isAbandoned(sample.systemIdentifier, receiver.timeline)) return;
    if (!provenEnd(sample, this.primary ? undefined : node.beforeMessage)) return;
    const age = sample.clock - receiver.messageSendStamp + this.clockCorrection(node) + this.#allowance;
    history.noteClaim(receiver.latestEndLsn, {
      at: sample.sentAt - age,
      stamp: receiver.messageSendStamp - this.#allowance,
    });
  }

  #learnFromPrimary(sample: Sample): void {
    const history = this.#history(sample.systemIdentifier, sample.timeline);
    history.noteExistence(sample.lsn, sample.answeredAt);
    // The position was read after the clock, and both after the statement was sent: no clock has to be trusted.
    history.noteClaim(sample.lsn, {
      at: sample.sentAt - this.#allowance,
      stamp: sample.clock - this.#allowance,
    });
  }

  #isAbandoned(systemIdentifier: string, timeline: number): boolean {
    return this.#nodes.some(
      ({ sample }) => sample && sample.systemIdentifier === systemIdentifier && sample.timeline > timeline,
    );
  }

  #history(systemIdentifier: string, timeline: number): WalHistory {
    const name = key(systemIdentifier, timeline);
    let history = this.#histories.get(name);
    if (!history) {
      history = new WalHistory();
      this.#histories.set(name, history);
    }
    return history;
  }

  /** Keeps of each timeline what the hindmost standby on it still lacks, and no timeline without standbys. */
  #forget(): void {
    for (const [name, history] of this.#histories) {
      const on = this.#nodes.filter(
        ({ sample }) => sample && key(sample.systemIdentifier, sample.timeline) === name,
      );
      if (on.length === 0) this.#histories.delete(name);
      const hindmost = on
        .filter(({ sample }) => sample?.standby)
        .reduce<bigint | undefined>((least, { sample }) => {
          return least === undefined || sample!.lsn < least ? sample!.lsn : least;
        }, undefined);
      if (hindmost !== undefined) history.forgetBelow(hindmost);
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
