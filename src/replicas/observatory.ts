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
  readonly replicas: readonly { readonly name: string; readonly connection: Connection }[];
  readonly primary: Connection | undefined;
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
  readonly replicas: readonly Observed[];
  readonly primary: Observed | undefined;
  readonly cluster: Cluster;
  readonly #clock: Clock;
  readonly #tuning: Tuning;
  readonly #observers = new Set<Observer>();
  readonly #lasting = new Map<Node, Lasting>();
  readonly #all: { node: Node; watcher: Watcher; state: ReplicaState }[] = [];

  constructor({ replicas, primary, clock, tuning }: ObservatoryOptions) {
    this.#clock = clock;
    this.#tuning = tuning;
    this.replicas = replicas.map(({ name, connection }) => this.#watch(name, connection, 'replica'));
    this.primary = primary && this.#watch('primary', primary, 'primary');
    const nodes = this.#all.map(({ node }) => node);
    this.cluster = new Cluster(nodes, tuning);
  }

  /** What is known of a server now: silence counts. Polls no server. */
  assess(node: Node): Assessment {
    let lasting = this.#lasting.get(node);
    if (!lasting) {
      lasting = gatherLasting(node, this.cluster);
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

  start(): void {
    for (const { watcher } of this.#all) watcher.start();
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(({ watcher }) => watcher.close()));
  }

  #watch(name: string, connection: Connection, role: Node['role']): Observed {
    const node = new Node({ name, address: connection.address, role });
    const onObservation = (observation: Observation) => this.#note(node, observation);
    const watcher = new Watcher({ connection, clock: this.#clock, tuning: this.#tuning, onObservation });
    const observed = { node, watcher, state: 'UNKNOWN' as ReplicaState };
    this.#all.push(observed);
    return observed;
  }

  #note(node: Node, observation: Observation): void {
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
    return this.#all.find((observed) => observed.node === node)!.state;
  }
}

/** What holds until any server is observed again: requests are assessed far more often than servers are polled. */
interface Lasting {
  readonly facts: Omit<Facts, 'now' | 'failure' | 'unstreamedSeconds' | 'upstream' | 'previousState'>;
  readonly upstream: Node | undefined;
}

function gatherLasting(node: Node, cluster: Cluster): Lasting {
  const { sample, refusedConnections, wasStandby, movedAt } = node;
  const facts = {
    sample: sample ?? null,
    refusedConnections,
    isOtherCluster: sample !== undefined && sample.systemIdentifier !== cluster.systemIdentifier,
    isBesidePrimary: cluster.primariesBeside(node).length > 0,
    wasStandby,
    estimate: estimate(node, cluster),
    stillSeconds: sample ? sample.answeredAt - movedAt : 0,
    isSlotLost: isSlotLost(node, cluster),
    isPrimaryPolled: cluster.primary !== undefined,
  };
  return { facts, upstream: cluster.upstreamOf(node) };
}

/** Only the primary knows its slots, so only when it is polled. */
function isSlotLost(node: Node, cluster: Cluster): boolean {
  const name = node.sample?.standby?.slotName ?? node.lastReceiver?.slotName;
  const slots = cluster.primary?.sample?.slots ?? [];
  return name !== undefined && slots.some((slot) => slot.name === name && slot.walStatus === 'lost');
}
