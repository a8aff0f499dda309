import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimate } from '../../src/replicas/estimate.ts';
import { type SimulatedStandby, type Simulation, simulate } from './simulation.ts';

const RUNS = 200;

/** What may befall a primary and two standbys. */
type Event =
  | { readonly kind: 'commits'; readonly count: number; readonly bytes: number; readonly gap: number }
  | { readonly kind: 'poll'; readonly standby: number }
  | { readonly kind: 'pollPrimary' }
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'bandwidth'; readonly standby: number; readonly bandwidth: number }
  | { readonly kind: 'replies'; readonly standby: number; readonly carried: boolean }
  | { readonly kind: 'freezeSender'; readonly standby: number; readonly isFrozen: boolean }
  | { readonly kind: 'pause'; readonly standby: number; readonly isPaused: boolean }
  | { readonly kind: 'replayRate'; readonly standby: number; readonly rate: number }
  | { readonly kind: 'reconnect'; readonly standby: number }
  | { readonly kind: 'disconnect'; readonly standby: number }
  | { readonly kind: 'stepStandby'; readonly standby: number; readonly seconds: number }
  | { readonly kind: 'stepPrimary'; readonly seconds: number }
  | { readonly kind: 'jam'; readonly standby: number; readonly seconds: number; readonly bandwidth: number };

const standby = fc.nat({ max: 1 });
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commits' as const),
      count: fc.integer({ min: 1, max: 30 }),
      bytes: fc.constantFrom(60, 8_000, 200_000, 900_000),
      gap: fc.constantFrom(0, 0.01, 0.1),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('poll' as const), standby }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pollPrimary' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.constantFrom(0.01, 0.05, 0.3, 1, 4, 11),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('bandwidth' as const),
      standby,
      bandwidth: fc.constantFrom(0, 20_000, 250_000, 10_000_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('replies' as const), standby, carried: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('freezeSender' as const), standby, isFrozen: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('pause' as const), standby, isPaused: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('replayRate' as const),
      standby,
      rate: fc.constantFrom(50_000, 1_000_000, 50_000_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reconnect' as const), standby }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('disconnect' as const), standby }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('jam' as const),
      standby,
      seconds: fc.constantFrom(1, 6, 11, 25),
      bandwidth: fc.constantFrom(20_000, 250_000, 10_000_000),
    }),
  },
);

/** Somebody sets a clock, or its server is moved to another machine. */
const step: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    kind: fc.constant('stepStandby' as const),
    standby,
    seconds: fc.constantFrom(-10, -0.3, 0.3, 10),
  }),
  fc.record({ kind: fc.constant('stepPrimary' as const), seconds: fc.constantFrom(-10, -0.3, 0.3, 10) }),
);

function happen(simulation: Simulation, event: Event, check: () => void): void {
  const on = (index: number): SimulatedStandby => simulation.standbys[index % simulation.standbys.length]!;
  switch (event.kind) {
    case 'commits':
      for (let made = 0; made < event.count; made++) {
        simulation.commit(event.bytes);
        simulation.run(event.gap, check);
      }
      return;
    case 'poll':
      on(event.standby).poll();
      return;
    case 'pollPrimary':
      simulation.pollPrimary();
      return;
    case 'wait':
      pollWhile(simulation, event.seconds, check);
      return;
    case 'bandwidth':
      on(event.standby).link.bandwidth = event.bandwidth;
      return;
    case 'replies':
      on(event.standby).link.carriesReplies = event.carried;
      return;
    case 'freezeSender':
      setFrozen(simulation, on(event.standby), event.isFrozen, check);
      return;
    case 'pause':
      on(event.standby).isReplayPaused = event.isPaused;
      return;
    case 'replayRate':
      on(event.standby).replayRate = event.rate;
      return;
    case 'reconnect':
      on(event.standby).reconnect();
      return;
    case 'disconnect':
      on(event.standby).disconnect();
      return;
    case 'stepStandby':
      on(event.standby).clockOffset += event.seconds;
      return;
    case 'stepPrimary':
      simulation.stepPrimary(event.seconds);
      return;
    case 'jam':
      jam(simulation, on(event.standby), event, check);
  }
}

/**
 * From its standby's messages alone, a sender that thaws onto a link which dies at once cannot be told from an idle
 * one. Where the primary is polled, nothing has to be spared.
 */
function setFrozen(
  simulation: Simulation,
  standby: SimulatedStandby,
  isFrozen: boolean,
  check: () => void,
): void {
  standby.isSenderFrozen = isFrozen;
  if (isFrozen || simulation.isPrimaryPolled) return;
  standby.link.bandwidth = 10_000_000;
  simulation.run(0.1, check);
}

/** The cable is cut while the sender has more than the socket takes; then it carries again, perhaps slowly. */
function jam(
  simulation: Simulation,
  { link }: SimulatedStandby,
  { seconds, bandwidth }: { readonly seconds: number; readonly bandwidth: number },
  check: () => void,
): void {
  link.bandwidth = 0;
  simulation.commit(400_000);
  pollWhile(simulation, seconds, check);
  simulation.commit(60);
  link.bandwidth = bandwidth;
  pollWhile(simulation, 3, check);
}

