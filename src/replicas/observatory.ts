import type { Clock } from './clock.ts';
import { Cluster } from './cluster.ts';
import type { Connection } from './connection-url.ts';
import { type Estimate, estimate } from './estimate.ts';
import type { Facts } from './facts.ts';
import { judge, type Verdict } from './judge.ts';
import { Node } from './node.ts';
import type { Observation } from './sample.ts';
import type { ReplicaState } from './states.ts';
import type { Tuning } from './tuning.ts';
import { Watcher } from './watcher.ts';

export interface ObservatoryOptions {
  readonly clock: Clock;
  readonly tuning: Tuning;
}

/** A server under watch. */
export interface Observed {
  readonly node: Node;
  readonly watcher: Watcher;
  /** As of the last observation of any server. */
  readonly state: ReplicaState;
}

export interface Assessment {
  readonly verdict: Verdict;
  readonly estimate: Estimate;
}

/** Called after every poll. `before` is the state until then. */
export type Observer = (observed: Observed, before: ReplicaState) => void;

/** All servers under watch, and what follows from seeing them together. */
export class Observatory {
  readonly cluster: Cluster;
  readonly #clock: Clock;
  readonly #tuning: Tuning;
  readonly #observers = new Set<Observer>();
  readonly #lasting = new Map<Node, Lasting>();
  readonly #all: { node: Node; watcher: Watcher; state: ReplicaState }[] = [];
  /** Those of #all: the cluster reads it, as it is at the time. */
  readonly #nodes: Node[] = [];

