import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamedCalls } from '../src/calls/streamed-calls.ts';

const encoder = new TextEncoder();
const line = (id: number, cli = `336${id}`) =>
  `${JSON.stringify({ cursor: `AQB-_${id}`, node: { id: String(id), cli } })}\n`;

/** The same lines in chunks of so many, over and over. */
function appendInChunks(calls: StreamedCalls, lines: readonly string[], lengths: readonly number[]): void {
  for (let at = 0, turn = 0; at < lines.length; turn++) {
    const length = lengths[turn % lengths.length]!;
    calls.append(encoder.encode(lines.slice(at, at + length).join('')));
    at += length;
  }
}

test('calls are found by their place, however many come at once', () => {
  for (const lengths of [[1], [7, 3, 64], [1_000_000]]) {
    const calls = new StreamedCalls();
    const lines = Array.from({ length: 500 }, (_, id) => line(id, 'é€😀 {"node":{'));
    appendInChunks(calls, lines, lengths);
    assert.equal(calls.length, 500);
    assert.deepEqual(calls.at(0), { id: '0', cli: 'é€😀 {"node":{' });
    assert.deepEqual(calls.at(499), { id: '499', cli: 'é€😀 {"node":{' });
    assert.equal(calls.at(500), undefined);
    assert.equal(calls.at(-1), undefined);
  }
});

test('there is room for as many as come, also for one that is larger than a block of memory', () => {
  const calls = new StreamedCalls();
  const lines = Array.from({ length: 10_000 }, (_, id) =>
    line(id, 'x'.repeat(id === 5000 ? 5_000_000 : 1000)),
  );
  appendInChunks(calls, lines, [64]);
  assert.equal(calls.length, 10_000);
  for (let index = 0; index < calls.length; index++) assert.equal(calls.at(index)?.id, String(index));
});

test('a call that the gateway could not show has no place', () => {
  const calls = new StreamedCalls();
  calls.append(encoder.encode(`${line(1)}{"cursor":"AQB","node":null}\n${line(3)}`));
  assert.deepEqual([calls.length, calls.at(1)?.id], [2, '3']);
});
