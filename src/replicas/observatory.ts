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
import { createWatcher, type Watcher } from './watcher.ts';

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

/** Someone who is told after every poll. `before` is the state until then. */
export type Observer = (observed: Observed, before: ReplicaState) => void;

/** All servers under watch, and what follows from seeing them together. */
export interface Observatory {
  readonly replicas: readonly Observed[];
  readonly primary: Observed | undefined;
  readonly cluster: Cluster;
  /** What is known of a server now: silence counts. Asks nobody. */
  assess(node: Node): Assessment;
  /** Call the result to be told no more. */
  observe(observer: Observer): () => void;
  start(): void;
  close(): Promise<void>;
}

export function createObservatory({ replicas, primary, clock, tuning }: ObservatoryOptions): Observatory {
  const observers = new Set<Observer>();
  const estimates = new Map<Node, Estimate>();
  const all: { node: Node; watcher: Watcher; state: ReplicaState }[] = [];

  function watch(name: string, connection: Connection, role: Node['role']) {
    const node = new Node({ name, address: connection.address, role });
    const onObservation = (observation: Observation) => note(node, observation);
    const observed = {
      node,
      watcher: createWatcher({ connection, clock, tuning, onObservation }),
      state: 'UNKNOWN' as ReplicaState,
    };
    all.push(observed);
    return observed;
  }

  const observedReplicas = replicas.map(({ name, connection }) => watch(name, connection, 'replica'));
  const observedPrimary = primary && watch('primary', primary, 'primary');
  const nodes = all.map(({ node }) => node);
  const cluster = new Cluster(nodes, tuning);

  function note(node: Node, observation: Observation): void {
    node.note(observation);
    cluster.learn(node);
    estimates.clear();
    // One server's sample may change what is thought of another.
    for (const observed of all) {
      const before = observed.state;
      observed.state = assess(observed.node).verdict.state;
      if (observed.node !== node && observed.state === before) continue;
      for (const observer of observers) observer(observed, before);
    }
  }

  function assess(node: Node): Assessment {
    let known = estimates.get(node);
    if (!known) {
      known = estimate(node, cluster);
      estimates.set(node, known);
    }
    return { estimate: known, verdict: judge(factsOf(node, known), tuning) };
  }

  function factsOf(node: Node, known: Estimate): Facts {
    const { sample, failure } = node;
    const now = clock.now();
    const upstream = cluster.upstreamOf(node);
    return {
      now,
      sample: sample ?? null,
      failure: failure ? { ...failure, inARow: node.failures } : null,
      refusedConnections: node.refusedConnections,
      isOtherCluster: sample !== undefined && sample.systemIdentifier !== cluster.systemIdentifier,
      isBesidePrimary: cluster.primariesBeside(node).length > 0,
      wasStandby: node.wasStandby,
      estimate: known,
      stillSeconds: sample ? sample.answeredAt - node.movedAt : 0,
      unstreamedSeconds: node.lastStreamedAt === undefined ? null : now - node.lastStreamedAt,
      isSlotLost: isSlotLost(node, cluster),
      upstream: upstream ? { name: upstream.name, state: stateOf(upstream) } : null,
      isPrimaryPolled: cluster.primary !== undefined,
      previousState: stateOf(node),
    };
  }

  const stateOf = (node: Node): ReplicaState => all.find((observed) => observed.node === node)!.state;

  return {
    replicas: observedReplicas,
    primary: observedPrimary,
    cluster,
    assess,
    observe(observer) {
      observers.add(observer);
      return () => observers.delete(observer);
    },
    start() {
      for (const { watcher } of all) watcher.start();
    },
    async close() {
      await Promise.all(all.map(({ watcher }) => watcher.close()));
    },
  };
}

/** Only the primary knows its slots, so only when it is polled. */
function isSlotLost(node: Node, cluster: Cluster): boolean {
  const name = node.sample?.standby?.slotName ?? node.lastReceiver?.slotName;
  const slots = cluster.primary?.sample?.slots ?? [];
  return name !== undefined && slots.some((slot) => slot.name === name && slot.walStatus === 'lost');
}
