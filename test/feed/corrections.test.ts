import { expect, test } from 'vitest';
import type { CallChange } from '../../src/feed/change-stream.ts';
import { groupChanges } from '../../src/feed/corrections.ts';

const change = (kind: CallChange['kind'], account: string | null): CallChange => ({
  kind,
  key: 7n,
  commitLsn: 1n,
  oldOwner: { account },
});
const changes = [change('insert', null), change('update', '14'), change('delete', '15')];

test('a call that came and went at once is nothing to anybody', () => {
  const { inserted, corrected } = groupChanges(changes, { isKnown: () => false, isReused: () => false });
  expect([...inserted]).toEqual([7n]);
  expect([...corrected]).toEqual([]);
});

test('under the key of a call before, it may have been told with the deletion of that one, so that its own is told', () => {
  const { inserted, corrected } = groupChanges(changes, { isKnown: () => false, isReused: () => true });
  expect([...inserted]).toEqual([]);
  expect([...corrected]).toEqual([[7n, [{ account: '14' }, { account: '15' }]]]);
});
