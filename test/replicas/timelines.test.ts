import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cluster } from '../../src/replicas/cluster.ts';
import { Node } from '../../src/replicas/node.ts';
import type { Sample, StandbySample } from '../../src/replicas/sample.ts';
import { type Reach, reachOf, Timelines } from '../../src/replicas/timelines.ts';
import type { SwitchPoint, Token } from '../../src/replicas/token.ts';

const CLUSTER = '7';
const at = (timeline: number, lsn: bigint) => ({ systemIdentifier: CLUSTER, timeline, lsn }) as Sample;
const position = (timeline: number, lsn: bigint, switchedFrom?: SwitchPoint): Token => ({
  systemIdentifier: BigInt(CLUSTER),
  timeline,
  lsn,
  switchedFrom,
});

/** Timelines as promotions make them: each begins somewhere on an earlier one. The first is timeline 1. */
class History {
  readonly #begins: readonly (SwitchPoint | undefined)[];

  constructor(choices: readonly { readonly parent: number; readonly length: number }[]) {
    const begins: (SwitchPoint | undefined)[] = [undefined];
    for (const { parent, length } of choices) {
      const timeline = 1 + (parent % begins.length);
      begins.push({ timeline, lsn: (begins[timeline - 1]?.lsn ?? 0n) + BigInt(length) });
    }
    this.#begins = begins;
  }

  get latest(): number {
    return this.#begins.length;
  }

  beginOf(timeline: number): SwitchPoint | undefined {
    return this.#begins[timeline - 1];
  }

  /** As a server's history file has it. */
  chainOf(timeline: number): readonly SwitchPoint[] {
    const begin = this.beginOf(timeline);
    return begin ? [...this.chainOf(begin.timeline), begin] : [];
  }

  /** Up to where the older one is a part of the other; undefined when it is none. */
  sharedUpTo(timeline: number, older: number): bigint | undefined {
    return this.chainOf(timeline).find((point) => point.timeline === older)?.lsn;
  }

  truth(sample: Sample, { timeline, lsn }: Token): Reach {
    const begin = this.beginOf(timeline);
    if (begin && lsn <= begin.lsn) return this.truth(sample, position(begin.timeline, lsn));
    if (timeline !== sample.timeline) {
      const shared = this.sharedUpTo(sample.timeline, timeline);
      if (shared === undefined)
        return this.chainOf(timeline).some((each) => each.timeline === sample.timeline) ? 'ahead' : 'lost';
      if (lsn > shared) return 'lost';
    }
    return lsn <= sample.lsn ? 'replayed' : 'ahead';
  }
}

const histories = fc
  .array(fc.record({ parent: fc.nat(5), length: fc.integer({ min: 1, max: 9 }) }), { maxLength: 5 })
  .map((choices) => new History(choices));

/** Something that a gateway may have been told, by a number for each choice. */
const facts = fc.array(
  fc.record({
    kind: fc.constantFrom('history', 'position', 'lineage'),
    on: fc.nat(9),
    older: fc.nat(9),
    part: fc.nat(9),
  }),
  { maxLength: 6 },
);

function tell(
  timelines: Timelines,
  history: History,
  { kind, on, older, part }: { kind: string; on: number; older: number; part: number },
): void {
  const timeline = 1 + (on % history.latest);
  const chain = history.chainOf(timeline);
  if (kind === 'history') timelines.noteHistory(CLUSTER, timeline, chain);
  if (kind === 'position') timelines.notePosition(position(timeline, 1n, history.beginOf(timeline)));
  const point = chain[older % Math.max(1, chain.length)];
  if (kind !== 'lineage' || !point) return;
  const lsn = (point.lsn * BigInt(part)) / 9n;
  timelines.note(CLUSTER, timeline, { timeline: point.timeline, lsn }, 'lineage');
}

describe('where a position lies, whatever promotions there were', () => {
  const places = fc.record({
    timeline: fc.nat(9),
    beyond: fc.integer({ min: -9, max: 9 }),
    knows: fc.boolean(),
  });

  function placeOf(history: History, { timeline, beyond }: { timeline: number; beyond: number }) {
    const number = 1 + (timeline % history.latest);
    const lsn = (history.beginOf(number)?.lsn ?? 9n) + BigInt(beyond);
    return { number, lsn: lsn > 0n ? lsn : 1n };
  }

  test('is never told wrong, however little is known', () => {
    fc.assert(
      fc.property(histories, facts, places, places, (history, told, ofServer, ofPosition) => {
        const timelines = new Timelines();
        for (const fact of told) tell(timelines, history, fact);
        const server = placeOf(history, { ...ofServer, beyond: Math.abs(ofServer.beyond) });
        const place = placeOf(history, ofPosition);
        const sample = at(server.number, server.lsn);
        const wanted = position(
          place.number,
          place.lsn,
          ofPosition.knows ? history.beginOf(place.number) : undefined,
        );
        const reach = reachOf(sample, wanted, timelines);
        const truth = history.truth(sample, wanted);
        // A later timeline may be a branch that this server will never follow: then it waits in vain, and reads nothing wrong.
        const mayWait = reach === 'ahead' && place.number > server.number;
        if (reach !== 'unknown' && !mayWait) expect(reach).toBe(truth);
      }),
      { numRuns: 3000 },
    );
  });

  test('is told for certain by a server that shows its history', () => {
    fc.assert(
      fc.property(histories, places, places, (history, ofServer, ofPosition) => {
        const server = placeOf(history, { ...ofServer, beyond: Math.abs(ofServer.beyond) });
        const place = placeOf(history, ofPosition);
        if (place.number > server.number) return;
        const timelines = new Timelines();
        timelines.noteHistory(CLUSTER, server.number, history.chainOf(server.number));
        const sample = at(server.number, server.lsn);
        const wanted = position(place.number, place.lsn, history.beginOf(place.number));
        const reach = reachOf(sample, wanted, timelines);
        // Of a branch that the server has no part in, its history says nothing.
        const isBranch = place.number !== server.number && !history.sharedUpTo(server.number, place.number);
        expect(reach).toBe(isBranch && reach === 'unknown' ? 'unknown' : history.truth(sample, wanted));
      }),
      { numRuns: 1000 },
    );
  });

  test('takes no time, even after a promotion a night for years, of which only servers tell', () => {
    const timelines = new Timelines();
    for (let timeline = 2; timeline <= 400; timeline++) {
      for (let older = Math.max(1, timeline - 30); older < timeline; older++) {
        timelines.note(CLUSTER, timeline, { timeline: older, lsn: BigInt(older) * 100n }, 'lineage');
      }
    }
    const since = performance.now();
    expect(reachOf(at(400, 100_000n), position(1, 100n), timelines)).toBe('replayed');
    expect(performance.now() - since).toBeLessThan(1000);
  });
});

