import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOwned, ownedBy } from '../src/asking/use-owned.ts';
import type { Call, CallList } from '../src/calls/call-list.ts';
import { afterAWhile, afterLook, afterMessage, afterTake, noLiveRows } from '../src/live/live-rows.ts';

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
  const { step, rows } = afterLook(noLiveRows, { ...look, found, list: listOf(10, 9) });
  assert.equal(idsOf(step.appeared), '12 11');
  assert.deepEqual([...rows.fresh], ['12', '11']);
  const again = afterLook(rows, { ...look, found, list: listOf(10, 9) });
  assert.equal(idsOf(again.step.appeared), '');
});

test('calls behind the last one that was read have not appeared: they come with the next page', () => {
  const found = [12, 10, 9, 8].map(call);
  const { step } = afterLook(noLiveRows, { ...look, found, list: listOf(10, 9) });
  assert.equal(idsOf(step.appeared), '12');
  const whole = afterLook(noLiveRows, { ...look, found, list: listOf(10, 9), hasMore: false });
  assert.equal(idsOf(whole.step.appeared), '12 8', 'of a list that is whole they were missing');
});

test('while the reader is further down they wait, and are counted once', () => {
  const below = { ...look, isAtTop: false, list: listOf(10, 9) };
  const first = afterLook(noLiveRows, { ...below, found: [11, 10, 9].map(call) }).rows;
  const second = afterLook(first, { ...below, found: [12, 11, 10].map(call) }).rows;
  assert.equal(idsOf(second.waiting), '11 12');
  const { rows, step } = afterTake(second);
  assert.deepEqual([rows.waiting.length, [...rows.fresh].join(' ')], [0, '11 12']);
  assert.equal(idsOf(step.appeared), '11 12');
});

test('when more appeared than one look can see, the list has a gap', () => {
  const found = [20, 19, 18, 17, 16].map(call);
  assert.equal(afterLook(noLiveRows, { ...look, found, list: listOf(10, 9) }).rows.hasGap, true);
  assert.equal(afterLook(noLiveRows, { ...look, found, list: listOf() }).rows.hasGap, false);
});

const quiet = { inserted: [], corrected: [], deletedIds: [], hasGap: false };

test('what is told goes into the list at its top, once, however often it is told', () => {
  const message = { ...quiet, ...look, inserted: [12, 10].map(call), list: listOf(10, 9) };
  const { rows, step } = afterMessage(noLiveRows, message);
  assert.equal(idsOf(step.appeared), '12');
  assert.equal(idsOf(step.corrected), '10', 'it was read already, perhaps before this version of it');
  assert.deepEqual([rows.waiting.length, [...rows.fresh].join(' ')], [0, '12 10']);
  assert.deepEqual([...afterAWhile(rows, new Set(['12'])).fresh], ['10']);
  const behind = afterMessage(noLiveRows, { ...message, inserted: [call(8)] });
  assert.equal(idsOf(behind.step.appeared), '', 'it comes with the next page');
});

test('while the reader is further down corrections stay in their places, and nothing else happens', () => {
  const below = { ...quiet, ...look, isAtTop: false, list: listOf(10, 9) };
  const first = afterMessage(noLiveRows, {
    ...below,
    inserted: [call(11)],
    corrected: [call(9)],
    deletedIds: ['10'],
  });
  assert.deepEqual(first.step.gone, []);
  assert.equal(idsOf(first.step.corrected), '9');
  assert.equal(idsOf(first.rows.waiting), '11');
  const second = afterMessage(first.rows, { ...below, corrected: [call(11)], inserted: [call(12)] });
  assert.equal(idsOf(second.rows.waiting), '12 11', 'counted once');
  const third = afterMessage(second.rows, { ...below, deletedIds: ['12'] });
  assert.equal(idsOf(third.rows.waiting), '11', 'it went before it was shown');
  const { step, rows } = afterTake(third.rows);
  assert.deepEqual([idsOf(step.appeared), step.gone.join(' ')], ['11', '10 12']);
  assert.deepEqual([rows.waiting.length, rows.leaving.length], [0, 0]);
});

test('what waits goes into the list when the reader is at the top again', () => {
  const below = { ...quiet, ...look, isAtTop: false, list: listOf(10, 9) };
  const { rows } = afterMessage(noLiveRows, { ...below, inserted: [call(11)], deletedIds: ['9'] });
  const { step } = afterMessage(rows, { ...below, isAtTop: true });
  assert.deepEqual([idsOf(step.appeared), step.gone.join()], ['11', '9']);
});

test('what could not be told is a gap', () => {
  const list = listOf(10);
  assert.equal(afterMessage(noLiveRows, { ...quiet, ...look, list }).rows.hasGap, false);
  assert.equal(afterMessage(noLiveRows, { ...quiet, ...look, list, hasGap: true }).rows.hasGap, true);
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
