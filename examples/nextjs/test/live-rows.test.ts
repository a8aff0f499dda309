import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOwned, ownedBy } from '../src/asking/use-owned.ts';
import type { Call, CallList } from '../src/calls/call-list.ts';
import { afterLook, afterTake, noLiveRows } from '../src/live/live-rows.ts';

const call = (id: number) =>
  ({ id: String(id), connectTime: `10:00:${String(id).padStart(2, '0')}` }) as Call;
const listOf = (...ids: number[]): CallList => ({
  length: ids.length,
  at: (index) => (ids[index] === undefined ? undefined : call(ids[index])),
});
const idsOf = (calls: readonly Call[]) => calls.map(({ id }) => id).join(' ');
const look = { size: 5, hasMore: true, isAtTop: true };

test('what is not in the list and was not there at the last look has appeared', () => {
  const found = [12, 11, 10, 9].map(call);
  const { shown, rows } = afterLook(noLiveRows, { ...look, found, list: listOf(10, 9) });
  assert.equal(idsOf(shown), '12 11');
  assert.deepEqual([...rows.fresh], ['12', '11']);
  const again = afterLook(rows, { ...look, found, list: listOf(10, 9) });
  assert.equal(idsOf(again.shown), '');
});

test('calls behind the last one that was read have not appeared: they come with the next page', () => {
  const found = [12, 10, 9, 8].map(call);
  const { shown } = afterLook(noLiveRows, { ...look, found, list: listOf(10, 9) });
  assert.equal(idsOf(shown), '12');
  const whole = afterLook(noLiveRows, { ...look, found, list: listOf(10, 9), hasMore: false });
  assert.equal(idsOf(whole.shown), '12 8', 'of a list that is whole they were missing');
});

test('while the reader is further down they wait, and are counted once', () => {
  const below = { ...look, isAtTop: false, list: listOf(10, 9) };
  const first = afterLook(noLiveRows, { ...below, found: [11, 10, 9].map(call) }).rows;
  const second = afterLook(first, { ...below, found: [12, 11, 10].map(call) }).rows;
  assert.equal(idsOf(second.waiting), '11 12');
  const taken = afterTake(second);
  assert.deepEqual([taken.waiting.length, [...taken.fresh].join(' ')], [0, '11 12']);
});

test('when more appeared than one look can see, the list has a gap', () => {
  const found = [20, 19, 18, 17, 16].map(call);
  assert.equal(afterLook(noLiveRows, { ...look, found, list: listOf(10, 9) }).rows.hasGap, true);
  assert.equal(afterLook(noLiveRows, { ...look, found, list: listOf() }).rows.hasGap, false);
});

test('what waits for one list is nothing to the next, and cannot be added to it late', () => {
  const waiting = { ...noLiveRows, waiting: [call(11)] };
  const owned = { key: 'France', value: waiting };
  assert.equal(ownedBy(owned, 'Kenya', noLiveRows), noLiveRows);
  const late = changeOwned(owned, { of: 'France', present: 'Kenya', initial: noLiveRows }, () => waiting);
  assert.equal(ownedBy(late, 'Kenya', noLiveRows), noLiveRows);
  const own = changeOwned(owned, { of: 'Kenya', present: 'Kenya', initial: noLiveRows }, (now) => {
    assert.equal(now, noLiveRows, 'it begins with nothing');
    return { ...now, hasGap: true };
  });
  assert.deepEqual(ownedBy(own, 'Kenya', noLiveRows), { ...noLiveRows, hasGap: true });
});
