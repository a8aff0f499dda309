import { describe, expect, test } from 'vitest';
import { Cluster } from '../../src/replicas/cluster.ts';
import { estimate } from '../../src/replicas/estimate.ts';
import { Node } from '../../src/replicas/node.ts';
import type { ReceiverSample, Sample, StandbySample } from '../../src/replicas/sample.ts';

const EPOCH = 1_760_000_000;

type Facts = Partial<Sample> & { readonly at: number };

function aPrimarySample({ at, ...facts }: Facts): Sample {
  return {
    sentAt: at,
    answeredAt: at,
    clock: EPOCH + at,
    systemIdentifier: '7',
    startStamp: EPOCH - 100,
    serverVersion: 180_000,
    port: 5432,
    address: '127.0.0.1',
    timeline: 1,
    lsn: 1000n,
    insertLsn: 1000n,
    replayEndLsn: null,
    walSizes: { block: 8192n, segment: 16_777_216n },
    standby: null,
    slots: [],
    ...facts,
  };
}

function aSample({
  standby,
  ...facts
}: Omit<Facts, 'standby'> & { standby?: Partial<StandbySample> }): Sample {
  return aPrimarySample({
    insertLsn: null,
    ...facts,
    standby: {
      receivedLsn: 1000n,
      pauseState: 'not paused',
      lastCommitStamp: EPOCH + facts.at - 30,
      checkpointStamp: EPOCH + facts.at - 20,
      receiver: null,
      replayProcess: '1 1',
      replayWait: null,
      usesArchive: false,
      slotName: null,
      receiverTimeout: 10,
      applyDelay: 0,
      maxStreamingDelay: 30,
      feedback: false,
      conflicts: {},
      ...standby,
    },
  });
}

function aReceiver(facts: Partial<ReceiverSample> & { readonly at: number }): ReceiverSample {
  const { at, ...others } = facts;
  return {
    pid: 1,
    status: 'streaming',
    timeline: 2,
    writtenLsn: 1000n,
    latestEndLsn: 1000n,
    messageSendStamp: EPOCH + at,
    messageReceiptStamp: EPOCH + at,
    latestEndStamp: EPOCH + at,
    isAdvance: true,
    isSilent: false,
    host: '127.0.0.1',
    port: 5432,
    slotName: null,
    isFromPrimary: true,
    ...others,
  };
}

function aCluster(count: number): { readonly nodes: readonly Node[]; readonly cluster: Cluster } {
  const nodes = Array.from({ length: count }, (_, index) => {
    return new Node({ name: `s${index}`, address: { host: `s${index}`, port: 1 }, role: 'replica' });
  });
  return { nodes, cluster: new Cluster(nodes, { claimAllowanceSeconds: 0.05 }) };
}

function note(cluster: Cluster, node: Node, result: Sample): void {
  node.note({ result, refusedConnections: 0 });
  cluster.learn(node);
}

describe('the timeline of a standby', () => {
  test('stays what it was while it streams from nobody, though its last checkpoint is of an earlier one', () => {
    const { nodes, cluster } = aCluster(1);
    const [node] = nodes;
    note(cluster, node!, aSample({ at: 1, timeline: 2, standby: { receiver: aReceiver({ at: 1 }) } }));
    note(cluster, node!, aSample({ at: 2, timeline: 1, lsn: 1200n }));
    expect(node!.sample?.timeline).toBe(2);
    note(cluster, node!, aSample({ at: 3, timeline: 3, lsn: 1300n }));
    // What it had replayed of the second one is known, and with it that tokens of then are still good.
    expect(cluster.timelines.sharedUpTo('7', 3, 2)?.lsn).toBe(1200n);
    expect(cluster.timelines.sharedUpTo('7', 3, 1)).toBeUndefined();
  });

  test('is what it says when it was started anew', () => {
    const { nodes, cluster } = aCluster(1);
    const [node] = nodes;
    note(cluster, node!, aSample({ at: 1, timeline: 2 }));
    note(cluster, node!, aSample({ at: 2, timeline: 1, startStamp: EPOCH + 1 }));
    expect(node!.sample?.timeline).toBe(1);
  });
});

describe('what a standby says of its own age', () => {
  test('is believed of one that follows', () => {
    const { nodes, cluster } = aCluster(1);
    note(cluster, nodes[0]!, aSample({ at: 100 }));
    expect(estimate(nodes[0]!, cluster).asOf?.at).toBeCloseTo(80);
  });

  test('is not believed of a killed primary that has followed nobody since', () => {
    const { nodes, cluster } = aCluster(1);
    const [node] = nodes;
    note(cluster, node!, aPrimarySample({ at: 100 }));
    // Its checkpoint is of when it was started again, and says nothing of what another one has committed meanwhile.
    note(
      cluster,
      node!,
      aSample({ at: 110, startStamp: EPOCH + 109, standby: { checkpointStamp: EPOCH + 109 } }),
    );
    expect(estimate(node!, cluster).asOf?.at).toBeCloseTo(99.95);
    const receiver = aReceiver({ at: 112, timeline: 1 });
    note(cluster, node!, aSample({ at: 112, startStamp: EPOCH + 109, standby: { receiver } }));
    expect(cluster.hasOwnClaim(node!)).toBe(true);
  });

  test('is not believed of one whose timeline others have left, as when nobody knows that it was the primary', () => {
    const { nodes, cluster } = aCluster(2);
    const [killed, other] = nodes;
    note(cluster, other!, aSample({ at: 109, timeline: 2, standby: { receiver: aReceiver({ at: 109 }) } }));
    note(cluster, killed!, aSample({ at: 110, lsn: 1100n, standby: { checkpointStamp: EPOCH + 109 } }));
    expect(estimate(killed!, cluster).asOf).toBeUndefined();
  });
});