describe('two standbys that were promoted apart give their timelines one number, and', () => {
  const timelines = new Timelines();
  timelines.noteHistory(CLUSTER, 2, [{ timeline: 1, lsn: 500n }]);

  test.each([
    ['what was read on the other one is lost', 900n, { timeline: 1, lsn: 400n }, 'lost'],
    ['what both have is not', 400n, { timeline: 1, lsn: 400n }, 'replayed'],
    ['what was read on this one is not', 900n, { timeline: 1, lsn: 500n }, 'replayed'],
    ['one that does not say which is taken for this one', 900n, undefined, 'replayed'],
  ] as const)('%s', (_, lsn, begun, expected) => {
    expect(reachOf(at(2, 1000n), position(2, lsn, begun), timelines)).toBe(expected);
  });

  test('what a position says does not stand against a server, nor against what was seen', () => {
    timelines.notePosition(position(2, 900n, { timeline: 1, lsn: 400n }));
    expect(timelines.sharedUpTo(CLUSTER, 2, 1)).toEqual({ lsn: 500n, isExact: true });
    const seen = new Timelines();
    seen.note(CLUSTER, 2, { timeline: 1, lsn: 450n }, 'lineage');
    seen.notePosition(position(2, 900n, { timeline: 1, lsn: 400n }));
    expect(seen.sharedUpTo(CLUSTER, 2, 1)).toEqual({ lsn: 450n, isExact: false });
    seen.noteHistory(CLUSTER, 2, [{ timeline: 1, lsn: 480n }]);
    expect(seen.sharedUpTo(CLUSTER, 2, 1)).toEqual({ lsn: 480n, isExact: true });
  });

  test('a server that was made anew from another one is believed again', () => {
    const moved = new Timelines();
    moved.noteHistory(CLUSTER, 2, [{ timeline: 1, lsn: 400n }]);
    moved.noteHistory(CLUSTER, 2, [{ timeline: 1, lsn: 500n }]);
    expect(moved.beginOf(CLUSTER, 2)).toEqual({ timeline: 1, lsn: 500n });
  });
});

describe('what polls show of a server that went over to another timeline', () => {
  const standby = { receivedLsn: 700n } as StandbySample;
  const seen = (overrides: Partial<Sample>): Sample =>
    ({
      ...at(1, 600n),
      sentAt: 10,
      answeredAt: 10,
      clock: 10,
      startStamp: 1,
      insertLsn: null,
      replayEndLsn: null,
      slots: [],
      standby: { ...standby, receiver: null, lastCommitStamp: null, checkpointStamp: 0 },
      ...overrides,
    }) as Sample;

  function learn(before: Partial<Sample>, after: Partial<Sample>): Timelines {
    const node = new Node({ name: 'node', address: { host: 'here', port: 1 }, role: 'replica' });
    const cluster = new Cluster([node], { claimAllowanceSeconds: 0.05 });
    for (const result of [seen(before), seen({ sentAt: 11, answeredAt: 11, ...after })]) {
      node.note({ result, refusedConnections: 0 });
      cluster.learn(node);
    }
    return cluster.timelines;
  }

  test('a standby that follows shows how much is shared at least', () => {
    const timelines = learn({}, { timeline: 2, lsn: 900n });
    expect(timelines.sharedUpTo(CLUSTER, 2, 1)).toEqual({ lsn: 600n, isExact: false });
  });

  test('a standby that is promoted shows the very place', () => {
    const timelines = learn({}, { timeline: 2, lsn: 900n, standby: null, replayEndLsn: 700n });
    expect(timelines.sharedUpTo(CLUSTER, 2, 1)).toEqual({ lsn: 700n, isExact: true });
  });

  test.each([
    ['there may have been another timeline in between', { timeline: 3 }],
    ['it was not seen for long', { timeline: 2, sentAt: 60, answeredAt: 60 }],
  ])('but not where %s', (_, after) => {
    const timelines = learn({}, { lsn: 900n, standby: null, replayEndLsn: 700n, ...after });
    expect(timelines.sharedUpTo(CLUSTER, after.timeline, 1)).toEqual({ lsn: 600n, isExact: false });
  });

  test('one that was started anew shows nothing: an old primary is set back before it follows', () => {
    const timelines = learn({ lsn: 800n, standby: null }, { timeline: 2, lsn: 900n, startStamp: 2 });
    expect(timelines.sharedUpTo(CLUSTER, 2, 1)).toBeUndefined();
  });
});
