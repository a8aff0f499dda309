import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/replicas/clock.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** The two clocks of a machine, in seconds. */
function machine() {
  const hands = { monotonic: 1000, wall: 1_760_000_000 };
  vi.spyOn(performance, 'now').mockImplementation(() => hands.monotonic * 1000);
  vi.spyOn(Date, 'now').mockImplementation(() => hands.wall * 1000);
  return hands;
}

test('time goes by as the monotonic clock says', () => {
  const hands = machine();
  const clock = systemClock();
  const before = clock.now();
  hands.monotonic += 5;
  hands.wall += 5.01;
  expect(clock.now() - before).toBeCloseTo(5);
});

test('a night in which the machine was suspended counts, so nothing looks fresh in the morning', () => {
  const hands = machine();
  const clock = systemClock();
  const before = clock.now();
  hands.monotonic += 1;
  hands.wall += 8 * 3600;
  expect(clock.now() - before).toBeCloseTo(8 * 3600);
  hands.monotonic += 1;
  hands.wall += 1;
  expect(clock.now() - before).toBeCloseTo(8 * 3600 + 1);
});

test('a wall clock that is set back takes nothing away', () => {
  const hands = machine();
  const clock = systemClock();
  const before = clock.now();
  hands.monotonic += 2;
  hands.wall -= 3600;
  expect(clock.now() - before).toBeCloseTo(2);
});