  constructor({ clock, tuning }: ObservatoryOptions) {
    this.#clock = clock;
    this.#tuning = tuning;
    this.cluster = new Cluster(this.#nodes, tuning);
  }

  get replicas(): readonly Observed[] {
    return this.#all.filter(({ node }) => node.role === 'replica');
  }

  /**
   * Of the servers that may be the primary, the one that takes writes; of several, that of the latest timeline. While none
   * does, the one that did last, else the first.
   */
  get primary(): Observed | undefined {
    const candidates = this.#all.filter(({ node }) => node.role === 'primary');
    if (candidates.length <= 1) return candidates[0];
    const isPrimary = ({ node }: Observed) => node.sample?.standby === null;
    const isWell = ({ node }: Observed) => isPrimary({ node } as Observed) && node.failure === undefined;
    const timeline = ({ node }: Observed) => node.sample?.timeline ?? 0;
    const rank = (observed: Observed) => (isWell(observed) ? 2 : isPrimary(observed) ? 1 : 0);
    return candidates.toSorted((a, b) => rank(b) - rank(a) || timeline(b) - timeline(a))[0];
  }

  /** Begins to watch a server. `connection` may lead elsewhere later: it is looked at when a connection is made. */
  add(name: string, connection: Connection, role: Node['role']): Observed {
    const { address, database } = connection;
    const node = new Node({ name, address, database, role });
    const onObservation = (observation: Observation) => this.#note(node, observation);
    const watcher = new Watcher({ connection, clock: this.#clock, tuning: this.#tuning, onObservation });
    const observed = { node, watcher, state: 'UNKNOWN' as ReplicaState };
    this.#all.push(observed);
    this.#nodes.push(node);
    watcher.start();
    return observed;
  }

  /** Ends the watch of a server: what it testified stays known. */
  async remove({ node, watcher }: Observed): Promise<void> {
    const at = this.#nodes.indexOf(node);
    if (at < 0) return;
    this.#nodes.splice(at, 1);
    this.#all.splice(at, 1);
    this.#lasting.clear();
    await watcher.close();
  }

  /** What is known of a server now: silence counts. Polls no server. */
  assess(node: Node): Assessment {
    let lasting = this.#lasting.get(node);
    if (!lasting) {
      lasting = gatherLasting(node, this.cluster, this.#nodes);
      this.#lasting.set(node, lasting);
    }
    return {
      estimate: lasting.facts.estimate,
      verdict: judge(this.#gatherFacts(node, lasting), this.#tuning),
    };
  }

  /** Call the result to end the observation. */
  observe(observer: Observer): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(({ watcher }) => watcher.close()));
  }

  #note(node: Node, observation: Observation): void {
    if (!this.#nodes.includes(node)) return;
    node.note(observation);
    this.cluster.learn(node);
    this.#lasting.clear();
    // One server's sample may change what is known of another.
    for (const observed of this.#all) {
      const before = observed.state;
      observed.state = this.assess(observed.node).verdict.state;
      if (observed.node !== node && observed.state === before) continue;
      for (const observer of this.#observers) observer(observed, before);
    }
  }

  #gatherFacts(node: Node, { facts, upstream }: Lasting): Facts {
    const { failure } = node;
    const now = this.#clock.now();
    return {
      ...facts,
      now,
      failure: failure ? { ...failure, inARow: node.failures } : null,
      unstreamedSeconds: node.lastStreamedAt === undefined ? null : now - node.lastStreamedAt,
      upstream: upstream ? { name: upstream.name, state: this.#stateOf(upstream) } : null,
      previousState: this.#stateOf(node),
    };
  }

  #stateOf(node: Node): ReplicaState {
    return this.#all.find((observed) => observed.node === node)?.state ?? 'UNKNOWN';
  }
}

/** What holds until any server is observed again: requests are assessed far more often than servers are polled. */
interface Lasting {
  readonly facts: Omit<Facts, 'now' | 'failure' | 'unstreamedSeconds' | 'upstream' | 'previousState'>;
  readonly upstream: Node | undefined;
}

function gatherLasting(node: Node, cluster: Cluster, nodes: readonly Node[]): Lasting {
  const { sample, refusedConnections, wasStandby, movedAt } = node;
  const facts = {
    sample: sample ?? null,
    refusedConnections,
    isOtherCluster: sample !== undefined && sample.systemIdentifier !== cluster.systemIdentifier,
    isOtherDatabase: isOtherDatabase(node, nodes),
    isBesidePrimary: cluster.primariesBeside(node).length > 0,
    wasStandby,
    estimate: estimate(node, cluster),
    stillSeconds: sample ? sample.answeredAt - movedAt : 0,
    slot: findSlot(node, cluster),
    isPrimaryPolled: cluster.isPrimaryPolledFor(node),
  };
  return { facts, upstream: cluster.upstreamOf(node) };
}

/** Than that of most standbys, and of two different ones than that of the first. */
function isOtherDatabase({ role, database }: Node, nodes: readonly Node[]): boolean {
  if (role === 'primary') return false;
  const databases = nodes.filter((other) => other.role === 'replica').map((other) => other.database);
  const votes = (name: string) => databases.filter((other) => other === name).length;
  return database !== databases.toSorted((a, b) => votes(b) - votes(a))[0];
}

/** Only the primary knows its slots, so only when it is polled. A standby of a standby has its slot there. */
function findSlot(node: Node, cluster: Cluster): Facts['slot'] {
  const name = node.sample?.standby?.slotName ?? node.lastReceiver?.slotName;
  const slots = cluster.isPrimaryPolledFor(node) ? cluster.primary?.sample?.slots : undefined;
  if (!slots || name === undefined || name === null || cluster.upstreamOf(node)) return 'unknown';
  const slot = slots.find((each) => each.name === name);
  if (!slot) return isKnownElsewhere(node, cluster) ? 'unknown' : 'missing';
  return slot.walStatus === 'lost' ? 'lost' : 'kept';
}

/** Whether it streamed, when it did, from a server that is not the primary as the gateway knows it. */
function isKnownElsewhere({ lastReceiver }: Node, { primary }: Cluster): boolean {
  return (
    lastReceiver !== undefined && !lastReceiver.isFromPrimary && lastReceiver.port !== primary?.sample?.port
  );
}
