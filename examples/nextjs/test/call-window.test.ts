import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallWindow, MAX_CALLS, type RecentCall, WINDOW_MILLIS } from '../src/now/call-window.ts';

const noon = Date.parse('2026-11-20T12:00:00Z');
let nextId = 1;

const call = (secondsBefore: number, given: Partial<RecentCall> = {}): RecentCall => ({
  id: String(nextId++),
  accountId: '1',
  cld: '33612345678',
  connectTime: new Date(noon - secondsBefore * 1000).toISOString(),
  country: 'France',
  disconnectCause: 16,
  outcome: 'ANSWERED',
  ...given,
});

test('figures are of the window, each call once, as it is now', () => {
  const window = new CallWindow();
  const [old, first, second] = [call(901), call(900), call(0)];
  window.replace([old, first, second], noon - WINDOW_MILLIS - 5000);
  const { attempts, answered, range } = window.figures(noon);
  assert.deepEqual([attempts, answered], [1, 1], 'half open: the one of noon is still to come');
  assert.deepEqual(range, { from: noon - WINDOW_MILLIS, to: noon });

  window.put([second, { ...first, outcome: 'BUSY' }]);
  const later = window.figures(noon + 1);
  assert.deepEqual([later.attempts, later.answered], [1, 1], 'the first has left');
  window.put([{ ...second, outcome: 'BUSY' }]);
  assert.deepEqual(
    window.figures(noon + 1).failures.map(({ id }) => id),
    [second.id],
  );
  window.remove([second.id]);
  assert.equal(window.figures(noon + 1).attempts, 0);
});

test('groups are counted, those with most calls first, and the latest failures', () => {
  const window = new CallWindow();
  window.replace(
    [
      call(10, { accountId: '2', outcome: 'BUSY' }),
      call(20, { accountId: '2', country: null }),
      call(30, { outcome: null, country: 'Spain' }),
      call(40, { accountId: '2' }),
    ],
    noon - WINDOW_MILLIS,
  );
  const { accounts, destinations, failures, bars } = window.figures(noon);
  assert.deepEqual(accounts, [
    { key: '2', attempts: 3, answered: 2 },
    { key: '1', attempts: 1, answered: 0 },
  ]);
  assert.deepEqual(destinations, [
    { key: 'France', attempts: 2, answered: 1 },
    { key: null, attempts: 1, answered: 1 },
    { key: 'Spain', attempts: 1, answered: 0 },
  ]);
  assert.deepEqual(
    failures.map(({ outcome }) => outcome),
    ['BUSY', null],
  );
  assert.deepEqual(bars, [{ from: noon - 60_000, to: noon, answered: 2, failed: 2 }]);
});

test('before anything was read there is no window', () => {
  const window = new CallWindow();
  window.put([call(10)]);
  const { attempts, range } = window.figures(noon);
  assert.deepEqual([attempts, range], [0, { from: noon, to: noon }]);
});

test('of more calls than the page holds the window is shorter, and what is said of it is right', () => {
  const window = new CallWindow();
  const many = Array.from({ length: 1.2 * MAX_CALLS }, (_, index) => call(899 * (index / (1.2 * MAX_CALLS))));
  window.replace(many, noon - WINDOW_MILLIS);
  const { attempts, range } = window.figures(noon);
  assert.ok(attempts <= MAX_CALLS && attempts > 0.9 * MAX_CALLS, `${attempts} calls`);
  const inRange = many.filter(({ connectTime }) => {
    const at = Date.parse(connectTime);
    return at >= range.from && at < range.to;
  });
  assert.equal(attempts, inRange.length);
});