/** Regular polls, about one a second. */
function pollWhile(simulation: Simulation, seconds: number, check: () => void): void {
  for (let left = seconds; left > 0; left -= 0.95) {
    simulation.run(Math.min(left, 0.95), check);
    for (const each of simulation.standbys) each.poll();
    check();
  }
}

function checkBounds({ standbys }: Simulation): void {
  for (const each of standbys) {
    const bound = each.bound();
    if (bound !== null && bound < each.truth()) {
      throw new Error(`${each.node.name}: the truth is ${each.truth()} s, the bound ${bound} s`);
    }
  }
}

describe('the upper bound of staleness', () => {
  test('does not trust a keepalive of a sender whose socket was full', () => {
    const simulation = simulate({ clockOffsets: [0], senderTimeout: 4 });
    const [only] = simulation.standbys;
    pollWhile(simulation, 3, () => checkBounds(simulation));
    jam(simulation, only!, { seconds: 3, bandwidth: 100_000 }, () => checkBounds(simulation));
    expect(only!.truth()).toBeGreaterThan(3);
    expect(only!.bound()).toBeGreaterThan(3);
  });

  test('does not trust the first word of a sender that was frozen', () => {
    const simulation = simulate({ clockOffsets: [0], receiverTimeout: 4 });
    const [only] = simulation.standbys;
    pollWhile(simulation, 1, () => checkBounds(simulation));
    only!.isSenderFrozen = true;
    simulation.commit(900_000);
    pollWhile(simulation, 6, () => checkBounds(simulation));
    // The answer to the ping arrives, and the WAL that follows it takes its time.
    only!.link.bandwidth = 1_000_000;
    only!.isSenderFrozen = false;
    simulation.run(0.01);
    only!.poll();
    expect(only!.truth()).toBeGreaterThan(6);
    expect(only!.bound()).toBeGreaterThan(6);
  });

  test('trusts a keepalive on an idle link, so it stays below the time between pings', () => {
    const simulation = simulate({ clockOffsets: [0], receiverTimeout: 4 });
    simulation.commit(60);
    pollWhile(simulation, 60, () => checkBounds(simulation));
    expect(simulation.standbys[0]!.bound()).toBeLessThan(4 / 2 + 1.2);
  });

  test('is not known where a link that is slow from the start hides that the clock is behind', () => {
    const simulation = simulate({ clockOffsets: [-10], receiverTimeout: 60 });
    const [only] = simulation.standbys;
    only!.link.bandwidth = 20_000;
    for (let second = 0; second < 40; second++) {
      simulation.commit(60_000);
      pollWhile(simulation, 0.95, () => checkBounds(simulation));
    }
    expect(only!.truth()).toBeGreaterThan(10);
    expect(estimate(only!.node, simulation.cluster).doubt).toBe('clock');
  });

  test('grows by what the clock of a standby is set back', () => {
    const simulation = simulate({ clockOffsets: [0], receiverTimeout: 4 });
    const [only] = simulation.standbys;
    simulation.commit(60);
    pollWhile(simulation, 6, () => checkBounds(simulation));
    only!.link.bandwidth = 0;
    simulation.commit(60);
    only!.clockOffset -= 10;
    pollWhile(simulation, 5, () => checkBounds(simulation));
    expect(only!.bound()).toBeGreaterThan(5);
  });

  test('believes no standby that is not known to be fed by a primary', () => {
    const simulation = simulate({ clockOffsets: [0], receiverTimeout: 4 });
    const [only] = simulation.standbys;
    only!.isFedByPrimary = false;
    simulation.commit(60);
    pollWhile(simulation, 30, () => checkBounds(simulation));
    const { doubt, asOf } = estimate(only!.node, simulation.cluster);
    expect([doubt, asOf && Math.round(simulation.now - asOf.at)]).toEqual(['sender', 30]);
  });

  test('is never below the truth while clocks are set, with the primary polled', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 6, arbitrary: event }, step), { minLength: 5, maxLength: 60 }),
        (events) => {
          const simulation = simulate({ clockOffsets: [0, 30], isPrimaryPolled: true });
          simulation.pollPrimary();
          const check = () => checkBounds(simulation);
          for (const each of simulation.standbys) each.poll();
          for (const each of events) happen(simulation, each, check);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test.each([
    ['from the standbys alone', false],
    ['with the primary polled', true],
  ])('is never below the truth, whatever happens to links, senders and replay, %s', (_, isPrimaryPolled) => {
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 5, maxLength: 60 }),
        fc.array(fc.constantFrom(0, 0.4, 30), { minLength: 1, maxLength: 2 }),
        (events, clockOffsets) => {
          const simulation = simulate({ clockOffsets, isPrimaryPolled });
          if (isPrimaryPolled) simulation.pollPrimary();
          const check = () => checkBounds(simulation);
          for (const each of events) {
            happen(simulation, each, check);
            check();
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('is never below the truth with clocks that are minutes behind, once the primary is polled', () => {
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 5, maxLength: 60 }),
        fc.tuple(fc.constantFrom(-0.3, -200), fc.constantFrom(-5, 90)),
        (events, clockOffsets) => {
          const simulation = simulate({ clockOffsets, isPrimaryPolled: true });
          simulation.pollPrimary();
          for (const each of events) happen(simulation, each, () => checkBounds(simulation));
        },
      ),
      { numRuns: RUNS },
    );
  });
});
