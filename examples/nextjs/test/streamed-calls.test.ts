import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamedCalls } from '../src/calls/streamed-calls.ts';

const encoder = new TextEncoder();
const line = (id: number, cli = `336${id}`) => `${JSON.stringify({ id: String(id), cli })}\n`;

/** The same bytes in chunks of the given lengths, over and over. */
function appendInChunks(calls: StreamedCalls, text: string, lengths: readonly number[]): void {
  const bytes = encoder.encode(text);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length]!;
    calls.append(bytes.subarray(at, at + length));
    at += length;
  }
}

test('calls are found by their place, wherever the network cuts the lines', () => {
  for (const lengths of [[1], [7, 3, 64], [1_000_000]]) {
    const calls = new StreamedCalls();
    appendInChunks(calls, Array.from({ length: 500 }, (_, id) => line(id, 'é€😀')).join(''), lengths);
    assert.equal(calls.length, 500);
    assert.deepEqual(calls.at(0), { id: '0', cli: 'é€😀' });
    assert.deepEqual(calls.at(499), { id: '499', cli: 'é€😀' });
    assert.equal(calls.at(500), undefined);
  }
});

test('lines that cross from one block of memory into the next are whole', () => {
  const calls = new StreamedCalls();
  const wide = 'x'.repeat(1000);
  appendInChunks(calls, Array.from({ length: 10_000 }, (_, id) => line(id, wide)).join(''), [65_536]);
  assert.equal(calls.length, 10_000);
  for (let index = 0; index < calls.length; index++) assert.equal(calls.at(index)?.id, String(index));
});

test('a line that has not ended yet is no call', () => {
  const calls = new StreamedCalls();
  calls.append(encoder.encode(`${line(1)}{"id":"2"`));
  assert.equal(calls.length, 1);
  calls.append(encoder.encode(',"cli":null}\n'));
  assert.deepEqual(calls.at(1), { id: '2', cli: null });
});

test('the last line can be taken away, and the stream goes on behind the line before it', () => {
  const calls = new StreamedCalls();
  calls.append(encoder.encode(`${line(1)}${line(2)}{"errors":[]}\n`));
  assert.equal(calls.takeLastLine(), '{"errors":[]}');
  calls.append(encoder.encode(line(3)));
  assert.deepEqual([calls.length, calls.at(1)?.id, calls.at(2)?.id], [3, '2', '3']);
});

test('what a cut connection left behind does not spoil what is appended later', () => {
  const calls = new StreamedCalls();
  calls.append(encoder.encode(`${line(1)}{"id":"2","cl`));
  calls.dropUnfinished();
  calls.append(encoder.encode(line(2)));
  assert.deepEqual([calls.length, calls.at(1)?.id], [2, '2']);
});
