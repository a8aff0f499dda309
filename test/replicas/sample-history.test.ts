import { describe, expect, test } from 'vitest';
import { createSampleHistory } from '../../src/replicas/sample-history.ts';
import type { ReplicaStatus } from '../../src/replicas/status.ts';
import { anUnreachableReplica, aReplicaStatus } from '../support/replica-statuses.ts';

const NINE = Date.parse('2026-01-05T09:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A history with a clock of its own. */
function startHistory({ pollIntervalSeconds = 1 } = {}) {
  let time = NINE;
  const history = createSampleHistory({ pollIntervalSeconds, now: () => time });
  return {
    history,
    at: (millis: number) => {
      time = NINE + millis;
    },
    note(millis: number, status: Partial<ReplicaStatus> = {}) {
      time = NINE + millis;
      history.note(aReplicaStatus(status));
    },
    /** The lag of every interval of the last so many milliseconds, up to now. */
    lags: (millis: number, stepMillis: number) =>
      history
        .points('replica-a', { from: time - millis, to: time + 1, stepMillis })
        .map(({ lagSeconds }) => lagSeconds),
  };
}

describe('the history of samples', () => {
  test('is a line from the first samples on', () => {
    const { note, lags } = startHistory();
    for (let second = 0; second < 15; second++) note(second * 1000, { lagSeconds: second });
    expect(lags(14_000, 5000)).toEqual([4, 9, 14]);
  });

  test('keeps the worst lag of an interval, so that a short spike is not lost', () => {
    const { note, lags } = startHistory();
    note(0, { lagSeconds: 0.4 });
    note(1000, { lagSeconds: 31 });
    note(2000, { lagSeconds: 0.5 });
    expect(lags(2000, 5000)).toEqual([31]);
  });

  test('has a gap, not a zero, where nothing was sampled', () => {
    const { note, lags } = startHistory();
    note(0, { lagSeconds: 1 });
    note(20_000, { lagSeconds: 2 });
    expect(lags(20_000, 5000)).toEqual([1, null, null, null, 2]);
  });

  test('does not end in a gap because the newest interval has no sample yet, and does once nobody samples', () => {
    const { note, lags, at } = startHistory();
    for (let second = 0; second < 15; second++) note(second * 1000, { lagSeconds: 1 });
    for (const millis of [15_200, 19_900]) {
      at(millis);
      expect(lags(millis, 5000)).toEqual([1, 1, 1]);
    }
    at(60_000);
    expect(lags(60_000, 5000)).toEqual([1, 1, 1, ...Array(8).fill(null)]);
  });

  test('has null where the lag was unknown although the standby was sampled', () => {
    const { history, note, at } = startHistory();
    note(0, anUnreachableReplica());
    at(1000);
    const [point] = history.points('replica-a', { from: NINE, to: NINE + 1000, stepMillis: 5000 });
    expect(point).toEqual({
      time: NINE,
      lagSeconds: null,
      stalenessMinSeconds: null,
      lagBytes: null,
      receivedBytes: null,
      replayedBytes: null,
      upstreamBytes: null,
      timeline: null,
      up: 0,
      streaming: 0,
      state: 'UNREACHABLE',
      confidence: 'NONE',
    });
  });

  test('keeps every figure of a sample, positions in bytes', () => {
    const { history, note } = startHistory();
    note(0, {
      lagBytes: 8_200_000n,
      lagSeconds: 1.25,
      staleness: { minSeconds: 0.75, maxSeconds: 1.25, asOf: null },
      receivedLsn: '1/0',
      replayedLsn: '0/FFFFFFFF',
      upstreamLsn: '1/10',
      timeline: 3,
      status: 'CATCHING_UP',
      confidence: 'MEDIUM',
    });
    expect(history.points('replica-a', { from: NINE, to: NINE + 1, stepMillis: 5000 })).toEqual([
      {
        time: NINE,
        lagSeconds: 1.25,
        stalenessMinSeconds: 0.75,
        lagBytes: 8_200_000,
        receivedBytes: 2 ** 32,
        replayedBytes: 2 ** 32 - 1,
        upstreamBytes: 2 ** 32 + 16,
        timeline: 3,
        up: 1,
        streaming: 1,
        state: 'CATCHING_UP',
        confidence: 'MEDIUM',
      },
    ]);
  });

  test.each([
    ['its receiver is not connected', { receiverStatus: null }, 0],
    ['its receiver is connecting', { receiverStatus: 'starting' }, 0],
    ['our role may not see its receiver', { receiverStatus: 'hidden' }, 0],
    ['it is connected and nothing comes', { status: 'STALLED' }, 0],
    ['it does not answer, whatever its last sample said', { status: 'UNREACHABLE' }, 0],
    ['its replay is paused while it receives', { status: 'PAUSED' }, 1],
    ['it was never polled', { status: 'UNKNOWN' }, null],
  ] as const)('says of streaming, when %s', (_, status, streaming) => {
    const { history, note } = startHistory();
    note(0, status);
    const [point] = history.points('replica-a', { from: NINE, to: NINE + 1, stepMillis: 5000 });
    expect(point!.streaming).toBe(streaming);
  });

  test('shows an interval as down when one poll of it failed', () => {
    const { history, note } = startHistory();
    note(0);
    note(1000, { status: 'UNREACHABLE' });
    note(2000);
    const [point] = history.points('replica-a', { from: NINE, to: NINE + 3000, stepMillis: 5000 });
    expect(point).toMatchObject({ up: 0, streaming: 0, state: 'STREAMING' });
  });

  test('has no point before the span, however long the steps are', () => {
    const { history, note } = startHistory();
    for (let second = 0; second <= 120; second++) note(second * 1000, { lagSeconds: second });
    const from = NINE + 70_000;
    const points = history.points('replica-a', { from, to: NINE + 120_000, stepMillis: MINUTE });
    expect(points.map(({ time }) => time)).toEqual([from]);
    expect(points[0]!.lagSeconds).toBe(119);
  });

  test('keeps standbys apart, and knows nothing of one it was never told of', () => {
    const { history, note } = startHistory();
    note(0, { name: 'replica-a', lagSeconds: 1 });
    note(0, { name: 'replica-b', lagSeconds: 2 });
    const span = { from: NINE, to: NINE + 1, stepMillis: 5000 };
    expect(history.points('replica-b', span).map(({ lagSeconds }) => lagSeconds)).toEqual([2]);
    expect(history.points('replica-c', span)).toEqual([]);
  });
});

describe('a day of history', () => {
  test('goes back 24 hours, and no further', () => {
    const { history, note } = startHistory();
    for (let minute = 0; minute <= 26 * 60; minute++) note(minute * MINUTE, { lagSeconds: minute });
    const now = NINE + 26 * HOUR;
    const points = history.points('replica-a', { from: NINE, to: now + 1, stepMillis: MINUTE });
    expect(points.length).toBeGreaterThanOrEqual(24 * 60);
    expect(points.length).toBeLessThanOrEqual(24 * 60 + 2);
    expect(points.at(-1)!.lagSeconds).toBe(26 * 60);
    expect(points.find(({ lagSeconds }) => lagSeconds !== null)!.lagSeconds).toBe(2 * 60);
  });

  test('shows old hours coarsely, with their worst moments', () => {
    const { note, lags } = startHistory();
    note(0, { lagSeconds: 90 });
    for (let second = 1; second < 60; second++) note(second * 1000, { lagSeconds: 0.1 });
    note(12 * HOUR, { lagSeconds: 0.2 });
    expect(lags(12 * HOUR, 1000).slice(0, 2)).toEqual([90, 0.1]);
  });

  test('does not grow with time: the same bytes after a minute and after two days of samples', () => {
    const { history, note } = startHistory();
    note(0);
    const atFirst = history.byteLength;
    for (let minute = 0; minute < 48 * 60; minute++) {
      note(minute * MINUTE, { status: minute % 2 ? 'STREAMING' : 'CATCHING_UP' });
    }
    expect(history.byteLength).toBe(atFirst);
    expect(atFirst).toBeLessThan(700_000);
    const { length } = history.changes({ from: 0, to: Number.POSITIVE_INFINITY });
    expect(length).toBe(1000);
  });

  test('has no gaps between samples that are far apart because polls are', () => {
    const { note, lags } = startHistory({ pollIntervalSeconds: 30 });
    for (let poll = 0; poll < 20; poll++) note(poll * 33_000, { lagSeconds: 1 });
    expect(lags(19 * 33_000, 5000).includes(null)).toBe(false);
  });

  test('answers a query of absurd length from what it has', () => {
    const { history, note } = startHistory();
    note(0);
    const forever = { from: 0, to: Number.MAX_SAFE_INTEGER, stepMillis: 1 };
    expect(history.points('replica-a', forever).length).toBeLessThan(24 * 120 + 3);
  });
});

describe('changes of state', () => {
  test('are remembered to the millisecond, each once, with what was before', () => {
    const { history, note } = startHistory();
    note(0);
    note(1000);
    note(2100, { status: 'DISCONNECTED', reason: 'It streams from nobody.' });
    note(3100, { status: 'DISCONNECTED', reason: 'It streams from nobody.' });
    note(4200);
    expect(history.changes({ from: NINE, to: NINE + 10_000 })).toEqual([
      { replica: 'replica-a', at: NINE, state: 'STREAMING', before: null, reason: null },
      {
        replica: 'replica-a',
        at: NINE + 2100,
        state: 'DISCONNECTED',
        before: 'STREAMING',
        reason: 'It streams from nobody.',
      },
      { replica: 'replica-a', at: NINE + 4200, state: 'STREAMING', before: 'DISCONNECTED', reason: null },
    ]);
  });

  test('of all standbys come in the order of time, within the span', () => {
    const { history, note } = startHistory();
    note(0, { name: 'replica-a' });
    note(100, { name: 'replica-b' });
    note(200, { name: 'replica-a', status: 'PAUSED' });
    note(300, { name: 'replica-b', status: 'PAUSED' });
    const found = history.changes({ from: NINE + 100, to: NINE + 300 });
    expect(found.map(({ replica, state }) => [replica, state])).toEqual([
      ['replica-b', 'STREAMING'],
      ['replica-a', 'PAUSED'],
    ]);
  });
});
