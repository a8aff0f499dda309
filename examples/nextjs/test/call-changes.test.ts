import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changePages, changeStreamed, isListed, noChanges, withStep } from '../src/calls/call-changes.ts';
import type { Call, CallList } from '../src/calls/call-list.ts';

const call = (id: number, second = id, cld = '') =>
  ({ id: String(id), connectTime: `10:00:${String(second).padStart(2, '0')}`, cld }) as Call;
const idsOf = (calls: readonly (Call | undefined)[]) => calls.map((each) => each?.id ?? '-').join(' ');
const nothing = { appeared: [], corrected: [], gone: [] };
const listOf = (...calls: readonly (Call | undefined)[]): CallList => ({
  length: calls.length,
  at: (index) => calls[index],
});
const all = ({ length, at }: CallList) => Array.from({ length }, (_, index) => at(index));

test('calls appear at their places, are corrected, and go', () => {
  const pages = [call(10), call(9), call(8)];
  const changes = withStep(noChanges, {
    appeared: [call(12), call(11, 9)],
    corrected: [call(8, 8, '33')],
    gone: ['10'],
  });
  const changed = changePages(pages, changes, false);
  assert.equal(idsOf(changed), '12 11 9 8');
  assert.equal(changed.at(-1)!.cld, '33');
  assert.equal(changePages(pages, noChanges, false), pages);
});

test('what lies behind the last call that was read waits for its page', () => {
  const changes = withStep(noChanges, { ...nothing, appeared: [call(12), call(7)] });
  assert.equal(idsOf(changePages([call(10), call(8)], changes, true)), '12 10 8');
  assert.equal(idsOf(changePages([call(10), call(8), call(7), call(6)], changes, true)), '12 10 8 7 6');
});

test('a call whose time is corrected moves, and is there once', () => {
  const changes = withStep(noChanges, { ...nothing, appeared: [call(8, 11)] });
  assert.equal(idsOf(changePages([call(10), call(9), call(8)], changes, false)), '8 10 9');
});

test('a call that appeared is corrected too, and one whose key comes again is there again', () => {
  const appeared = withStep(noChanges, { ...nothing, appeared: [call(12)] });
  const corrected = withStep(appeared, { ...nothing, corrected: [call(12, 12, '44')] });
  assert.equal(changePages([], corrected, false)[0]!.cld, '44');
  const gone = withStep(corrected, { ...nothing, gone: ['12'] });
  assert.equal(idsOf(changePages([], gone, false)), '');
  assert.equal(idsOf(changePages([], withStep(gone, { ...nothing, appeared: [call(12)] }), false)), '12');
});

test('streamed calls keep their places', () => {
  const streamed = listOf(call(5), call(4), call(3));
  const changes = withStep(noChanges, { appeared: [call(3, 9)], corrected: [call(4, 4, '33')], gone: ['5'] });
  assert.equal(idsOf(all(changeStreamed(streamed, changes))), '- 4 -');
  assert.equal(changeStreamed(streamed, changes).at(1)!.cld, '33');
});

test('a call is found by its place, also among those that cannot be read', () => {
  const list = listOf(call(9), undefined, call(7), call(6), undefined, undefined, call(3));
  for (const id of [9, 7, 6, 3]) assert.equal(isListed(list, call(id)), true, String(id));
  for (const id of [10, 8, 5, 2]) assert.equal(isListed(list, call(id)), false, String(id));
  assert.equal(isListed(list, call(7, 5)), false, 'it has another time');
  assert.equal(isListed(listOf(), call(7)), false);
});
