import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Candidate, type Demand, pick, tierOf } from '../../src/replicas/routing.ts';
import type { ReplicaState } from '../../src/replicas/states.ts';
import { replicaStates } from '../../src/replicas/states.ts';

const aCandidate = (overrides: Partial<Candidate & { name: string }> = {}) => ({
  name: 'one',
  tier: 0,
  maxSeconds: 0.5,
  hasReplayed: true,
  inFlight: 0,
  isNear: false,
  weight: 1,
  streamingDelaySeconds: 30,
  chosenAt: 0,
  ...overrides,
});

const demand = (overrides: Partial<Demand> = {}): Demand => ({
  maxStalenessSeconds: undefined,
  purpose: 'page',
  spreadSeconds: 5,
  ...overrides,
});

const chosen = (candidates: readonly Partial<Candidate & { name: string }>[], wanted: Partial<Demand> = {}) =>
  pick(candidates.map(aCandidate), demand(wanted))?.name;

describe('the standby for a request', () => {
  test('is one of the best tier, however busy', () => {
    expect(
      chosen([
        { name: 'cut off', tier: 1 },
        { name: 'well', tier: 0, inFlight: 50 },
      ]),
    ).toBe('well');
  });

  test('is a worse one when the best is not fresh enough', () => {
    const both = [
      { name: 'far behind', maxSeconds: 40 },
      { name: 'cut off', tier: 1, maxSeconds: 3 },
    ];
    expect(chosen(both, { maxStalenessSeconds: 10 })).toBe('cut off');
  });

  test('is none rather than one that is too old, or of unknown age, when the request has a limit', () => {
    expect(chosen([{ maxSeconds: 1.01 }, { maxSeconds: null }], { maxStalenessSeconds: 1 })).toBeUndefined();
  });

  test('may be of unknown age when the request has no limit', () => {
    expect(chosen([{ maxSeconds: null }])).toBe('one');
  });

  test('is never one that lacks what the request has seen', () => {
    expect(chosen([{ hasReplayed: false }])).toBeUndefined();
  });

  test('is not the idle one when that is much older than the others', () => {
    const both = [
      { name: 'old', maxSeconds: 8 },
      { name: 'fresh', maxSeconds: 2, inFlight: 9 },
    ];
    expect(chosen(both)).toBe('fresh');
  });

  test('is the least busy of those about as fresh, then each in turn', () => {
    expect(
      chosen([
        { name: 'busy', inFlight: 2 },
        { name: 'idle', maxSeconds: 3 },
      ]),
    ).toBe('idle');
    expect(
      chosen([
        { name: 'just now', chosenAt: 9 },
        { name: 'before', chosenAt: 8 },
      ]),
    ).toBe('before');
  });

  test('of a stream is the one whose queries may live longest', () => {
    const both = [
      { name: 'short', streamingDelaySeconds: 30 },
      { name: 'long', streamingDelaySeconds: 900, chosenAt: 5 },
    ];
    expect([chosen(both, { purpose: 'stream' }), chosen(both)]).toEqual(['long', 'short']);
  });

  test('always meets the demand, and there is one whenever one meets it', () => {
    const candidate = fc.record({
      tier: fc.option(fc.nat({ max: 3 })),
      maxSeconds: fc.option(fc.double({ min: 0, max: 20, noNaN: true })),
      hasReplayed: fc.boolean(),
      inFlight: fc.nat({ max: 5 }),
      isNear: fc.boolean(),
      weight: fc.constantFrom(0, 0.5, 1, 2),
      streamingDelaySeconds: fc.constant(30),
      chosenAt: fc.nat({ max: 5 }),
    });
    fc.assert(
      fc.property(
        fc.array(candidate, { maxLength: 6 }),
        fc.option(fc.nat({ max: 20 }), { nil: undefined }),
        (all, limit) => {
          const meets = ({ tier, maxSeconds, hasReplayed }: Candidate) =>
            tier !== null &&
            hasReplayed &&
            (limit === undefined || (maxSeconds ?? Number.POSITIVE_INFINITY) <= limit);
          const picked = pick(all, demand({ maxStalenessSeconds: limit }));
          expect(picked !== undefined).toBe(all.some(meets));
          if (picked) expect(meets(picked)).toBe(true);
        },
      ),
    );
  });
});

describe('of standbys that are equally good', () => {
  const near = { name: 'near', isNear: true, inFlight: 9 };
  const far = { name: 'far' };

  test('the nearest is read from, however busy it is', () => {
    expect(chosen([far, near])).toBe('near');
  });

  test.each([
    ['late', { maxSeconds: 9 }],
    ['in trouble', { tier: 1 }],
    ['behind what the request has seen', { hasReplayed: false }],
  ])('a far one is, when the nearest is %s', (_, trouble) => {
    expect(chosen([far, { ...near, ...trouble }])).toBe('far');
  });

  test('each gets requests by its weight, and one without any only when there is no other', () => {
    const one = { name: 'one', weight: 2, inFlight: 2 };
    expect(chosen([one, { name: 'other', inFlight: 0 }])).toBe('other');
    expect(chosen([one, { name: 'other', inFlight: 1 }])).toBe('one');
    expect(
      chosen([
        { name: 'last', weight: 0 },
        { name: 'busy', inFlight: 50 },
      ]),
    ).toBe('busy');
    expect(chosen([{ name: 'last', weight: 0 }])).toBe('last');
  });
});

describe('how willingly a standby is read from', () => {
  const tier = (state: ReplicaState, overrides: Partial<Parameters<typeof tierOf>[0]> = {}) =>
    tierOf({
      state,
      isSuspect: false,
      isRecovering: false,
      isHalfDeaf: false,
      isJoining: false,
      allowPrimaryReads: false,
      purpose: 'page',
      ...overrides,
    });
  const states = Object.keys(replicaStates) as ReplicaState[];

  test('is never, for whatever is no standby of ours that answers', () => {
    expect(states.filter((state) => tier(state) === null).toSorted()).toEqual(
      [
        'PRIMARY',
        'PROMOTED',
        'SPLIT_BRAIN',
        'STARTING',
        'UNKNOWN',
        'UNREACHABLE',
        'WRONG_CLUSTER',
      ].toSorted(),
    );
  });

  test('falls from streaming over cut off to standing still', () => {
    const order = (['STREAMING', 'DISCONNECTED', 'PAUSED', 'STREAMING_UNVERIFIED'] as const).map(
      (state) => tier(state)!,
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(new Set(order).size).toBe(4);
  });

  test('is below all others for a suspect, and a step down right after trouble', () => {
    expect(tier('STREAMING', { isSuspect: true })).toBeGreaterThan(tier('STREAMING_UNVERIFIED')!);
    expect(tier('STREAMING', { isRecovering: true })).toBe(tier('DISCONNECTED'));
  });

  test('includes a primary only where that is allowed, and never one of two', () => {
    expect(tier('PROMOTED', { allowPrimaryReads: true })).not.toBeNull();
    expect(tier('PRIMARY', { allowPrimaryReads: true })).not.toBeNull();
    expect(tier('SPLIT_BRAIN', { allowPrimaryReads: true })).toBeNull();
  });

  test('keeps a server that accepts no new connection as the very last', () => {
    const last = tier('UNREACHABLE', { isHalfDeaf: true })!;
    expect(last).toBeGreaterThan(tier('STREAMING_UNVERIFIED', { isSuspect: true })!);
  });

  test('spares streams a standby whose replay waits for queries already', () => {
    expect(tier('REPLAY_BLOCKED', { purpose: 'stream' })).toBeGreaterThan(tier('REPLAY_BLOCKED')!);
  });
});
